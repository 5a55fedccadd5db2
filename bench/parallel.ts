/**
 * Ten channels at once for each person, from one fork to the join: what coordinating them costs.
 *
 * **Ours**: the ledger on an SQLite file. One person enters after another; the entry forks into `channels` stations with work,
 * each of which "sends" for `callMs` (a timer, as a server that takes that long to answer) and goes on to the join. Wires are
 * `setImmediate`, as Node-RED's are. Per person that is one hand-over of the fork, a lease, a settlement and an arrival for each
 * channel, and a firing: all of it committed, so that a crash at any moment loses nobody and asks nobody twice.
 *
 * **Theirs**: `Promise.all` of as many calls of the same length. No database at all, nothing survives.
 *
 * Two figures, per person: `coordination` is the time from entering to being joined, less the longest of the person's own calls (what the
 * channels themselves take); `join` is the time from the end of the last call to the moment when the joined person is sent on. Aim: under 20 ms.
 * The machine's monotonic clock. The first second is left out. Both sides alternate.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { withFolder } from './lib/folder';
import { makePeople } from './lib/people';
import { product } from './lib/product';
import { alternate, medianOf } from './lib/rounds';
import { percentile, significant } from './lib/statistics';

type Lib = typeof import('../lib');
type Marketing = Awaited<ReturnType<Lib['openMarketing']>>;
type LeasedStep = import('../lib/ledger').LeasedStep;
type Person = import('../lib/ledger').Person;
type StationHandle = import('../lib/ledger').StationHandle;

interface Round {
  readonly coordination: readonly number[];
  readonly join: readonly number[];
}

/** Times of one person. */
interface Stopwatch {
  entered: number;
  /** The longest of the calls. */
  longest: number;
  lastDone: number;
  joined?: number;
}

export const bench: Bench = {
  name: 'parallel',
  summary: 'ten channels at once, joined, against Promise.all of ten calls',
  options: {
    channels: { default: 10, says: 'channels in parallel' },
    people: { default: 200, says: 'people' },
    rate: { default: 10, says: 'people a second' },
    callMs: { default: 50, says: 'how long a channel takes, ms' },
    rounds: { default: 3, says: 'rounds, medians are reported' },
  },
  async run(context) {
    const { ours, theirs } = await alternate({
      rounds: context.number('rounds'),
      ours: () => throughTheLedger(context),
      theirs: () => allOfThem(context),
    });
    const [mine, bare] = [summary(ours), summary(theirs)];
    return {
      ratio: significant((mine['coordinationP50Ms'] ?? NaN) / (bare['coordinationP50Ms'] ?? NaN)),
      ratioIs: 'median coordination, ours / Promise.all (lower is better; theirs keeps nothing)',
      channels: context.number('channels'),
      people: context.number('people'),
      peoplePerSecond: context.number('rate'),
      callMs: context.number('callMs'),
      rounds: ours.length,
      ours: mine,
      promiseAll: bare,
      aimMs: 20,
    };
  },
};

function summary(rounds: readonly Round[]): Record<string, number> {
  const of = (figure: keyof Round, share: number): number =>
    significant(medianOf(rounds, (round) => percentile(round[figure], share)));
  return {
    coordinationP50Ms: of('coordination', 0.5),
    coordinationP99Ms: of('coordination', 0.99),
    joinP50Ms: of('join', 0.5),
    joinP99Ms: of('join', 0.99),
  };
}

/** Begins with one person every so often. */
async function oneByOne(context: BenchContext, begin: (index: number) => Promise<void>): Promise<void> {
  const pause = 1_000 / context.number('rate');
  const since = performance.now();
  const running: Promise<void>[] = [];
  for (let index = 0; index < context.number('people'); index++) {
    await sleep(since + index * pause - performance.now());
    running.push(begin(index));
  }
  await Promise.all(running);
}

async function allOfThem(context: BenchContext): Promise<Round> {
  const watches: Stopwatch[] = [];
  await oneByOne(context, async () => {
    const watch: Stopwatch = { entered: performance.now(), longest: 0, lastDone: 0 };
    watches.push(watch);
    await Promise.all(Array.from({ length: context.number('channels') }, () => call(context, watch)));
    watch.joined = performance.now();
  });
  return roundOf(context, 'Promise.all', watches);
}

async function throughTheLedger(context: BenchContext): Promise<Round> {
  return withFolder('parallel', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, context.number('people'));
    const marketing = await product<Lib>('lib/index').openMarketing({ database: { url: databaseUrl } });
    try {
      const watches = new Map<number, Stopwatch>();
      const enter = await wire(context, marketing, watches);
      await oneByOne(context, async (index) => {
        const lead = index + 1;
        watches.set(lead, { entered: performance.now(), longest: 0, lastDone: 0 });
        await enter(lead);
      });
      await until(() => [...watches.values()].every(({ joined }) => joined !== undefined));
      return roundOf(context, 'ours', [...watches.values()]);
    } finally {
      await marketing.close();
    }
  });
}

