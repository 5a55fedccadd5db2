/**
 * From an event to a mail that the server has accepted, at 50 events a second for a minute.
 *
 * **Ours**: a real headless Node-RED with trigger (on an event) → send. Messages are put into the trigger node as a node wired to it would;
 * the event names a lead by e-mail address. Until the mail is accepted the lead is looked up, the event recorded, the lead enrolled, sent along the
 * wire, taken over by the send node, asked for once more, filled in, marked `sending` and sent: four commits to the database.
 *
 * **Theirs**: a loop in a process of its own that at the same rate renders the same templates and calls `sendMail` of a nodemailer pool with as
 * many connections. No database at all.
 *
 * Latency is from the moment the event is handed in to the sink's acceptance, both read from the machine's monotonic clock. Both run
 * warmed up: the first events of a second are left out. `ratio` is our median latency divided by theirs: what certainty costs. Both sides alternate.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { startChild } from './lib/child';
import { DEFINITION, eventFlow } from './lib/flows';
import { withFolder } from './lib/folder';
import { makePeople, readPeople } from './lib/people';
import { alternate, medianOf } from './lib/rounds';
import { startSink, type Sink } from './lib/smtp-sink';
import { percentile, significant } from './lib/statistics';
import { waitUntil } from './lib/wait';
import type { BareMailerQuestions } from './processes/bare-mailer';
import type { FlowHostQuestions } from './processes/flow-host';

const EVENT = 'signed_up';

interface Round {
  p50: number;
  p99: number;
  max: number;
}

export const bench: Bench = {
  name: 'trigger',
  summary: 'event in → mail accepted, against a loop that renders and sends',
  options: {
    rate: { default: 50, says: 'events a second' },
    seconds: { default: 60, says: 'how long' },
    rounds: { default: 1, says: 'rounds, medians are reported' },
    connections: { default: 5, says: 'SMTP connections on both sides' },
  },
  async run(context) {
    const { ours, theirs } = await alternate({
      rounds: context.number('rounds'),
      ours: () => throughTheFlow(context),
      theirs: () => bare(context),
    });
    return {
      ratio: significant(medianOf(ours, ({ p50 }) => p50) / medianOf(theirs, ({ p50 }) => p50)),
      ratioIs: 'median latency, ours / bare (lower is better)',
      eventsPerSecond: context.number('rate'),
      seconds: context.number('seconds'),
      rounds: ours.length,
      ours: summary(ours),
      bare: summary(theirs),
    };
  },
};

function summary(rounds: readonly Round[]): Record<string, number> {
  return {
    p50Ms: significant(medianOf(rounds, ({ p50 }) => p50)),
    p99Ms: significant(medianOf(rounds, ({ p99 }) => p99)),
    maxMs: significant(medianOf(rounds, ({ max }) => max)),
  };
}

async function throughTheFlow(context: BenchContext): Promise<Round> {
  return withFolder('trigger', async (folder) => {
    const { rate, count, connections } = sizes(context);
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, count, { consents: true });
    const people = readPeople(databaseUrl);
    const sink = await startSink({ stamp: true });
    const child = startChild<FlowHostQuestions>('flow-host');
    try {
      await child.ask('start', {
        flow: eventFlow({ port: sink.port, connections, event: EVENT }),
        folder,
        databaseUrl,
      });
      await child.ask('launch', DEFINITION);
      const payloads = people.map(({ email }) => ({ email }));
      const times = await child.ask('feed', { node: 'enter', perSecond: rate, payloads });
      const round = await latencies(sink, people, times, rate);
      tell(context, 'ours', round);
      return round;
    } finally {
      await child.stop();
      await sink.stop();
    }
  });
}

async function bare(context: BenchContext): Promise<Round> {
  return withFolder('trigger-bare', async (folder) => {
    const { rate, count, connections } = sizes(context);
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, count);
    const sink = await startSink({ stamp: true });
    const child = startChild<BareMailerQuestions>('bare-mailer');
    try {
      await child.ask('prepare', { databaseUrl, port: sink.port, connections });
      const times = await child.ask('feed', { perSecond: rate, count });
      const round = await latencies(sink, readPeople(databaseUrl), times, rate);
      tell(context, 'bare', round);
      return round;
    } finally {
      await child.stop();
      await sink.stop();
    }
  });
}

function sizes(context: BenchContext): { rate: number; count: number; connections: number } {
  const rate = context.number('rate');
  return { rate, count: rate * context.number('seconds'), connections: context.number('connections') };
}

/** @param warmUp how many of the first are left out */
async function latencies(
  sink: Sink,
  people: readonly { email: string }[],
  times: readonly number[],
  warmUp: number,
): Promise<Round> {
  await waitUntil(
    () => sink.traffic(),
    ({ messages }) => messages >= times.length,
    { progress: ({ messages }) => messages },
  );
  const accepted = new Map(await sink.arrivals());
  const latency = people.slice(0, times.length).map(({ email }, i) => (accepted.get(email) ?? NaN) - (times[i] ?? NaN));
  if (latency.some(Number.isNaN)) throw new Error('Somebody got no mail.');
  const warm = latency.slice(warmUp);
  return { p50: percentile(warm, 0.5), p99: percentile(warm, 0.99), max: Math.max(...warm) };
}

function tell(context: BenchContext, side: string, { p50, p99, max }: Round): void {
  context.say(`${side}: p50 ${significant(p50)} ms, p99 ${significant(p99)} ms, max ${significant(max)} ms`);
}
