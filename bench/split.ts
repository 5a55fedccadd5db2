/**
 * Giving people their variants: how many per second.
 *
 * **Ours**, `deciding`: the hash of experiment, salt and lead, the bucket, and whose bucket it is among five variants and a control. That is what
 * every assignment costs before the database. `first`: the same with exposures written and counted, 500 people at a time as a
 * split node does it, on SQLite, and `again`: people who were exposed before and keep their variant (one statement per group).
 *
 * **Theirs**: the loop that one would write by hand, the first 32 bits of SHA-256 over `experiment:lead`, and a walk over cumulated shares. It
 * stores nothing, and everybody moves who happens to when a share changes.
 *
 * `ratio` is our `deciding` divided by theirs, per second. Both run in one process, in turn. How evenly both divide is reported as
 * the largest distance from the allocation, in points.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Bench } from './lib/bench';
import { withFolder } from './lib/folder';
import { product } from './lib/product';
import { alternate, medianOf } from './lib/rounds';
import { median, significant } from './lib/statistics';

const { openMarketing } = product<typeof import('../lib')>('lib/index');
const { bucketOf, BUCKETS, ownerOf, reallocate, seedOf } =
  product<typeof import('../lib/experiments')>('lib/experiments/index');

const SHARES: Readonly<Record<string, number>> = { A: 30, B: 20, C: 20, D: 10, E: 10, none: 10 };
const GROUP = 500;

interface Round {
  perSecond: number;
  points: number;
}

export const bench: Bench = {
  name: 'split',
  summary: 'giving people their variants, against a plain hash loop',
  options: {
    leads: { default: 1_000_000, says: 'leads that are decided about' },
    exposures: { default: 50_000, says: 'leads whose exposures are written' },
    rounds: { default: 5, says: 'rounds, medians are reported' },
  },
  async run(context) {
    const leads = context.number('leads');
    const ranges = reallocate(
      [],
      new Map(Object.entries(SHARES).map(([key, share]) => [key, (share * BUCKETS) / 100])),
    );
    const ours = (round: number): Round => {
      const seed = seedOf(round + 1, 'salt');
      return timed(leads, (lead) => ownerOf(ranges, bucketOf(seed, lead)) ?? '');
    };
    const theirs = (round: number): Round => timed(leads, (lead) => byHand(`${round + 1}:${lead}`));
    ours(0);
    theirs(0);
    const found = await alternate({
      rounds: context.number('rounds'),
      ours: (round) => Promise.resolve(ours(round)),
      theirs: (round) => Promise.resolve(theirs(round)),
    });
    const deciding = medianOf(found.ours, ({ perSecond }) => perSecond);
    const plain = medianOf(found.theirs, ({ perSecond }) => perSecond);
    context.say(`  deciding ${significant(deciding)}/s, by hand ${significant(plain)}/s`);
    const written = await withExposures(context.number('exposures'), context.number('rounds'));
    return {
      ratio: significant(deciding / plain),
      ratioIs: 'our decisions per second / those of a plain SHA-256 loop (higher is better)',
      leads,
      decidingPerSecond: significant(deciding),
      byHandPerSecond: significant(plain),
      pointsOff: significant(Math.max(...found.ours.map(({ points }) => points))),
      pointsOffByHand: significant(Math.max(...found.theirs.map(({ points }) => points))),
      ...written,
    };
  },
};

function timed(leads: number, variantOf: (lead: number) => string): Round {
  const counts: Record<string, number> = {};
  const begin = performance.now();
  for (let lead = 1; lead <= leads; lead++) {
    const variant = variantOf(lead);
    counts[variant] = (counts[variant] ?? 0) + 1;
  }
  const seconds = (performance.now() - begin) / 1_000;
  const points = Object.entries(SHARES).map(([key, share]) => Math.abs(((counts[key] ?? 0) / leads) * 100 - share));
  return { perSecond: leads / seconds, points: Math.max(...points) };
}

function byHand(text: string): string {
  const share = (createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32) * 100;
  let sum = 0;
  for (const [key, size] of Object.entries(SHARES)) {
    sum += size;
    if (share < sum) return key;
  }
  return 'none';
}

async function withExposures(
  leads: number,
  rounds: number,
): Promise<{ firstPerSecond: number; againPerSecond: number }> {
  return withFolder('split', async (folder) => {
    const marketing = await openMarketing({
      database: { url: `sqlite:${path.join(folder, 'bench.sqlite')}` },
      work: false,
    });
    try {
      await marketing.documents.save({ id: 'bench', stages: ['plan', 'active', 'closed'] });
      const first: number[] = [];
      const again: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const { id } = await marketing.campaigns.create({ name: `Round ${round}`, definition: 'bench' });
        const pass = async (): Promise<number> => {
          const begin = performance.now();
          for (let from = 1; from <= leads; from += GROUP) {
            const people = Array.from({ length: Math.min(GROUP, leads - from + 1) }, (_, at) => ({
              campaign: id,
              lead: from + at,
            }));
            await marketing.experiments.split(people, {
              key: 'bench/split',
              variants: Object.entries(SHARES).map(([key, share]) => ({
                key,
                name: key,
                share,
                control: key === 'none',
              })),
            });
          }
          return leads / ((performance.now() - begin) / 1_000);
        };
        first.push(await pass());
        again.push(await pass());
      }
      return { firstPerSecond: significant(median(first)), againPerSecond: significant(median(again)) };
    } finally {
      await marketing.close();
    }
  });
}
