import type { ScoreDecay } from './types';

export const DAY_MS = 86_400_000;

/** How points decay, as a row keeps it. */
export interface Decay {
  readonly kind: 'expire' | 'halve';
  readonly ms: number;
}

/** What points come to at a moment. */
export interface Standing {
  readonly live: number;
  /** When they will be fewer, ms since 1970; null: never. */
  readonly dueAt: number | null;
}

/** What a rule says, in milliseconds. */
export function decayOf(said: ScoreDecay | undefined): Decay | undefined {
  if (said?.expiresAfterDays !== undefined) return { kind: 'expire', ms: said.expiresAfterDays * DAY_MS };
  if (said?.halfLifeDays !== undefined) return { kind: 'halve', ms: said.halfLifeDays * DAY_MS };
  return undefined;
}

/**
 * What is left at `now` of points given at `at`. Points that halve do so in steps, a whole half-life each, rounded towards 0: they
 * stay whole numbers, and sums stay exact.
 */
export function standing(given: number, at: number, decay: Decay | undefined, now: number): Standing {
  if (!decay) return { live: given, dueAt: null };
  const periods = Math.max(0, Math.floor((now - at) / decay.ms));
  switch (decay.kind) {
    case 'expire':
      return periods >= 1 ? { live: 0, dueAt: null } : { live: given, dueAt: at + decay.ms };
    case 'halve': {
      // 2^1023 is the largest power; long before that nothing is left.
      const live = Math.trunc(given / 2 ** Math.min(periods, 1_000)) || 0;
      return { live, dueAt: live === 0 ? null : at + (periods + 1) * decay.ms };
    }
  }
}
