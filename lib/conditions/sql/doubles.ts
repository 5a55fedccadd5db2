/** Double-precision facts that the guards of arithmetic rest on (IEEE 754). */
export const MAX = Number.MAX_VALUE;
/** Smallest positive double, 2^-1074. */
export const TINY = Number.MIN_VALUE;

/**
 * What is known about a number before looking at it: the largest magnitude, the smallest one other than zero, and
 * whether it can be zero, negative zero, or below zero.
 */
export interface Range {
  readonly max: number;
  readonly min: number;
  readonly zero: boolean;
  readonly negativeZero: boolean;
  readonly negative: boolean;
}

export const ANY: Range = { max: MAX, min: TINY, zero: true, negativeZero: false, negative: true };

export function rangeOf(value: number): Range {
  return {
    max: Math.abs(value),
    min: value === 0 ? MAX : Math.abs(value),
    zero: value === 0,
    negativeZero: Object.is(value, -0),
    negative: value < 0,
  };
}

export function union(a: Range, b: Range): Range {
  return {
    max: Math.max(a.max, b.max),
    min: Math.min(a.min, b.min),
    zero: a.zero || b.zero,
    negativeZero: a.negativeZero || b.negativeZero,
    negative: a.negative || b.negative,
  };
}

export function negated(range: Range): Range {
  return { ...range, negativeZero: range.zero, zero: range.zero || range.negativeZero, negative: true };
}

const clamp = (value: number): number => Math.min(Math.max(value, TINY), MAX);

/** Range of a sum or difference. Next to a constant, what is left after cancelling is at least half its last bit. */
export function sumRange(a: Range, b: Range, subtract: boolean): Range {
  const constant = [a, b].find((range) => range.min === range.max && !range.zero);
  return {
    max: clamp(a.max + b.max),
    min: constant ? clamp(constant.max * 2 ** -54) : TINY,
    zero: true,
    negativeZero: a.negativeZero && (subtract ? b.zero : b.negativeZero),
    negative: true,
  };
}

function signed(a: Range, b: Range, zero: boolean): Pick<Range, 'zero' | 'negativeZero' | 'negative'> {
  const negative = a.negative || b.negative;
  return { zero, negative, negativeZero: zero && (negative || a.negativeZero || b.negativeZero) };
}

export function productRange(a: Range, b: Range): Range {
  const vanishes = a.min * b.min === 0;
  return { max: clamp(a.max * b.max), min: clamp(a.min * b.min), ...signed(a, b, a.zero || b.zero || vanishes) };
}

export function quotientRange(a: Range, b: Range): Range {
  const vanishes = a.min / b.max === 0;
  return { max: clamp(a.max / b.min), min: clamp(a.min / b.max), ...signed(a, b, a.zero || vanishes) };
}

export function remainderRange(a: Range, b: Range): Range {
  return {
    max: Math.min(a.max, b.max),
    min: TINY,
    zero: true,
    negativeZero: a.negative || a.negativeZero,
    negative: a.negative,
  };
}

const view = new DataView(new ArrayBuffer(8));

function fromBits(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/**
 * The smallest double from 0 to the largest one for which a predicate that never turns back from true to false holds;
 * undefined when it holds for none. Doubles from zero up are ordered like their bits.
 */
export function firstDouble(holds: (value: number) => boolean): number | undefined {
  if (!holds(MAX)) return undefined;
  let low = 0n;
  view.setFloat64(0, MAX);
  let high = view.getBigUint64(0);
  while (low < high) {
    const middle = (low + high) / 2n;
    if (holds(fromBits(middle))) high = middle;
    else low = middle + 1n;
  }
  return fromBits(low);
}

/** The largest double for which a predicate that never turns back from false to true holds; undefined for none. */
export function lastDouble(holds: (value: number) => boolean): number | undefined {
  if (!holds(0)) return undefined;
  const first = firstDouble((value) => !holds(value));
  if (first === undefined) return MAX;
  view.setFloat64(0, first);
  return fromBits(view.getBigUint64(0) - 1n);
}
