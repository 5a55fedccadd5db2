/**
 * How evenly a throttled campaign leaves, against a counter that is filled up every minute.
 *
 * **Ours**: the gate of the send rules on an SQLite file, with `throttle {perHour}` and a send window, asked by two workers with
 * connections of their own in the transactions in which messages are marked. A virtual clock: an hour of sending takes as long as the work
 * takes. Timers ring up to a second late (Agenda looks once a second), so both workers are late by a different, seeded amount at every
 * turn. Everybody is there from the start and waits in the line, as after a launch. What a mail server, a network and the composing of
 * mails would add is not in it: they are the same for both sides.
 *
 * **Theirs**: a counter of the limit per minute (the hour's share), filled up when a minute begins: the rate limiter that comes to mind
 * first. A worker takes what is there; it asks again every second.
 *
 * `ratio` is their largest second divided by ours, in messages. `deviation` is how far, at its worst, what has left is from a straight
 * line, in percent of the whole; `largestMinute` how many left within the worst 60 seconds, wherever they begin. The hour must not
 * be exceeded by more than the stated burst, in any rolling minute and hour: the bench fails if it is.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { makeCampaigns } from './lib/campaigns';
import { withFolder } from './lib/folder';
import { makePeople } from './lib/people';
import { product } from './lib/product';
import { significant } from './lib/statistics';

type Lib = typeof import('../lib');
type Pacing = typeof import('../lib/pacing');
type Clocks = typeof import('../lib/clock');
type Stores = typeof import('../lib/store');
type SendCandidate = import('../lib/sending').SendCandidate;
type Scope = import('../lib/store').Scope;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** 09:00 on a Tuesday in Berlin, where everybody is. */
const START = Date.UTC(2026, 5, 16, 7);
const GROUP = 64;

interface Waiting {
  readonly id: number;
  dueAt: number;
}

export const bench: Bench = {
  name: 'throttle',
  summary: 'how evenly a throttled campaign leaves over its window, against a counter filled up every minute',
  options: {
    'per-hour': { default: 60_000, says: 'the throttle, messages per hour' },
    people: { default: 60_000, says: 'how many wait' },
    workers: { default: 2, says: 'workers on one database' },
    late: { default: 1_000, says: 'how late a worker may be at each turn, ms' },
    seed: { default: 1, says: 'of the lateness' },
  },
  async run(context) {
    const perHour = context.number('per-hour');
    const people = context.number('people');
    const ours = await measured(context, perHour, people);
    const theirs = figuresOf(counterFilledUp(perHour, people), perHour, people);
    return {
      ratio: significant(theirs.largestSecond / ours.figures.largestSecond),
      ratioIs: 'largest second in messages, theirs / ours',
      perHour,
      people,
      workers: context.number('workers'),
      ours: { ...ours.figures, ...ours.cost },
      theirs,
    };
  },
};

async function measured(
  context: BenchContext,
  perHour: number,
  people: number,
): Promise<{ figures: ReturnType<typeof figuresOf>; cost: Record<string, unknown> }> {
  return withFolder('throttle', async (folder) => {
    const url = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    context.say(`${people} people …`);
    await makePeople(url, people);
    makeCampaigns(url, 1);
    const { openMarketing } = product<Lib>('lib/index');
    const { CATCH_UP_MS } = product<Pacing>('lib/pacing/index');
    const { VirtualClock } = product<Clocks>('lib/clock');
    const { openStore } = product<Stores>('lib/store/index');
    const marketing = await openMarketing({ database: { url }, work: false });
    await marketing.sendRules.set({
      throttle: { perHour },
      window: { from: '09:00', to: '17:00' },
      caps: [],
      againAfterHours: 0,
    });
    await marketing.close();
    const clock = new VirtualClock(START);
    const stores = await Promise.all(
      Array.from({ length: context.number('workers') }, () => openStore({ url, clock })),
    );
    try {
      const begin = performance.now();
      const { times, asked, transactions } = await sendAll(
        context,
        clock,
        stores.map((store) => store.tenant('default')),
        people,
      );
      const ms = performance.now() - begin;
      const interval = HOUR / perHour;
      for (const span of [MINUTE, HOUR]) {
        const most = mostWithin(times, span);
        const bound = Math.floor(1 + (span + CATCH_UP_MS) / interval);
        if (most > bound) throw new Error(`${most} left within ${span} ms, and ${bound} may.`);
      }
      const figures = figuresOf(times, perHour, people);
      context.say(
        `  deviation ${figures.deviationPercent} %, largest second ${figures.largestSecond}, largest minute ${figures.largestMinute}`,
      );
      return {
        figures,
        cost: {
          asksPerPerson: significant(asked / people),
          msPerTransaction: significant(ms / transactions),
          usPerAsk: Math.round((ms * 1_000) / asked),
        },
      };
    } finally {
      for (const store of stores) await store.close();
    }
  });
}

