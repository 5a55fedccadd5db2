import { probability } from './chi-square';
import type { Counts } from './types';

/**
 * ln of the likelihood ratio of the mixture sequential probability ratio test: a normal mixture N(0, τ²) over the difference against
 * no difference at all (R. Johari, L. Pekelis, D. Walsh, "Always valid inference", 2015/2022; H. Robbins 1970).
 * @param difference what was seen
 * @param variance   of that difference
 */
export function lnMixtureRatio(difference: number, variance: number, tau2: number): number {
  if (!(variance > 0 && Number.isFinite(variance))) return 0;
  const both = variance + tau2;
  return 0.5 * Math.log(variance / both) + (difference ** 2 * tau2) / (2 * variance * both);
}

/** The variance of the difference of two rates if there is none: p(1 − p)(1/n₁ + 1/n₂). */
export function varianceOfDifference(a: Counts, b: Counts): number {
  if (a.n === 0 || b.n === 0) return 0;
  const pooled = (a.conversions + b.conversions) / (a.n + b.n);
  return pooled * (1 - pooled) * (1 / a.n + 1 / b.n);
}

/** ln of the mixture likelihood ratio of two arms. 0 while nothing can be said. */
export function lnRatioOf(a: Counts, b: Counts, tau2: number): number {
  const variance = varianceOfDifference(a, b);
  return variance === 0 ? 0 : lnMixtureRatio(b.conversions / b.n - a.conversions / a.n, variance, tau2);
}

/**
 * The always-valid p after another look: the least value of 1/Λ over all looks so far. However often one looks, the probability that it
 * ever falls to α although nothing differs is at most α. `before`: the value of the last look; 1 at the first.
 */
export function alwaysValidP(before: number, lnRatio: number): number {
  return Math.min(1, before, probability(-lnRatio));
}

/**
 * τ² of the mixture: the square of the difference that one hopes to find. It must be fixed before the first look; a value that is far
 * off costs time, and never validity.
 */
export function tau2Of(hopedFor: number): number {
  return hopedFor ** 2;
}
