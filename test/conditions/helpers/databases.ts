import { randomBytes } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import mysql, { type Connection as MysqlConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { sqliteFunctions, type SqlTarget } from '../../../lib/conditions';
import type { SqlValue, SqlValues } from '../../../lib/store/types';

/** A lead as the store keeps it: built-in fields by column, attributes as one JSON object. */
export interface StoredLead {
  readonly id: number;
  readonly email: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly country: string | null;
  readonly time_zone: string | null;
  readonly external_id: string | null;
  readonly score: number;
  readonly created_at: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Engagement {
  readonly lead_id: number;
  readonly campaign_id: number | null;
  readonly type: string;
  readonly channel: string | null;
  readonly tracked_at: number;
  readonly tenant_id?: string;
}

export const TENANT = 'acme';

/** One scratch database with leads in it, answering which of them a predicate holds for. */
export interface LeadDatabase {
  readonly label: string;
  readonly target: SqlTarget;
  fill(leads: readonly StoredLead[]): Promise<void>;
  track(engagements: readonly Engagement[], campaigns: readonly { id: number; key: string }[]): Promise<void>;
  /** Rows of a statement with named values; each row an array. */
  rows(text: string, values: SqlValues): Promise<unknown[][]>;
  close(): Promise<void>;
}

/** Replaces `:name` by what the driver wants. Test statements hold no quoted colons beside JSON paths. */
function positional(
  text: string,
  values: SqlValues,
  mark: (index: number) => string,
): { text: string; list: SqlValue[] } {
  const list: SqlValue[] = [];
  const replaced = text.replace(/'(?:[^']|'')*'|::|:([A-Za-z_0-9]+)/g, (whole, name: string | undefined) => {
    if (name === undefined) return whole;
    const value = name === 'tenant' ? TENANT : values[name];
    if (value === undefined) throw new Error(`no value for :${name}`);
    list.push(value);
    return mark(list.length);
  });
  return { text: replaced, list };
}

const columns = (text: string, real: string, json: string): string => `
  CREATE TABLE marketing_leads (id BIGINT PRIMARY KEY, tenant_id ${text}, email ${text}, name ${text}, phone ${text}, country ${text},
    time_zone ${text}, external_id ${text}, score ${real} NOT NULL, created_at BIGINT NOT NULL, attributes ${json} NOT NULL)`;
const others = (text: string): string[] => [
  `CREATE TABLE marketing_campaigns (id BIGINT PRIMARY KEY, tenant_id ${text}, campaign_key ${text})`,
  `CREATE TABLE marketing_engagements (tenant_id ${text}, lead_id BIGINT, campaign_id BIGINT, type ${text}, channel ${text}, tracked_at BIGINT)`,
];

type Insert = (table: string, names: string[], rows: SqlValue[][]) => Promise<void>;

async function fillWith(insert: Insert, leads: readonly StoredLead[]): Promise<void> {
  const names = [
    'id',
    'tenant_id',
    'email',
    'name',
    'phone',
    'country',
    'time_zone',
    'external_id',
    'score',
    'created_at',
    'attributes',
  ];
  const rows = leads.map((lead) =>
    names.map((name): SqlValue => {
      if (name === 'tenant_id') return TENANT;
      if (name === 'attributes') return JSON.stringify(lead.attributes);
      return lead[name as keyof Omit<StoredLead, 'attributes'>];
    }),
  );
  await insert('marketing_leads', names, rows);
}

async function trackWith(
  insert: Insert,
  engagements: readonly Engagement[],
  campaigns: readonly { id: number; key: string }[],
): Promise<void> {
  if (campaigns.length > 0) {
    await insert(
      'marketing_campaigns',
      ['id', 'tenant_id', 'campaign_key'],
      campaigns.map(({ id, key }) => [id, TENANT, key]),
    );
  }
  await insert(
    'marketing_engagements',
    ['tenant_id', 'lead_id', 'campaign_id', 'type', 'channel', 'tracked_at'],
    engagements.map((e) => [e.tenant_id ?? TENANT, e.lead_id, e.campaign_id, e.type, e.channel, e.tracked_at]),
  );
}

