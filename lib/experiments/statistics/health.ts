import { lnChiSquareTail, probability } from './chi-square';

/** Below this p, people did not get into the arms as they were meant to. The usual bar, stricter than that of a winner. */
export const SRM_ALARM = 0.001;

/** Whether as many people are in each arm as were meant to be. */
export interface SampleRatio {
  readonly statistic: number | null;
  readonly df: number;
  readonly p: number | null;
  readonly alarm: boolean;
}

/**
 * The sample-ratio check: Pearson's chi-square, goodness of fit. An alarm means that something is wrong with the assignment, and that
 * nothing else about the experiment can be believed.
 * @param expected how many were meant to be in each arm; only their ratio counts
 */
export function sampleRatio(observed: readonly number[], expected: readonly number[]): SampleRatio {
  const people = observed.reduce((sum, n) => sum + n, 0);
  const planned = expected.reduce((sum, n) => sum + n, 0);
  const df = expected.filter((n) => n > 0).length - 1;
  if (people === 0 || planned <= 0 || df < 1) return { statistic: null, df: Math.max(0, df), p: null, alarm: false };
  let statistic = 0;
  for (const [arm, n] of observed.entries()) {
    const meant = ((expected[arm] ?? 0) / planned) * people;
    if (meant > 0) statistic += (n - meant) ** 2 / meant;
    // Somebody where nobody was to be.
    else if (n > 0) statistic = Infinity;
  }
  const p = statistic === Infinity ? Number.MIN_VALUE : probability(lnChiSquareTail(statistic, df));
  return { statistic, df, p, alarm: p < SRM_ALARM };
}
