/** One HTTP request, with the phase in which it failed. */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../clock';

/** What to send. */
export interface HttpCall {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly agents: { readonly http: http.Agent; readonly https: https.Agent };
  readonly lookup: LookupFunction;
  /** From the first packet to the end of the answer, ms. */
  readonly timeoutMs: number;
  /** The connection is cut after so many bytes of answer. */
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal;
}

/** What came of it. */
export type HttpAnswer =
  | { readonly status: number; readonly retryAfter?: string; readonly requestId?: string }
  /** `written`: whether any of the request may have reached the receiver. */
  | { readonly failed: Error; readonly written: boolean };

/**
 * Makes the call; never rejects. The status line decides: what the rest of the answer says, and whether it arrives,
 * changes nothing.
 */
export function httpCall(call: HttpCall, clock: Clock): Promise<HttpAnswer> {
  const { url, method, headers, body, lookup, agents, signal } = call;
  return new Promise((resolve) => {
    let written = false;
    const fail = (failed: Error): void => {
      cancelTimeout();
      resolve({ failed, written });
    };
    const secure = url.protocol === 'https:';
    const options = { method, headers, lookup, signal, agent: secure ? agents.https : agents.http };
    let request: http.ClientRequest;
    try {
      request = (secure ? https : http).request(url, options);
    } catch (error) {
      // A header or method that Node refuses to write: nothing left.
      return resolve({ failed: error instanceof Error ? error : new Error(String(error)), written: false });
    }
    const cancelTimeout = clock.after(call.timeoutMs, () => {
      request.destroy(new Error(`No answer within ${call.timeoutMs} ms`));
    });
    request.on('error', fail);
    // Node writes the request the moment its socket is connected; from then on nobody can tell what arrived.
    request.on('socket', (socket) => {
      const begin = (): void => {
        written = true;
      };
      if (socket.destroyed) return;
      if (!socket.connecting) begin();
      else socket.once(secure ? 'secureConnect' : 'connect', begin);
    });
    request.on('response', (response) => {
      const requestId = response.headers['x-request-id'];
      resolve({
        status: response.statusCode ?? 0,
        ...(response.headers['retry-after'] === undefined ? {} : { retryAfter: response.headers['retry-after'] }),
        ...(typeof requestId === 'string' ? { requestId: requestId.slice(0, 200) } : {}),
      });
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > call.maxResponseBytes) request.destroy();
      });
      response.on('error', cancelTimeout);
      response.on('close', cancelTimeout);
    });
    request.end(body);
  });
}
