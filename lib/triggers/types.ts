/**
 * Words of this folder.
 *
 * - *trigger*: the first station of a definition, and what it listens to.
 * - *cause*: what happened: an event, a crossing of a segment's border, a birthday. Its name is the entry key of the enrollment
 *   that follows, so that the same cause lets somebody in once.
 * - *entrance*: a trigger of one launched campaign; whoever comes in by it stands at the trigger's station.
 * - *refusal*: somebody for whom the cause was there, and whom a rule kept out. Counted, and kept for whoever asks why.
 */
import type { Audience } from '../campaigns';

/** What a trigger listens to. `launch`: nothing; an audience is let in. `webhook`: the event that its inbound endpoint records. */
export type Listens =
  | { readonly on: 'launch' }
  | { readonly on: 'event' | 'webhook'; readonly event: string }
  | {
      readonly on: 'segment';
      readonly segment: string;
      readonly change: 'entered' | 'left';
      /** Whether those enter, too, who belong when the segment is calculated for the first time (or after a change of its definition). */
      readonly atFirst: boolean;
    }
  | { readonly on: 'score'; readonly threshold: number; readonly direction: 'rises' | 'falls' }
  | ({ readonly on: 'date' } & DateRule)
  | { readonly on: 'custom'; readonly contract: string; readonly options: Readonly<Record<string, unknown>> };

/** When a date attribute lets its lead in. */
export interface DateRule {
  /** A declared attribute of the type date, or `createdAt`. Its date is the one that it has in UTC. */
  readonly attribute: string;
  /** Every year on its day, from the year after it on; or once, on the date itself. */
  readonly every: 'year' | 'once';
  /** So many days after it; before it when negative. */
  readonly offsetDays: number;
  /** Local time of the lead, `09:00`. */
  readonly at: string;
  /** Where the 29th of February is kept in years that have none. */
  readonly leapDay: 'feb28' | 'mar1' | 'skip';
  /** How long after its moment somebody may still be let in, when nothing ran in time. Ms. */
  readonly graceMs: number;
}

/** Whether somebody may come in who was in before. `pause`: so long after the last entry, or after the last end. */
export type Reentry =
  | { readonly when: 'always' | 'never' | 'finished' }
  | { readonly when: 'pause'; readonly ms: number; readonly since: 'entry' | 'end' };

/** Everything that a trigger says about itself. Kept on its station's row, as `trigger` of its config. */
export interface TriggerConfig {
  readonly listens: Listens;
  /** Of the event and of the lead: `event.value > 50 and lead.country = "AT"`. */
  readonly condition?: string;
  /** How long people wait at the trigger before they go on, ms; 0 to 30 days. */
  readonly delayMs: number;
  readonly reentry: Reentry;
  /** A lead comes in at most once in so many ms. */
  readonly frequencyMs?: number;
  /** Nobody comes in for so long after an entry: the same lead, or anybody of the campaign. Ms. */
  readonly cooldown: { readonly leadMs?: number; readonly campaignMs?: number };
}

/** Why somebody was not let in. */
export const REFUSALS = [
  'condition',
  'audience',
  'holdout',
  'control',
  'reentry',
  'frequency',
  'cooldown',
  'machine',
  'broken',
] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/** A trigger of a launched campaign. */
export interface Entrance {
  readonly campaign: number;
  readonly run: number;
  /** When the campaign's run began, ms. */
  readonly startedAt: number;
  readonly station: number;
  readonly definition: string;
  readonly step: string;
  readonly config: TriggerConfig;
  /** Why its configuration cannot be used, if it cannot. */
  readonly broken?: string;
  /** Whether the campaign says whom it is for. */
  readonly audience: CampaignAudience | undefined;
}

/** Whom a campaign is for. */
export interface CampaignAudience {
  /** The saved segment that its trigger names, or it itself. */
  readonly segment?: string;
  readonly audience: Audience;
}

/** Somebody for whom the cause is there. */
export interface Candidate {
  readonly lead: number;
  /** Names the cause; at most 96 characters. */
  readonly key: string;
  /** What `event.…` is in the condition. */
  readonly event: Readonly<Record<string, unknown>>;
  /** When they go on at the earliest, ms; the trigger's delay comes on top. Default: now. */
  readonly from?: number;
  /** True when a program did it, not a person. */
  readonly machine?: boolean;
  /** True when a refusal is not to be counted: it will be looked at again. */
  readonly tentative?: boolean;
}
