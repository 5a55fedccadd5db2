import { scaledErfc } from './normal';

/**
 * ln of the probability that a chi-square value with `df` degrees of freedom (a whole number from 1) lies above x. Closed forms
 * (Abramowitz & Stegun 26.4.4 and 26.4.5) of positive terms only, so that nothing cancels however far out x is.
 */
export function lnChiSquareTail(x: number, df: number): number {
  if (!(x > 0)) return 0;
  const half = x / 2;
  // What stands before exp(−x/2).
  let sum = 0;
  if (df % 2 === 0) {
    let term = 1;
    for (let k = 1; k <= df / 2; k++) {
      sum += term;
      term *= half / k;
    }
  } else {
    sum = scaledErfc(Math.sqrt(half));
    let term = Math.sqrt(half / Math.PI) * 2;
    for (let k = 1; k <= (df - 1) / 2; k++) {
      sum += term;
      term *= half / (k + 0.5);
    }
  }
  return Math.min(0, Math.log(sum) - half);
}

/** The probability that a chi-square value with `df` degrees of freedom lies above x; see {@link probability}. */
export function chiSquareTail(x: number, df: number): number {
  return probability(lnChiSquareTail(x, df));
}

/** A probability from its logarithm: never 0, because nothing that was seen is impossible. Below 5e-324 it is 5e-324. */
export function probability(ln: number): number {
  return Math.min(1, Math.max(Number.MIN_VALUE, Math.exp(ln)));
}

/** A p-value for people: four decimals, and `p < 0.0001` for everything below. Never 0. */
export function pText(p: number | null): string {
  if (p === null || Number.isNaN(p)) return 'p: –';
  if (p < 0.0001) return 'p < 0.0001';
  return `p = ${Math.min(p, 1).toFixed(4)}`;
}
