import { AgendaTimers } from './agenda-timers';
import { openStoreBackend } from './backend';
import { FailureReport } from './failures';
import { openOfficialBackend } from './official';
import { completeSettings } from './settings';
import type { OpenTimersOptions, Timers } from './types';

/**
 * Opens the timers of one tenant and checks that their database answers; call `on()` for each kind, then `start()`.
 * @throws InputError `E_TIMERS_URL`; MarketingError `E_TIMERS_PACKAGE`, `E_TIMERS_UNREACHABLE` (retryable)
 */
export async function openTimers(options: OpenTimersOptions): Promise<Timers> {
  const settings = completeSettings(options.settings);
  const failures = new FailureReport(options.clock, options.logger);
  const context = {
    tenant: options.scope.tenant,
    clock: options.clock,
    connectMs: settings.connectMs,
    failed: (error: unknown): void => failures.machinery(error),
  };
  const backend = options.url ? await openOfficialBackend(options.url, context) : await openStoreBackend(options.scope);
  return new AgendaTimers(backend, { tenant: options.scope.tenant, clock: options.clock, settings, failures });
}
