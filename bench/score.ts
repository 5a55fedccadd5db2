/**
 * From an event to a score that is right, with the segments that it touches (BR-013, PR-006).
 *
 * **Ours**: `leads.engage` in a process that has the store open as a store node has it, ledger and timers included. Ten score rules, one of which
 * is about the event and has a condition, a cap and a decay; five segments that ask for the score. When the call resolves, the event is
 * recorded, the points are written with their reason, the score has moved, others were told, and the members of all five
 * segments are up to date. Events come one after the other, each of another lead.
 *
 * **Theirs**: better-sqlite3 in another process on a database of its own with the same people: one UPDATE that adds the points and one query
 * whether the lead is in one segment now, in one transaction. It records no event, remembers no reason, knows no rule, keeps no members.
 *
 * `ratio` is our median divided by theirs: what a score costs that can be explained. Afterwards all segments are calculated anew and must
 * move nobody.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { startChild } from './lib/child';
import { withFolder } from './lib/folder';
import { makePeople } from './lib/people';
import { median, percentile, significant } from './lib/statistics';
import type { BareScoreQuestions } from './processes/bare-score';
import type { ScoreHostQuestions } from './processes/score-host';

const EVENT = 'page_visited';
const SEGMENTS = [20, 60, 100, 140, 180];
const POINTS = 10;
/** The segment that the other side asks about. */
const ASKED = 100;

export const bench: Bench = {
  name: 'score',
  summary: 'event in → score and segments right, against a bare UPDATE and one query',
  options: {
    leads: { default: 10_000, says: 'leads in the database' },
    events: { default: 5_000, says: 'events that are timed, each of another lead' },
    rounds: { default: 3, says: 'rounds, in turn; all times of a side are taken together' },
    rules: { default: 10, says: 'score rules' },
  },
  async run(context) {
    return withFolder('score', (folder) => measure(context, folder));
  },
};

async function measure(context: BenchContext, folder: string): Promise<{ ratio: number; [figure: string]: unknown }> {
  const [count, events, rounds] = [context.number('leads'), context.number('events'), context.number('rounds')];
  const urls = ['ours', 'bare'].map((name) => `sqlite:${path.join(folder, `${name}.sqlite`)}`);
  const [oursUrl = '', bareUrl = ''] = urls;
  for (const url of urls) await makePeople(url, count);
  const ours = startChild<ScoreHostQuestions>('score-host');
  const bare = startChild<BareScoreQuestions>('bare-score');
  try {
    await ours.ask('open', { databaseUrl: oursUrl, rules: context.number('rules'), segments: SEGMENTS, event: EVENT });
    await bare.ask('open', bareUrl);
    // A step that has no divisor in common with most numbers of leads: spread over the table, each lead in turn.
    const lead = (n: number): number => ((n * 7_919) % count) + 1;
    const warm = Array.from({ length: 200 }, (_, n) => lead(n));
    await ours.ask('events', { leads: warm, event: EVENT });
    await bare.ask('events', { leads: warm, points: POINTS, from: ASKED });
    const times: { ours: number[]; bare: number[] } = { ours: [], bare: [] };
    for (let round = 0; round < rounds; round++) {
      const leads = Array.from({ length: events }, (_, n) => lead(200 + round * events + n));
      const sides = [
        async () => void times.ours.push(...(await ours.ask('events', { leads, event: EVENT }))),
        async () => void times.bare.push(...(await bare.ask('events', { leads, points: POINTS, from: ASKED }))),
      ];
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
      context.say(
        `  round ${round + 1}: ours p50 ${shown(times.ours, 0.5)} ms, p99 ${shown(times.ours, 0.99)} ms; bare p50 ${shown(times.bare, 0.5)} ms`,
      );
    }
    const checked = await ours.ask('check', undefined);
    if (checked.moved > 0 || checked.wrongScores > 0)
      throw new Error(`Scores or segments are wrong: ${JSON.stringify(checked)}`);
    return {
      ratio: significant(median(times.ours) / median(times.bare)),
      ratioIs: 'our median / median of the bare UPDATE and query (lower is better)',
      leads: count,
      events: events * rounds,
      rules: context.number('rules'),
      segments: SEGMENTS.length,
      ours: summary(times.ours),
      bare: summary(times.bare),
      pointsWritten: checked.points,
    };
  } finally {
    await ours.stop();
    await bare.stop();
  }
}

function summary(times: readonly number[]): Record<string, number> {
  return {
    p50Ms: significant(percentile(times, 0.5)),
    p99Ms: significant(percentile(times, 0.99)),
    maxMs: significant(Math.max(...times)),
  };
}

function shown(times: readonly number[], share: number): number {
  return significant(percentile(times, share));
}
