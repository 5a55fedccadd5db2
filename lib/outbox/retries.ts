const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Pauses after the first, second … failed try. The last try is three days and three hours after the first. */
const PAUSES: readonly number[] = [
  ...[5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE],
  ...[2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
];

/** Tries of one delivery, after which it lands in the dead-letter list. */
export const MOST_TRIES = PAUSES.length + 1;

/** Which part of a pause is left to chance, so that what failed together does not come back together. */
const JITTER = 0.2;

/** When to try again after failed try number `attempt` (1, 2 …), ms since 1970; undefined when that was the last one. */
export function nextTry(attempt: number, now: number, random: () => number, retryAfter?: number): number | undefined {
  const pause = PAUSES[attempt - 1];
  if (pause === undefined) return undefined;
  const planned = now + Math.round(pause * (1 - JITTER / 2 + JITTER * random()));
  // A receiver may ask for more time, but not for more than the longest pause.
  return Math.max(planned, Math.min(retryAfter ?? 0, now + 24 * HOUR));
}
