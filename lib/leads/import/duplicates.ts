import { randomInt } from 'node:crypto';

const MIX_A = 0x85ebca6b;
const MIX_B = 0xc2b2ae35;

/** Parts that grow on their own, so that growing never needs twice the memory, nor a long moment. */
const PARTS = 256;
/** Words per place: two of the hash, and the line (0: the place is free; lines count from 1). */
const WORDS = 3;
const FIRST_PLACES = 16;
/** A part grows when it is fuller than this. */
const FULL = 0.8;
const GROWTH = 1.5;

/**
 * Remembers on which line a key was seen, in 15 to 23 bytes and without keeping the key: a million rows with two keys each take some
 * 40 MB. Keys are known by 64 bits of a hash that is seeded anew for every import; two different ones are taken for the same once in
 * some 37 million imports of a million rows.
 */
export class SeenKeys {
  private readonly parts: (Part | undefined)[] = Array.from({ length: PARTS }, () => undefined);
  private readonly seedA = randomInt(2 ** 32);
  private readonly seedB = randomInt(2 ** 32);
  /** The hash of the key that was asked for last. */
  private high = 0;
  private low = 0;

  /** The line on which a key was first seen, or undefined. */
  lineOf(key: string): number | undefined {
    this.hash(key);
    return this.parts[this.high % PARTS]?.lineOf(this.high, this.low);
  }

  /** Remembers a key; the first line stays. */
  add(key: string, line: number): void {
    this.hash(key);
    (this.parts[this.high % PARTS] ??= new Part()).add(this.high, this.low, line);
  }

  /** Two independent 32-bit hashes (multiply and rotate, finished by MurmurHash3's mixing steps). */
  private hash(key: string): void {
    let a = this.seedA;
    let b = this.seedB;
    for (let index = 0; index < key.length; index++) {
      const code = key.charCodeAt(index);
      a = Math.imul(a ^ code, 0x9e3779b1);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b ^ code, 0x5f356495);
      b = (b << 11) | (b >>> 21);
    }
    this.high = finish(a ^ key.length);
    this.low = finish(b ^ Math.imul(a, 0x27d4eb2f));
  }
}

/** Open addressing with linear probing. */
class Part {
  private size = FIRST_PLACES;
  private words = new Uint32Array(this.size * WORDS);
  private count = 0;

  lineOf(high: number, low: number): number | undefined {
    return this.words[this.place(high, low) + 2] || undefined;
  }

  add(high: number, low: number, line: number): void {
    if (this.count >= this.size * FULL) this.grow();
    const place = this.place(high, low);
    if (this.words[place + 2] !== 0) return;
    this.put(place, high, low, line);
    this.count++;
  }

  /** Where a key is, or the free place where it belongs. */
  private place(high: number, low: number): number {
    const { words } = this;
    let place = (low % this.size) * WORDS;
    while (words[place + 2] !== 0 && (words[place] !== high || words[place + 1] !== low)) {
      place += WORDS;
      if (place === words.length) place = 0;
    }
    return place;
  }

  private put(place: number, high: number, low: number, line: number): void {
    this.words[place] = high;
    this.words[place + 1] = low;
    this.words[place + 2] = line;
  }

  private grow(): void {
    const old = this.words;
    this.size = Math.ceil(this.size * GROWTH);
    this.words = new Uint32Array(this.size * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      const [high, low, line] = [old[at] as number, old[at + 1] as number, old[at + 2] as number];
      if (line !== 0) this.put(this.place(high, low), high, low, line);
    }
  }
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), MIX_A);
  h = Math.imul(h ^ (h >>> 13), MIX_B);
  return (h ^ (h >>> 16)) >>> 0;
}
