import type { ActionOptions, Campaign, Schedule } from '../campaigns/types';
import type { Scope } from '../store';
import type { Timers } from '../timers';

/*
 * Words of this folder
 *   schedule   when a campaign starts by itself
 *   run        one such start: planned for a moment, and what became of it
 *   grace      how long after its moment a run that could not take place is still made up for
 */

/** What became of a planned run. */
export type RunOutcome =
  /** It started in time. */
  | 'started'
  /** It started within its grace, after nobody was there to start it in time. */
  | 'late'
  /** Nobody was there to start it within its grace, or a later run took its place. */
  | 'missed'
  /** The campaign could not be started again: its former run was still under way. */
  | 'skipped'
  /** The campaign refused to start. */
  | 'failed';

/** A planned run that has been dealt with. */
export interface ScheduledRun {
  /** When it was to take place, ms since 1970. */
  plannedAt: number;
  outcome: RunOutcome;
  /** Which run of the campaign it became; only of those that started. */
  run?: number;
  reason?: string;
  /** When it was dealt with. */
  at: number;
}

/** What is done besides, in the transaction of a campaign's change; `before` is the campaign as it was. */
export type Also = (tx: Scope, before: Campaign) => Promise<void>;

/** What schedules need of campaigns. */
export interface SchedulableCampaigns {
  /** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  get(idOrKey: number | string): Promise<Campaign>;
  /** `also` is called in the transaction of the change. @throws ConflictError `E_CAMPAIGN_STATE`, `E_CONFLICT` … */
  act(
    idOrKey: number | string,
    action: 'schedule' | 'unschedule' | 'launch',
    options: ActionOptions,
    along: { also: Also },
  ): Promise<Campaign>;
  /** Writes both, in the caller's transaction; `null` empties. */
  setSchedule(tx: Scope, id: number, plan: { schedule: Schedule | null; nextRunAt: number | null }): Promise<void>;
}

/** What schedules need of their surroundings. */
export interface ScheduleDeps {
  timers: Timers;
  campaigns: SchedulableCampaigns;
}
