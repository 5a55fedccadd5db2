import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { MarketingError } from '../errors';
import { driverCode, poolOf, type Connection, type Driver, type Result } from './connection';
import type { SqlValue } from './types';

type Database = BetterSqlite3.Database;

/** What every connection to an SQLite file is set to. `busy_timeout` stays 0: waiting inside SQLite would block the event loop. */
export const SQLITE_PRAGMAS = [
  'journal_mode = WAL',
  'synchronous = NORMAL',
  'busy_timeout = 0',
  'foreign_keys = ON',
  'cache_size = -16384',
  'temp_store = MEMORY',
  'journal_size_limit = 67108864',
  // Copying the write-ahead log back is the thread's business (see CHECKPOINT_AFTER); this is only the last resort.
  'wal_autocheckpoint = 16000',
];

/**
 * After so many uses of the main connection the worker thread is started, which then copies the write-ahead log back
 * into the database every now and then: done inside a commit on the main thread, that stalls the event loop.
 */
const CHECKPOINT_AFTER = 200;

/** Runs statements on a better-sqlite3 database, keeping the prepared ones. */
export class SqliteConnection implements Connection {
  private readonly prepared = new Map<string, BetterSqlite3.Statement>();
  constructor(private readonly database: Database) {}

  exec(text: string, values: SqlValue[]): Result {
    let statement = this.prepared.get(text);
    if (!statement) {
      statement = this.database.prepare(text);
      if (this.prepared.size > 500) this.prepared.clear();
      this.prepared.set(text, statement);
    }
    if (statement.reader) {
      const rows = statement.all(...values) as object[];
      return { rows, changes: rows.length, lastId: 0 };
    }
    const info = statement.run(...values);
    return { rows: [], changes: info.changes, lastId: Number(info.lastInsertRowid) };
  }
}

interface Reply {
  id: number;
  result?: Result;
  error?: { message: string; code?: string };
}

/** A connection that lives in a worker thread, so that long statements stall nobody. */
class WorkerConnection implements Connection {
  private readonly waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>();
  private next = 1;
  private broken: Error | undefined;

  constructor(
    readonly worker: Worker,
    onGone: () => void,
  ) {
    worker.on('message', (reply: Reply) => this.settle(reply));
    const gone = (error: Error): void => {
      this.broken = error;
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
      onGone();
    };
    worker.on('error', gone);
    worker.on('exit', () =>
      gone(
        new MarketingError('E_STORE_THREAD', 'The database thread ended; the work is done again.', { retryable: true }),
      ),
    );
  }

  exec(text: string, values: SqlValue[]): Promise<Result> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      const id = this.next++;
      if (this.waiting.size === 0) this.worker.ref();
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, text, values });
    });
  }

  private settle(reply: Reply): void {
    const caller = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) this.worker.unref();
    if (!caller) return;
    if (reply.result) caller.resolve(reply.result);
    else caller.reject(Object.assign(new Error(reply.error?.message), { code: reply.error?.code }));
  }
}

/** SQLite: one connection on the main thread for what is short, one in a worker thread for what is long. */
export class SqliteDriver implements Driver {
  readonly begin = 'BEGIN IMMEDIATE';
  private readonly connections = new WeakMap<Database, SqliteConnection>();
  private readonly databases = new WeakMap<Connection, Database>();
  private thread: WorkerConnection | undefined;
  private uses = 0;
  private closed = false;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly knex: Knex,
    private readonly filename: string,
    private readonly extensions: readonly string[],
  ) {}

  async acquire(): Promise<Connection> {
    const database = await poolOf<Database>(this.knex).acquireConnection();
    let connection = this.connections.get(database);
    if (!connection) {
      connection = new SqliteConnection(database);
      this.connections.set(database, connection);
      this.databases.set(connection, database);
    }
    return connection;
  }

  async release(connection: Connection): Promise<void> {
    if (++this.uses === CHECKPOINT_AFTER && !this.closed && this.filename !== ':memory:') this.worker();
    const database = this.databases.get(connection);
    if (database) await poolOf<Database>(this.knex).releaseConnection(database);
  }

  background<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    // One at a time: a second long piece of work would only wait for the write lock.
    const turn = this.queue.then(async () => {
      if (this.filename === ':memory:') {
        const connection = await this.acquire();
        try {
          return await work(connection);
        } finally {
          await this.release(connection);
        }
      }
      return work(this.worker());
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  isContention(error: unknown): boolean {
    return /^SQLITE_(BUSY|LOCKED)/.test(driverCode(error));
  }

  isConnectionLoss(error: unknown): boolean {
    return driverCode(error) === 'E_STORE_THREAD';
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.queue;
    const thread = this.thread;
    this.thread = undefined;
    // No "PRAGMA optimize" here: statistics of a small table would still be believed when it has grown.
    if (thread) await thread.worker.terminate();
    await this.knex.destroy();
  }

  private worker(): WorkerConnection {
    if (!this.thread) {
      const file = path.join(__dirname, `sqlite-thread${path.extname(__filename)}`);
      const worker = new Worker(file, { workerData: { filename: this.filename, extensions: this.extensions } });
      worker.unref();
      const thread = new WorkerConnection(worker, () => {
        if (this.thread === thread) this.thread = undefined;
      });
      this.thread = thread;
    }
    return this.thread;
  }
}
