/**
 * Mails per second of a real campaign, against nodemailer doing nothing but sending.
 *
 * **Ours**: a fresh headless Node-RED in a process of its own, SQLite, the flow trigger → segment (a saved one) → consent → send. From the
 * launch on it writes the audience, walks everybody through four nodes, asks segment and consent, takes custody at the send
 * node, fills Liquid templates in, signs unsubscribe links, composes MIME, asks once more whether each may be written to, marks messages
 * `sending`, sends, and writes what became of each. The clock starts before the launch and stops when the sink has accepted the last mail.
 *
 * **Theirs**: a fresh process with `nodemailer.createTransport({ pool: true })`, the same number of connections, to the same kind of sink. It
 * gets everybody's subject, HTML, text and link ready rendered from the same templates: it composes and sends. Enough `sendMail` calls are
 * under way to keep its pool full. The clock starts at the first call and stops when the sink has accepted the last mail. Both renew a
 * connection after 100 messages, which is the default of both.
 *
 * So the comparison is generous to the other side: rendering, data, consent, durability and accounts of who got what are ours alone. Sizes of the
 * mails as they arrived are in the figures. Both sides start cold: a new process, a new database, a new sink in every round.
 *
 * Memory: the largest resident set of our process from its start to the last mail, everything included.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { startChild, type Child, type Usage } from './lib/child';
import { readProfile } from './lib/cpu-profile';
import { CONDITION, DEFINITION, SEGMENT, sendFlow } from './lib/flows';
import { withFolder } from './lib/folder';
import { makePeople } from './lib/people';
import { product } from './lib/product';
import { alternate, medianOf } from './lib/rounds';
import { startSink, type Sink } from './lib/smtp-sink';
import { mebibytes, significant } from './lib/statistics';
import { sayStatements, type StatementTime } from './lib/sql-times';
import { waitUntil } from './lib/wait';
import type { BareMailerQuestions } from './processes/bare-mailer';
import type { FlowHostQuestions } from './processes/flow-host';

/** Fetches what was looked at during a round, before its process ends. */
type Looked = (child: Child<FlowHostQuestions>) => Promise<void>;

interface Round extends Usage {
  /** Debian's smtp-sink, or the one in bench/lib. */
  sink: Sink['kind'];
  seconds: number;
  /** From the first accepted mail to the last. */
  fromFirstSeconds: number;
  perSecond: number;
  bytesPerMail: number | null;
}

interface OurRound extends Round {
  /** From the launch until the ledger had written what became of the last one. */
  settledSeconds: number;
  mainThreadBusy: number;
  mainThreadCpuUsPerMail: number;
}

export const bench: Bench = {
  name: 'send',
  summary: 'mails per second through trigger → segment → consent → send, against a bare nodemailer pool',
  options: {
    leads: { default: 20_000, says: 'mails in a round' },
    rounds: { default: 3, says: 'rounds, medians are reported' },
    connections: {
      default: 5,
      says: 'SMTP connections on both sides (5 is the default of account nodes and of nodemailer)',
    },
    concurrency: { default: 100, says: 'sendMail calls under way in the bare loop' },
    memory: { default: false, says: 'also compare peak memory at --leads and at --memory-leads' },
    'memory-leads': { default: 200_000, says: 'the larger audience of --memory' },
    'cpu-prof': { default: '', says: 'sample our main thread in one more round and keep the profile in this file' },
    'only-ours': { default: false, says: 'leave the bare loop out (for looking at profiles)' },
  },
  async run(context) {
    const leads = context.number('leads');
    const profile = context.text('cpu-prof');
    const rounds = await alternate({
      rounds: context.number('rounds'),
      ours: (round) => ours(context, { leads, label: `round ${round + 1}` }),
      theirs: (round) =>
        context.flag('only-ours') ? Promise.resolve(undefined) : bare(context, { leads, label: `round ${round + 1}` }),
    });
    const theirs = rounds.theirs.filter((round) => round !== undefined);
    const ourSpeed = medianOf(rounds.ours, ({ perSecond }) => perSecond);
    const bareSpeed = medianOf(theirs, ({ perSecond }) => perSecond);
    const large = context.flag('memory')
      ? await ours(context, { leads: context.number('memory-leads'), label: 'memory' })
      : undefined;
    if (profile !== '') await profiled(context, leads, profile);
    return {
      ratio: theirs.length === 0 ? null : significant(ourSpeed / bareSpeed),
      ratioIs: 'mails per second, ours / bare',
      cpuRatio: theirs.length === 0 ? null : significant(cpuUsPerMail(theirs) / cpuUsPerMail(rounds.ours)),
      mails: leads,
      rounds: rounds.ours.length,
      connections: context.number('connections'),
      sink: rounds.ours[0]?.sink,
      ours: { ...summary(rounds.ours), ...ourSummary(rounds.ours) },
      bare: theirs.length === 0 ? null : summary(theirs),
      ...(large ? { memory: memoryOf(rounds.ours, large, leads, context.number('memory-leads')) } : {}),
    };
  },
};

