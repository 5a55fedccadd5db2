import { InputError } from '../errors';

/** The largest amount that is taken: far beyond any price, and its products stay exact. */
export const MOST_MONEY = 1e13;

/** Percent in hundredths: 12.5 becomes 1250. Undefined for what is none, or has more than two decimals. */
export function basisPoints(percent: number): number | undefined {
  const points = Math.round(percent * 100);
  return Number.isFinite(percent) && Math.abs(percent * 100 - points) < 1e-6 ? points : undefined;
}

/** `amount * numerator / denominator`, rounded half up, without losing a digit on the way. None is negative. */
export function portion(amount: number, numerator: number, denominator: number): number {
  const twice = 2n * BigInt(amount) * BigInt(numerator) + BigInt(denominator);
  return Number(twice / (2n * BigInt(denominator)));
}

/**
 * Spreads an amount over lines in proportion to their weights, without a remainder: everybody gets the whole part of their
 * share, and what is left goes, one each, to those who lost most by that (the first of equals). Nobody gets more than their weight
 * when the amount is at most the sum of the weights.
 */
export function spread(amount: number, weights: readonly number[]): number[] {
  const whole = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  if (whole === 0n) return weights.map(() => 0);
  const shares = weights.map((weight, index) => {
    const product = BigInt(amount) * BigInt(weight);
    return { index, share: Number(product / whole), lost: product % whole };
  });
  let left = amount - shares.reduce((sum, { share }) => sum + share, 0);
  const result = shares.map(({ share }) => share);
  for (const { index } of [...shares].sort((a, b) =>
    a.lost === b.lost ? a.index - b.index : a.lost > b.lost ? -1 : 1,
  )) {
    if (left === 0) break;
    result[index] = (result[index] ?? 0) + 1;
    left--;
  }
  return result;
}

/** @throws InputError `E_CART`, unless it is money */
export function assertMoney(value: unknown, what: string): asserts value is number {
  if (isMoney(value)) return;
  throw new InputError(
    'E_CART',
    `${what} is no amount of money: give a whole number of the currency's minor unit (1999 for 19.99), from 0 to ${MOST_MONEY}.`,
  );
}

/** A whole number from 0 to {@link MOST_MONEY}. */
export function isMoney(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_MONEY;
}
