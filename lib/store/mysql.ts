import type { Knex } from 'knex';
import type { Connection as MysqlClient } from 'mysql2';
import { driverCode, poolOf, type Connection, type Driver, type Result } from './connection';
import type { SqlValue } from './types';

interface Outcome {
  affectedRows?: number;
  insertId?: number;
}

class MysqlConnection implements Connection {
  constructor(readonly client: MysqlClient) {}
  exec(text: string, values: SqlValue[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.client.query(text, values, (error, outcome: unknown) => {
        if (error) reject(error);
        else if (Array.isArray(outcome)) resolve({ rows: outcome as object[], changes: outcome.length, lastId: 0 });
        else {
          const { affectedRows = 0, insertId = 0 } = outcome as Outcome;
          resolve({ rows: [], changes: affectedRows, lastId: insertId });
        }
      });
    });
  }
}

/** MariaDB and MySQL through knex's pool. */
export class MysqlDriver implements Driver {
  readonly begin = 'START TRANSACTION';
  constructor(private readonly knex: Knex) {}

  async acquire(): Promise<Connection> {
    return new MysqlConnection(await poolOf<MysqlClient>(this.knex).acquireConnection());
  }
  async release(connection: Connection): Promise<void> {
    await poolOf<MysqlClient>(this.knex).releaseConnection((connection as MysqlConnection).client);
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
    return ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD'].includes(driverCode(error));
  }
  isConnectionLoss(error: unknown): boolean {
    return ['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE', 'ER_SERVER_SHUTDOWN', 'ER_CONNECTION_KILLED'].includes(
      driverCode(error),
    );
  }
  async close(): Promise<void> {
    await this.knex.destroy();
  }
}
