import type { TimerBackend } from './backend';
import { AGENDA_NAME, optionalPackage, withinTime, type OfficialContext } from './official-parts';
import { OfficialBook, type RecordIndex } from './official-book';

/** The official MongoDB backend: collection {@link AGENDA_NAME}; timers of other processes are found by polling, within a second. */
export async function openMongo(url: string, context: OfficialContext): Promise<TimerBackend> {
  const { MongoBackend } = await optionalPackage('@agendajs/mongo-backend', () => import('@agendajs/mongo-backend'));
  const { MongoClient } = await optionalPackage('mongodb', () => import('mongodb'));
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: context.connectMs,
    connectTimeoutMS: context.connectMs,
  });
  try {
    await withinTime(context, client.connect());
    const db = client.db();
    const backend = new MongoBackend({ mongo: db, collection: AGENDA_NAME });
    await withinTime(context, backend.connect());
    await db.collection(AGENDA_NAME).createIndex({ 'data.id': 1 });
    const { repository } = backend;
    const index: RecordIndex = {
      find: async (id) => (await repository.queryJobs({ name: context.jobName, data: { id } })).jobs,
      added: () => Promise.resolve(),
      removed: () => Promise.resolve(),
    };
    return {
      name: 'MongoDB',
      jobName: context.jobName,
      repository,
      book: new OfficialBook(repository, context.jobName, index),
      shared: true,
      fenced: false,
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}
