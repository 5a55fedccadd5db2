import type { JobParameters } from 'agenda';
import { MarketingError } from '../errors';

/** Carries, with a job, the lock time that its holder wrote last: the fence of every later write. Agenda copies it along unseen. */
export const LEASE = Symbol('lease');
/** Carries whether a job had never begun when it was locked (else a crash or an expired lease came before). */
export const FRESH = Symbol('fresh');

/** Carries when a job was due as it was locked: Agenda empties that field before the handler sees it. */
export const DUE_AT = Symbol('due at');

/** A job as our repositories hand it out. */
export interface LeasedJob extends JobParameters {
  [LEASE]?: number;
  [FRESH]?: boolean;
  [DUE_AT]?: number;
}

/** Marks a job that was just locked. */
export function leased(job: JobParameters): LeasedJob {
  return Object.assign(job, {
    [LEASE]: job.lockedAt?.getTime(),
    [FRESH]: job.lastRunAt === undefined,
    [DUE_AT]: job.nextRunAt?.getTime(),
  });
}

/** The record is gone or belongs to somebody else: the ring must not happen, or must stop. */
export class TimerLostError extends MarketingError {
  constructor(
    /** True when the record no longer exists: it was set anew, cancelled or finished. */
    readonly gone: boolean,
  ) {
    super(
      'E_TIMER_LOST',
      gone
        ? 'This timer was set anew or cancelled meanwhile.'
        : 'Another process took this timer over because its lease ran out: stop, and call touch() more often next time.',
    );
    this.name = 'TimerLostError';
  }
}
