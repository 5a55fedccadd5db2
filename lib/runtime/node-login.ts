import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { InputError } from '../errors';
import { requireOfNodeRed } from './node-red';

/** Lets a request through to the flows by calling `next`, or answers it. An error ends it. */
export type NodeLogin = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

interface Bcrypt {
  compare(password: string, hash: string): Promise<boolean>;
}

/**
 * The login that `httpNodeAuth` of Node-RED's settings asks for (`httpAuth`, its older name, too). Node-RED's own command applies it,
 * an embedding server has to: a function, a list of functions, or `{ user, pass }` with a bcrypt hash.
 * @throws InputError `E_SETTINGS` for anything else: what is meant to be protected must not be served without
 */
export function nodeLogin(settings: Readonly<Record<string, unknown>>): NodeLogin | undefined {
  const wanted = settings['httpNodeAuth'] || settings['httpAuth'];
  if (!wanted) return undefined;
  const steps: unknown[] = Array.isArray(wanted) ? wanted.flat(Infinity) : [wanted];
  if (steps.length > 0 && steps.every(isFunction)) return chained(steps);
  const { user, pass } = wanted as { user?: unknown; pass?: unknown };
  if (typeof user === 'string' && typeof pass === 'string' && /^\$2[abxy]\$\d\d\$.{53}$/.test(pass)) {
    return basicLogin(user, pass, requireOfNodeRed<Bcrypt>('bcryptjs'));
  }
  throw new InputError(
    'E_SETTINGS',
    'httpNodeAuth in the settings cannot be used: give a function, or user and pass with a bcrypt hash ("node-red admin hash-pw" makes one).',
  );
}

function isFunction(step: unknown): step is NodeLogin {
  return typeof step === 'function';
}

function chained(steps: readonly NodeLogin[]): NodeLogin {
  return (request, response, next) => {
    const from = (index: number): void => {
      const step = steps[index];
      if (!step) return next();
      let called = false;
      const go = (error?: unknown): void => {
        if (called) return;
        called = true;
        if (error === undefined || error === null) from(index + 1);
        else next(error);
      };
      // Also a step that is async, or throws, must end the request instead of the process.
      void new Promise((resolve) => resolve(step(request, response, go))).catch((error: unknown) =>
        go(error ?? new Error('The login failed.')),
      );
    };
    from(0);
  };
}

function basicLogin(user: string, hash: string, bcrypt: Bcrypt): NodeLogin {
  // bcrypt is slow on purpose; whoever has got in once need not wait again.
  let good: Buffer | undefined;
  const admitted = async (header: string | undefined): Promise<boolean> => {
    const encoded = /^basic +([\w+/=-]+) *$/i.exec(header ?? '')?.[1];
    if (encoded === undefined) return false;
    const given = Buffer.from(encoded, 'base64').toString();
    const digest = digestOf(given);
    if (good && timingSafeEqual(good, digest)) return true;
    const colon = given.indexOf(':');
    if (colon < 0 || !timingSafeEqual(digestOf(given.slice(0, colon)), digestOf(user))) return false;
    if (!(await bcrypt.compare(given.slice(colon + 1), hash))) return false;
    good = digest;
    return true;
  };
  return (request, response, next) => {
    admitted(request.headers.authorization).then((yes) => {
      if (yes) return next();
      response.writeHead(401, {
        'WWW-Authenticate': 'Basic realm="Authorization Required"',
        'Content-Type': 'text/plain',
      });
      response.end('Unauthorized');
    }, next);
  };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
