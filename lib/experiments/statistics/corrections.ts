/*
 * Five arms that do not differ have ten pairs; at p < .05 each, one of them looks different in 28.5 % of all tests. What follows
 * holds the whole family of comparisons to one error. All keep the order in which they are given p-values.
 */

/** Holm's step-down method: the family-wise error is held, whatever the p-values depend on (S. Holm 1979). */
export function holm(ps: readonly number[]): number[] {
  return adjusted(ps, (p, rank, count, before) => Math.max(before, Math.min(1, p * (count - rank))));
}

/** Bonferroni's method: simpler, and never finds more than Holm's. */
export function bonferroni(ps: readonly number[]): number[] {
  return ps.map((p) => Math.min(1, p * ps.length));
}

/** Benjamini's and Hochberg's method: holds the share of false discoveries, not the family-wise error (1995). */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const order = ps.map((p, at) => ({ p, at })).sort((one, other) => other.p - one.p);
  const result = ps.map(() => 1);
  let least = 1;
  for (const [place, { p, at }] of order.entries()) {
    least = Math.min(least, (p * ps.length) / (ps.length - place));
    result[at] = least;
  }
  return result;
}

function adjusted(
  ps: readonly number[],
  step: (p: number, rank: number, count: number, before: number) => number,
): number[] {
  const order = ps.map((p, at) => ({ p, at })).sort((one, other) => one.p - other.p);
  const result = ps.map(() => 1);
  let before = 0;
  for (const [rank, { p, at }] of order.entries()) {
    before = step(p, rank, ps.length, before);
    result[at] = before;
  }
  return result;
}
