/** Timers: Agenda is the clock, hidden behind {@link Timers}. People never wait here but in the ledger. */
export type {
  OpenTimersOptions,
  Timer,
  TimerErrorListener,
  TimerHandler,
  TimerRule,
  Timers,
  TimerSettings,
  TimersLogger,
  TimerState,
} from './types';
export { ClockTimers } from './clock-timers';
export { nextOccurrence, normalizeRule } from './rule';
export { openTimers } from './open';