/** Processor time of all threads together: other work on the machine makes mails slower, but hardly more expensive. */
function cpuUsPerMail(rounds: readonly Round[]): number {
  return medianOf(rounds, (round) => (round.cpuSeconds * 1e6) / (round.perSecond * round.seconds));
}

function summary(rounds: readonly Round[]): Record<string, unknown> {
  const perSecond = medianOf(rounds, (round) => round.perSecond);
  return {
    mailsPerSecond: Math.round(perSecond),
    mailsPerMinute: Math.round(perSecond * 60),
    mailsPerSecondFromFirst: Math.round(
      medianOf(rounds, (round) => round.perSecond * (round.seconds / round.fromFirstSeconds)),
    ),
    seconds: significant(medianOf(rounds, (round) => round.seconds)),
    eachRoundPerSecond: rounds.map((round) => Math.round(round.perSecond)),
    bytesPerMail: rounds[0]?.bytesPerMail ?? null,
    peakRssMiB: mebibytes(medianOf(rounds, (round) => round.peakRss)),
    cpuSeconds: significant(medianOf(rounds, (round) => round.cpuSeconds)),
    cpuUsPerMail: Math.round(cpuUsPerMail(rounds)),
  };
}

function ourSummary(rounds: readonly OurRound[]): Record<string, unknown> {
  return {
    settledSeconds: significant(medianOf(rounds, (round) => round.settledSeconds)),
    mainThreadBusy: significant(
      medianOf(rounds, (round) => round.mainThreadBusy),
      2,
    ),
    mainThreadCpuUsPerMail: Math.round(medianOf(rounds, (round) => round.mainThreadCpuUsPerMail)),
  };
}

function memoryOf(small: readonly Round[], large: Round, leads: number, largeLeads: number): Record<string, unknown> {
  const peak = medianOf(small, (round) => round.peakRss);
  return {
    [`peakRssMiBAt${leads}`]: mebibytes(peak),
    [`peakRssMiBAt${largeLeads}`]: mebibytes(large.peakRss),
    [`peakHeapMiBAt${leads}`]: mebibytes(medianOf(small, (round) => round.peakHeap)),
    [`peakHeapMiBAt${largeLeads}`]: mebibytes(large.peakHeap),
    [`peakBuffersMiBAt${leads}`]: mebibytes(medianOf(small, (round) => round.peakBuffers)),
    [`peakBuffersMiBAt${largeLeads}`]: mebibytes(large.peakBuffers),
    growth: significant(large.peakRss / peak - 1, 2),
    mailsPerSecond: Math.round(large.perSecond),
  };
}

async function ours(
  context: BenchContext,
  { leads, label, look, looked }: { leads: number; label: string; look?: 'samples' | 'statements'; looked?: Looked },
): Promise<OurRound> {
  return withFolder('send', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, leads, { consents: true });
    await makeSegment(databaseUrl);
    const connections = context.number('connections');
    const sink = await startSink();
    const child = startChild<FlowHostQuestions>('flow-host');
    try {
      await child.ask('start', { flow: sendFlow({ port: sink.port, connections }), folder, databaseUrl });
      const before = await child.usage();
      if (look) await child.ask('look', look);
      const launchedAt = await child.ask('launch', DEFINITION);
      const arrived = await allArrived(sink, leads);
      const report = await waitUntil(
        () => child.ask('report', DEFINITION),
        ({ waiting }) => waiting === 0,
        { progress: ({ sent }) => sent, everyMs: 20 },
      );
      const settledSeconds = (Number(process.hrtime.bigint()) / 1e6 - launchedAt) / 1000;
      const after = await child.usage();
      await looked?.(child);
      if (report.audience !== leads || report.sent !== leads || arrived.messages !== leads) {
        throw new Error(
          `${leads} leads, but an audience of ${report.audience}, ${report.sent} sent, ${arrived.messages} arrived.`,
        );
      }
      const round: OurRound = {
        ...speedOf(leads, launchedAt, arrived),
        ...after,
        sink: sink.kind,
        cpuSeconds: after.cpuSeconds - before.cpuSeconds,
        settledSeconds,
        mainThreadBusy: report.loopBusy,
        mainThreadCpuUsPerMail: (report.mainCpuMs * 1000) / leads,
      };
      tell(context, `ours  ${label}`, round);
      return round;
    } finally {
      await child.stop();
      await sink.stop();
    }
  });
}

