import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../clock';
import { InputError, messageOf } from '../../errors';
import { createAccount, type Send } from '../account';
import type { BreakerOptions } from '../breaker';
import type { Rate } from '../pacer';
import type { Account, DeliveryResult, OutgoingMessage } from '../types';
import { checkUrl, ForbiddenTarget, guardedLookup, type GuardOptions } from './guard';
import { httpOutcome } from './outcome';
import { httpCall } from './request';
import { signWebhook, webhookKey } from './signature';

/** One receiver of webhooks. Times are milliseconds. */
export interface WebhookOptions extends GuardOptions {
  /** Names the account in figures; default `webhook`. */
  readonly key?: string;
  /** Where messages go that bring no URL of their own. */
  readonly url?: string;
  /**
   * Sent with requests to the origin of `url`, and to no other: a template decides where a message goes, and credentials
   * belong here. Without `url` they go with every request. The message's own win.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs each request (Standard Webhooks); `whsec_` + base64. */
  readonly secret?: string;
  /**
   * True when the receiver drops a second request with the same `Idempotency-Key`. Then a request that may have
   * arrived is simply sent again (`deferred`); otherwise it is `unknown`. GET, HEAD, PUT and DELETE are idempotent
   * anyway (RFC 9110 9.2.2).
   */
  readonly idempotent?: boolean;
  /** How many requests may be in flight. Default 10. */
  readonly capacity?: number;
  /** Longest time for one request. Default 10 s. */
  readonly timeoutMs?: number;
  readonly maxRequestBytes?: number;
  readonly maxResponseBytes?: number;
  readonly rates?: readonly Rate[];
  readonly breaker?: Omit<BreakerOptions, 'probe'>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const IDEMPOTENT = ['GET', 'HEAD', 'PUT', 'DELETE'];
/** Set by us or by Node; a message that could set them could smuggle a second request in. */
const RESERVED =
  /^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|idempotency-key|webhook-(?:id|timestamp|signature))$/i;
/** Below the five seconds after which common servers drop a resting connection. */
const KEEP_ALIVE_MS = 4000;

/**
 * An account that sends HTTP requests: no redirects, no private addresses, bounded time and size.
 *
 * 2xx → `sent`; 408, 425, 429, 5xx → `deferred` (`Retry-After` honoured); other answers → `rejected`; no connection →
 * `unavailable`; no answer after the request had begun to leave → `unknown`, or `deferred` when idempotent.
 *
 * @throws InputError E_WEBHOOK_TARGET, E_WEBHOOK_SECRET, E_WEBHOOK_HEADER
 */
export function createWebhookAccount(options: WebhookOptions, clock: Clock): Account {
  if (options.url !== undefined) checkUrl(options.url, options);
  if (options.secret !== undefined) webhookKey(options.secret);
  checkHeaders(options.headers ?? {});
  const agentOptions = { keepAlive: true, timeout: KEEP_ALIVE_MS };
  const sender: Sender = {
    options,
    clock,
    lookup: guardedLookup(options),
    agents: { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) },
    stop: new AbortController(),
  };
  const inFlight = new Set<Promise<unknown>>();
  return createAccount(
    {
      key: options.key ?? 'webhook',
      channel: 'webhook',
      capacity: options.capacity ?? 10,
      ...(options.rates ? { rates: options.rates } : {}),
      ...(options.breaker ? { breaker: options.breaker } : {}),
    },
    {
      prepare: (message) => {
        const send = prepare(sender, message);
        if (typeof send !== 'function') return send;
        return () => {
          const sending = send();
          inFlight.add(sending);
          return sending.finally(() => inFlight.delete(sending));
        };
      },
      close: async (graceMs) => {
        const cancel = clock.after(graceMs, () => sender.stop.abort());
        await Promise.allSettled(inFlight);
        cancel();
        sender.agents.http.destroy();
        sender.agents.https.destroy();
      },
    },
    clock,
  );
}

