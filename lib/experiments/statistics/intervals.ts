import { betaQuantile } from './beta';
import { normalQuantile } from './normal';
import type { Counts, Interval } from './types';

/** z for a two-sided interval of this level (0.95 …). */
export function zOf(level: number): number {
  return normalQuantile((1 - level) / 2);
}

/** Wilson's score interval of a rate (E. B. Wilson 1927). Everything between 0 and 1 when nobody was exposed. */
export function wilson({ conversions, n }: Counts, level = 0.95): Interval {
  if (n === 0) return [0, 1];
  const z = zOf(level);
  const p = conversions / n;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [conversions === 0 ? 0 : middle - half, conversions === n ? 1 : middle + half];
}

/** The exact interval of C. Clopper and E. Pearson (1934): never too narrow, usually too wide. */
export function clopperPearson({ conversions: x, n }: Counts, level = 0.95): Interval {
  const tail = (1 - level) / 2;
  return [x === 0 ? 0 : betaQuantile(tail, x, n - x + 1), x === n ? 1 : betaQuantile(1 - tail, x + 1, n - x)];
}

/** Newcombe's hybrid score interval of the difference of two rates, b − a (R. Newcombe 1998, method 10). */
export function newcombe(a: Counts, b: Counts, level = 0.95): Interval {
  if (a.n === 0 || b.n === 0) return [-1, 1];
  const [pa, pb] = [a.conversions / a.n, b.conversions / b.n];
  const [lowA, highA] = wilson(a, level);
  const [lowB, highB] = wilson(b, level);
  const difference = pb - pa;
  return [difference - Math.hypot(pb - lowB, highA - pa), difference + Math.hypot(highB - pb, pa - lowA)];
}

/** Wald's interval of the difference, b − a: of no width where nobody or everybody succeeded. For comparison only. */
export function waldDifference(a: Counts, b: Counts, level = 0.95): Interval {
  const [pa, pb] = [a.conversions / a.n, b.conversions / b.n];
  const half = zOf(level) * Math.sqrt((pa * (1 - pa)) / a.n + (pb * (1 - pb)) / b.n);
  return [pb - pa - half, pb - pa + half];
}

/** The same with one success and one failure more in each arm (A. Agresti and B. Caffo 2000). For comparison only. */
export function agrestiCaffo(a: Counts, b: Counts, level = 0.95): Interval {
  const more = ({ conversions, n }: Counts): Counts => ({ conversions: conversions + 1, n: n + 2 });
  return waldDifference(more(a), more(b), level);
}
