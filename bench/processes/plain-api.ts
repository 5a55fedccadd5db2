/** The other side of the bench `api`: bare Express and better-sqlite3, one statement per request, nothing checked. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Database from 'better-sqlite3';
import express from 'express';
import { answerParent } from '../lib/child';
import { fileOf } from '../lib/people';

/** What the process does. */
export interface PlainApiQuestions {
  /** Serves the database; where. */
  open(databaseUrl: string): Promise<{ url: string; token: string }>;
  [question: string]: (argument: never) => unknown;
}

let server: Server | undefined;

answerParent<PlainApiQuestions>(
  {
    async open(databaseUrl) {
      const database = new Database(fileOf(databaseUrl));
      // What our connections have too.
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = NORMAL');
      database.pragma('cache_size = -65536');
      const list = database.prepare(
        `SELECT * FROM marketing_campaigns WHERE tenant_id = 'default' AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 20`,
      );
      const get = database.prepare(`SELECT * FROM marketing_campaigns WHERE tenant_id = 'default' AND id = ?`);
      const create = database.prepare(
        `INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, definition_key, own_segment, own_policy, data, state, stage,
           type, on_unknown, run, version, created_at, updated_at)
         VALUES ('default', :key, :name, 'made', 0, 0, '{}', 'draft', 'draft', 'scheduled', 'hold', 0, 1, :now, :now)`,
      );
      const patch = database.prepare(
        `UPDATE marketing_campaigns SET name = :name, version = version + 1, updated_at = :now WHERE tenant_id = 'default' AND id = :id`,
      );
      const app = express().use(express.json());
      let made = 0;
      app.get('/campaigns', (_request, response) => void response.json({ items: list.all() }));
      app.get('/campaigns/:id', (request, response) => void response.json(get.get(Number(request.params.id))));
      app.post('/campaigns', (request, response) => {
        const { name } = request.body as { name: string };
        const { lastInsertRowid } = create.run({ key: `plain-${made++}`, name, now: Date.now() });
        response.status(201).json(get.get(lastInsertRowid));
      });
      app.patch('/campaigns/:id', (request, response) => {
        const { name } = request.body as { name: string };
        patch.run({ name, id: Number(request.params.id), now: Date.now() });
        response.json(get.get(Number(request.params.id)));
      });
      server = createServer(app).listen(0, '127.0.0.1');
      await new Promise((resolve) => server?.once('listening', resolve));
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: '' };
    },
  },
  () => {
    server?.closeAllConnections();
    server?.close();
    return Promise.resolve();
  },
);
