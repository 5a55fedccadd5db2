/** Ends the connections that others have to a scratch database, as a restart of the server or of a proxy would. */
import type { DialectName } from '../../lib/store';

/** How many connections were ended. */
export async function endConnections(name: DialectName, url: string): Promise<number> {
  if (name === 'postgres') {
    const { Client } = await import('pg');
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      const { rowCount } = await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      return rowCount ?? 0;
    } finally {
      await client.end();
    }
  }
  const { createConnection } = await import('mysql2/promise');
  const client = await createConnection({ uri: url });
  try {
    const [rows] = await client.query(
      `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()`,
    );
    for (const { id } of rows as { id: number }[]) {
      // It may have ended by itself meanwhile.
      await client.query(`KILL ${Number(id)}`).catch(() => undefined);
    }
    return (rows as object[]).length;
  } finally {
    await client.end();
  }
}
