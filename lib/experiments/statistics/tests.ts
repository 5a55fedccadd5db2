import { lnChiSquareTail, probability } from './chi-square';
import { lnTwoSided } from './normal';
import type { Counts } from './types';

/** A test over all arms together. `null`: nothing can be said (an empty arm, or nobody or everybody succeeded). */
export interface Independence {
  readonly df: number;
  readonly statistic: number | null;
  readonly p: number | null;
  /** The smallest count that chance alone would lead one to expect in a cell of the table. */
  readonly minExpected: number;
  /** Cochran's rule in its strict form: no expected count is below 5. Below, chi-square promises too much. */
  readonly cochranOk: boolean;
}

/** What a table of [succeeded, not] × arms is made of. */
function tableOf(arms: readonly Counts[]): { total: number; hits: number; misses: number; minExpected: number } {
  const total = arms.reduce((sum, { n }) => sum + n, 0);
  const hits = arms.reduce((sum, { conversions }) => sum + conversions, 0);
  const misses = total - hits;
  const smallest = Math.min(...arms.map(({ n }) => n));
  return { total, hits, misses, minExpected: total > 0 ? (smallest * Math.min(hits, misses)) / total : 0 };
}

/** Sums a term over the cells of the table; null where a row or a column is empty. */
function independence(arms: readonly Counts[], term: (seen: number, expected: number) => number): Independence {
  const { total, hits, misses, minExpected } = tableOf(arms);
  const df = arms.length - 1;
  const cochranOk = minExpected >= 5;
  if (df < 1 || hits === 0 || misses === 0 || arms.some(({ n }) => n === 0)) {
    return { df, statistic: null, p: null, minExpected, cochranOk };
  }
  const statistic = arms.reduce((sum, { conversions, n }) => {
    const failures = n - conversions;
    return sum + term(conversions, (n * hits) / total) + term(failures, (n * misses) / total);
  }, 0);
  return { df, statistic, p: probability(lnChiSquareTail(statistic, df)), minExpected, cochranOk };
}

/** Pearson's chi-square test of independence, k × 2, without Yates' correction (K. Pearson 1900). */
export function chiSquareTest(arms: readonly Counts[]): Independence {
  return independence(arms, (seen, expected) => (seen - expected) ** 2 / expected);
}

/** The same for two arms with Yates' correction: too cautious, for comparison only (F. Yates 1934). */
export function yatesTest(arms: readonly [Counts, Counts]): Independence {
  const { total, hits } = tableOf(arms);
  // In a 2 × 2 table all cells are equally far from what is expected.
  const distance = Math.abs(arms[0].conversions - (arms[0].n * hits) / total);
  const corrected = Math.max(0, distance - 0.5) ** 2;
  return independence(arms, (_seen, expected) => corrected / expected);
}

/** The likelihood-ratio test (G-test, S. Wilks 1938). */
export function gTest(arms: readonly Counts[]): Independence {
  return independence(arms, (seen, expected) => (seen === 0 ? 0 : 2 * seen * Math.log(seen / expected)));
}

/** Cramér's V of a k × 2 table: 0 = the arms do not differ, 1 = they differ as much as possible. Null as for the test. */
export function cramersV(arms: readonly Counts[]): number | null {
  const { statistic } = chiSquareTest(arms);
  return statistic === null ? null : Math.sqrt(statistic / tableOf(arms).total);
}

/** A comparison of two arms. */
export interface Comparison {
  readonly z: number | null;
  /** Two-sided. */
  readonly p: number | null;
}

/** The two-proportion z test with the pooled rate, arm b minus arm a, two-sided. z² is Pearson's chi-square. */
export function zTest(a: Counts, b: Counts): Comparison {
  const pooled = (a.conversions + b.conversions) / (a.n + b.n);
  const variance = pooled * (1 - pooled) * (1 / a.n + 1 / b.n);
  if (!(variance > 0 && Number.isFinite(variance))) return { z: null, p: null };
  const z = (b.conversions / b.n - a.conversions / a.n) / Math.sqrt(variance);
  return { z, p: probability(lnTwoSided(z)) };
}

/** Tables as likely as the one seen, within rounding, count as no more likely. */
const AS_LIKELY = 1 + 1e-7;
/** Weights are kept within what a number holds. */
const RESCALE = 2 ** 600;
const LN_RESCALE = 600 * Math.LN2;

/**
 * Fisher's exact test of a 2 × 2 table, two-sided: the share of all tables with the same margins that are no more likely than the
 * one seen (R. A. Fisher 1934). Walks from the likeliest table outwards by ratios, which needs no factorial and loses no digit.
 * The work grows with the smallest margin.
 */
export function fisherTest(a: Counts, b: Counts): number {
  const hits = a.conversions + b.conversions;
  const low = Math.max(0, hits - b.n);
  const high = Math.min(a.n, hits);
  const mode = Math.min(high, Math.max(low, Math.floor(((a.n + 1) * (hits + 1)) / (a.n + b.n + 2))));
  // Weight of x + 1 successes in arm a, relative to x.
  const ratio = (x: number): number => ((a.n - x) * (hits - x)) / ((x + 1) * (b.n - hits + x + 1));
  const up = walk(mode, high, (x) => ratio(x));
  const down = walk(mode, low, (x) => 1 / ratio(x - 1));
  const seen = a.conversions >= mode ? up[a.conversions - mode] : down[mode - a.conversions];
  const bound = (seen ?? 0) + Math.log(AS_LIKELY);
  const all = [...up, ...down.slice(1)];
  const total = sumOf(all);
  return Math.min(1, probability(sumOf(all.filter((weight) => weight <= bound)) - total));
}

/** ln of the weights from the mode (weight 1) to an end of the support. */
function walk(from: number, to: number, ratio: (x: number) => number): number[] {
  const weights = [0];
  let weight = 1;
  let scaled = 0;
  const step = to >= from ? 1 : -1;
  for (let x = from; x !== to; x += step) {
    weight *= ratio(x);
    if (weight < 1 / RESCALE) {
      weight *= RESCALE;
      scaled += LN_RESCALE;
    }
    weights.push(Math.log(weight) - scaled);
  }
  return weights;
}

/** ln of the sum of values that are given by their logarithms. */
function sumOf(logs: readonly number[]): number {
  const most = logs.reduce((max, one) => Math.max(max, one), -Infinity);
  return most + Math.log(logs.reduce((sum, one) => sum + Math.exp(one - most), 0));
}
