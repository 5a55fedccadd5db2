import type { TimerSettings } from './types';

/**
 * Why these numbers: Agenda locks timers one by one, one round trip each, and starts none before it has locked all it
 * may; so the lock limit stays near the concurrency. A timer that is locked but waits longer than its lease leaks a
 * lock slot in Agenda 6.2.6; with two rounds of handlers at most in a lease that takes handlers of 15 s.
 */
export const DEFAULT_SETTINGS: TimerSettings = {
  leaseMs: 30_000,
  pollMs: 500,
  concurrency: 20,
  lockLimit: 40,
  retryMs: 1_000,
  retryMaxMs: 300_000,
  watchMs: 5_000,
  connectMs: 5_000,
};

/** The settings with what is left out filled in; a poll never takes longer than a second. */
export function completeSettings(settings: Partial<TimerSettings> = {}): TimerSettings {
  const complete = { ...DEFAULT_SETTINGS, ...settings };
  return { ...complete, pollMs: Math.min(complete.pollMs, 1_000) };
}

/** Pause before the next attempt after `failures` failed ones (≥ 1): exponential, without jitter since timers differ in their times already. */
export function retryDelay(failures: number, settings: Pick<TimerSettings, 'retryMs' | 'retryMaxMs'>): number {
  return Math.min(settings.retryMs * 2 ** Math.min(failures - 1, 30), settings.retryMaxMs);
}
