import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';

/** As much of node-red-node-test-helper as is used; it has no types. */
interface Helper {
  init(runtime: string, settings?: Record<string, unknown>): void;
  load(nodes: readonly ((RED: NodeAPI) => void)[], flow: readonly object[], credentials?: object): Promise<void>;
  unload(): Promise<void>;
  clearFlows(): Promise<void>;
  setFlows(flow: readonly object[], type: 'full' | 'flows' | 'nodes'): Promise<void>;
  getNode(id: string): HelperNode | null;
  startServer(done: (error?: Error) => void): void;
  stopServer(done: (error?: Error) => void): void;
  request(): { get(url: string): Sent; post(url: string): Sent };
}

/** A supertest request. */
interface Sent extends PromiseLike<{
  status: number;
  body: Record<string, unknown>;
  text: string;
  headers: Record<string, string>;
}> {
  send(body: object): Sent;
  set(name: string, value: string): Sent;
}

/** A node under test: its methods are spied on. */
export interface HelperNode extends Node {
  wires: string[][];
  receive(msg?: object): void;
}

const helper = require('node-red-node-test-helper') as Helper;
const NAMES = [
  'store',
  'account',
  'lead',
  'trigger',
  'segment',
  'consent',
  'split',
  'roi',
  'delay',
  'join',
  'compensate',
  'send',
  'campaign',
  'goal',
  'score',
  'event',
  'approval',
  'escalate',
] as const;

/** Every node of the package. */
export const ALL_NODES = NAMES.map((name) => require(`../../nodes/${name}/${name}.ts`) as (RED: NodeAPI) => void);

/** A Node-RED in this process that runs one flow at a time. */
export interface Bench {
  readonly userDir: string;
  /** Runs a flow. */
  load(flow: readonly object[], credentials?: object): Promise<void>;
  deploy(flow: readonly object[], type: 'full' | 'flows' | 'nodes'): Promise<void>;
  node(id: string): HelperNode;
  request: Helper['request'];
  /** The next message that comes to a `helper` node. */
  next(id: string, ms?: number): Promise<NodeMessageInFlow>;
  /** Messages that came to a `helper` node so far. */
  received(id: string): NodeMessageInFlow[];
  /** The texts and fills that a node's badge had, oldest first. */
  badges(id: string): string[];
}

/** Sets up Node-RED with this package's nodes (and `more`) for the tests of a `describe`; each test begins with a fresh database. */
export function bench(more: readonly ((RED: NodeAPI) => void)[] = []): Bench {
  let userDir = '';
  const arrived = new Map<string, NodeMessageInFlow[]>();
  const badges = new Map<string, string[]>();
  const waiters = new Map<string, ((msg: NodeMessageInFlow) => void)[]>();

  beforeEach((done) => {
    userDir = mkdtempSync(path.join(tmpdir(), 'nm-nodes-'));
    helper.init(require.resolve('node-red'), { userDir, logging: { console: { level: 'off' } } });
    helper.startServer(done);
  });
  afterEach(async () => {
    await helper.unload();
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    for (const map of [arrived, badges, waiters]) map.clear();
    rmSync(userDir, { recursive: true, force: true });
  });

  const watch = (flow: readonly object[]): void => {
    for (const { id, type } of flow as readonly { id: string; type: string }[]) {
      const node = helper.getNode(id);
      if (!node) continue;
      if (type === 'helper' || type === 'catch') {
        node.on('input', (msg: NodeMessageInFlow) => {
          arrived.set(id, [...(arrived.get(id) ?? []), msg]);
          for (const waiter of waiters.get(id)?.splice(0) ?? []) waiter(msg);
        });
      }
    }
  };
  const heard = new WeakSet<object>();
  const record = (RED: NodeAPI): void => {
    // The emitter is the same for all tests of a process.
    if (heard.has(RED.events)) return;
    heard.add(RED.events);
    RED.events.on('node-status', ({ id, status }: { id: string; status?: { fill?: string; text?: string } }) => {
      badges.set(id, [...(badges.get(id) ?? []), [status?.fill, status?.text].join(' ').trim()]);
    });
  };
  return {
    get userDir() {
      return userDir;
    },
    async load(flow, credentials = {}) {
      await helper.load([record, ...ALL_NODES, ...more], flow, credentials);
      watch(flow);
    },
    async deploy(flow, type) {
      await helper.setFlows(flow, type);
      watch(flow);
    },
    node(id) {
      const node = helper.getNode(id);
      if (!node) throw new Error(`There is no node ${id}.`);
      return node;
    },
    request: () => helper.request(),
    next(id, ms = 5_000) {
      const there = arrived.get(id)?.[0];
      if (there) return Promise.resolve(there);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`Nothing came to ${id} within ${ms} ms.`)), ms);
        const waiter = (msg: NodeMessageInFlow): void => {
          clearTimeout(timer);
          resolve(msg);
        };
        waiters.set(id, [...(waiters.get(id) ?? []), waiter]);
      });
    },
    received: (id) => arrived.get(id) ?? [],
    badges: (id) => badges.get(id) ?? [],
  };
}
