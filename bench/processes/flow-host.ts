/**
 * Our side of the benches `send` and `trigger`: a real headless Node-RED with a flow of ours, as `nexus-marketing start` runs it,
 * in a process of its own.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { answerParent, loopBusy, sharedNow } from '../lib/child';
import { product } from '../lib/product';
import { timeStatements, type StatementTime } from '../lib/sql-times';

type HostModule = typeof import('../../lib/runtime/host');
type Lib = typeof import('../../lib');
type Host = Awaited<ReturnType<HostModule['startHost']>>;

/** What the process does. */
export interface FlowHostQuestions {
  start(options: { flow: readonly object[]; folder: string; databaseUrl: string }): Promise<void>;
  /** Launches the campaign of a definition; when that was (shared clock). */
  launch(definition: string): Promise<number>;
  /** From now on, the main thread is sampled, or its SQL is timed: not both, because timing shows in the samples. */
  look(at: 'samples' | 'statements'): Promise<void>;
  /** How the campaign stands, and how busy the main thread has been since the launch. */
  report(
    key: string,
  ): Promise<{ audience: number; waiting: number; sent: number; loopBusy: number; mainCpuMs: number }>;
  /** How many wait at each station, by step name. */
  stations(key: string): Promise<Record<string, number>>;
  /** Ends the sampling and writes the profile. */
  writeProfile(file: string): Promise<void>;
  statements(): Promise<StatementTime[]>;
  /**
   * Puts messages into the flow's trigger at a steady rate, as a node wired to it would; when each was sent (shared clock), in their order.
   */
  feed(options: { node: string; perSecond: number; payloads: readonly object[] }): Promise<number[]>;
  [question: string]: (argument: never) => unknown;
}

// Stack traces need not point into TypeScript here, and mapping them costs time that users do not spend.
process.setSourceMapsEnabled(false);

let host: Host | undefined;
let profiler: Session | undefined;
let statementTimes: () => StatementTime[] = () => [];
let utilisation = performance.eventLoopUtilization();
let cpuAtLaunch = mainCpuMs();

answerParent<FlowHostQuestions>(
  {
    async start({ flow, folder, databaseUrl }) {
      const { startHost } = product<HostModule>('lib/runtime/host');
      const { SystemClock } = product<Lib>('lib/index');
      const flows = path.join(folder, 'flow.json');
      writeFileSync(flows, JSON.stringify(flow));
      const say = (text: string): void => void process.stderr.write(`  ${text}\n`);
      const nothing = (): void => undefined;
      host = await startHost({
        clock: new SystemClock(),
        log: { debug: nothing, info: nothing, warn: say, error: say },
        flows,
        userDir: path.join(folder, 'node-red'),
        port: 0,
        databaseUrl,
      });
      await host.whenReady(60_000);
    },
    async launch(definition) {
      const { campaigns } = marketing();
      const campaign = await campaigns.ensure(definition);
      utilisation = performance.eventLoopUtilization();
      cpuAtLaunch = mainCpuMs();
      const at = sharedNow();
      // A flow whose trigger listens to an event has launched its campaign at deploy.
      if (campaign.state === 'draft') await campaigns.launch(campaign.key, { approved: true });
      return at;
    },
    async look(at) {
      if (at === 'samples') profiler = await startProfiler();
      else statementTimes = timeStatements();
    },
    async report(key) {
      const busy = loopBusy(utilisation);
      const cpu = mainCpuMs() - cpuAtLaunch;
      const { audience, waiting, messages } = await marketing().campaigns.report(key);
      return { audience, waiting, sent: messages['sent'] ?? 0, loopBusy: busy, mainCpuMs: cpu };
    },
    async stations(key) {
      const { stations } = await marketing().campaigns.report(key);
      return Object.fromEntries(stations.map(({ step, waiting }) => [step, waiting]));
    },
    async writeProfile(file) {
      if (!profiler) throw new Error('Nothing was sampled.');
      const { profile } = await profiler.post('Profiler.stop');
      profiler.disconnect();
      profiler = undefined;
      writeFileSync(file, JSON.stringify(profile));
    },
    statements: () => Promise.resolve(statementTimes()),
    async feed({ node, perSecond, payloads }) {
      const target = running().nodeRed.nodes.getNode(node) as { receive(message: object): void };
      const begin = sharedNow();
      const times: number[] = [];
      for (const [index, payload] of payloads.entries()) {
        const due = begin + (index * 1000) / perSecond;
        const wait = due - sharedNow();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        times.push(sharedNow());
        target.receive({ payload });
      }
      return times;
    },
  },
  async () => {
    await host?.stop();
  },
);

function running(): Host {
  if (!host) throw new Error('The host has not been started.');
  return host;
}

function marketing(): ReturnType<Host['stores']['open']>[number] {
  const [store] = running().stores.open();
  if (!store) throw new Error('The flow has no open store.');
  return store;
}

function mainCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function startProfiler(): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  return session;
}
