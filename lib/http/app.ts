import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Router } from 'express';

/** What answers requests that none of our own routes took: Node-RED's editor and HTTP nodes. */
export type Fallback = (request: IncomingMessage, response: ServerResponse) => void;

/** The HTTP server of the headless runtime: our routers first, whatever `fallback` is then. */
export interface HostServer {
  readonly server: Server;
  /** Says who takes the rest; before that, the rest is answered with 503. */
  setFallback(fallback: Fallback): void;
  /** Starts listening; the port, which differs from what was asked for when that was 0. */
  listen(port: number, host: string): Promise<number>;
  /** Takes no new connections, lets running requests finish for `graceMs`, then cuts them off. */
  close(graceMs: number, after: (ms: number, fn: () => void) => () => void): Promise<void>;
}

/** Builds the server. `onError` hears what went wrong; whoever asked learns only that it did. */
export function createHostServer(routers: readonly Router[], onError: (error: unknown) => void): HostServer {
  const app = express();
  app.disable('x-powered-by');
  for (const router of routers) app.use(router);
  let fallback: Fallback = (_request, response) => {
    response.writeHead(503, { 'Content-Type': 'text/plain', 'Retry-After': '2' }).end('The runtime is starting.');
  };
  // A plain function, not app.use(otherApp): Node-RED brings an older Express, which must not inherit from ours.
  app.use((request: IncomingMessage, response: ServerResponse) => fallback(request, response));
  const failed: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    onError(error);
    if (response.headersSent) return next(error);
    response.status(500).type('text/plain').send('That went wrong. The log says more.');
  };
  app.use(failed);
  const server = createServer(app);
  return {
    server,
    setFallback(next) {
      fallback = next;
    },
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : port);
        });
      }),
    close: (graceMs, after) =>
      new Promise((resolve) => {
        if (!server.listening) return resolve();
        const cancel = after(graceMs, () => server.closeAllConnections());
        server.close(() => {
          cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