interface Sender {
  readonly options: WebhookOptions;
  readonly clock: Clock;
  readonly lookup: LookupFunction;
  readonly agents: { readonly http: http.Agent; readonly https: https.Agent };
  readonly stop: AbortController;
}

function prepare(sender: Sender, message: OutgoingMessage): Send | DeliveryResult {
  const { options } = sender;
  const { request = {} } = message;
  const method = (request.method ?? 'POST').toUpperCase();
  const body = Buffer.from(request.body ?? '');
  try {
    if (!METHODS.includes(method)) throw new InputError('E_WEBHOOK_METHOD', `The method ${method} is not supported.`);
    const maxBytes = options.maxRequestBytes ?? 1_000_000;
    if (body.length > maxBytes) {
      const sizes = `${body.length} bytes; at most ${maxBytes} may be sent`;
      throw new InputError('E_WEBHOOK_SIZE', `The webhook's body has ${sizes}.`);
    }
    const url = checkUrl(request.url ?? options.url ?? '', options);
    http.validateHeaderValue('idempotency-key', message.idempotencyKey);
    checkHeaders(request.headers ?? {});
    return () => deliver(sender, message, { url, method, body });
  } catch (error) {
    const kind = error instanceof ForbiddenTarget ? 'policy' : 'content';
    return { status: 'rejected', kind, reason: messageOf(error) };
  }
}

async function deliver(
  sender: Sender,
  message: OutgoingMessage,
  { url, method, body }: { url: URL; method: string; body: Buffer },
): Promise<DeliveryResult> {
  const { options, clock, lookup, agents, stop } = sender;
  const headers = requestHeaders(sender, message, { url, body });
  const timeoutMs = options.timeoutMs ?? 10_000;
  const maxResponseBytes = options.maxResponseBytes ?? 65_536;
  const answer = await httpCall(
    { url, method, headers, body, agents, lookup, timeoutMs, maxResponseBytes, signal: stop.signal },
    clock,
  );
  if ('status' in answer) return httpOutcome(answer, message.id, clock.now());
  if (answer.failed instanceof ForbiddenTarget) {
    return { status: 'rejected', kind: 'policy', reason: answer.failed.message };
  }
  const reason = `No answer from ${url.host}: ${messageOf(answer.failed)}`;
  if (!answer.written) return { status: 'unavailable', reason };
  const repeatable = options.idempotent === true || IDEMPOTENT.includes(method);
  return repeatable ? { status: 'deferred', reason } : { status: 'unknown', reason };
}

/** @throws InputError E_WEBHOOK_HEADER */
function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch (error) {
      throw new InputError('E_WEBHOOK_HEADER', `The header ${JSON.stringify(name)} cannot be sent; check it.`, {
        cause: error,
      });
    }
    if (RESERVED.test(name)) {
      throw new InputError('E_WEBHOOK_HEADER', `The header ${JSON.stringify(name)} is set by the sender; remove it.`);
    }
  }
}

function requestHeaders(
  { options, clock }: Sender,
  message: OutgoingMessage,
  { url, body }: { url: URL; body: Buffer },
): Record<string, string> {
  const key = message.idempotencyKey;
  const timestamp = Math.floor(clock.now() / 1000);
  const headers: Record<string, string> = {
    'user-agent': 'node-red-marketing',
    ...lowerCase(isOwn(url, options) ? (options.headers ?? {}) : {}),
    ...lowerCase(message.request?.headers ?? {}),
    'idempotency-key': key,
    'content-length': String(body.length),
  };
  if (options.secret !== undefined) {
    headers['webhook-id'] = key;
    headers['webhook-timestamp'] = String(timestamp);
    headers['webhook-signature'] = signWebhook({ id: key, timestamp, body }, options.secret);
  }
  return headers;
}

/** True unless the account has an address of its own and the request goes to another origin (RFC 6454 4). */
function isOwn(url: URL, { url: own }: WebhookOptions): boolean {
  return own === undefined || new URL(own).origin === url.origin;
}

/** One spelling per header, so that the message's value replaces the account's and is not sent beside it. */
function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
