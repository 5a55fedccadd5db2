import { normalQuantile, normalTail } from './normal';

/** What an experiment is to find. */
export interface Aim {
  /** The rate of the arm that it is compared with. */
  readonly from: number;
  /** The rate that is to be told from it. */
  readonly to: number;
  /** Two-sided error of finding what is not there, such as 0.05. */
  readonly alpha: number;
  /** Probability of finding what is there, such as 0.8. */
  readonly power: number;
}

/** People per arm that it takes, not rounded, by three formulas; see {@link sampleSize}. */
export function sampleSizes({ from, to, alpha, power }: Aim): { pooled: number; unpooled: number; arcsine: number } {
  const [zAlpha, zBeta] = [normalQuantile(alpha / 2), normalQuantile(1 - power)];
  const middle = (from + to) / 2;
  const own = from * (1 - from) + to * (1 - to);
  const square = (to - from) ** 2;
  const angle = 2 * (Math.asin(Math.sqrt(to)) - Math.asin(Math.sqrt(from)));
  return {
    pooled: (zAlpha * Math.sqrt(2 * middle * (1 - middle)) + zBeta * Math.sqrt(own)) ** 2 / square,
    unpooled: ((zAlpha + zBeta) ** 2 * own) / square,
    arcsine: (2 * (zAlpha + zBeta) ** 2) / angle ** 2,
  };
}

/**
 * People per arm that a comparison of two rates takes: the formula with the pooled rate under "no difference" (J. Fleiss 1981), as R's
 * `power.prop.test`. Infinite where the two rates are the same.
 */
export function sampleSize(aim: Aim): number {
  return Math.ceil(sampleSizes(aim).pooled);
}

/** Probability of finding the aim with so many people per arm. */
export function powerOf({ from, to, alpha }: Omit<Aim, 'power'>, n: number): number {
  const middle = (from + to) / 2;
  const own = from * (1 - from) + to * (1 - to);
  const z = Math.abs(to - from) * Math.sqrt(n) - normalQuantile(alpha / 2) * Math.sqrt(2 * middle * (1 - middle));
  return 1 - normalTail(z / Math.sqrt(own));
}
