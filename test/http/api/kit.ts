import { mkdtempSync, rmSync } from 'node:fs';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../../lib';
import { createRateLimits, type RateRules, type Role } from '../../../lib/access';
import { VirtualClock } from '../../../lib/clock';
import { apiDepsOf, apiRouter, type ApiDeps } from '../../../lib/http/api';
import { wantedDatabases, type TestDatabase } from '../../kit/databases';
import { serve, type Served } from '../kit';

/** An answer, with its body read as JSON. */
export interface JsonAnswer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly body: Body;
}

/** Somebody who asks the API. */
export interface Client {
  readonly tenant: string;
  readonly token: string;
  ask<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<JsonAnswer<Body>>;
}

/** An API over one database, for several tenants. */
export interface World {
  readonly clock: VirtualClock;
  readonly served: Served;
  /** What nobody foresaw. A test that expects none checks that this is empty. */
  readonly incidents: unknown[];
  marketing(tenant: string): Promise<Marketing>;
  client(tenant: string, ...roles: Role[]): Promise<Client>;
  /** Asks without a token. */
  readonly stranger: Client;
  close(): Promise<void>;
}

/** What a world needs of a database. */
export type WorldDatabase = Pick<TestDatabase, 'url'> & { open(): Promise<{ close(): Promise<void> }> };

/** Declares a suite on SQLite only: what is the same everywhere because no statement of it is new. */
export function onSqlite(suite: (db: WorldDatabase) => void): void {
  if (!wantedDatabases().includes('sqlite')) return;
  let folder = '';
  let files = 0;
  describe('[sqlite]', () => {
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'nm-api-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));
    suite({
      url: () => `sqlite:${path.join(folder, `${files}.sqlite`)}`,
      open: () => {
        files++;
        return Promise.resolve({ close: () => Promise.resolve() });
      },
    });
  });
}

const UNLIMITED: RateRules = { address: false, token: false, tenant: false };

/** Deploys flows of one trigger each, which campaigns may be made of: `hello`, and `generic`, the usual one. */
export async function deployHello({ definitions }: Pick<Marketing, 'definitions'>): Promise<void> {
  await definitions.deploy(
    'flow',
    ['hello', 'generic'].map((key) => ({
      key,
      name: key,
      entry: 'start',
      entryMode: 'launch',
      onUnknown: 'hold',
      stations: [{ step: 'start', kind: 'trigger', node: `n-${key}`, hash: 'h', forks: false }],
      body: {},
    })),
  );
}

/** Effects of these campaigns: of each one that can be undone, and two that could not be; the numbers of those. */
export async function makeUndos(
  { scope, compensations }: Pick<Marketing, 'scope' | 'compensations'>,
  campaigns: readonly (number | string)[],
): Promise<number[]> {
  await scope.transaction(async (tx) => {
    for (const campaign of campaigns) {
      if (typeof campaign !== 'number') continue;
      const effect = (key: string) => ({ campaign, enrollment: 1, lead: 1, kind: 'effect', key: `${key}:${campaign}` });
      await compensations.register(tx, ['one', 'failed', 'too'].map(effect));
    }
    await tx.run(
      `UPDATE marketing_undos SET state = 'failed', attempt = 8, reason = 'it does not answer' WHERE tenant_id = :tenant AND seq > 1`,
    );
  });
  return (await compensations.list({ limit: 100 })).map(({ id }) => id);
}

/** Opens the API over an empty database. */
export async function openWorld(
  db: WorldDatabase,
  {
    rules = UNLIMITED,
    mount,
  }: { rules?: Partial<RateRules>; mount?: (deps: ApiDeps) => Parameters<typeof serve>[0] } = {},
): Promise<World> {
  await (await db.open()).close();
  const clock = new VirtualClock(Date.UTC(2026, 0, 15, 12));
  const first = await openMarketing({ database: { url: db.url() }, tenant: 'acme', clock, work: false });
  const { tokens } = first;
  const incidents: unknown[] = [];
  const limits = createRateLimits({ rules });
  const deps = apiDepsOf({ clock, limits, open: () => [first], onError: (error) => incidents.push(error) });
  const served = await serve((mount ?? apiRouter)(deps), '/api/v1');
  const asking = (tenant: string, token: string): Client => ({
    tenant,
    token,
    async ask(method, path, body, headers = {}) {
      const answer = await served.ask(method, path.startsWith('/') ? `/api/v1${path}` : path, {
        headers: {
          ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const json = /json/.test(answer.headers['content-type'] ?? '') && answer.body !== '';
      return { ...answer, text: answer.body, body: (json ? JSON.parse(answer.body) : {}) as never };
    },
  });
  return {
    clock,
    served,
    incidents,
    marketing: (tenant) => first.forTenant(tenant),
    stranger: asking('', ''),
    async client(tenant, ...roles) {
      const { tokens: own } = await first.forTenant(tenant);
      const wanted = roles.length > 0 ? roles : (['admin'] as const);
      const { token } = await own.create({
        name: wanted.join(' '),
        owner: `${wanted.join('-')}-of-${tenant}`,
        roles: wanted,
      });
      return asking(tenant, token);
    },
    async close() {
      await served.close();
      await limits.close();
      await tokens.idle();
      await first.close();
    },
  };
}
