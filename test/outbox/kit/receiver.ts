import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
export interface Received {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly event: { type: string; timestamp: string; data: Record<string, unknown> };
  readonly path: string;
}

/** What to answer; `hang`: nothing, until {@link Receiver.release}. */
export type Answer = number | 'hang' | { readonly status: number; readonly headers: http.OutgoingHttpHeaders };

/** An endpoint on this machine. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** Decides about each request; default: 204. */
  answer: (request: Received) => Answer;
  /** Answers everything that hangs. */
  release(): void;
  /** Most requests that were open at the same time. */
  readonly most: number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const hanging: http.ServerResponse[] = [];
  let open = 0;
  let most = 0;
  const server = http.createServer((request, response) => {
    open++;
    most = Math.max(most, open);
    response.on('close', () => open--);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      const event = JSON.parse(body) as Received['event'];
      const one = { id: headers['webhook-id'] ?? '', headers, body, event, path: request.url ?? '' };
      received.push(one);
      const answer = receiver.answer(one);
      if (answer === 'hang') return void hanging.push(response);
      const { status, headers: more = {} } = typeof answer === 'number' ? { status: answer } : answer;
      response.writeHead(status, more).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: () => 204,
    release: () => {
      for (const response of hanging.splice(0)) response.writeHead(204).end();
    },
    get most() {
      return most;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}
