import type { Knex } from 'knex';
import type { SqlValue } from './types';

/** What a statement gave back, the same for all drivers. */
export interface Result {
  rows: object[];
  /** Rows that a writing statement changed. */
  changes: number;
  /** The id that an insert of one row generated; 0 when there is none. */
  lastId: number;
}

/** One open connection. Statements on it run one after another. */
export interface Connection {
  exec(text: string, values: SqlValue[]): Result | Promise<Result>;
}

/** What a database driver must be able to do; one implementation per family. */
export interface Driver {
  /** Takes a connection out of the pool; waits when all are in use. */
  acquire(): Promise<Connection>;
  release(connection: Connection): Promise<void>;
  /** Runs `work` with a connection that may be used for long statements. */
  background<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** The words that begin a writing transaction. */
  readonly begin: string;
  /** True when the same work may succeed if it is simply done again (locked, dead-locked, serialization failure). */
  isContention(error: unknown): boolean;
  /** True when the connection itself is gone; a transaction that had not committed may be done again. */
  isConnectionLoss(error: unknown): boolean;
  close(): Promise<void>;
}

/** The `code` of a driver's error, whatever its class. */
export function driverCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** The part of knex's client that hands out its pool's connections: public, but not in its types. */
export interface ConnectionPool<Client> {
  acquireConnection(): Promise<Client>;
  releaseConnection(client: Client): Promise<void>;
}

/** The pool behind a knex instance. */
export function poolOf<Client>(knex: Knex): ConnectionPool<Client> {
  return knex.client as ConnectionPool<Client>;
}