export function openSqlite(): LeadDatabase {
  const database = new Sqlite(':memory:');
  for (const { name, deterministic, fn } of sqliteFunctions) {
    database.function(name, { deterministic }, fn as (...args: unknown[]) => unknown);
  }
  for (const statement of [columns('TEXT', 'REAL', 'TEXT'), ...others('TEXT')]) database.exec(statement);
  const insert: Insert = (table, names, rows) => {
    const statement = database.prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    for (const row of rows) statement.run(...row);
    return Promise.resolve();
  };
  return {
    label: 'SQLite',
    target: { name: 'sqlite', mariadb: false },
    fill: (leads) => fillWith(insert, leads),
    track: (engagements, campaigns) => trackWith(insert, engagements, campaigns),
    rows: (source, values) => {
      const { text, list } = positional(source, values, () => '?');
      return Promise.resolve(
        database
          .prepare(text)
          .raw()
          .all(...list) as unknown[][],
      );
    },
    close: () => {
      database.close();
      return Promise.resolve();
    },
  };
}

const scratchName = (): string => `nm_conditions_${randomBytes(5).toString('hex')}`;

async function openPostgres(url: string): Promise<LeadDatabase> {
  const admin = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  await admin.connect();
  const name = scratchName();
  await admin.query(`CREATE DATABASE ${name}`);
  const target = new URL(url);
  target.pathname = `/${name}`;
  const client = new Client({ connectionString: target.href });
  await client.connect();
  for (const statement of [
    columns('VARCHAR(255) COLLATE "C"', 'DOUBLE PRECISION', 'JSONB'),
    ...others('VARCHAR(128) COLLATE "C"'),
  ]) {
    await client.query(statement);
  }
  const insert: Insert = async (table, names, rows) => {
    for (const row of rows) {
      await client.query(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
        row,
      );
    }
  };
  return {
    label: 'PostgreSQL',
    target: { name: 'postgres', mariadb: false },
    fill: (leads) => fillWith(insert, leads),
    track: (engagements, campaigns) => trackWith(insert, engagements, campaigns),
    rows: async (source, values) => {
      const { text, list } = positional(source, values, (index) => `$${index}`);
      return (await client.query<unknown[]>({ text, values: list, rowMode: 'array' })).rows;
    },
    close: async () => {
      await client.end();
      await admin.query(`DROP DATABASE ${name}`);
      await admin.end();
    },
  };
}

async function openMariadb(url: string): Promise<LeadDatabase> {
  const connection: MysqlConnection = await mysql.createConnection({
    uri: url,
    charset: 'utf8mb4',
    connectTimeout: 2_000,
  });
  const [[version]] = await connection.query<mysql.RowDataPacket[]>('SELECT version() AS v');
  const mariadb = /mariadb/i.test(String(version?.v));
  const collation = mariadb ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
  const name = scratchName();
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.query(`USE ${name}`);
  for (const statement of [columns('VARCHAR(255)', 'DOUBLE', 'JSON'), ...others('VARCHAR(128)')]) {
    await connection.query(`${statement} ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${collation}`);
  }
  const insert: Insert = async (table, names, rows) => {
    await connection.query(`INSERT INTO ${table} (${names.join(', ')}) VALUES ?`, [rows]);
  };
  return {
    label: mariadb ? 'MariaDB' : 'MySQL',
    target: { name: 'mysql', mariadb },
    fill: (leads) => fillWith(insert, leads),
    track: (engagements, campaigns) => trackWith(insert, engagements, campaigns),
    rows: async (source, values) => {
      const { text, list } = positional(source, values, () => '?');
      const [rows] = await connection.query<mysql.RowDataPacket[][]>({ sql: text, values: list, rowsAsArray: true });
      return rows;
    },
    close: async () => {
      await connection.query(`DROP DATABASE ${name}`);
      await connection.end();
    },
  };
}

const POSTGRES_URL = process.env.MARKETING_TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test';
const MYSQL_URL = process.env.MARKETING_TEST_MYSQL_URL ?? 'mysql://root@127.0.0.1:3306/test';

/** Every database that answers; says on the console which do not. */
export async function openAll(): Promise<LeadDatabase[]> {
  const open: LeadDatabase[] = [openSqlite()];
  for (const [label, opening] of [
    ['PostgreSQL', openPostgres(POSTGRES_URL)],
    ['MariaDB', openMariadb(MYSQL_URL)],
  ] as const) {
    try {
      open.push(await opening);
    } catch (error) {
      console.log(
        `      ${label} does not answer, left out: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return open;
}

/** One cell of a predicate's column: NULL and false are both "no". */
export function isYes(cell: unknown): boolean {
  return cell === true || cell === 1 || cell === '1';
}
