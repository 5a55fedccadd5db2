/**
 * 100,000 people who wait and are all due within one second, against one Agenda job per person; and how late single wake-ups are.
 *
 * **Ours**: a real headless Node-RED with trigger → delay → a second delay. The people's rows are written while it is down; it is started
 * before they are due, finds them waiting, has itself woken by its one timer, and sends everybody on. Somebody has *resumed* when the next
 * station has taken them over: released, sent along the wire, and committed at the other end. Times are those rows' own.
 *
 * **Theirs**: Agenda, one job per person in the same table of the same kind of SQLite file, our own backend, tuned (every 200 ms, 50 at
 * a time, 200 locked), with a handler that counts and does nothing else. Somebody has resumed when the handler was called. It may take
 * minutes, so it is stopped after `--agenda-seconds` and the rate until then counts; `agenda.finished` says how many had resumed.
 *
 * So the other side does less per person: no ledger, no wire, no arrival. `ratio` is our resumes per second divided by Agenda's, from the
 * moment the first is due.
 *
 * **Lateness**: 300 people with moments spread evenly over half a minute, through the same flow: taken over by the next station against due.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { startChild } from './lib/child';
import { DEFINITION, delayFlow, PIONEER } from './lib/flows';
import { withFolder } from './lib/folder';
import { makePeople } from './lib/people';
import { product } from './lib/product';
import { alternate, medianOf } from './lib/rounds';
import { sayStatements } from './lib/sql-times';
import { percentile, significant } from './lib/statistics';
import { waitUntil } from './lib/wait';
import { letAllWait, ResumeWatch, type Resumes } from './lib/waiting-people';
import type { AgendaHostQuestions } from './processes/agenda-host';
import type { FlowHostQuestions } from './processes/flow-host';

interface Round {
  finished: number;
  firstSeconds: number;
  lastSeconds: number;
  perSecond: number;
}

export const bench: Bench = {
  name: 'timers',
  summary: '100,000 people due within a second, against one Agenda job per person; lateness of single wake-ups',
  options: {
    leads: { default: 100_000, says: 'people due within one second' },
    rounds: { default: 1, says: 'rounds, medians are reported' },
    'agenda-seconds': { default: 60, says: 'how long Agenda may work on its jobs in a round' },
    spread: { default: 300, says: 'wake-ups whose lateness is measured' },
    statements: {
      default: false,
      says: 'say where the time in the database goes in our burst (it takes a little longer then)',
    },
    'spread-seconds': { default: 30, says: 'the time over which those are spread' },
  },
  async run(context) {
    const leads = context.number('leads');
    const { ours, theirs } = await alternate({
      rounds: context.number('rounds'),
      ours: () => burst(context, leads),
      theirs: () => agenda(context, leads),
    });
    const late = await lateness(context);
    const ourSpeed = medianOf(ours, ({ perSecond }) => perSecond);
    const agendaSpeed = medianOf(theirs, ({ perSecond }) => perSecond);
    return {
      ratio: significant(ourSpeed / agendaSpeed),
      ratioIs: 'resumes per second, ours / Agenda',
      people: leads,
      rounds: ours.length,
      ours: summary(ours),
      agenda: {
        ...summary(theirs),
        secondsForAll: significant(leads / agendaSpeed),
        measuredSeconds: context.number('agenda-seconds'),
      },
      latenessMs: late,
    };
  },
};

function summary(rounds: readonly Round[]): Record<string, number> {
  return {
    finished: medianOf(rounds, ({ finished }) => finished),
    firstResumeSeconds: significant(medianOf(rounds, ({ firstSeconds }) => firstSeconds)),
    lastResumeSeconds: significant(medianOf(rounds, ({ lastSeconds }) => lastSeconds)),
    perSecond: Math.round(medianOf(rounds, ({ perSecond }) => perSecond)),
  };
}

async function burst(context: BenchContext, leads: number): Promise<Round> {
  const { from, resumes } = await throughTheFlow(context, leads, 1_000);
  const round = roundOf(resumes.count, from, resumes.first, resumes.last);
  tell(context, 'ours  ', round);
  return round;
}

async function lateness(context: BenchContext): Promise<Record<string, number>> {
  const people = context.number('spread');
  const { late } = await throughTheFlow(context, people, context.number('spread-seconds') * 1_000);
  const figures = {
    people,
    p50: percentile(late, 0.5),
    p99: percentile(late, 0.99),
    max: Math.max(...late),
    min: Math.min(...late),
  };
  context.say(`lateness of ${people}: p50 ${figures.p50} ms, p99 ${figures.p99} ms, max ${figures.max} ms`);
  return figures;
}

/** Has people wait while the runtime is down, starts it, and looks until all have gone on. */
async function throughTheFlow(
  context: BenchContext,
  people: number,
  spreadMs: number,
): Promise<{ from: number; resumes: Resumes; late: number[] }> {
  return withFolder('timers', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, people);
    await makePioneer(databaseUrl);
    const startMs = await putPioneer(folder, databaseUrl);
    // Ample time to start once more on a machine that others use as well.
    const from = Date.now() + Math.max(10_000, 3 * startMs) + people / 10;
    const waiting = letAllWait(databaseUrl, { from, spreadMs });
    if (waiting !== people) throw new Error(`${waiting} people wait, not ${people}.`);
    const child = startChild<FlowHostQuestions>('flow-host');
    const watch = new ResumeWatch(databaseUrl);
    try {
      await child.ask('start', { flow: delayFlow(), folder, databaseUrl });
      if (Date.now() > from)
        throw new Error('Node-RED started after the first was due: this machine is too busy at the moment.');
      await new Promise((resolve) => setTimeout(resolve, from - Date.now()));
      if (context.flag('statements')) await child.ask('look', 'statements');
      await waitUntil(
        () => Promise.resolve(watch.count()),
        (count) => count >= people,
        { progress: (count) => count, everyMs: 500 },
      );
      if (context.flag('statements'))
        sayStatements(context, await child.ask('statements', undefined), people, 'person');
      return { from, resumes: watch.resumes(), late: watch.lateness() };
    } finally {
      watch.close();
      await child.stop();
    }
  });
}

