import type { Clock } from '../clock';

/** Counts failed attempts by address, so that guessing is slowed down and the memory it takes is bounded. */
export interface Guesses {
  /** Notes a failed attempt; true when the address has used up what it may try in this minute. */
  tooMany(address: string): boolean;
}

const WINDOW_MS = 60_000;
/** Addresses remembered at once; when more turn up within a minute, counting begins anew. */
const MAX_ADDRESSES = 10_000;

/** At most `perMinute` failed attempts from one address. */
export function createGuesses(clock: Clock, perMinute: number): Guesses {
  const failed = new Map<string, number>();
  let windowEnds = clock.monotonic() + WINDOW_MS;
  return {
    tooMany(address) {
      const now = clock.monotonic();
      if (now >= windowEnds || failed.size > MAX_ADDRESSES) {
        failed.clear();
        windowEnds = now + WINDOW_MS;
      }
      const count = (failed.get(address) ?? 0) + 1;
      failed.set(address, count);
      return count > perMinute;
    },
  };
}
