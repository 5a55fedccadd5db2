import type { TimerBackend } from './backend';
import { AGENDA_NAME, optionalPackage, withinTime, type OfficialContext } from './official-parts';
import { OfficialBook, type RecordIndex } from './official-book';

/** Taken while tables are made: PostgreSQL's `IF NOT EXISTS` fails when two processes do so at once. Any fixed number. */
const SETUP_LOCK = 7_203_914_405;

/** The official PostgreSQL backend: table {@link AGENDA_NAME}, other processes hear of new timers through LISTEN/NOTIFY. */
export async function openPostgres(url: string, context: OfficialContext): Promise<TimerBackend> {
  const { PostgresBackend } = await optionalPackage(
    '@agendajs/postgres-backend',
    () => import('@agendajs/postgres-backend'),
  );
  const { Pool } = await optionalPackage('pg', () => import('pg'));
  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: context.connectMs, max: 10 });
  // An idle connection that breaks (a restart of the server) would otherwise end this process.
  pool.on('error', context.failed);
  try {
    const backend = new PostgresBackend({ pool, tableName: AGENDA_NAME, channelName: AGENDA_NAME });
    const client = await withinTime(context, pool.connect());
    try {
      await client.query('SELECT pg_advisory_lock($1)', [SETUP_LOCK]);
      await backend.connect();
      await client.query(
        `CREATE INDEX IF NOT EXISTS "${AGENDA_NAME}_data_idx" ON "${AGENDA_NAME}" USING gin (data jsonb_path_ops)`,
      );
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [SETUP_LOCK]).catch(context.failed);
      client.release();
    }
    const { repository } = backend;
    const index: RecordIndex = {
      find: async (id) => (await repository.queryJobs({ name: context.jobName, data: { id } })).jobs,
      added: () => Promise.resolve(),
      removed: () => Promise.resolve(),
    };
    return {
      name: 'PostgreSQL',
      jobName: context.jobName,
      repository,
      book: new OfficialBook(repository, context.jobName, index),
      ...(backend.notificationChannel ? { channel: backend.notificationChannel } : {}),
      shared: true,
      fenced: false,
      close: () => pool.end(),
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}
