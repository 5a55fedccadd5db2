/**
 * Made-up leads, the same ones for the same number: written straight into an SQLite file by one statement, because filling the
 * database is not what these benches measure (the bench `import` measures that).
 */
import Database from 'better-sqlite3';
import { product } from './product';
import type { Recipient } from './mail';

type Lib = typeof import('../../lib');

const COUNTRIES = ['DE', 'FR', 'US', 'BR', 'IN', 'GB', 'JP', 'ES'];
const PLANS = ['basic', 'pro', 'team', 'free'];

/** The attributes that every made-up lead has. */
const ATTRIBUTES = [
  { name: 'plan', type: 'string' },
  { name: 'age', type: 'number' },
  { name: 'newsletter', type: 'boolean' },
  { name: 'last_order', type: 'date' },
  { name: 'tags', type: 'string[]' },
] as const;

/** How the people are to be. */
export interface PeopleOptions {
  /** Everybody has granted e-mail, so that the consent check lets everybody through. */
  readonly consents?: boolean;
}

/** Writes `count` leads (ids from 1) into a fresh database. */
export async function makePeople(databaseUrl: string, count: number, options: PeopleOptions = {}): Promise<void> {
  const { openMarketing } = product<Lib>('lib/index');
  const marketing = await openMarketing({ database: { url: databaseUrl }, work: false });
  try {
    await marketing.leads.declareAll(ATTRIBUTES);
  } finally {
    await marketing.close();
  }
  const database = new Database(fileOf(databaseUrl));
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    database.pragma('cache_size = -65536');
    database.transaction(() => write(database, count, options))();
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

/** The file of an `sqlite:` URL. */
export function fileOf(databaseUrl: string): string {
  return databaseUrl.replace(/^sqlite:/, '');
}

function write(database: Database.Database, count: number, { consents = false }: PeopleOptions): void {
  const oneOf = (list: readonly string[], by: string): string =>
    `CASE ${by} % ${list.length} ${list.map((v, i) => `WHEN ${i} THEN '${v}'`).join(' ')} END`;
  const now = 1_700_000_000_000;
  // Multiplying by a large odd number and taking the remainder spreads neighbours: reproducible, and not in the order of the ids.
  database
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
       INSERT INTO marketing_leads (tenant_id, external_id, email, name, country, time_zone, score, attributes, created_at, updated_at)
       SELECT 'default', 'crm-' || i, 'person' || i || '@example.org', 'Person Number ' || i, ${oneOf(COUNTRIES, '(i * 7919)')}, 'Europe/Berlin',
              (i * 104729) % 600,
              json_object('plan', ${oneOf(PLANS, '((i * 15485863) / 8)')}, 'age', 18 + (i * 32452843) % 70,
                          'newsletter', json(CASE WHEN (i * 49979687) % 3 > 0 THEN 'true' ELSE 'false' END),
                          'last_order', :now - ((i * 86028121) % 730) * 86400000,
                          'tags', json_array('t' || (i % 5), 't' || (i % 11))),
              :now, :now
         FROM n`,
    )
    .run({ count, now });
  if (!consents) return;
  database
    .prepare(
      `INSERT INTO marketing_consents (tenant_id, lead_id, channel, state, source, granted_at, updated_at)
       SELECT tenant_id, id, 'email', 'granted', 'bench', :now, :now FROM marketing_leads`,
    )
    .run({ now });
}

/** The people of a database, as the bare loops need them. */
export function readPeople(databaseUrl: string): Recipient[] {
  const database = new Database(fileOf(databaseUrl), { readonly: true });
  try {
    return database
      .prepare(
        `SELECT id, email, name, country, score, attributes ->> '$.plan' AS plan FROM marketing_leads WHERE tenant_id = 'default' ORDER BY id`,
      )
      .all() as Recipient[];
  } finally {
    database.close();
  }
}
