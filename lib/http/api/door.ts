import type { IncomingMessage } from 'node:http';
import type { RateVerdict } from '../../access';
import { InputError } from '../../errors';
import { Refusal } from './problem';
import type { ApiDeps, Caller } from './types';

const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;
const LOOPBACK_HOST = /^(?:127\.\d+\.\d+\.\d+|::1|\[::1\]|localhost)$/;

const UNGUARDED =
  'There is no API token yet, so nobody can be told apart from anybody. Create one first (nexus-marketing token create), or listen on 127.0.0.1.';

/**
 * The API does not listen on a public address while no token exists (issue 3, "Auth"). Called before listening.
 * @throws InputError `E_API_UNGUARDED`
 */
export function assertGuarded({ host, tokensExist }: { host: string; tokensExist: boolean }): void {
  if (!tokensExist && !LOOPBACK_HOST.test(host))
    throw new InputError('E_API_UNGUARDED', UNGUARDED, { details: { host } });
}

/** The address that a request comes from. What headers say about it is hearsay, and is not asked. */
export function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}

/** Gets the headers that say how much more is allowed. */
type Told = (headers: Readonly<Record<string, string>>) => void;
type Sender = Parameters<ApiDeps['limits']['check']>[0];

async function within(sender: Sender, { limits }: Pick<ApiDeps, 'limits'>, told: Told): Promise<RateVerdict> {
  const verdict = await limits.check(sender);
  if (verdict.allowed) return verdict;
  told(rateHeaders(verdict));
  const wait = String(Math.max(1, verdict.retryAfterSeconds));
  throw new Refusal(429, 'E_RATE_LIMIT', `That were too many requests. Go on in ${wait} s.`, { 'Retry-After': wait });
}

/** Lets a stranger's request in, for what needs no token. @throws Refusal `E_RATE_LIMIT` (429) */
export async function admitStranger(
  request: IncomingMessage,
  deps: Pick<ApiDeps, 'limits'>,
  told: Told,
): Promise<void> {
  await within({ address: addressOf(request) }, deps, told);
}

/**
 * Lets a request in: by its bearer token, within the limits.
 * @throws Refusal `E_API_UNGUARDED` (403), `E_UNAUTHENTICATED` (401), `E_RATE_LIMIT` (429)
 */
export async function admit(
  request: IncomingMessage,
  deps: Pick<ApiDeps, 'authenticate' | 'tokensExist' | 'limits'>,
  told: Told,
): Promise<Caller> {
  const address = addressOf(request);
  // Guessing tokens costs the guesser, not the database.
  const before = await within({ address }, deps, told);
  const text = tokenOf(request);
  const caller = text === undefined ? undefined : await deps.authenticate(text);
  if (caller) {
    const after = await within({ token: caller.token, tenant: caller.tenant }, deps, told);
    told(rateHeaders(after.remaining < before.remaining ? after : before));
    return caller;
  }
  if (!LOOPBACK.test(address) && !(await deps.tokensExist())) throw new Refusal(403, 'E_API_UNGUARDED', UNGUARDED);
  throw new Refusal(401, 'E_UNAUTHENTICATED', 'Send a valid API token: Authorization: Bearer …', {
    'WWW-Authenticate':
      text === undefined ? 'Bearer realm="marketing"' : 'Bearer realm="marketing", error="invalid_token"',
  });
}

function tokenOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
}

function rateHeaders({ limit, remaining, resetSeconds }: RateVerdict): Record<string, string> {
  if (!Number.isFinite(limit)) return {};
  return {
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(resetSeconds),
  };
}
