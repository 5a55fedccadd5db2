import type { JobParameters } from 'agenda';
import type { TimerBackend } from './backend';
import { isEntry } from './book';
import { AGENDA_NAME, optionalPackage, withinTime, type OfficialContext } from './official-parts';
import { OfficialBook, type RecordIndex } from './official-book';

const PREFIX = `${AGENDA_NAME}:`;

/** The official Redis backend: keys under {@link PREFIX}, other processes hear of new timers through Pub/Sub. */
export async function openRedis(url: URL, context: OfficialContext): Promise<TimerBackend> {
  const { RedisBackend, RedisJobRepository } = await optionalPackage(
    '@agendajs/redis-backend',
    () => import('@agendajs/redis-backend'),
  );
  const backend = new RedisBackend({
    keyPrefix: PREFIX,
    channelName: AGENDA_NAME,
    redisOptions: {
      host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
      port: Number(url.port || 6379),
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      db: Number(url.pathname.slice(1) || 0),
      connectTimeout: context.connectMs,
      ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    },
  });
  const { repository } = backend;
  if (!(repository instanceof RedisJobRepository)) throw new TypeError('the Redis backend has no Redis repository');
  const redis = repository.getRedis();
  try {
    // ioredis tries for ever; the first refusal is enough to know.
    const refused = new Promise<never>((_resolve, reject) => redis.once('error', reject));
    refused.catch(() => undefined);
    await withinTime(context, Promise.race([backend.connect(), refused]));
  } catch (error) {
    // Its pending commands are rejected, which nobody waits for any more.
    redis.on('error', () => undefined);
    redis.disconnect();
    throw error;
  }
  redis.on('error', context.failed);
  // The official repository finds jobs by their data with a scan of all: a set of record ids per timer spares that.
  const key = (id: string): string => `${PREFIX}timer:${id}`;
  const index: RecordIndex = {
    find: async (id) => {
      const found = await Promise.all(
        (await redis.smembers(key(id))).map((recordId) => repository.getJobById(recordId)),
      );
      return found.filter((job): job is JobParameters => job !== null);
    },
    added: async (id, recordId) => {
      await redis.sadd(key(id), recordId);
    },
    removed: async (id, recordId) => {
      await redis.srem(key(id), recordId);
    },
  };
  return {
    name: 'Redis',
    jobName: context.jobName,
    repository,
    book: new OfficialBook(repository, context.jobName, index),
    channel: backend.notificationChannel,
    shared: true,
    fenced: false,
    removed: async (job) => {
      if (isEntry(job.data)) await index.removed(job.data.id, String(job._id));
    },
    close: () => backend.disconnect(),
  };
}
