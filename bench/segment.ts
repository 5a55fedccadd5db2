/**
 * Recalculating a segment over 100,000 and over 1,000,000 leads, against reading the same people by one plain SQL statement.
 *
 * **Ours**: `segments.recalculate` in a process that has the store open as a store node has it, ledger and timers included. Five terms: two
 * built-in fields, three custom attributes (a number, a string, a date). `first` is a new segment, so that everybody who belongs enters: members are
 * compared and written. `again` finds the same people once more and moves nobody, which is what most recalculations do.
 *
 * **Theirs**: better-sqlite3 in another process, the same file, cache as large, the condition as somebody would write it in SQL by
 * hand, and the ids of whom it is true fetched into an array. It compares with no members, writes nothing, and blocks its
 * event loop from begin to end. Both find the same number of people, or the bench fails.
 *
 * `ratio` is our time for `first` divided by the scan's, at the first size: how much a recalculation costs more than looking. The
 * longest stall of our event loop meanwhile is measured by a timer of 5 ms; `idleStallMs` says how much of that is the machine.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { startChild } from './lib/child';
import { withFolder } from './lib/folder';
import { makePeople } from './lib/people';
import { median, mebibytes, significant } from './lib/statistics';
import type { PlainScanQuestions } from './processes/plain-scan';
import type { Recalculation, SegmentHostQuestions } from './processes/segment-host';

/** Milliseconds since 1970; the made-up leads' last orders lie in the two years before 14 November 2023. */
const SINCE = '2022-12-01T00:00:00Z';
const CONDITION = `lead.score > 150 and lead.country in ["DE", "FR", "GB", "US"] and lead.age >= 25 and lead.plan != "free" and lead.last_order > $toMillis("${SINCE}")`;
const BY_HAND = `score > 150 AND country IN ('DE', 'FR', 'GB', 'US') AND attributes ->> '$.age' >= 25 AND attributes ->> '$.plan' <> 'free'
  AND attributes ->> '$.last_order' > ${Date.parse(SINCE)}`;

interface SizeFigures {
  leads: number;
  members: number;
  firstMs: number;
  againMs: number;
  scanMs: number;
  ratioFirst: number;
  ratioAgain: number;
  longestStallMs: number;
  idleStallMs: number;
  peakRssMiB: number;
}

export const bench: Bench = {
  name: 'segment',
  summary: 'recalculating a segment, against a plain SQL scan of the same predicate',
  options: {
    leads: { default: 100_000, says: 'leads of the first size' },
    'large-leads': { default: 1_000_000, says: 'leads of the second size; 0 leaves it out' },
    rounds: { default: 5, says: 'rounds, medians are reported' },
  },
  async run(context) {
    const small = await measure(context, context.number('leads'));
    const largeLeads = context.number('large-leads');
    const large = largeLeads > 0 ? await measure(context, largeLeads) : undefined;
    return {
      ratio: small.ratioFirst,
      ratioIs: 'our time for a first calculation / time of the plain scan (lower is better)',
      condition: CONDITION,
      rounds: context.number('rounds'),
      sizes: [small, ...(large ? [large] : [])],
    };
  },
};

async function measure(context: BenchContext, leads: number): Promise<SizeFigures> {
  return withFolder('segment', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    context.say(`${leads} leads …`);
    await makePeople(databaseUrl, leads);
    const ours = startChild<SegmentHostQuestions>('segment-host');
    const theirs = startChild<PlainScanQuestions>('plain-scan');
    try {
      await ours.ask('open', databaseUrl);
      await theirs.ask('open', databaseUrl);
      const idleStallMs = await ours.ask('idle', 2_000);
      const first: Recalculation[] = [];
      const again: Recalculation[] = [];
      const scans: { ms: number; ids: number }[] = [];
      const scan = async (): Promise<void> => void scans.push(await theirs.ask('scan', BY_HAND));
      // Once before anything is timed: both then read from the page cache of the system.
      await theirs.ask('scan', BY_HAND);
      for (let round = 0; round < context.number('rounds'); round++) {
        if (round % 2 === 1) await scan();
        await ours.ask('create', { key: 'bench', condition: CONDITION });
        first.push(await ours.ask('recalculate', 'bench'));
        again.push(await ours.ask('recalculate', 'bench'));
        if (round % 2 === 0) await scan();
        context.say(
          `  round ${round + 1}: first ${significant(first.at(-1)?.ms ?? NaN)} ms, again ${significant(again.at(-1)?.ms ?? NaN)} ms, ` +
            `scan ${significant(scans.at(-1)?.ms ?? NaN)} ms, stalls ${significant(first.at(-1)?.longestStallMs ?? NaN)} and ${significant(again.at(-1)?.longestStallMs ?? NaN)} ms`,
        );
      }
      const members = first[0]?.members ?? 0;
      for (const { ids } of scans)
        if (ids !== members) throw new Error(`The segment has ${members} members, the plain scan found ${ids}.`);
      if (again.some(({ entered, left }) => entered + left > 0))
        throw new Error('People moved although nothing had changed.');
      const firstMs = median(first.map(({ ms }) => ms));
      const againMs = median(again.map(({ ms }) => ms));
      const scanMs = median(scans.map(({ ms }) => ms));
      return {
        leads,
        members,
        firstMs: significant(firstMs),
        againMs: significant(againMs),
        scanMs: significant(scanMs),
        ratioFirst: significant(firstMs / scanMs),
        ratioAgain: significant(againMs / scanMs),
        // The longest of all: one stall in one round is a stall.
        longestStallMs: significant(Math.max(...[...first, ...again].map(({ longestStallMs }) => longestStallMs))),
        idleStallMs: significant(idleStallMs),
        peakRssMiB: mebibytes((await ours.usage()).peakRss),
      };
    } finally {
      await ours.stop();
      await theirs.stop();
    }
  });
}
