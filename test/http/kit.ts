import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Router } from 'express';

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A router that listens on loopback. */
export interface Served {
  url: string;
  ask(
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; body?: string | Buffer },
  ): Promise<Answer>;
  close(): Promise<void>;
}

/** Serves a router, below a path when one is given. */
export async function serve(router: Router, base = '/'): Promise<Served> {
  const app = express();
  app.use(base, router);
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    ask: (method, path, options = {}) =>
      new Promise((resolve, reject) => {
        const request = http.request(`${url}${path}`, { method, headers: options.headers ?? {} }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString(),
            }),
          );
          response.on('error', reject);
        });
        request.on('error', reject);
        request.end(options.body);
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
