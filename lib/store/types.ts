import type { Clock } from '../clock';

/** The SQL families we speak. MariaDB and MySQL are one family; the dialect knows which of the two it talks to. */
export type DialectName = 'sqlite' | 'postgres' | 'mysql';

/** What may be bound to a statement. Booleans are stored as 0/1, times as milliseconds since 1970, JSON as text. */
export type SqlValue = string | number | null;

/** Named values: `:lead` in a statement takes `values.lead`. `:tenant` is always bound by the scope. */
export type SqlValues = Readonly<Record<string, SqlValue>>;

/** Column types of {@link Dialect.rows}. */
export type RowColumn = 'int' | 'real' | 'text';

/** Everything in which the three families differ, in one place. */
export interface Dialect {
  readonly name: DialectName;
  /** True for MariaDB (as against MySQL). */
  readonly mariadb: boolean;
  /** True when several processes on several machines may share the database. */
  readonly shared: boolean;
  /**
   * A JSON array of arrays, bound as one text value, as a table expression:
   * `SELECT r.id FROM ${dialect.rows('items', { id: 'int', note: 'text' }, 'r')}` with `values.items = JSON.stringify([[1,'a'],[2,null]])`.
   */
  rows(binding: string, columns: Readonly<Record<string, RowColumn>>, alias: string): string;
  /**
   * `JOIN`, left side first: for a few {@link rows} that pick theirs out of a large table. Left to itself, SQLite's
   * planner (which knows nothing about the size of a JSON array) reads the large table from end to end.
   */
  readonly join: string;
  /** The database's wall clock in milliseconds since 1970, as an expression (SQLite: the injected clock, bound as `:now_ms`). */
  readonly nowMs: string;
  /** `INSERT` that skips rows which would break a unique key: the words before `INTO`. Followed by {@link ignoreTail}. */
  readonly insertIgnore: string;
  /**
   * What ends an {@link insertIgnore} statement (PostgreSQL's `ON CONFLICT DO NOTHING`). How many rows `run` says it changed means
   * nothing: MariaDB and MySQL count those that were skipped. See {@link insertCounted}.
   */
  readonly ignoreTail: string;
  /**
   * Like {@link insertIgnore}, and `run` says how many rows went in. For values that were checked: on MariaDB and MySQL it also
   * bends those that do not fit, without an error. Followed by {@link countedTail}.
   */
  readonly insertCounted: string;
  readonly countedTail: string;
  /** What turns an `INSERT` into an upsert: `key` columns that conflict, `set` columns that take the new value. */
  upsertTail(key: readonly string[], set: readonly string[] | Readonly<Record<string, string>>): string;
  /** How an upsert's expressions name the value that was to be inserted. */
  excluded(column: string): string;
  /** A column name that is a reserved word somewhere, quoted. */
  quote(column: string): string;
  /** A text value out of a JSON column by top-level key, or NULL: for reads, not for conditions. */
  jsonText(column: string, key: string): string;
  /** A number in a JSON column by a name that is bound (see {@link jsonName}); NULL where it is none or not there. */
  jsonNumber(column: string, binding: string): string;
  /** What is bound for a name in {@link jsonNumber}. The name holds no double quote and no backslash. */
  jsonName(name: string): string;
  /** The day of the year, `02-28`, of a moment in ms since 1970, in UTC; NULL for moments before the year 1 or after 9999. */
  dayOfYear(ms: string): string;
  /** Row locks that skip what another transaction holds (`FOR UPDATE SKIP LOCKED`; nothing on SQLite). */
  readonly skipLocked: string;
  readonly forUpdate: string;
  /**
   * An `UPDATE` of many rows from a table expression of {@link rows}: `set` and `where` may use the columns of both.
   * The columns of `rows` need names that the table does not have, because they are written without a prefix.
   */
  updateFrom(table: string, rows: string, set: string, where: string): string;
  /** True when `UPDATE … RETURNING` / `INSERT … RETURNING` works. */
  readonly updateReturning: boolean;
}

/** The narrow door to the database: text in, rows out. Statements name their values (`:name`). */
export interface Sql {
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** All rows. */
  all<Row extends object>(text: string, values?: SqlValues): Promise<Row[]>;
  /** The first row. */
  get<Row extends object>(text: string, values?: SqlValues): Promise<Row | undefined>;
  /** Runs a statement that changes something; how many rows it changed (matched, on MySQL). */
  run(text: string, values?: SqlValues): Promise<number>;
  /** Runs an `INSERT` of one row; its generated id. */
  insert(text: string, values?: SqlValues): Promise<number>;
}

/**
 * One tenant's door to the database. Every statement must name `tenant_id` for every tenant table it touches;
 * one that does not is refused with `E_UNSCOPED` before it reaches the database.
 */
export interface Scope extends Sql {
  readonly tenant: string;
  /**
   * Runs `work` in one transaction (`BEGIN IMMEDIATE` on SQLite, READ COMMITTED elsewhere) and retries the whole of it
   * when the database reports a lock, a deadlock or a serialization failure. `work` must therefore be repeatable:
   * no side effects outside the database. Inside a transaction, calls `work` directly.
   */
  transaction<T>(work: (tx: Scope) => Promise<T>): Promise<T>;
  /**
   * Runs `work` on a connection of its own, where long statements do not hold up anybody: on SQLite that is a worker
   * thread, elsewhere one connection of the pool. Temporary tables live for the length of `work`.
   * Keep its write transactions short all the same: they block other writers.
   */
  background<T>(work: (db: Scope) => Promise<T>): Promise<T>;
  /**
   * Calls `work` when the transaction has been committed, and never when it was rolled back; outside a transaction, at
   * once. What it throws is swallowed: the change stands. For hints to this process only: a crash may come between.
   */
  afterCommit(work: () => void): void;
  /** The same object for all scopes of one open database: what is kept in memory per database hangs on it (in a WeakMap). */
  readonly database: object;
}

/** An open database. */
export interface Store {
  readonly url: string;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** The door for one tenant. */
  tenant(id: string): Scope;
  /** The door for what belongs to no tenant or to all (runtimes, schema checks). Statements on tenant tables are allowed only with `:any_tenant` said in a comment. */
  readonly system: Scope;
  /** Brings the schema up to date; names of the migrations that ran. */
  migrate(): Promise<string[]>;
  /** Takes back the last migration; its name, or undefined when there is none. */
  rollback(): Promise<string | undefined>;
  /** Ends all connections and threads. Safe to call twice. */
  close(): Promise<void>;
}
