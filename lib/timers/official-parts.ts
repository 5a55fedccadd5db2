import { MarketingError } from '../errors';
import type { BackendContext } from './backend';

/** Table, collection, key prefix and channel that the official backends use; shared by all tenants. */
export const AGENDA_NAME = 'marketing_agenda_jobs';

/** What the three official backends are opened with. */
export interface OfficialContext extends BackendContext {
  readonly jobName: string;
}

/**
 * Loads a package that only some installations have.
 * @throws MarketingError `E_TIMERS_PACKAGE` that names it
 */
export async function optionalPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new MarketingError(
      'E_TIMERS_PACKAGE',
      `These timers need the package "${name}": run "npm install ${name}" beside Node-RED.`,
      { cause: error, details: { package: name } },
    );
  }
}

/** Rejects when `work` takes longer than `ms`. */
export async function withinTime<T>(context: BackendContext, work: Promise<T>): Promise<T> {
  const enough = new AbortController();
  const late = context.clock.sleep(context.connectMs, enough.signal).then((): T => {
    throw new Error(`no answer within ${context.connectMs} ms`);
  });
  // Whichever is too late must not become an unhandled rejection.
  late.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    enough.abort();
  }
}
