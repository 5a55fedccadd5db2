import { createRequire } from 'node:module';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { InputError, MarketingError } from '../errors';

/** How often something happened in the window that it fell into. */
export interface Hits {
  /** This one included. */
  readonly count: number;
  /** Milliseconds until the window ends. */
  readonly resetMs: number;
}

/** Counts in windows of a fixed length that begin with the first hit. */
export interface HitCounter {
  hit(key: string): Promise<Hits>;
}

/** Where hits are counted. */
export interface RateBackend {
  counter(name: string, windowSeconds: number): HitCounter;
  close(): Promise<void>;
}

/** In this process alone. */
export function memoryBackend(): RateBackend {
  return {
    counter: (name, windowSeconds) =>
      counting(new RateLimiterMemory({ ...SETTINGS, keyPrefix: name, duration: windowSeconds })),
    close: () => Promise.resolve(),
  };
}

/** The limits are compared in {@link RateLimits}; the limiters only count. */
const SETTINGS = { points: Number.MAX_SAFE_INTEGER };

function counting(limiter: RateLimiterAbstract): HitCounter {
  return {
    async hit(key) {
      const { consumedPoints, msBeforeNext } = await limiter.consume(key);
      return { count: consumedPoints, resetMs: msBeforeNext };
    },
  };
}

/** As much of an ioredis client as is used here; the package is there only where somebody has installed it. */
interface RedisClient {
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): void;
}
type RedisConstructor = new (url: string, options: object) => RedisClient;

/**
 * In Redis, shared by all processes. While it does not answer, each process counts for itself.
 * @throws InputError `E_RATE_LIMITS_URL`; MarketingError `E_RATE_LIMITS_PACKAGE` when no Redis client is installed
 */
export function redisBackend(url: string, onTrouble: (error: Error) => void): RateBackend {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new InputError('E_RATE_LIMITS_URL', 'The URL of the rate limits must begin with redis:// or rediss://.');
  }
  // A request must not wait for a Redis that is away: it fails at once, and the process counts for itself.
  const client = new (redisPackage())(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 5_000,
  });
  client.on('error', onTrouble);
  return {
    counter(name, windowSeconds) {
      const options = { ...SETTINGS, keyPrefix: `marketing_limit:${name}`, duration: windowSeconds };
      const insuranceLimiter = new RateLimiterMemory(options);
      return counting(
        new RateLimiterRedis({ ...options, storeClient: client, rejectIfRedisNotReady: true, insuranceLimiter }),
      );
    },
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** `ioredis` as it was installed beside this package, or as Agenda's Redis backend brings it along. */
function redisPackage(): RedisConstructor {
  const here = createRequire(__filename);
  for (const from of [() => here, () => createRequire(here.resolve('@agendajs/redis-backend'))]) {
    try {
      const { Redis } = from()('ioredis') as { Redis: RedisConstructor };
      return Redis;
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') throw error;
    }
  }
  throw new MarketingError(
    'E_RATE_LIMITS_PACKAGE',
    'Rate limits in Redis need the package "ioredis": run "npm install ioredis" beside Node-RED.',
    { details: { package: 'ioredis' } },
  );
}
