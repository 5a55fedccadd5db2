import { randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import knexFactory, { type Knex } from 'knex';
import { SystemClock, type Clock } from '../clock';
import { InputError, MarketingError, messageOf } from '../errors';
import { driverCode, type Driver } from './connection';
import { dialectOf, exactCollation } from './dialect';
import { migrateLatest, rollbackOne } from './migrate';
import { MysqlDriver } from './mysql';
import { PostgresDriver, postgresTypes } from './postgres';
import { DriverScope, StatementCache } from './scope';
import { loadExtensions } from './sqlite-functions';
import { SqliteDriver, SQLITE_PRAGMAS } from './sqlite';
import type { Dialect, DialectName, Scope, Store } from './types';

/** How to open a database. */
export interface StoreOptions {
  /**
   * `sqlite:/path/file.sqlite`, `sqlite::memory:` or a bare path; `postgres://…`; `mysql://…` or `mariadb://…`.
   */
  url: string;
  clock?: Clock;
  /** Overrides the password in `url`, so that it need not stand in a flow. */
  password?: string;
  /** Connections at most (not SQLite). Default 10. */
  poolSize?: number;
  /** Files of modules with SQL functions that SQLite connections need (see `SqliteExtension`). */
  sqliteExtensions?: readonly string[];
}

interface Target {
  name: DialectName;
  filename?: string;
  connection?: URL;
}

/** Reads a database URL. @throws InputError `E_DATABASE_URL` */
export function parseDatabaseUrl(url: string): Target {
  const scheme = /^([a-z][a-z0-9+]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'postgres':
    case 'postgresql':
      return { name: 'postgres', connection: parseUrl(url, scheme) };
    case 'mysql':
    case 'mariadb':
      return { name: 'mysql', connection: parseUrl(url, scheme) };
    case 'sqlite':
    case 'file': {
      const filename = decodeURIComponent(url.slice(scheme.length + 1).replace(/^\/\/(?=\/|[^/])/, ''));
      if (!filename) throw wrongUrl(scheme, 'it names no file');
      return { name: 'sqlite', filename };
    }
    case undefined:
      if (url.trim() === '') throw wrongUrl(scheme, 'it is empty');
      return { name: 'sqlite', filename: url };
    default:
      throw wrongUrl(scheme, 'that is not a database we speak');
  }
}

function parseUrl(url: string, scheme: string): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw wrongUrl(scheme, 'it is not a URL (in a password, write "/", "@", "?" and "#" as %2F, %40, %3F and %23)');
  }
  // A part of the password would be taken for the host, and named when that does not answer.
  if (`${parsed.pathname}${parsed.search}${parsed.hash}`.includes('@')) {
    throw wrongUrl(scheme, 'it has an "@" behind the host (in a password, write "/", "?" and "#" as %2F, %3F and %23)');
  }
  if (parsed.pathname.length < 2) throw wrongUrl(scheme, 'it names no database after the host');
  return parsed;
}

