import { SystemClock, type Clock } from '../clock';
import { messageOf } from '../errors';
import type { LedgerLog } from '../ledger';
import type { Scope } from '../store';
import { ClockTimers, openTimers, type Timers } from '../timers';
import type { MarketingOptions } from './types';

/** The timers that the options ask for. */
export async function timersOf(
  scope: Scope,
  clock: Clock,
  log: LedgerLog,
  options: MarketingOptions,
  working: boolean,
): Promise<Timers> {
  // Agenda lives on the machine's clock; a program that brings its own clock gets timers on that.
  if (!(clock instanceof SystemClock)) return new ClockTimers(clock);
  const url = options.timersUrl ? withPassword(options.timersUrl, options.timersPassword) : undefined;
  const timers = await openTimers({
    scope,
    clock,
    ...(url === undefined ? {} : { url }),
    logger: { warn: (_details, message) => log.warn(message) },
  });
  if (working) timers.onError((error) => log.warn(`Timers: ${messageOf(error)}`));
  return timers;
}

function withPassword(url: string, password: string | undefined): string {
  if (!password) return url;
  const parsed = new URL(url);
  parsed.password = encodeURIComponent(password);
  return parsed.href;
}
