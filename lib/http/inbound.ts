import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Clock } from '../clock';
import { InputError, MarketingError } from '../errors';
import { verifyWebhook } from '../outbox';
import { createGuesses } from './guesses';

/** How an inbound endpoint knows its sender. */
export type InboundAuth =
  /** Standard Webhooks (standardwebhooks.com): the body is signed. */
  | { readonly kind: 'signature'; readonly secrets: readonly string[] }
  /** A header that holds the secret itself: for senders that cannot sign. */
  | { readonly kind: 'secret'; readonly header: string; readonly secret: string };

/** An endpoint that a trigger has put up. */
export interface InboundEndpoint {
  readonly auth: InboundAuth;
  /**
   * Takes in one event; must not mind a second time with the same id.
   * @param id the sender's id, when it was signed
   * @throws InputError for a body that says nothing that can be used
   */
  take(body: unknown, id: string | undefined): Promise<void>;
}

/** What the inbound endpoints need. */
export interface InboundRouterOptions {
  readonly clock: Clock;
  find(key: string): InboundEndpoint | undefined;
  /** Told what went wrong in taking an event in; the sender learns only that it did. */
  onError?(error: unknown): void;
  /** Refused calls that one address may make in a minute. Default 60. */
  readonly guessesPerMinute?: number;
  /** Calls that one endpoint takes in a minute. Default 1,200. */
  readonly callsPerMinute?: number;
}

/** Bytes of a body. Metadata are kept up to 64 KiB; the rest of a sender's body is none of ours. */
const MAX_BODY = 256 * 1024;

/**
 * `POST /in/:key` takes an event in for a trigger. Answers say nothing about anybody: 202 for whatever was taken, for the second time,
 * too, and for a lead that is not known; 401 for a wrong secret or signature.
 */
export function inboundRouter(options: InboundRouterOptions): Router {
  const { clock, find, onError } = options;
  const guesses = createGuesses(clock, options.guessesPerMinute ?? 60);
  const calls = createGuesses(clock, options.callsPerMinute ?? 1_200);
  const router = Router();

  const refuse = (request: Request, response: Response, status: 401 | 404, code: string, message: string): void => {
    if (guesses.tooMany(request.socket.remoteAddress ?? '')) return tooMany(response);
    say(response, status, { code, message });
  };

  const take: RequestHandler = async (request, response) => {
    const key: unknown = request.params['key'];
    const endpoint = typeof key === 'string' ? find(key) : undefined;
    if (!endpoint)
      return refuse(request, response, 404, 'E_UNKNOWN_ENDPOINT', 'No trigger has put up an endpoint here.');
    if (endpoint.auth.kind === 'secret' && !holdsSecret(request, endpoint.auth))
      return refuse(request, response, 401, 'E_WEBHOOK_SECRET', 'The secret is missing or wrong.');
    const body = await read(request);
    if (!body) {
      response.set('Connection', 'close');
      return say(response, 413, { code: 'E_WEBHOOK_BODY', message: `Send at most ${MAX_BODY / 1024} KiB.` });
    }
    try {
      const id =
        endpoint.auth.kind === 'signature' ? signedId(request, body, endpoint.auth.secrets, clock.now()) : undefined;
      // After the sender is known: nobody else can use up what it may send.
      if (calls.tooMany(String(key))) return tooMany(response);
      await endpoint.take(parsed(body), id);
    } catch (error) {
      if (error instanceof InputError && error.code === 'E_WEBHOOK_SIGNATURE')
        return refuse(request, response, 401, error.code, error.message);
      if (error instanceof InputError) return say(response, 400, { code: error.code, message: error.message });
      onError?.(error);
      response.set('Retry-After', '30');
      const code = error instanceof MarketingError ? error.code : 'E_UNEXPECTED';
      return say(response, 503, { code, message: 'It could not be taken in. Send it again.' });
    }
    say(response, 202, { accepted: true });
  };
  router
    .route('/in/:key')
    .post(take)
    .all((_request, response) => {
      response.set('Allow', 'POST');
      say(response, 405, { code: 'E_METHOD', message: 'Use POST.' });
    });
  return router;
}

function say(response: Response, status: number, body: object): void {
  response.status(status).set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }).json(body);
}

function tooMany(response: Response): void {
  response.set('Retry-After', '60');
  say(response, 429, { code: 'E_TOO_MANY', message: 'Too many calls. Try again in a minute.' });
}

const SALT = randomBytes(32);

/** Compared as hashes: in time that tells neither the length nor where they differ. */
function holdsSecret(request: Request, { header, secret }: { header: string; secret: string }): boolean {
  const hash = (value: string): Buffer => createHash('sha256').update(SALT).update(value).digest();
  const given = (request.get(header) ?? '').replace(/^Bearer +/i, '');
  return given !== '' && timingSafeEqual(hash(given), hash(secret));
}

function signedId(request: Request, body: Buffer, secrets: readonly string[], now: number): string {
  const { id } = verifyWebhook(request.headers, body, secrets, { now });
  return id;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new InputError('E_WEBHOOK_BODY', 'The body must be JSON.');
  }
}

/** The body as it came; undefined when it is too large, or was read by somebody else before. */
function read(request: Request): Promise<Buffer | undefined> {
  if (request.readableEnded) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > MAX_BODY) {
        request.pause();
        resolve(undefined);
      } else parts.push(part);
    });
    request.once('end', () => resolve(Buffer.concat(parts)));
    request.once('error', () => resolve(undefined));
    request.once('close', () => resolve(undefined));
  });
}
