/**
 * A real headless Node-RED on a clock that jumps, in a process of its own (Node-RED is there once per process): what example flows
 * are played on. Run by {@link Labs}.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Marketing } from '../../lib';
import { startMailSink, type MailSink, type ReceivedMail } from '../../lib/runtime/mailbox';
import { runningStores } from '../../nodes/kit/store-node';
import { installPackage } from '../kit/node-red';
import { LabClock } from './lab-clock';
import { SCENARIOS } from './scenarios';

const EXAMPLES = path.join(__dirname, '..', '..', 'examples');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A little longer than the watchdog's pause. */
const SWEEP_MS = 2_100;
/** Real milliseconds after which a journey that does not come to rest is given up. */
const PATIENCE_MS = 20_000;

interface FlowNode {
  id: string;
  type: string;
  name?: string;
  [property: string]: unknown;
}

interface Runtime {
  init(server: http.Server, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly httpNode: http.RequestListener;
  readonly events: { once(event: string, listener: () => void): void };
  readonly runtime: {
    flows: {
      setFlows(options: { flows: { flows: readonly FlowNode[] }; deploymentType: string }): Promise<unknown>;
    };
  };
  readonly hooks: {
    add(hook: string, listener: (event: { node: { id: string }; error?: unknown }) => void): void;
    remove(hook: string): void;
  };
  readonly nodes: { getNode(id: string): { receive(msg: object): void } | null };
}

/** What a scenario plays with. */
export class Lab {
  marketing!: Marketing;
  nodes: readonly FlowNode[] = [];

  constructor(
    private readonly red: Runtime,
    readonly clock: LabClock,
    readonly mails: MailSink,
    private readonly folder: string,
    readonly address: string,
  ) {}

  /** Deploys an example on a database of its own; what it sends goes to the lab's mail server. */
  async load(file: string, edit: (nodes: FlowNode[]) => FlowNode[] = (nodes) => nodes): Promise<void> {
    // What examples post to themselves comes to the lab's own port.
    const text = readFileSync(path.resolve(EXAMPLES, file), 'utf8').replaceAll('http://127.0.0.1:1880', this.address);
    const drawn = JSON.parse(text) as FlowNode[];
    this.nodes = edit(drawn).map((node) => this.placed(node, file));
    const started = new Promise<void>((resolve) => this.red.events.once('flows:started', resolve));
    await this.red.runtime.flows.setFlows({ flows: { flows: this.nodes }, deploymentType: 'full' });
    await started;
    await this.until(() => {
      const [store] = runningStores().values();
      if (store?.connection.state.kind !== 'open' || !store.deployer.flowing) return false;
      this.marketing = store.connection.state.marketing;
      return true;
    }, 'the flow to be at work');
  }

  private placed(node: FlowNode, file: string): FlowNode {
    if (node.type === 'marketing-store') {
      const name = path.basename(file, '.json').replace(/\W+/g, '-');
      return { ...node, databaseUrl: `sqlite:${path.join(this.folder, `${name}.sqlite`)}`, baseUrl: this.address };
    }
    if (node.type === 'marketing-account' && node['channel'] !== 'webhook') {
      return { ...node, host: this.mails.host, port: String(this.mails.port), security: 'none' };
    }
    return node;
  }

  /** The running node with this type and name. */
  node(type: string, name: string): { receive(msg: object): void } {
    const running = this.red.nodes.getNode(this.drawn(type, name).id);
    if (!running) throw new Error(`${type} "${name}" does not run.`);
    return running;
  }

  private drawn(type: string, name: string): FlowNode {
    const drawn = this.nodes.find((node) => node.type === type && node.name === name);
    if (!drawn) throw new Error(`There is no ${type} "${name}".`);
    return drawn;
  }

  /** Whether a node has been done with a message since; throws what it has refused it for. */
  private handled(id: string): () => boolean {
    let done = false;
    let refused: unknown;
    this.red.hooks.remove('*.lab');
    this.red.hooks.add('onComplete.lab', ({ node, error }) => {
      if (node.id !== id) return;
      done = true;
      refused = error;
    });
    return () => {
      if (refused !== undefined) throw refused instanceof Error ? refused : new Error(JSON.stringify(refused));
      return done;
    };
  }

