import type { CalendarRules } from '../calendar';
import type { Condition, JsonCondition } from '../conditions';
import type { Scope } from '../store';
import type { CampaignView } from '../types';
import type { Hold } from './due';

/*
 * Words of this folder
 *   wait       a row: one step, and what its person waits for
 *   happened   what was waited for is there; the person goes on through the first output
 *   timed out  the step's due time came first; through the second
 */

/** From when on events count: since the person arrived at the station, since they entered the journey, or ever. */
export type Since = 'arrival' | 'entry' | 'ever';

/** What somebody waits for. */
export type WaitFor =
  /** That the lead does something. */
  | {
      readonly kind: 'event';
      readonly event: string;
      /** What has to be true of the event (`event.value > 50`); may also read the lead. */
      readonly condition?: string | JsonCondition;
      readonly since: Since;
      /** Only what is counted for the person's own campaign (opened, clicked …). */
      readonly ownCampaign?: boolean;
    }
  /** That a condition is true of the lead, by what it is and did. */
  | { readonly kind: 'condition'; readonly condition: string | JsonCondition }
  /** That the lead is in a segment. */
  | { readonly kind: 'segment'; readonly segment: string };

/** What a wait row keeps besides its columns. The flow may have changed when it is read. */
export interface WaitSpec {
  readonly for: WaitFor;
  /** Whether somebody for whom it has happened goes on at once, or when it is an open time. */
  readonly hold?: Hold;
}

/** An event as those who were woken by it carry it on. */
export interface SeenEvent {
  readonly type: string;
  readonly eventId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `value` of the metadata, where it is a number. */
  readonly value?: number;
}

/** What a tenant has set about times. */
export interface TenantTimes {
  /** Zone of leads that have neither a zone nor a country. */
  readonly timeZone: string | undefined;
  /** Undefined: always open. */
  readonly calendar: CalendarRules | undefined;
  readonly releaseMinutes: number;
}

/** What waiting needs of its surroundings. All of it works in the transaction that it is given. */
export interface WaitingDeps {
  /** @throws ConditionError */
  compile(tx: Scope, source: string | JsonCondition): Promise<Condition>;
  /** The same for conditions that may read an event. @throws ConditionError */
  compileForEvent(tx: Scope, source: string | JsonCondition): Promise<Condition>;
  /** Those of whom a condition with behaviour is true. */
  matching(
    tx: Scope,
    leads: readonly number[],
    condition: Condition,
    constants: Readonly<Record<string, unknown>>,
  ): Promise<Set<number>>;
  /** Those who are in a segment now. */
  inSegment(tx: Scope, leads: readonly number[], segment: string): Promise<Set<number>>;
  campaigns(tx: Scope, ids: readonly number[]): Promise<Map<number, CampaignView>>;
  /** What the tenant has set about times. */
  times(tx: Scope): Promise<TenantTimes>;
  /** Called after the commit with stations where somebody was woken. */
  woken(stations: ReadonlySet<number>): void;
  /** Told of what cannot be decided any more. */
  warn(text: string): void;
}
