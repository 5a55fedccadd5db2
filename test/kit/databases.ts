/**
 * One suite, three databases: SQLite always, PostgreSQL and MariaDB/MySQL when they answer on loopback.
 *
 * ```ts
 * eachDatabase((db) =>
 *   describe(`leads on ${db.name}`, () => {
 *     let store: Store;
 *     beforeEach(async () => { store = await db.open(); });
 *   }),
 * );
 * ```
 *
 * `MARKETING_TEST_DATABASES=sqlite,postgres` limits which are tried. `MARKETING_TEST_POSTGRES_URL` and
 * `MARKETING_TEST_MYSQL_URL` name other servers. A server that does not answer skips its suites with a line that says so.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '../../lib/errors';
import { openStore, type DialectName, type Store, type StoreOptions } from '../../lib/store';
import { HISTORY_GUARD } from '../../lib/store/migrations/history-guard';

/** A scratch database of one suite: made before its first test, dropped after its last. */
export interface TestDatabase {
  readonly name: DialectName;
  /**
   * Opens the scratch database, migrated and **empty**. Closes what an earlier call opened. Stores still open when
   * the suite ends are closed for you. With `keep: true` neither happens: a second store on the same rows.
   */
  open(options?: Omit<StoreOptions, 'url'> & { keep?: boolean }): Promise<Store>;
  /** Its URL, for child processes. Only valid within hooks and tests. */
  url(): string;
}

const SERVERS: Readonly<Record<Exclude<DialectName, 'sqlite'>, string>> = {
  postgres: process.env['MARKETING_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test',
  mysql: process.env['MARKETING_TEST_MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306/test',
};
const ALL: readonly DialectName[] = ['sqlite', 'postgres', 'mysql'];
const announced = new Set<string>();

/** The databases that `MARKETING_TEST_DATABASES` lets in; all three when it is not set. */
export function wantedDatabases(): DialectName[] {
  const wanted = process.env['MARKETING_TEST_DATABASES'];
  if (!wanted) return [...ALL];
  const names = wanted.split(',').map((name) => name.trim().toLowerCase().replace('mariadb', 'mysql'));
  const unknown = names.filter((name) => !ALL.includes(name as DialectName));
  if (unknown.length > 0)
    throw new Error(`MARKETING_TEST_DATABASES names ${unknown.join(', ')}: use ${ALL.join(', ')}.`);
  return ALL.filter((name) => names.includes(name));
}

/** The module with the SQL functions that conditions need on SQLite. */
export function conditionExtensions(): string[] {
  const file = path.join(__dirname, '..', '..', 'lib', 'conditions', 'sqlite-functions.ts');
  return existsSync(file) ? [file] : [];
}

/** Declares `suite` once for each database. Call it at the top level of a test file or inside a `describe`. */
export function eachDatabase(suite: (db: TestDatabase) => void): void {
  for (const name of wantedDatabases()) {
    describe(`[${name}]`, function () {
      const scratch = name === 'sqlite' ? new FileScratch() : new ServerScratch(name);
      before(async function () {
        this.timeout(60_000);
        try {
          await scratch.create();
        } catch (error) {
          if (!announced.has(name))
            console.log(`    ${name} does not answer (${messageOf(error)}): its tests are skipped`);
          announced.add(name);
          this.skip();
        }
      });
      after(async function () {
        this.timeout(60_000);
        await scratch.drop();
      });
      suite(scratch);
    });
  }
}

abstract class Scratch implements TestDatabase {
  abstract readonly name: DialectName;
  private stores: Store[] = [];
  /** The store of the last `open()` without `keep`. */
  private current: Store | undefined;

  abstract create(): Promise<void>;
  abstract url(): string;
  protected abstract empty(store: Store): Promise<void>;
  protected abstract remove(): Promise<void>;
  /** Called before a fresh store is opened. */
  protected renew(): void {}

  async open(options: Omit<StoreOptions, 'url'> & { keep?: boolean } = {}): Promise<Store> {
    const { keep, ...rest } = options;
    if (!keep) {
      await this.current?.close();
      this.renew();
    }
    const store = await openStore({ sqliteExtensions: conditionExtensions(), ...rest, url: this.url() });
    this.stores.push(store);
    await store.migrate();
    if (!keep) {
      this.current = store;
      await this.empty(store);
    }
    return store;
  }

  async drop(): Promise<void> {
    for (const store of this.stores) await store.close();
    this.stores = [];
    await this.remove();
  }
}

/** SQLite: a directory of files, a new one for each `open()`. */
class FileScratch extends Scratch {
  readonly name = 'sqlite';
  private folder = '';
  private files = 0;

  create(): Promise<void> {
    this.folder = mkdtempSync(path.join(tmpdir(), 'nm-test-'));
    return Promise.resolve();
  }
  url(): string {
    return `sqlite:${path.join(this.folder, `${this.files}.sqlite`)}`;
  }
  protected override renew(): void {
    this.files++;
  }
  protected empty(): Promise<void> {
    return Promise.resolve();
  }
  protected remove(): Promise<void> {
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
    return Promise.resolve();
  }
}

/** PostgreSQL, MariaDB, MySQL: a database of its own, emptied for each `open()`. */
class ServerScratch extends Scratch {
  private readonly database = `nm_test_${process.pid}_${randomBytes(5).toString('hex')}`;
  private created = false;
  private dirty = false;

  constructor(readonly name: Exclude<DialectName, 'sqlite'>) {
    super();
  }
  async create(): Promise<void> {
    await onServer(this.name, `CREATE DATABASE ${this.database}`);
    this.created = true;
  }
  url(): string {
    const url = new URL(SERVERS[this.name]);
    url.pathname = `/${this.database}`;
    return url.href;
  }
  protected async empty(store: Store): Promise<void> {
    if (this.dirty) {
      await this.unguarded(store, async () => {
        for (const table of await this.tables(store)) await store.system.run(`DELETE FROM ${table}`);
      });
    }
    this.dirty = true;
  }
  protected async remove(): Promise<void> {
    if (!this.created) return;
    const force = this.name === 'postgres' ? ' WITH (FORCE)' : '';
    await onServer(this.name, `DROP DATABASE IF EXISTS ${this.database}${force}`);
  }
  /** The history's guard forbids deleting: it is taken away for so long, where there is something to delete. */
  private async unguarded(store: Store, work: () => Promise<void>): Promise<void> {
    const written = await store.system.get('SELECT id FROM marketing_history /* :any_tenant */ LIMIT 1');
    const { up, down } = HISTORY_GUARD[this.name];
    if (written) for (const statement of down) await store.system.run(statement);
    await work();
    if (written) for (const statement of up) await store.system.run(statement);
  }
  private async tables(store: Store): Promise<string[]> {
    const schema = this.name === 'postgres' ? 'current_schema()' : 'DATABASE()';
    const rows = await store.system.all<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${schema}
         AND table_name LIKE 'marketing%' AND table_name NOT LIKE 'marketing_migrations%'`,
    );
    return rows.map((row) => row.name);
  }
}

async function onServer(name: Exclude<DialectName, 'sqlite'>, statement: string): Promise<void> {
  const url = SERVERS[name];
  if (name === 'postgres') {
    const { Client } = await import('pg');
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  } else {
    const { createConnection } = await import('mysql2/promise');
    const client = await createConnection({ uri: url, connectTimeout: 3_000 });
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }
}
