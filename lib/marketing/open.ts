import path from 'node:path';
import { SystemClock } from '../clock';
import type { LedgerLog } from '../ledger';
import { openStore } from '../store';
import { assemble } from './assemble';
import type { Marketing, MarketingOptions } from './types';

const QUIET: LedgerLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * Opens a tenant's marketing data and puts its ledger to work.
 * @throws InputError `E_DATABASE_URL`, `E_TENANT`; MarketingError `E_DATABASE_UNREACHABLE` (retryable), `E_DRIVER_MISSING` …
 */
export async function openMarketing(options: MarketingOptions): Promise<Marketing> {
  const clock = options.clock ?? new SystemClock();
  const log: LedgerLog = { ...QUIET, ...bound(options.logger) };
  const store = await openStore({
    ...options.database,
    clock,
    sqliteExtensions: [path.join(__dirname, '..', 'conditions', `sqlite-functions${path.extname(__filename)}`)],
  });
  try {
    if (options.migrate !== false) await store.migrate();
    return await assemble({ store, clock, log, options }, options.tenant ?? 'default', options.work !== false);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function bound(logger: Partial<LedgerLog> | undefined): Partial<LedgerLog> {
  if (!logger) return {};
  const names = ['debug', 'info', 'warn', 'error'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const log = logger[name];
      return log ? [[name, (text: string) => log.call(logger, text)]] : [];
    }),
  );
}