/** A parameter that holds a password, in a URL or in a list of `name=value`. */
const PASSWORD_PARAMETER = /(?:^|[?&;,(\s])[\w.-]*(?:password|passwd|pwd|pass|secret|token)=/i;

/**
 * A database URL as it may be shown: without its password, also when the URL is none or the password is not encoded as it should
 * be. Where it is not clear what belongs to the password, more is hidden than need be.
 */
export function redactUrl(url: string): string {
  const scheme = /^\s*(?:jdbc:)?[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? '';
  // Files have neither users nor passwords, but may well have an "@" in their path.
  const isFile = scheme === '' && /^(?:sqlite|file):|^[a-z]:\\/i.test(url);
  const rest = url.slice(scheme.length);
  const parameter = PASSWORD_PARAMETER.exec(rest);
  const end = parameter ? parameter.index + parameter[0].length : rest.length;
  const at = isFile ? -1 : rest.lastIndexOf('@');
  if (at > end) return `${scheme}${/^[^:@/?#]*/.exec(rest)?.[0] ?? ''}:***`;
  const colon = rest.slice(0, Math.max(at, 0)).indexOf(':');
  const login = colon < 0 ? '' : `${rest.slice(0, colon)}:***`;
  return `${scheme}${login}${rest.slice(colon < 0 ? 0 : at, end)}${parameter ? '***' : ''}`;
}

/** Names no more of the URL than its scheme: what cannot be read may hold the password anywhere. */
function wrongUrl(scheme: string | undefined, why: string): InputError {
  const which = scheme === undefined ? 'The database URL' : `The database URL "${scheme}:…"`;
  return new InputError(
    'E_DATABASE_URL',
    `${which} cannot be used: ${why}. Use sqlite:FILE, postgres://user@host/database or mysql://user@host/database.`,
  );
}

/**
 * A process that stands still (stopped, a paused machine) in the middle of a transaction must not keep its locks: the
 * others could not take over what it held. Our transactions are a matter of milliseconds.
 */
const IDLE_IN_TRANSACTION_S = 10;

function knexConfig(target: Target, options: StoreOptions): Knex.Config {
  const pool = { min: 0, max: options.poolSize ?? 10 };
  switch (target.name) {
    case 'sqlite':
      if (target.filename !== undefined && target.filename !== ':memory:') createFile(path.resolve(target.filename));
      return {
        client: 'better-sqlite3',
        connection: {
          filename: target.filename ?? ':memory:',
          options: { timeout: 0 },
        } as Knex.BetterSqlite3ConnectionConfig,
        useNullAsDefault: true,
        pool: {
          min: 1,
          max: 1,
          idleTimeoutMillis: 2 ** 31 - 1,
          afterCreate: (database: BetterSqlite3.Database, done: (error?: Error) => void) => {
            for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma);
            loadExtensions(database, options.sqliteExtensions ?? []);
            done();
          },
        },
      };
    case 'postgres':
      return {
        client: 'pg',
        connection: { ...server(target, options, 5432), types: postgresTypes },
        pool: {
          ...pool,
          afterCreate: (client: Session, done: (error: Error | null) => void) =>
            client.query(
              `SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_S * 1_000}; SET lock_timeout = 10000`,
              done,
            ),
        },
        acquireConnectionTimeout: 15_000,
      };
    case 'mysql':
      return {
        client: 'mysql2',
        connection: {
          ...server(target, options, 3306),
          charset: 'utf8mb4',
          decimalNumbers: true,
        },
        acquireConnectionTimeout: 15_000,
        pool: {
          ...pool,
          afterCreate: (client: Session, done: (error: Error | null) => void) => setUpMysql(client, done),
        },
      };
  }
}

/** Makes a database file that only its owner can read; one that is there keeps its permissions. SQLite gives its companions the same. */
function createFile(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch {
    // It is there already; or it cannot be made, which SQLite says better when it opens it.
  }
}

interface Session {
  query(text: string, done: (error: Error | null) => void): void;
}

const MYSQL_SESSION = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
  'SET SESSION innodb_lock_wait_timeout = 10',
  // MariaDB's; MySQL does not know it.
  `SET SESSION idle_transaction_timeout = ${IDLE_IN_TRANSACTION_S}`,
];

function setUpMysql(client: Session, done: (error: Error | null) => void): void {
  const next = (index: number): void => {
    const statement = MYSQL_SESSION[index];
    if (statement === undefined) done(null);
    else {
      client.query(statement, (error) =>
        error && driverCode(error) !== 'ER_UNKNOWN_SYSTEM_VARIABLE' ? done(error) : next(index + 1),
      );
    }
  };
  next(0);
}

function server(target: Target, options: StoreOptions, port: number): Record<string, unknown> {
  const url = target.connection as URL;
  const ssl = url.searchParams.get('ssl') ?? url.searchParams.get('sslmode');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : port,
    user: decodeURIComponent(url.username) || undefined,
    password: options.password ?? (decodeURIComponent(url.password) || undefined),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...(ssl && ssl !== 'disable' && ssl !== 'false' ? { ssl: { rejectUnauthorized: ssl !== 'no-verify' } } : {}),
  };
}

