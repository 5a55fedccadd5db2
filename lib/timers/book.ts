import { createHash } from 'node:crypto';
import { InputError, MarketingError } from '../errors';
import type { Timer, TimerRule, TimerState } from './types';

/** What Agenda carries for us: `kind` and `key` live inside, so that Agenda knows one job name only. */
export interface Entry {
  /** Names the kind and key; see {@link timerId}. */
  id: string;
  kind: string;
  key: string;
  at: number;
  /** How it came to be: decides which one stays when two processes write at the same time. */
  mode: 'set' | 'wake';
  /** When it was written, strictly growing within a process; with {@link mode}, for backends that have no transactions. */
  revision: number;
  rule?: TimerRule;
  data: unknown;
}

/** What {@link TimerBook.wake} found. */
export interface Woken {
  /** When the timer will ring at the latest. */
  at: number;
  /** False when an earlier ring was there already. */
  written: boolean;
}

/**
 * Where timers are written. Every implementation writes a *new* record for each change and never touches one whose
 * handler has begun: Agenda saves a finished job by its id, last writer wins, and would undo the change.
 */
export interface TimerBook {
  set(entry: Entry): Promise<void>;
  wake(entry: Entry): Promise<Woken>;
  /** Writes a recurring timer; false when the same rule was there already. */
  every(entry: Entry & { rule: TimerRule }): Promise<boolean>;
  cancel(id: string): Promise<void>;
  list(kind?: string): Promise<TimerState[]>;
  /** False when a record must not ring because a newer one has replaced it (only where that cannot be atomic). */
  isCurrent(recordId: string, entry: Entry): Promise<boolean>;
  /** Clears away what a crash may have left; called once before the first ring. */
  sweep(): Promise<void>;
}

/** The name of a timer in the database: fixed length, so that long keys fit under an index. */
export function timerId(tenant: string, kind: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, kind, key]))
    .digest('hex')
    .slice(0, 40);
}

/** Checks the arguments that all calls share. @throws InputError `E_TIMER_NAME`, `E_TIMER_TIME`, `E_TIMER_DATA` */
export function checkTimer(timer: Timer): void {
  if (!timer.kind || timer.kind.length > 64 || !timer.key || timer.key.length > 191) {
    throw new InputError(
      'E_TIMER_NAME',
      'A timer needs a kind of 1 to 64 characters and a key of 1 to 191 characters.',
    );
  }
  if (!Number.isFinite(timer.at) || Math.abs(timer.at) > 8.64e15) {
    throw new InputError(
      'E_TIMER_TIME',
      `The timer ${timer.kind}/${timer.key} was not set: its time must be milliseconds since 1970.`,
    );
  }
  if (JSON.stringify(timer.data ?? null) === undefined) {
    throw new InputError('E_TIMER_DATA', `The timer ${timer.kind}/${timer.key} was not set: its data must be JSON.`);
  }
}

/** True for what {@link Entry} describes; records of other programs on the same backend are not ours. */
export function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Partial<Record<keyof Entry, unknown>>;
  return typeof entry.id === 'string' && typeof entry.kind === 'string' && typeof entry.key === 'string';
}

/** One state per kind and key, the soonest first: a retry, a recurrence and a wake-up of the same key are one timer. */
export function mergeStates(states: readonly TimerState[]): TimerState[] {
  const merged = new Map<string, TimerState>();
  for (const state of states) {
    const name = JSON.stringify([state.kind, state.key]);
    const other = merged.get(name);
    if (!other) {
      merged.set(name, state);
      continue;
    }
    // What rings at the moment has had its time: the next one counts.
    const [next, rest] = state.ringing || (!other.ringing && other.at <= state.at) ? [other, state] : [state, other];
    const worse = next.failCount >= rest.failCount ? next : rest;
    merged.set(name, {
      ...next,
      ringing: next.ringing || rest.ringing,
      failCount: worse.failCount,
      ...(worse.failReason === undefined ? {} : { failReason: worse.failReason }),
      ...(next.rule || rest.rule ? { rule: next.rule ?? rest.rule } : {}),
    });
  }
  return [...merged.values()].sort((a, b) => a.at - b.at);
}

/** A timer rings whose kind has no handler in this process: perhaps another version of the program set it. */
export function unknownKind(kind: string): MarketingError {
  return new MarketingError(
    'E_TIMER_KIND',
    `Nobody here knows what to do for timers of the kind "${kind}"; it is kept and tried again.`,
    { retryable: true, details: { kind } },
  );
}
