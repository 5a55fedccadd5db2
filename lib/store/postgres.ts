import type { Knex } from 'knex';
import type { Client } from 'pg';
import { driverCode, poolOf, type Connection, type Driver, type Result } from './connection';
import type { SqlValue } from './types';

const INT8 = 20;
const NUMERIC = 1700;

/** Ids and counts are far below 2^53: numbers, not strings. */
export const postgresTypes = {
  getTypeParser(oid: number, format?: string): (value: string) => unknown {
    if (oid === INT8 || oid === NUMERIC) return Number;
    // pg is an optional peer: loaded only when a PostgreSQL store is opened.
    const { types } = require('pg') as typeof import('pg');
    return types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
  },
};

class PostgresConnection implements Connection {
  constructor(readonly client: Client) {}
  async exec(text: string, values: SqlValue[]): Promise<Result> {
    const result = await this.client.query<object>(text, values);
    return { rows: result.rows ?? [], changes: result.rowCount ?? 0, lastId: 0 };
  }
}

/** PostgreSQL through knex's pool. */
export class PostgresDriver implements Driver {
  readonly begin = 'BEGIN ISOLATION LEVEL READ COMMITTED';
  constructor(private readonly knex: Knex) {}

  async acquire(): Promise<Connection> {
    return new PostgresConnection(await poolOf<Client>(this.knex).acquireConnection());
  }
  async release(connection: Connection): Promise<void> {
    await poolOf<Client>(this.knex).releaseConnection((connection as PostgresConnection).client);
  }
  async background<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.acquire();
    try {
      return await work(connection);
    } finally {
      await this.release(connection);
    }
  }
  isContention(error: unknown): boolean {
    return ['40001', '40P01', '55P03'].includes(driverCode(error));
  }
  isConnectionLoss(error: unknown): boolean {
    const code = driverCode(error);
    return (
      ['25P03', '57P01', '57P02', '57P03', '08006', '08003', 'ECONNRESET', 'EPIPE'].includes(code) ||
      (error instanceof Error && /Connection terminated|connection error and is not queryable/.test(error.message))
    );
  }
  async close(): Promise<void> {
    await this.knex.destroy();
  }
}
