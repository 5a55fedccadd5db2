/**
 * Words of this folder.
 *
 * - *send rules*: how fast messages leave, when, and how many one person gets; a tenant's, and a campaign's that go before them.
 * - *pace*: messages leave one interval after another. There is one pace per campaign, account, channel and tenant that has a throttle.
 * - *line*: those who wait for a pace, each with a time of their own.
 * - *held*: those who wait because it is a closed time where they are.
 * - *cap*: how many messages a lead gets within a rolling window.
 */
import type { CalendarRules, DayPart } from '../calendar';

/** How many messages may leave; the slower of the two counts, and they leave evenly: 600 an hour are one every 6 seconds. */
export interface Throttle {
  /** FR-007.1, AC-010.1. */
  readonly perMinute?: number;
  /** FR-007.2, AC-010.2. */
  readonly perHour?: number;
}

/** So many messages within so many days, counted back from each moment (not by calendar days). */
export interface Cap {
  readonly messages: number;
  readonly days: number;
  /** Only messages on this channel count, and only they are held back. Absent: all. */
  readonly channel?: string;
  /** Only messages of this category. Absent: all but transactional ones. */
  readonly category?: string;
}

/** Messages of this category obey no cap, no quiet hours and no window. Consent and throttles count for them as well. */
export const TRANSACTIONAL = 'transactional';

/** The category of campaigns that name none. */
export const MARKETING = 'marketing';

/** What becomes of somebody who has had enough: goes on through "suppressed", or waits until the cap allows it. */
export type WhenCapped = 'skip' | 'postpone';

/** A campaign's send rules. What is absent is as the tenant says; `null` switches it off for this campaign. */
export interface SendRules {
  /** `marketing` (default), `transactional`, or a word of your own that caps can name. */
  readonly category?: string;
  readonly throttle?: Throttle | null;
  readonly quietHours?: DayPart | null;
  readonly window?: DayPart | null;
  readonly weekdays?: readonly number[] | null;
  readonly excludeWeekends?: boolean | null;
  readonly holidays?: readonly string[] | null;
  /** Those who were held leave spread over so many minutes, not all at once. Default {@link DEFAULT_RELEASE_MINUTES}. */
  readonly releaseMinutes?: number | null;
  /** BR-001: another run of the same campaign reaches a lead again after so many hours; 0: at any time. Default 24. */
  readonly againAfterHours?: number | null;
  /** Default `skip`. */
  readonly whenCapped?: WhenCapped | null;
}

/** A tenant's send rules: the defaults of its campaigns, and what all of them share. */
export interface TenantSendRules extends Omit<SendRules, 'category'> {
  /** IANA zone of leads that have neither a zone nor a country. Default UTC. */
  readonly timeZone?: string;
  /** How many messages a lead gets from all campaigns together. Default {@link DEFAULT_CAPS}; an empty list: as many as there are. */
  readonly caps?: readonly Cap[];
  /** Throttles by channel (FR-007.3). */
  readonly channels?: Readonly<Record<string, Throttle>>;
  /** Throttles by account key, shared by all processes. What the account itself is set to holds besides, in each process. */
  readonly accounts?: Readonly<Record<string, Throttle>>;
  /** The throttle of everything together. */
  readonly total?: Throttle;
}

/** "Send Frequency: Maximum 3 emails per week per contact." */
export const DEFAULT_CAPS: readonly Cap[] = [{ messages: 3, days: 7, channel: 'email' }];
export const DEFAULT_AGAIN_AFTER_HOURS = 24;
export const DEFAULT_RELEASE_MINUTES = 30;

/** What counts for a campaign: its own rules, the tenant's, and the defaults, put together. */
export interface EffectiveRules {
  readonly category: string;
  readonly transactional: boolean;
  /** Ms between two messages of the campaign; 0: as fast as they go. */
  readonly intervalMs: number;
  /** Undefined: always open. */
  readonly calendar: CalendarRules | undefined;
  /** Put together, the two levels leave no open time: nothing leaves until somebody changes them. */
  readonly neverOpen: boolean;
  readonly releaseMs: number;
  readonly againAfterMs: number;
  readonly whenCapped: WhenCapped;
  readonly caps: readonly Cap[];
  readonly timeZone: string | undefined;
  readonly shared: Pick<TenantSendRules, 'channels' | 'accounts' | 'total'>;
}
