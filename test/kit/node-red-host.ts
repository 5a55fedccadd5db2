/** A real Node-RED without an editor, run by {@link startNodeRed} in a process of its own. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface HostOptions {
  /** Package to run: `node-red` or `node-red-4.1`. */
  version: string;
  settings: Record<string, unknown>;
  /** Bearer tokens of the admin API and what they may do; without any everybody may do everything. */
  tokens?: Record<string, string>;
}

/** As much of the Node-RED module as is used here; 4.1 has no types of its own. */
interface Runtime {
  init(server: http.Server, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly version: () => string;
  readonly httpAdmin: http.RequestListener;
  readonly httpNode: http.RequestListener;
  readonly events: {
    once(event: string, listener: () => void): void;
    on(event: string, listener: (event: unknown) => void): void;
  };
}

async function main({ version, settings, tokens }: HostOptions): Promise<void> {
  const RED = require(version) as Runtime;
  // No Express of our own around it: Node-RED's HTTP nodes look into the router of the app they are mounted on.
  const server = http.createServer((request, response) => {
    const below = /^\/red(?=\/|$)(.*)/.exec(request.url ?? '')?.[1];
    if (below === undefined) return RED.httpNode(request, response);
    request.url = below || '/';
    RED.httpAdmin(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  RED.init(server, { ...settings, ...(tokens ? { adminAuth: authOf(tokens) } : {}), uiPort: port });
  const started = new Promise<void>((resolve, reject) => {
    RED.events.once('flows:started', resolve);
    RED.events.on('runtime-event', (event) => {
      const { payload } = event as { payload?: { error?: string; types?: unknown } };
      if (payload?.error)
        reject(new Error(`Node-RED does not start the flows: ${payload.error} ${JSON.stringify(payload.types ?? '')}`));
    });
  });
  await RED.start();
  await started;
  process.send?.({ ready: true, port, version: RED.version() });
  process.on('message', (message) => {
    if (message === 'stop') void RED.stop().then(() => process.exit(0));
  });
  process.on('disconnect', () => process.exit(0));
}

function authOf(tokens: Record<string, string>): object {
  return {
    type: 'credentials',
    users: [],
    tokens: (token: string) => {
      const permissions = tokens[token];
      return Promise.resolve(permissions === undefined ? null : { username: token, permissions });
    },
  };
}

process.once('message', (options) => {
  main(options as HostOptions).catch((error: unknown) => {
    process.send?.({ ready: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exit(1);
  });
});
