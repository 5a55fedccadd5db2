import type { Clock } from '../clock';
import type { Scope } from '../store/types';

/*
 * Words of this folder (the rest is in the glossary of docs/architecture.md)
 *   timer      something that must happen at a time; named by its kind and its key
 *   ring       the moment a timer's handler is called
 *   lease      the time for which one process alone may work on a ringing timer; `touch()` renews it
 *   book       where timers are written: our own table, or the storage of an official Agenda backend
 *   backend    what Agenda itself reads and locks timers through
 *   wake-up    a timer that only says "look at your rows now": several collapse into the earliest
 */

/** Something that must happen at a time. `kind` picks the handler, `key` names one timer of that kind. */
export interface Timer {
  kind: string;
  key: string;
  /** The time it was set for, milliseconds since 1970. A retry after a failure keeps the time of the first attempt where it is known. */
  at: number;
  data: unknown;
}

/** When a recurring timer rings: a cron expression (5 fields, or 6 with seconds first) in an IANA zone, or every so many milliseconds. */
export type TimerRule = { cron: string; timeZone?: string } | { ms: number };

/** A timer as it stands. */
export interface TimerState extends Timer {
  /** True while a handler works on it. */
  ringing: boolean;
  /** Failed attempts since the last success; 0 when all is well. */
  failCount: number;
  failReason?: string;
  rule?: TimerRule;
}

/**
 * What happens when a timer rings. Called at least once per ring, so it must be idempotent. It must call `touch()`
 * before the lease (see {@link TimerSettings.leaseMs}) is over when it needs longer; `touch` rejects with
 * `E_TIMER_LOST` when another process has taken over: stop then. A handler that throws is called again later.
 */
export type TimerHandler = (timer: Timer, touch: () => Promise<void>) => Promise<void>;

/** Told of every failure: of a handler (then `timer` is given) or of the machinery underneath. */
export type TimerErrorListener = (error: unknown, timer?: Timer) => void;

/** The clock of the package: everything that must happen at a time, one timer per event and never one per person. */
export interface Timers {
  /** Registers what happens when a timer of this kind rings. @throws ConflictError `E_TIMERS_STARTED` after {@link start} */
  on(kind: string, handler: TimerHandler): void;
  /** Begins to ring. Timers that came due while nobody ran ring once, at once. */
  start(): Promise<void>;
  /** Rings once at `at`. One timer per kind and key: a later call replaces the time, the data and a recurrence. */
  set(kind: string, key: string, at: number, data?: unknown): Promise<void>;
  /**
   * Like {@link set}, but keeps the earlier of the two times and never ends a recurrence. Costs nothing while an earlier
   * ring is known. A call made after a ring's handler began always leads to another ring.
   */
  wake(kind: string, key: string, at: number, data?: unknown): Promise<void>;
  /**
   * Rings again and again; what is missed while nobody runs collapses into one ring. Calling it again with the same rule
   * changes nothing but the data. @throws InputError `E_TIMER_RULE`
   */
  every(kind: string, key: string, rule: TimerRule, data?: unknown): Promise<void>;
  /** Removes the timer, its recurrence and its retries. A handler that is running goes on. */
  cancel(kind: string, key: string): Promise<void>;
  /** All timers, or those of one kind, the soonest first. Reads everything: for people and start-up, not for hot paths. */
  list(kind?: string): Promise<TimerState[]>;
  /** Stops taking new ones, waits for running handlers at most `graceMs` (default 10,000), ends connections it opened itself. */
  stop(graceMs?: number): Promise<void>;
  /** True while started and its database answers. */
  readonly healthy: boolean;
  /** Adds a listener for failures; the returned function removes it. */
  onError(listener: TimerErrorListener): () => void;
}

/** Where failures are written besides the listeners (a pino logger fits). */
export interface TimersLogger {
  warn(details: object, message: string): void;
}

/** Numbers that tests shorten; the defaults are meant for production. Milliseconds unless said otherwise. */
export interface TimerSettings {
  /** How long a ringing timer belongs to one process without `touch()`. Also how long a crashed process holds it. */
  leaseMs: number;
  /** How often the database is asked for timers that other processes set, and how far ahead timers are fetched. */
  pollMs: number;
  /** Handlers that run at the same time. */
  concurrency: number;
  /** Timers that one process locks at most, running ones included. */
  lockLimit: number;
  /** First pause after a failure; doubles with each further one. */
  retryMs: number;
  /** The longest pause between two attempts. */
  retryMaxMs: number;
  /** How often the machinery looks after itself. */
  watchMs: number;
  /** Time a backend has to answer when it is opened. */
  connectMs: number;
}

/** See {@link openTimers}. */
export interface OpenTimersOptions {
  /** `postgres://…`, `redis://…` or `mongodb://…` for an official Agenda backend; leave out to use the scope's own database. */
  url?: string;
  /** The tenant whose timers these are. */
  scope: Scope;
  clock: Clock;
  logger?: TimersLogger;
  settings?: Partial<TimerSettings>;
}