function driverOf(target: Target, knex: Knex, options: StoreOptions): Driver {
  switch (target.name) {
    case 'sqlite':
      return new SqliteDriver(knex, target.filename ?? ':memory:', options.sqliteExtensions ?? []);
    case 'postgres':
      return new PostgresDriver(knex);
    case 'mysql':
      return new MysqlDriver(knex);
  }
}

function loadDriver(target: Target): void {
  const packages: Record<DialectName, string> = { sqlite: 'better-sqlite3', postgres: 'pg', mysql: 'mysql2' };
  const name = packages[target.name];
  try {
    require(name);
  } catch (error) {
    throw new MarketingError(
      'E_DRIVER_MISSING',
      `This database needs the package "${name}": run "npm install ${name}" beside Node-RED.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Opens a database and checks that it answers. Does not change the schema: call {@link Store.migrate} for that.
 * @throws InputError `E_DATABASE_URL`; MarketingError `E_DRIVER_MISSING`, `E_DATABASE_UNREACHABLE` (retryable)
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const clock = options.clock ?? new SystemClock();
  const target = parseDatabaseUrl(options.url);
  loadDriver(target);
  const knex = knexFactory({ ...knexConfig(target, options), log: { warn: () => undefined } });
  try {
    const mariadb = await probe(knex, target.name);
    const dialect = dialectOf(target.name, { mariadb, databaseTime: clock instanceof SystemClock });
    const file =
      target.filename === undefined || target.filename === ':memory:' ? undefined : path.resolve(target.filename);
    return new KnexStore(options.url, knex, driverOf(target, knex, options), dialect, clock, file);
  } catch (error) {
    await knex.destroy();
    throw new MarketingError(
      'E_DATABASE_UNREACHABLE',
      `The database ${redactUrl(options.url)} does not answer: ${messageOf(error)}. Check the address, the user and that the server runs.`,
      { cause: error, retryable: true },
    );
  }
}

async function probe(knex: Knex, name: DialectName): Promise<boolean> {
  if (name !== 'mysql') {
    await knex.raw('SELECT 1');
    return false;
  }
  const [rows] = (await knex.raw('SELECT VERSION() AS version')) as [{ version: string }[]];
  return /mariadb/i.test(rows[0]?.version ?? '');
}

class KnexStore implements Store {
  readonly system: Scope;
  private readonly cache: StatementCache;
  private readonly host;
  private closing: Promise<void> | undefined;

  constructor(
    url: string,
    private readonly knex: Knex,
    private readonly driver: Driver,
    readonly dialect: Dialect,
    readonly clock: Clock,
    /** The SQLite file, if it is one. */
    private readonly file: string | undefined,
  ) {
    this.url = redactUrl(url);
    this.cache = new StatementCache(dialect);
    this.host = {
      driver,
      dialect,
      clock,
      random: () => randomInt(1_000_000) / 1_000_000,
      closed: () => this.closing !== undefined,
    };
    this.system = new DriverScope(this.host, this.cache, '', false);
  }
  readonly url: string;

  tenant(id: string): Scope {
    if (!/^[\w.@-]{1,64}$/.test(id)) {
      throw new InputError('E_TENANT', `"${id}" is no tenant id: use 1 to 64 letters, digits, "_", "-", "." or "@".`);
    }
    return new DriverScope(this.host, this.cache, id, true);
  }
  migrate(): Promise<string[]> {
    return migrateLatest(this.knex, this.dialect, this.file);
  }
  rollback(): Promise<string | undefined> {
    return rollbackOne(this.knex, this.dialect);
  }
  close(): Promise<void> {
    this.closing ??= this.driver.close();
    return this.closing;
  }
}

export { exactCollation };