async function makePioneer(databaseUrl: string): Promise<void> {
  const { openMarketing } = product<typeof import('../lib')>('lib/index');
  const marketing = await openMarketing({ database: { url: databaseUrl }, work: false });
  try {
    await marketing.segments.create({ key: PIONEER, kind: 'static' });
    await marketing.segments.add(PIONEER, { ids: [1] });
  } finally {
    await marketing.close();
  }
}

/** Runs the flow once for one person, so that definition, stations, campaign and a row to be like are there. How long it took to start, ms. */
async function putPioneer(folder: string, databaseUrl: string): Promise<number> {
  const begin = Date.now();
  const child = startChild<FlowHostQuestions>('flow-host');
  try {
    await child.ask('start', { flow: delayFlow(), folder, databaseUrl });
    const ms = Date.now() - begin;
    await child.ask('launch', DEFINITION);
    await waitUntil(
      () => child.ask('stations', DEFINITION),
      (waiting) => waiting['wait'] === 1,
      { progress: (waiting) => waiting['wait'] ?? 0 },
    );
    return ms;
  } finally {
    await child.stop();
  }
}

async function agenda(context: BenchContext, jobs: number): Promise<Round> {
  return withFolder('agenda', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, 1);
    const child = startChild<AgendaHostQuestions>('agenda-host');
    try {
      const from = Date.now() + 5_000;
      await child.ask('start', { databaseUrl, jobs, from, spreadMs: 1_000 });
      if (Date.now() > from) throw new Error('Agenda started after the first was due.');
      const end = from + context.number('agenda-seconds') * 1_000;
      await waitUntil(
        () => child.ask('progress', undefined),
        ({ count }) => count >= jobs || Date.now() >= end,
        { progress: ({ count }) => count, everyMs: 250, patienceMs: 120_000 },
      );
      const { count, first, last } = await child.ask('progress', undefined);
      const round = roundOf(count, from, first, last);
      tell(context, 'agenda', round);
      return round;
    } finally {
      await child.stop();
    }
  });
}

function roundOf(finished: number, from: number, first: number | null, last: number | null): Round {
  const lastSeconds = ((last ?? NaN) - from) / 1000;
  return { finished, firstSeconds: ((first ?? NaN) - from) / 1000, lastSeconds, perSecond: finished / lastSeconds };
}

function tell(context: BenchContext, side: string, { finished, firstSeconds, lastSeconds, perSecond }: Round): void {
  context.say(
    `${side}: ${finished} resumed, the first after ${significant(firstSeconds)} s, the last after ${significant(lastSeconds)} s, ${Math.round(perSecond)} a second`,
  );
}
