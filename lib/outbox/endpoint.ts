import http from 'node:http';
import https from 'node:https';
import { checkUrl, ForbiddenTarget, guardedLookup, httpCall, type GuardOptions, type HttpAnswer } from '../channels';
import type { Clock } from '../clock';

/** Which endpoints are allowed. */
export interface EndpointOptions {
  /** Lets private addresses and any port through, and plain http to this machine: for tests and closed networks. */
  readonly allowPrivate?: boolean;
  /** Resolver of names; default: the system's. */
  readonly resolve?: GuardOptions['resolve'];
}

/** From the first packet to the end of the answer. */
export const TIMEOUT_MS = 15_000;
/** The answer's body means nothing; a connection that says more is cut. */
const MOST_ANSWER_BYTES = 64 * 1024;
/** Below the five seconds after which common servers drop a resting connection. */
const KEEP_ALIVE_MS = 4_000;
const LONGEST_URL = 2_048;
const ANY_PORT: readonly number[] = Array.from({ length: 65_535 }, (_port, index) => index + 1);

function guardOf({ allowPrivate, resolve }: EndpointOptions): GuardOptions {
  return {
    ...(allowPrivate ? { allowPrivate, allowPorts: ANY_PORT } : {}),
    ...(resolve ? { resolve } : {}),
  };
}

/**
 * Checks what can be told from the URL alone; where its name leads is checked at every connection.
 * @throws ForbiddenTarget `E_WEBHOOK_TARGET`
 */
export function checkEndpoint(text: string, options: EndpointOptions): URL {
  const url = checkUrl(typeof text === 'string' ? text.trim() : '', guardOf(options));
  if (url.href.length > LONGEST_URL)
    throw new ForbiddenTarget(`The webhook URL is longer than ${LONGEST_URL} characters.`);
  const plain = options.allowPrivate === true && isThisMachine(url.hostname);
  if (url.protocol !== 'https:' && !plain) {
    throw new ForbiddenTarget('The webhook URL must begin with https://: its content is not for everybody on the way.');
  }
  return url;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Posts deliveries: no redirects, no private addresses, bounded time and size. */
export class Poster {
  private readonly agents = {
    http: new http.Agent({ keepAlive: true, timeout: KEEP_ALIVE_MS }),
    https: new https.Agent({ keepAlive: true, timeout: KEEP_ALIVE_MS }),
  };
  private readonly stop = new AbortController();
  private readonly lookup;

  constructor(
    private readonly options: EndpointOptions,
    private readonly clock: Clock,
  ) {
    this.lookup = guardedLookup(guardOf(options));
  }

  /** True after {@link abort}: what fails now says nothing about the endpoint. */
  get aborted(): boolean {
    return this.stop.signal.aborted;
  }

  /** Never rejects. */
  async post(url: string, headers: Readonly<Record<string, string>>, text: string): Promise<HttpAnswer> {
    const body = Buffer.from(text);
    let target: URL;
    try {
      target = checkEndpoint(url, this.options);
    } catch (error) {
      return { failed: error instanceof Error ? error : new Error(String(error)), written: false };
    }
    return httpCall(
      {
        ...{ url: target, method: 'POST', body, agents: this.agents, lookup: this.lookup, timeoutMs: TIMEOUT_MS },
        headers: { ...headers, 'content-type': 'application/json', 'content-length': String(body.length) },
        ...{ maxResponseBytes: MOST_ANSWER_BYTES, signal: this.stop.signal },
      },
      this.clock,
    );
  }

  /** Cuts what is in flight. */
  abort(): void {
    this.stop.abort();
    this.agents.http.destroy();
    this.agents.https.destroy();
  }
}