  /** Sends a message into a node, as a wire would, and waits until everything is at rest. */
  async send(type: string, name: string, msg: object = {}): Promise<void> {
    const handled = this.handled(this.drawn(type, name).id);
    this.node(type, name).receive(msg);
    await this.until(handled, `${type} "${name}" to be done with a message`);
    await this.rest();
  }

  /** Lets time pass, in hops, and everything come to rest after each. */
  async pass(ms: number, hop = Math.max(5 * MINUTE, Math.min(6 * HOUR, ms / 50))): Promise<void> {
    await this.passUntil(this.clock.now() + ms, hop);
  }
  async passUntil(time: number, hop = 5 * MINUTE): Promise<void> {
    while (this.clock.now() < time) {
      this.clock.jumpTo(Math.min(time, this.clock.now() + hop));
      await this.rest();
      // What the watchdog finds to do when everybody is at rest: campaigns that are through, joins.
      this.clock.jumpTo(this.clock.now() + SWEEP_MS);
      await this.rest();
    }
  }

  /** Waits until nobody is on the way: who is under way waits for something. */
  async rest(): Promise<void> {
    let quiet = 0;
    await this.until(async () => {
      await this.marketing.ledger.idle();
      quiet = (await this.moving()) ? 0 : quiet + 1;
      return quiet >= 3;
    }, 'everybody to be at rest');
  }

  private async moving(): Promise<boolean> {
    const { scope } = this.marketing;
    const row = await scope.get<{ n: number }>(
      `SELECT (SELECT COUNT(*) FROM marketing_steps WHERE tenant_id = :tenant
                 AND (state IN ('working', 'released') OR (state = 'waiting' AND due_at <= :now)))
            + (SELECT COUNT(*) FROM marketing_campaigns WHERE tenant_id = :tenant AND state = 'active' AND expanding_from IS NOT NULL) AS n`,
      { now: this.clock.now() },
    );
    return Number(row?.n ?? 0) > 0;
  }

  /** Waits in real time, the clock creeping on, until something is so. */
  async until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await done())) {
      if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
      // Groups that gather, badges, retries: they wait on the clock as well.
      this.clock.jumpTo(this.clock.now() + 25);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** The mails to an address so far, oldest first. */
  mailsTo(address: string): ReceivedMail[] {
    return this.mails
      .list()
      .filter(({ to }) => to.includes(address))
      .reverse();
  }
  /** Subjects of the mails to an address so far, oldest first. */
  subjectsTo(address: string): string[] {
    return this.mailsTo(address).map(({ subject }) => subject);
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'nm-lab-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  installPackage(folder);
  const RED = require('node-red') as Runtime;
  // A Monday morning.
  const clock = new LabClock(Date.UTC(2027, 2, 1, 9));
  const mails = await startMailSink({ clock, keep: 100_000 });
  const server = http.createServer((request, response) => RED.httpNode(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The lab has no port.');
  RED.init(server, {
    httpAdminRoot: false,
    httpNodeRoot: '/',
    disableEditor: true,
    userDir: folder,
    flowFile: 'flows.json',
    credentialSecret: false,
    telemetry: { enabled: false },
    marketingClock: clock,
    logging: { console: { level: 'warn', metrics: false, audit: false } },
  });
  await RED.start();
  process.on('message', (message) => {
    const { scenario } = message as { scenario: string };
    void play(new Lab(RED, clock, mails, folder, `http://127.0.0.1:${address.port}`), scenario);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}

async function play(lab: Lab, scenario: string): Promise<void> {
  try {
    const run = SCENARIOS[scenario];
    if (!run) throw new Error(`There is no scenario "${scenario}".`);
    await run(lab);
    process.send?.({ scenario, ok: true });
  } catch (error) {
    process.send?.({
      scenario,
      ok: false,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

main().catch((error: unknown) => {
  process.send?.({ ready: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exit(1);
});
