import type { BackendContext, TimerBackend } from './backend';
import { InputError, MarketingError, messageOf } from '../errors';
import { openMongo } from './official-mongo';
import { openPostgres } from './official-postgres';
import type { OfficialContext } from './official-parts';
import { openRedis } from './official-redis';

/**
 * Opens an official Agenda backend, chosen by the URL's scheme, and waits until it has answered.
 * @throws InputError `E_TIMERS_URL`; MarketingError `E_TIMERS_PACKAGE`, `E_TIMERS_UNREACHABLE` (retryable)
 */
export async function openOfficialBackend(url: string, context: BackendContext): Promise<TimerBackend> {
  const open = openerOf(parseTimersUrl(url), url);
  try {
    return await open({ ...context, jobName: `marketing:${context.tenant}` });
  } catch (error) {
    if (error instanceof MarketingError) throw error;
    throw new MarketingError(
      'E_TIMERS_UNREACHABLE',
      `The timers' database ${redact(url)} does not answer: ${reasonOf(error)}. Check the address, the user and that the server runs.`,
      { cause: error, retryable: true },
    );
  }
}

function openerOf(parsed: URL, url: string): (context: OfficialContext) => Promise<TimerBackend> {
  switch (parsed.protocol) {
    case 'postgres:':
    case 'postgresql:':
      return (context) => openPostgres(url, context);
    case 'redis:':
    case 'rediss:':
      return (context) => openRedis(parsed, context);
    case 'mongodb:':
    case 'mongodb+srv:':
      return (context) => openMongo(url, context);
    default:
      throw wrongUrl(url, `"${parsed.protocol}" is no backend of Agenda`);
  }
}

/** `mongodb://` may list several hosts, which the URL parser refuses: the first one is enough to find the scheme. */
function parseTimersUrl(url: string): URL {
  try {
    return new URL(url.replace(/^(mongodb:\/\/[^/?]*?),[^/?]*/i, '$1'));
  } catch {
    throw wrongUrl(url, 'it is not a URL');
  }
}

function wrongUrl(url: string, why: string): InputError {
  return new InputError(
    'E_TIMERS_URL',
    `The timers URL "${redact(url)}" cannot be used: ${why}. Use postgres://…, redis://… or mongodb://…, or leave it empty to keep timers in the store.`,
  );
}

function redact(url: string): string {
  return url.replace(/^([a-z][a-z0-9+]*:\/\/[^:@/?#]*):[^@/]*@/i, '$1:***@');
}

/** Connection errors often are an AggregateError with an empty message: the parts tell. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}
