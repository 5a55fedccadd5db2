import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Clock } from '../clock';
import {
  securityHeaders,
  unsubscribePage,
  type PageLanguage,
  type UnsubscribePayload,
  type UnsubscribeState,
} from '../compliance';
import { createGuesses } from './guesses';

/** What the unsubscribe pages need. */
export interface UnsubscribeRouterOptions {
  readonly clock: Clock;
  /** What a token says, or undefined when it is not one of ours. */
  verify(token: string): UnsubscribePayload | undefined;
  /** Stores the opt-out. Called for every POST, so it must not mind a second time; rejects when nothing could be stored. */
  apply(payload: UnsubscribePayload): Promise<void>;
  /** Told about an `apply` that failed. */
  onError?(error: unknown): void;
  /** Used where the browser asks for none of ours. Default: English. */
  readonly language?: PageLanguage;
  /** Unreadable tokens that one address may try in a minute. Default 60. */
  readonly guessesPerMinute?: number;
}

/** Mail providers send 26 bytes, a browser none. */
const MAX_BODY = 64 * 1024;

/**
 * `GET /u/:token` shows a page and changes nothing, because mail scanners open every link. `POST /u/:token` unsubscribes: from the
 * page's button and, without anybody seeing a page, from mail programs (RFC 8058: no cookies, no redirect, body urlencoded or
 * multipart). The signed URL says it all, so the body is read and dropped.
 */
export function unsubscribeRouter(options: UnsubscribeRouterOptions): Router {
  const { verify, apply, onError } = options;
  const guesses = createGuesses(options.clock, options.guessesPerMinute ?? 60);
  const router = Router();

  const answer = (request: Request, response: Response, status: number, state: UnsubscribeState): void => {
    const language = languageOf(request, options.language ?? 'en');
    response.status(status).set(securityHeaders).set('Content-Language', language).vary('Accept-Language');
    // The form posts to the page's own address, whatever path a proxy put in front of it.
    response.send(unsubscribePage({ state, action: '', language }));
  };
  /** Answers for a token that is not ours. Only these are limited: a good token always counts, however many one provider sends. */
  const refuse = (request: Request, response: Response): void => {
    const limited = guesses.tooMany(request.socket.remoteAddress ?? '');
    if (limited) response.set('Retry-After', '60');
    answer(request, response, limited ? 429 : 404, 'invalid');
  };

  const show: RequestHandler = (request, response) => {
    const payload = verify(tokenOf(request));
    if (payload === undefined) refuse(request, response);
    else answer(request, response, 200, 'ask');
  };
  const unsubscribe: RequestHandler = async (request, response) => {
    if (!(await drain(request))) {
      response.set({ ...securityHeaders, Connection: 'close' }).status(413);
      response.type('text/plain').send('The request is too large.');
      return;
    }
    const payload = verify(tokenOf(request));
    if (payload === undefined) return refuse(request, response);
    try {
      await apply(payload);
    } catch (error) {
      onError?.(error);
      response.set('Retry-After', '30');
      return answer(request, response, 503, 'error');
    }
    answer(request, response, 200, 'done');
  };
  const wrongMethod: RequestHandler = (_request, response) => {
    response
      .status(405)
      .set(securityHeaders)
      .set('Allow', 'GET, HEAD, POST')
      .type('text/plain')
      .send('Use GET or POST.');
  };
  router.route('/u/:token').get(show).post(unsubscribe).all(wrongMethod);
  return router;
}

function tokenOf(request: Request): string {
  const token: unknown = request.params['token'];
  return typeof token === 'string' ? token : '';
}

/** The page's language: what the browser prefers among ours. */
function languageOf(request: Request, fallback: PageLanguage): PageLanguage {
  const others: PageLanguage[] = (['en', 'de'] as const).filter((language) => language !== fallback);
  const wanted = request.get('accept-language') ? request.acceptsLanguages(fallback, ...others) : false;
  return wanted === 'en' || wanted === 'de' ? wanted : fallback;
}

/** Reads the body to its end; false when it is too large. A body that somebody parsed before us is gone already. */
function drain(request: Request): Promise<boolean> {
  if (request.readableEnded || request.complete) {
    request.resume();
    return Promise.resolve(true);
  }
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (fits: boolean): void => {
      request.off('data', onData);
      resolve(fits);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MAX_BODY) finish(false);
    };
    request.on('data', onData);
    request.once('end', () => finish(true));
    request.once('close', () => finish(bytes <= MAX_BODY));
    request.once('error', () => finish(false));
  });
}