/** Deploys the journey and puts its stations to work, with wires between them. */
async function wire(
  context: BenchContext,
  marketing: Marketing,
  watches: Map<number, Stopwatch>,
): Promise<(lead: number) => Promise<void>> {
  const channels = Array.from({ length: context.number('channels') }, (_, index) => `channel-${index + 1}`);
  const station = (step: string, kind: string, config?: Record<string, unknown>) => ({
    ...{ step, kind, node: step, hash: step, forks: step === 'start' },
    ...(config ? { config } : {}),
  });
  await marketing.definitions.deploy('bench', [
    {
      key: 'parallel',
      name: 'Parallel',
      entry: 'start',
      entryMode: 'event',
      event: 'enters',
      onUnknown: 'hold',
      stations: [
        station('start', 'trigger', { branches: { expected: [channels.length] }, prompt: 'yes' }),
        ...channels.map((step) => station(step, 'send')),
        station('join', 'join', { join: { upstream: ['start', ...channels] } }),
      ],
      body: {},
    },
  ]);
  const handles = new Map<string, StationHandle>();
  const toAll = (targets: readonly string[], people: readonly Person[]): void => {
    for (const { journey } of people)
      for (const target of targets)
        setImmediate(
          () =>
            void handles
              .get(target)
              ?.arrive({ journey, ...(target === 'join' ? { dueAt: Date.now() + 3_600_000 } : {}) }),
        );
  };
  const attach = async (step: string, kind: string, emit: (people: Person[]) => void, works = false): Promise<void> => {
    handles.set(
      step,
      await marketing.ledger.attach({
        ...{ definition: 'parallel', step, kind, wired: () => true, emit: (_port, people) => emit(people) },
        ...(works ? { work: channel(context, watches) } : {}),
      }),
    );
  };
  await attach('start', 'trigger', (people) => toAll(channels, people));
  for (const step of channels) await attach(step, 'send', (people) => toAll(['join'], people), true);
  await attach('join', 'join', (people) => {
    for (const { lead, journey } of people) {
      const watch = watches.get(lead.id);
      if (watch) watch.joined ??= performance.now();
      void marketing.ledger.end(journey, 'completed');
    }
  });
  await marketing.campaigns.ensure('parallel');
  const { id: campaign, run } = await marketing.campaigns.launch('parallel');
  const entry = handles.get('start')?.id ?? 0;
  const { enroll } = product<typeof import('../lib/ledger')>('lib/ledger/index');
  return async (lead) => {
    const now = marketing.clock.now();
    await enroll(marketing.scope, { campaign, run, station: entry, entryKey: `event:${lead}`, leads: [lead] }, now);
    marketing.ledger.wakeStation(entry);
  };
}

/** A channel that takes its time to answer, and as many at once as there are. */
function channel(context: BenchContext, watches: ReadonlyMap<number, Stopwatch>) {
  let open = 0;
  return {
    room: () => 1_000 - open,
    take(steps: LeasedStep[], station: StationHandle): void {
      for (const step of steps) {
        open++;
        const watch = watches.get(step.lead);
        void (watch ? call(context, watch) : Promise.resolve())
          .then(() => station.settle([{ step, kind: 'release', port: 0 }]))
          .finally(() => open--);
      }
    },
    close: () => Promise.resolve(),
  };
}

async function call(context: BenchContext, watch: Stopwatch): Promise<void> {
  const since = performance.now();
  await sleep(context.number('callMs'));
  watch.lastDone = performance.now();
  watch.longest = Math.max(watch.longest, watch.lastDone - since);
}

function roundOf(context: BenchContext, side: string, watches: readonly Stopwatch[]): Round {
  const warm = watches.slice(Math.min(watches.length - 1, context.number('rate')));
  const coordination = warm.map(({ entered, longest, joined = NaN }) => joined - entered - longest);
  const join = warm.map(({ lastDone, joined = NaN }) => joined - lastDone);
  const figures = [coordination, join].map(
    (all) => `p50 ${significant(percentile(all, 0.5))}, p99 ${significant(percentile(all, 0.99))} ms`,
  );
  context.say(`${side}: coordination ${figures[0]}; join ${figures[1]}`);
  return { coordination, join };
}

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!done()) {
    if (performance.now() > deadline) throw new Error('Somebody was not joined.');
    await sleep(50);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
