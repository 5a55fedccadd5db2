import type { Clock } from '../clock';
import { InputError } from '../errors';

/** One rate: `limit` messages per `per`. */
export interface Rate {
  /** More than 0; may be a fraction. */
  readonly limit: number;
  readonly per: 'second' | 'minute' | 'hour' | 'day';
  /** How many may go at once after a quiet time. Default: what the rate allows in one second, at least 1. */
  readonly burst?: number;
}

/** What {@link Pacer.take} granted. */
export interface Grant {
  /** How many may go now; never more than asked for. */
  readonly granted: number;
  /** Milliseconds until the next one may go; 0 when everything asked for was granted. */
  readonly waitMs: number;
}

const MS = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

interface Bucket {
  readonly perMs: number;
  readonly size: number;
  tokens: number;
}

// Adding up fractions leaves 0.9999999999 where 1 is meant.
const EPSILON = 1e-6;

/**
 * Rate limit of one account: a token bucket per rate, on the monotonic clock, so that a jump of the wall clock
 * neither floods the server nor stops the mail. Over any span of `t` ms no more than `burst + rate × t` pass.
 * Without rates everything passes.
 */
export class Pacer {
  private readonly buckets: Bucket[];
  private last: number;

  /** @throws InputError E_RATE when a limit or burst is not a positive number */
  constructor(
    private readonly clock: Clock,
    rates: readonly Rate[] = [],
  ) {
    this.last = clock.monotonic();
    this.buckets = rates.map(({ limit, per, burst }) => {
      if (!(limit > 0) || !Number.isFinite(limit)) {
        throw new InputError('E_RATE', `The rate limit must be a number above 0, not ${String(limit)}.`);
      }
      if (burst !== undefined && !(burst >= 1)) {
        throw new InputError('E_RATE', `The burst must be at least 1, not ${String(burst)}.`);
      }
      const perMs = limit / MS[per];
      const size = burst ?? Math.max(1, perMs * 1000);
      return { perMs, size, tokens: size };
    });
  }

  /** Takes up to `n` messages' worth and says how long to wait for the rest. */
  take(n: number): Grant {
    this.refill();
    const free = this.buckets.reduce((least, bucket) => Math.min(least, bucket.tokens), Infinity);
    const granted = Math.max(0, Math.min(n, Math.floor(free + EPSILON)));
    for (const bucket of this.buckets) bucket.tokens -= granted;
    return { granted, waitMs: granted < n ? this.waitForOne() : 0 };
  }

  /** Gives back what was taken and not used. */
  refund(n: number): void {
    for (const bucket of this.buckets) bucket.tokens = Math.min(bucket.size, bucket.tokens + n);
  }

  private refill(): void {
    const now = this.clock.monotonic();
    const elapsed = now - this.last;
    this.last = now;
    for (const bucket of this.buckets) bucket.tokens = Math.min(bucket.size, bucket.tokens + elapsed * bucket.perMs);
  }

  private waitForOne(): number {
    const slowest = this.buckets.reduce((wait, bucket) => Math.max(wait, (1 - bucket.tokens) / bucket.perMs), 0);
    return Math.ceil(slowest - EPSILON);
  }
}
