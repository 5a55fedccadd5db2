import type { Scope } from '../store';
import { memoryBackend, type Hits, type RateBackend } from './rate-backends';

/** Windows that are over are removed at most this often. */
const CLEAN_EVERY_MS = 60_000;

/**
 * In the database, shared by all processes: one upsert per hit. While it does not answer, each process counts for itself.
 * @param system the door to all tenants: an address is counted before anybody knows whose it is
 */
export function tableBackend(system: Scope, onTrouble: (error: unknown) => void): RateBackend {
  const insurance = memoryBackend();
  let cleanedAt = -Infinity;
  const clean = async (now: number): Promise<void> => {
    if (now - cleanedAt < CLEAN_EVERY_MS) return;
    cleanedAt = now;
    await system.run('DELETE FROM marketing_rate_limits WHERE reset_at <= :now', { now });
  };
  return {
    counter(name, windowSeconds) {
      const alone = insurance.counter(name, windowSeconds);
      return {
        async hit(key) {
          try {
            const now = system.clock.now();
            await clean(now);
            return await hit(system, `${name}:${key}`, now, windowSeconds * 1000);
          } catch (error) {
            onTrouble(error);
            return alone.hit(key);
          }
        },
      };
    },
    close: () => insurance.close(),
  };
}

async function hit(system: Scope, key: string, now: number, windowMs: number): Promise<Hits> {
  const { dialect } = system;
  // The window is over: a new one begins. MySQL assigns from left to right, so the count comes first.
  const stale = 'marketing_rate_limits.reset_at <= :now';
  const upsert = `INSERT INTO marketing_rate_limits (limit_key, hits, reset_at) VALUES (:key, 1, :reset)
    ${dialect.upsertTail(['limit_key'], {
      hits: `CASE WHEN ${stale} THEN 1 ELSE marketing_rate_limits.hits + 1 END`,
      reset_at: `CASE WHEN ${stale} THEN ${dialect.excluded('reset_at')} ELSE marketing_rate_limits.reset_at END`,
    })}`;
  const values = { key, now, reset: now + windowMs };
  type Row = { hits: number; reset_at: number };
  const row = dialect.updateReturning
    ? await system.get<Row>(`${upsert} RETURNING hits, reset_at`, values)
    : // The upsert locks the row, so that nobody is counted in between.
      await system.transaction(async (tx) => {
        await tx.run(upsert, values);
        return tx.get<Row>('SELECT hits, reset_at FROM marketing_rate_limits WHERE limit_key = :key', { key });
      });
  return { count: row?.hits ?? 1, resetMs: Math.max(0, (row?.reset_at ?? now) - now) };
}