async function bare(context: BenchContext, { leads, label }: { leads: number; label: string }): Promise<Round> {
  return withFolder('bare', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    await makePeople(databaseUrl, leads);
    const sink = await startSink();
    const child = startChild<BareMailerQuestions>('bare-mailer');
    try {
      await child.ask('prepare', { databaseUrl, port: sink.port, connections: context.number('connections') });
      const before = await child.usage();
      const begunAt = await child.ask('sendAll', { concurrency: context.number('concurrency') });
      const arrived = await allArrived(sink, leads);
      const after = await child.usage();
      const round = {
        ...speedOf(leads, begunAt, arrived),
        ...after,
        sink: sink.kind,
        cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      };
      tell(context, `bare  ${label}`, round);
      return round;
    } finally {
      await child.stop();
      await sink.stop();
    }
  });
}

async function makeSegment(databaseUrl: string): Promise<void> {
  const { openMarketing } = product<typeof import('../lib')>('lib/index');
  const marketing = await openMarketing({ database: { url: databaseUrl }, work: false });
  try {
    await marketing.segments.create({ key: SEGMENT, kind: 'dynamic', condition: CONDITION });
  } finally {
    await marketing.close();
  }
}

interface Arrived {
  messages: number;
  firstAt: number;
  lastAt: number;
  bytes: number | null;
}

async function allArrived(sink: Sink, leads: number): Promise<Arrived> {
  const {
    messages,
    firstAt = NaN,
    lastAt = NaN,
    bytes,
  } = await waitUntil(
    () => sink.traffic(),
    (traffic) => traffic.messages >= leads,
    { progress: (traffic) => traffic.messages },
  );
  return { messages, firstAt, lastAt, bytes: bytes === undefined ? null : Math.round(bytes / messages) };
}

function speedOf(
  leads: number,
  begunAt: number,
  { firstAt, lastAt, bytes }: Arrived,
): Omit<Round, keyof Usage | 'sink'> {
  const seconds = (lastAt - begunAt) / 1000;
  return { seconds, fromFirstSeconds: (lastAt - firstAt) / 1000, perSecond: leads / seconds, bytesPerMail: bytes };
}

function tell(context: BenchContext, label: string, { perSecond, seconds, peakRss, bytesPerMail }: Round): void {
  context.say(
    `${label}: ${Math.round(perSecond)} mails/s (${significant(seconds)} s), ${String(bytesPerMail)} bytes each, peak ${mebibytes(peakRss)} MiB`,
  );
}

/** Two more rounds: one sampled, one with its SQL timed. Neither counts. */
async function profiled(context: BenchContext, leads: number, given: string): Promise<void> {
  const file = path.resolve(given);
  await ours(context, {
    leads,
    label: 'sampled',
    look: 'samples',
    looked: async (child) => void (await child.ask('writeProfile', file)),
  });
  const { busyEach, functions, modules } = readProfile(file, leads);
  const line = (each: number, share: number, where: string): void =>
    context.say(`  ${each.toFixed(1).padStart(7)}  ${(share * 100).toFixed(1).padStart(5)} %  ${where}`);
  context.say(`\nmain thread: ${busyEach} µs busy per mail; profile in ${file}`);
  context.say('by module, self time (µs per mail)');
  for (const { where, each, share } of modules) line(each, share, where);
  context.say('by function, self time (µs per mail)');
  for (const { where, each, share } of functions) line(each, share, where);

  let times: StatementTime[] = [];
  await ours(context, {
    leads,
    label: 'SQL timed',
    look: 'statements',
    looked: async (child) => {
      times = await child.ask('statements', undefined);
    },
  });
  sayStatements(context, times, leads, 'mail');
}
