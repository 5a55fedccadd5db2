import type { Clock } from '../clock';
import type { Scope } from '../store';
import type { Journey } from '../types';
import type { Joins } from './joins';
import type { Station } from './station';
import type { Arrival, LeasedStep, Person } from './types';

/** Where the ledger tells what happens. */
export interface LedgerLog {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** What stations need from the ledger they belong to. */
export interface LedgerHost {
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: LedgerLog;
  /** The fencing name of this runtime. */
  readonly owner: string;
  /** False once the ledger closes. */
  readonly open: boolean;
  /** Who waits for other branches. */
  readonly joins: Joins;
  takeOver(station: number, arrival: Arrival): Promise<void>;
  /** Ends somebody's way without anybody waiting for it; errors are logged, and healed by the watchdog. */
  endInBackground(journey: Journey, reason: string): void;
  /** Remembers people who were released but could not be sent on or handed over: the watchdog has them sent on again. */
  strand(steps: readonly number[]): void;
  /** The people behind steps, with their leads and campaigns; without those whose lead is gone. */
  people(definition: string, steps: readonly LeasedStep[]): Promise<Map<number, Person>>;
  /** Has the station woken at `due` (ms). */
  wake(station: number, due: number): Promise<void>;
  detach(station: Station): void;
  /**
   * Asks for leave to work suspects; one station of a runtime has it at a time, so that a
   * death finds the suspects of one group only. `poke`d when it is free again.
   */
  mayTakeSuspects(station: Station): boolean;
  /** Gives that leave back. */
  suspectsDone(station: Station): void;
}
