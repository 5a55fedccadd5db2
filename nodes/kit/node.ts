import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { SystemClock, type Clock } from '../../lib/clock';
import { codeOf, MarketingError, messageOf } from '../../lib/errors';
import { createBadge, type BadgeBoard } from './badge';
import { readConfig, type ConfigReader } from './config';
import { migrateConfig, type ConfigMigration, type SavedConfig } from './migrate';

/** A running node. `wires` belongs to Node-RED and changes without a restart: read it, never keep it. */
export interface RuntimeNode extends Node<Record<string, string>> {
  wires: unknown[][];
}

/** A message as our nodes handle it. */
export type FlowMessage = NodeMessageInFlow;

/** Sends through an output: one message, or several in order. */
export type SendTo = (port: number, messages: NodeMessage | readonly NodeMessage[]) => void;

/**
 * Handles one message. Resolves when the node is done with it; what it throws reaches Catch nodes with its code.
 * Resolve with {@link DROPPED} when the message was neither handled nor refused.
 */
export type InputHandler = (msg: FlowMessage, send: SendTo) => Promise<void | typeof DROPPED> | void;

/** Says that the node closed before it could handle a message; the ledger still knows the person and sends again. */
export const DROPPED = Symbol('dropped');

/** What a node's behaviour is built from. The only thing it sees of Node-RED. */
export interface NodeKit {
  readonly red: NodeAPI;
  readonly node: RuntimeNode;
  readonly id: string;
  /** The name in the editor, or the type. */
  readonly title: string;
  /** The migrated configuration. */
  readonly saved: SavedConfig;
  readonly config: ConfigReader;
  readonly credentials: Readonly<Record<string, string>>;
  readonly badge: BadgeBoard;
  readonly clock: Clock;
  readonly send: SendTo;
  /** Aborted when the node begins to close: whoever waits for something else must let go then. */
  readonly closing: AbortSignal;
  /** True when an output leads somewhere at this moment. */
  wired(port: number): boolean;
  onInput(handler: InputHandler): void;
  /** Called when no message is being handled any more, in reverse order of registration, each waited for. */
  onClose(close: (removed: boolean) => Promise<void> | void): void;
  /** Writes one line to the log and the debug sidebar. Not for every person. */
  warn(text: string): void;
  /** Reports an error that belongs to no message. */
  error(error: unknown): void;
}

/** A node type. */
export interface NodeType {
  readonly type: string;
  readonly migrations: readonly ConfigMigration[];
  /** Names of credentials, all secret. */
  readonly credentials?: readonly string[];
  /** Builds the behaviour. What it throws makes the node refuse every message with that error. */
  start(kit: NodeKit): void;
}

/** How long a closing node waits for messages that it is still handling. Node-RED gives up on a node after 15 s. */
const DRAIN_MS = 5_000;

/** Registers a node type with Node-RED. */
export function registerNode(RED: NodeAPI, definition: NodeType): void {
  const { type, credentials = [] } = definition;
  const declared = Object.fromEntries(credentials.map((name) => [name, { type: 'password' as const }]));
  function construct(this: RuntimeNode, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    startNode(RED, this, def, definition);
  }
  RED.nodes.registerType(type, construct, { credentials: declared });
}

function startNode(RED: NodeAPI, node: RuntimeNode, def: NodeDef, definition: NodeType): void {
  const clock = clockOf(RED);
  const badge = createBadge(
    (status) => node.status(status),
    (key, options) => RED._(key, options),
    clock,
  );
  const inputs = new Inputs(clock);
  const closers: ((removed: boolean) => Promise<void> | void)[] = [];
  const send: SendTo = (port, messages) => {
    const outputs: (NodeMessage | NodeMessage[] | null)[] = Array.from({ length: port }, () => null);
    node.send([...outputs, isList(messages) ? [...messages] : messages]);
  };
  const build = (saved: SavedConfig): NodeKit => ({
    red: RED,
    node,
    id: node.id,
    title: node.name ?? node.type,
    saved,
    config: readConfig(saved),
    credentials: node.credentials ?? {},
    badge,
    clock,
    send,
    closing: inputs.closing.signal,
    wired: (port) => (node.wires[port] ?? []).some((target) => typeof target === 'string'),
    onInput: (handler) => wrapInput(node, inputs, handler, send),
    onClose: (close) => closers.unshift(close),
    warn: (text) => node.warn(text),
    error: (error) => report(node, error),
  });

  node.on('close', (removed: boolean, done: () => void) => {
    void closeNode(node, inputs, closers, removed)
      .finally(() => badge.clear())
      .finally(done);
  });
  try {
    definition.start(build(migrateConfig(def as unknown as SavedConfig, definition.migrations)));
  } catch (error) {
    // A node that throws here would not exist, and messages to it would vanish without a word.
    badge.invalid();
    report(node, error);
    wrapInput(node, inputs, () => Promise.reject(asError(error)), send);
  }
}

/**
 * The machine's clock, or the one that the runtime's settings bring (`marketingClock`): what simulations and tests drive. It is an
 * object of the program that embeds Node-RED; a settings file that names anything else is ignored.
 */
function clockOf(RED: NodeAPI): Clock {
  const given: unknown = Reflect.get(RED.settings, 'marketingClock');
  return isClock(given) ? given : new SystemClock();
}

function isClock(value: unknown): value is Clock {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['now', 'monotonic', 'after', 'sleep'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

/**
 * The one place where a message ends: a rejected promise must not escape (an unhandled one ends the process), and
 * `done` must be called exactly once.
 */
function wrapInput(node: RuntimeNode, inputs: Inputs, handler: InputHandler, send: SendTo): void {
  node.on('input', (msg, _send, done) => {
    const handled = Promise.resolve()
      .then(() => handler(msg, send))
      .then(
        (outcome) => {
          if (outcome !== DROPPED) done();
        },
        (error: unknown) => done(asError(error)),
      )
      // `done` runs Catch and Complete hooks, which are other people's code.
      .catch((error: unknown) => report(node, error));
    inputs.add(handled);
  });
}

async function closeNode(
  node: RuntimeNode,
  inputs: Inputs,
  closers: readonly ((removed: boolean) => Promise<void> | void)[],
  removed: boolean,
): Promise<void> {
  inputs.closing.abort();
  await inputs.drained(DRAIN_MS);
  for (const close of closers) {
    try {
      await close(removed);
    } catch (error) {
      report(node, error);
    }
  }
}

/** Messages that are being handled. */
class Inputs {
  readonly closing = new AbortController();
  private readonly pending = new Set<Promise<void>>();

  constructor(private readonly clock: Clock) {}

  add(handled: Promise<void>): void {
    this.pending.add(handled);
    void handled.finally(() => this.pending.delete(handled));
  }
  async drained(ms: number): Promise<void> {
    if (this.pending.size === 0) return;
    const limit = new AbortController();
    const all = Promise.all(this.pending).then(() => limit.abort());
    await Promise.race([all, this.clock.sleep(ms, limit.signal)]);
  }
}

function report(node: RuntimeNode, error: unknown): void {
  node.error(`${codeOf(error)}: ${messageOf(error)}`);
}

function isList(messages: NodeMessage | readonly NodeMessage[]): messages is readonly NodeMessage[] {
  return Array.isArray(messages);
}

/** Node-RED forwards `code`, `stack` and `cause` of an Error to Catch nodes. */
function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new MarketingError('E_UNEXPECTED', messageOf(error), { cause: error });
}