/** Lets the workers take people as they come due until all have left; when each left. */
async function sendAll(
  context: BenchContext,
  clock: InstanceType<Clocks['VirtualClock']>,
  scopes: readonly Scope[],
  people: number,
): Promise<{ times: number[]; asked: number; transactions: number }> {
  const { PacingGate } = product<Pacing>('lib/pacing/index');
  const gate = new PacingGate();
  const random = seeded(context.number('seed'));
  const late = context.number('late');
  const times: number[] = [];
  let asked = 0;
  let transactions = 0;
  const byTick = new Map<number, Waiting[]>();
  const put = (person: Waiting): void => {
    const list = byTick.get(person.dueAt);
    if (list) list.push(person);
    else byTick.set(person.dueAt, [person]);
  };
  for (let id = 1; id <= people; id++) put({ id, dueAt: START });
  while (byTick.size > 0) {
    const next = Math.min(...byTick.keys());
    if (next > clock.now()) await clock.advanceTo(next + Math.floor(random() * late));
    const now = clock.now();
    const ready: Waiting[] = [];
    for (const tick of [...byTick.keys()].filter((one) => one <= now).sort((a, b) => a - b)) {
      ready.push(...(byTick.get(tick) ?? []));
      byTick.delete(tick);
    }
    for (let from = 0; from < ready.length; from += GROUP * scopes.length) {
      const some = ready.slice(from, from + GROUP * scopes.length);
      await Promise.all(
        scopes.map(async (scope, worker) => {
          const share = some.filter((_, index) => index % scopes.length === worker);
          if (share.length === 0) return;
          transactions++;
          asked += share.length;
          const verdicts = await scope.transaction((tx) => gate.check(tx, share.map(candidateOf)));
          for (const person of share) {
            const verdict = verdicts.get(person.id);
            if (!verdict) times.push(now);
            else if (verdict.kind === 'later') put({ ...person, dueAt: verdict.at });
            else throw new Error(`Person ${person.id} was refused.`);
          }
        }),
      );
    }
  }
  return { times, asked, transactions };
}

function candidateOf({ id, dueAt }: Waiting): SendCandidate {
  return {
    step: {
      ...{ id, campaign: 1, enrollment: id, lead: id, dueAt, createdAt: START },
      ...{ attempt: 1, crashes: 0, owner: 'bench' },
    },
    ...{ channel: 'email', account: 'bench', variant: '', costMicros: 0 },
  };
}

function counterFilledUp(perHour: number, people: number): number[] {
  const times: number[] = [];
  const perMinute = Math.floor(perHour / 60);
  for (let minute = 0; times.length < people; minute++) {
    for (let nth = 0; nth < perMinute && times.length < people; nth++) times.push(START + minute * MINUTE);
  }
  return times;
}

function figuresOf(
  times: readonly number[],
  perHour: number,
  people: number,
): { minutes: number; deviationPercent: number; largestSecond: number; largestMinute: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const interval = HOUR / perHour;
  let worst = 0;
  for (const [index, at] of sorted.entries()) {
    const expected = (at - START) / interval;
    worst = Math.max(worst, Math.abs(index + 1 - expected), Math.abs(index - expected));
  }
  return {
    minutes: significant(((sorted.at(-1) ?? START) - START) / MINUTE),
    deviationPercent: significant((100 * worst) / people, 2),
    largestSecond: mostWithin(sorted, SECOND),
    largestMinute: mostWithin(sorted, MINUTE),
  };
}

/** The most that left within any span of so many ms. */
function mostWithin(times: readonly number[], ms: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while ((sorted[last] ?? 0) - (sorted[first] ?? 0) >= ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
