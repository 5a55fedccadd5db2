import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { MarketingError, messageOf } from '../errors';

/** The part of Node-RED's embedding API that the runtime uses. */
export interface EmbeddedNodeRed {
  init(server: Server, settings: Readonly<Record<string, unknown>>): void;
  /** Resolves before the flows run: listen for `flows:started`. */
  start(): Promise<void>;
  /** After this, Node-RED cannot be started again in the same process. */
  stop(): Promise<void>;
  readonly events: EventEmitter;
  readonly httpNode: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  readonly httpAdmin: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  readonly nodes: {
    eachNode(visit: (config: { readonly id: string; readonly type: string; readonly name?: string }) => void): void;
    getNode(id: string): unknown;
  };
  /** What the editor's admin API calls. */
  readonly runtime: {
    readonly flows: {
      /** What runs, with the number of its revision; null before anything was loaded. */
      getFlows(options: object): Promise<{ readonly flows: readonly object[]; readonly rev: string } | null>;
      /** Rejects when `rev` is not the running revision any more. */
      setFlows(options: {
        readonly flows: { readonly flows: readonly object[]; readonly rev?: string };
        readonly deploymentType: 'full' | 'flows' | 'nodes';
      }): Promise<unknown>;
    };
  };
  version(): string;
}

/**
 * Finds Node-RED: in the project that the command was started in, then beside this package. `MARKETING_NODE_RED` names another
 * package (an npm alias), for trying several versions.
 * @throws MarketingError `E_NODE_RED_MISSING`
 */
export function loadNodeRed(environment: NodeJS.ProcessEnv = process.env): EmbeddedNodeRed {
  const file = nodeRedFile(environment);
  try {
    return createRequire(__filename)(file) as EmbeddedNodeRed;
  } catch (error) {
    throw new MarketingError(
      'E_NODE_RED_MISSING',
      `Node-RED at ${file} does not load: ${messageOf(error)}. Install it again.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * A package that Node-RED depends on, as it sees it.
 * @throws MarketingError `E_NODE_RED_MISSING`
 */
export function requireOfNodeRed<Module>(name: string): Module {
  return createRequire(nodeRedFile(process.env))(name) as Module;
}

function nodeRedFile(environment: NodeJS.ProcessEnv): string {
  const name = environment['MARKETING_NODE_RED'] || 'node-red';
  const file = [path.join(process.cwd(), 'package.json'), __filename]
    .map((from) => resolveFrom(from, name))
    .find((found) => found !== undefined);
  if (file !== undefined) return file;
  throw new MarketingError(
    'E_NODE_RED_MISSING',
    `The headless runtime needs Node-RED, and "${name}" is not installed here: run "npm install node-red" and try again.`,
  );
}

function resolveFrom(from: string, name: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined; // not there: the next place is tried
  }
}
