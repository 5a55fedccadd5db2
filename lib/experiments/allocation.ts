import { createHash } from 'node:crypto';

/** Places that people are divided over: a share of 0.01 % is one. */
export const BUCKETS = 10_000;

/** The buckets `from` (inclusive) to `to` (exclusive) belong to a variant. */
export interface Range {
  readonly variant: string;
  readonly from: number;
  readonly to: number;
}

/** What an experiment's people are hashed with: 32 bits of SHA-256 over its id and salt. */
export function seedOf(experiment: number, salt: string): number {
  return createHash('sha256').update(`${experiment}:${salt}`).digest().readInt32LE(0);
}

/**
 * The bucket of a lead, 0 to 9,999: MurmurHash3 (A. Appleby, x86, 32 bits) of the lead's number, 8 bytes, little endian. The same in
 * every process, for ever; other experiments divide the same people independently.
 */
export function bucketOf(seed: number, lead: number): number {
  let hash = mixed(seed, lead | 0);
  hash = mixed(hash, Math.floor(lead / 2 ** 32) | 0) ^ 8;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return Math.floor((((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * BUCKETS);
}

function mixed(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const next = hash ^ k;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** Whose bucket it is. */
export function ownerOf(ranges: readonly Range[], bucket: number): string | undefined {
  for (const { variant, from, to } of ranges) if (bucket >= from && bucket < to) return variant;
  return undefined;
}

/** How many buckets each variant owns. */
export function sizesOf(ranges: readonly Range[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { variant, from, to } of ranges) sizes.set(variant, (sizes.get(variant) ?? 0) + to - from);
  return sizes;
}

/**
 * Another allocation with as few buckets as possible changing hands: who has too many gives from the end, and what is free goes to those
 * who have too few. Nobody moves between two variants that keep what they have.
 * @param wanted buckets per variant, {@link BUCKETS} in all
 */
export function reallocate(before: readonly Range[], wanted: ReadonlyMap<string, number>): Range[] {
  const kept: Range[] = [];
  const have = new Map<string, number>();
  for (const range of before) {
    const room = (wanted.get(range.variant) ?? 0) - (have.get(range.variant) ?? 0);
    const size = Math.min(room, range.to - range.from);
    if (size <= 0) continue;
    kept.push({ ...range, to: range.from + size });
    have.set(range.variant, (have.get(range.variant) ?? 0) + size);
  }
  const takers = Array.from(wanted, ([variant, size]) => ({ variant, missing: size - (have.get(variant) ?? 0) }));
  const taken: Range[] = [];
  for (const gap of gapsOf(kept)) {
    let { from } = gap;
    for (const taker of takers) {
      const size = Math.min(taker.missing, gap.to - from);
      if (size <= 0) continue;
      taken.push({ variant: taker.variant, from, to: from + size });
      taker.missing -= size;
      from += size;
    }
  }
  return merged([...kept, ...taken]);
}

function gapsOf(ranges: readonly Range[]): { from: number; to: number }[] {
  const gaps: { from: number; to: number }[] = [];
  let end = 0;
  for (const { from, to } of inOrder(ranges)) {
    if (from > end) gaps.push({ from: end, to: from });
    end = to;
  }
  if (end < BUCKETS) gaps.push({ from: end, to: BUCKETS });
  return gaps;
}

function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const range of inOrder(ranges)) {
    const last = result.at(-1);
    if (last && last.variant === range.variant && last.to === range.from)
      result[result.length - 1] = { ...last, to: range.to };
    else result.push(range);
  }
  return result;
}

function inOrder(ranges: readonly Range[]): Range[] {
  return [...ranges].sort((one, other) => one.from - other.from);
}

/** Buckets per variant from percentages that sum to 100; undefined when they do not, or have more than two decimals. */
export function bucketsOf(
  shares: readonly { readonly key: string; readonly share: number }[],
): Map<string, number> | undefined {
  const wanted = new Map<string, number>();
  for (const { key, share } of shares) {
    const buckets = Math.round(share * 100);
    if (!(share >= 0) || Math.abs(buckets - share * 100) > 1e-6) return undefined;
    wanted.set(key, buckets);
  }
  const sum = [...wanted.values()].reduce((total, size) => total + size, 0);
  return sum === BUCKETS ? wanted : undefined;
}

/** Buckets per variant from weights of any size: rounded so that they fill the line (largest remainders), each at least `floor`. */
export function fromWeights(
  weights: readonly { readonly key: string; readonly weight: number }[],
  total: number,
  floor: number,
): Map<string, number> {
  const sum = weights.reduce((all, { weight }) => all + weight, 0);
  const free = total - floor * weights.length;
  const parts = weights.map(({ key, weight }) => {
    const exact = sum > 0 ? (weight / sum) * free : free / weights.length;
    return { key, size: floor + Math.floor(exact), rest: exact - Math.floor(exact) };
  });
  let left = total - parts.reduce((all, { size }) => all + size, 0);
  for (const part of [...parts].sort((one, other) => other.rest - one.rest)) {
    if (left <= 0) break;
    part.size++;
    left--;
  }
  return new Map(parts.map(({ key, size }) => [key, size]));
}
