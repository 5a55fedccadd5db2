/**
 * Loading a definition from the database and validating it, with its data schema, until a campaign's data can be checked
 * against it. Every definition is different, so that nothing is found in a cache; SQLite, everything in this process.
 *
 * **Ours**: `documents.get`, `readDocument` (shape, lifecycle, conditions compiled, durations, channels), `dataValidator`, and one
 * validation of data that fit.
 *
 * **Theirs**: the row read by better-sqlite3, `JSON.parse`, and Ajv alone compiling a schema of the same fields and validating the same data.
 * It looks neither at stages nor at conditions: the floor, not a rival.
 *
 * `ratio` is their median divided by ours (below 1: we do more).
 */
import path from 'node:path';
import Ajv from 'ajv';
import Database from 'better-sqlite3';
import type { Bench, BenchContext } from './lib/bench';
import { withFolder } from './lib/folder';
import { fileOf } from './lib/people';
import { product } from './lib/product';
import { alternate } from './lib/rounds';
import { median, percentile, significant } from './lib/statistics';

type Lib = typeof import('../lib');
type DefinitionsModule = typeof import('../lib/definitions');

export const bench: Bench = {
  name: 'init',
  summary: 'loading and validating a definition, against Ajv alone',
  options: {
    definitions: { default: 200, says: 'different definitions' },
    fields: { default: 30, says: 'fields of each data schema' },
    rounds: { default: 4, says: 'rounds; each takes its part of the definitions' },
  },
  run: (context) => withFolder('init', (folder) => measure(context, folder)),
};

async function measure(context: BenchContext, folder: string) {
  const count = context.number('definitions');
  const fields = context.number('fields');
  const rounds = context.number('rounds');
  const url = `sqlite:${path.join(folder, 'bench.sqlite')}`;
  const { openMarketing } = product<Lib>('lib/index');
  const { dataValidator, readDocument } = product<DefinitionsModule>('lib/definitions/index');
  const marketing = await openMarketing({ database: { url }, work: false });
  const database = new Database(fileOf(url), { readonly: true });
  const select = database.prepare<[string], { body: string }>(
    `SELECT body FROM marketing_documents WHERE tenant_id = 'default' AND definition_key = ?`,
  );
  const data = Object.fromEntries(Array.from({ length: fields }, (_, n) => [`field_${n}`, n % 2 === 0 ? 'text' : n]));
  try {
    // Nothing of a definition's own is kept from saving it: what is compiled is kept by its hash, so each round has its own.
    for (let n = 0; n < count; n++) await marketing.documents.save(documentOf(n, fields));
    const per = Math.floor(count / rounds);
    const timed = async (round: number, work: (key: string) => Promise<void>): Promise<number[]> => {
      const times: number[] = [];
      for (let n = round * per; n < (round + 1) * per; n++) {
        const start = performance.now();
        await work(`definition-${n}`);
        times.push(performance.now() - start);
      }
      return times;
    };
    let salt = 0;
    const { ours, theirs } = await alternate({
      rounds,
      ours: (round) =>
        timed(round, async (key) => {
          const { document } = await marketing.documents.get(key);
          // A title that was never seen: a cache by content cannot have it.
          const fresh = { ...document, dataSchema: { ...document.dataSchema, [`salt_${salt++}`]: { type: 'string' } } };
          const read = readDocument(fresh);
          dataValidator(read.dataSchema)(data);
        }),
      theirs: (round) =>
        timed(round, (key) => {
          const row = select.get(key);
          const { dataSchema } = JSON.parse(row?.body ?? '{}') as { dataSchema: Record<string, { type: string }> };
          const properties = Object.fromEntries(Object.entries(dataSchema).map(([name, { type }]) => [name, { type }]));
          const validate = new Ajv().compile({ type: 'object', properties });
          if (!validate(data)) throw new Error('Data that fit were refused.');
          return Promise.resolve();
        }),
    });
    const [mine, bare] = [ours.flat(), theirs.flat()];
    return {
      ratio: significant(median(bare) / median(mine)),
      ratioIs: 'time of Ajv alone / ours',
      definitions: mine.length,
      ours: { p50Ms: significant(median(mine)), p99Ms: significant(percentile(mine, 0.99)) },
      theirs: { p50Ms: significant(median(bare)), p99Ms: significant(percentile(bare, 0.99)) },
    };
  } finally {
    database.close();
    await marketing.close();
  }
}

function documentOf(n: number, fields: number) {
  return {
    id: `definition-${n}`,
    name: `Definition number ${n}`,
    version: '1.0.0',
    dataSchema: Object.fromEntries(
      Array.from({ length: fields }, (_, field) => [
        `field_${field}`,
        field % 2 === 0 ? { type: 'string', maxLength: 100 + n } : { type: 'number', max: 1_000 + n },
      ]),
    ),
    stages: ['queued', 'active', 'paused', 'completed', 'cancelled'],
    channels: { email: { provider: 'smtp', template: `welcome-${n}` } },
    transitions: {
      activate: { from: 'queued', to: 'active', condition: `data.field_1 >= ${n % 7}` },
      complete: { from: 'active', to: 'completed', condition: 'data.emails_sent >= 5' },
    },
    automation: {
      sequence: [
        { delay: '1 hour', action: 'send_email', template: 'welcome-1' },
        { delay: '2 days', action: 'send_email', template: 'welcome-2' },
        { delay: '5 days', action: 'send_email', template: 'welcome-3' },
      ],
    },
  };
}
