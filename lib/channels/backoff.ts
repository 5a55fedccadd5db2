/** How {@link backoff} grows. */
export interface BackoffOptions {
  /** Delay of the first attempt, ms. */
  readonly base: number;
  /** No delay is longer, ms. */
  readonly max: number;
  /** Which part of the delay is left to chance: 0 none, 1 anything between nothing and all of it. Default 0.5. */
  readonly jitter?: number;
  /** Between 0 (inclusive) and 1 (exclusive); injected so that tests and simulations repeat. */
  readonly random?: () => number;
}

/**
 * Milliseconds to wait after failed attempt number `attempt` (1, 2, 3 …): doubles from `base` up to `max`, less
 * a random part, so that those who failed together do not return together
 * (AWS Architecture Blog, "Exponential Backoff and Jitter").
 */
export function backoff(attempt: number, options: BackoffOptions): number {
  const { base, max, jitter = 0.5, random = Math.random } = options;
  const doublings = Math.min(Math.max(0, attempt - 1), 52);
  const delay = Math.min(max, base * 2 ** doublings);
  return Math.round(delay * (1 - jitter * random()));
}
