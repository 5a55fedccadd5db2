import type { Actor } from '../access';
import type { SendRules } from '../pacing';
import type { UnknownPolicy } from '../types';

/**
 * Where a campaign stands, as the engine sees it. The words of its definition (`plan`, `queued`, `closed` …) are its
 * `stage`; each stage means one of these. `completed` may be launched again: that is its next run.
 * draft → scheduled | queued → active ⇄ paused → completed | cancelled
 */
export type CampaignState = 'draft' | 'scheduled' | 'queued' | 'active' | 'paused' | 'completed' | 'cancelled';

/** What the engine can do to a campaign. Definitions may name further actions, which lead from stage to stage. */
export type CampaignAction =
  'schedule' | 'unschedule' | 'queue' | 'launch' | 'pause' | 'resume' | 'complete' | 'cancel';

/** What kind of campaign it is. */
export const CAMPAIGN_TYPES = ['scheduled', 'triggered', 'enrollment', 'retention', 'event', 'nurture'] as const;
export type CampaignType = (typeof CAMPAIGN_TYPES)[number];

/** Who a campaign is for. Absent: what its definition's trigger says. All that it says must be true of somebody. */
export interface Audience {
  /** Saved segments that people must be in; empty: everybody. Absent: the segment that the definition's trigger names, if any. */
  readonly include?: readonly string[];
  /** Whether somebody must be in `all` of them or in `any`. Default `any`. */
  readonly match?: 'all' | 'any';
  /** Saved segments that nobody of the audience is in. */
  readonly exclude?: readonly string[];
  /** A condition of its own, besides the segments: an expression or the JSON form. */
  readonly condition?: string | object;
  /** Percent of the audience that get nothing, for comparison: 0 to 20. */
  readonly holdout?: number;
}

/** When a campaign starts by itself. Local times are the wall clock's of `timeZone` (IANA; default UTC). */
export type Schedule =
  | { readonly kind: 'once'; readonly at: number | string; readonly timeZone?: string; readonly graceMs?: number }
  | {
      readonly kind: 'daily' | 'weekly' | 'monthly';
      /** `HH:MM`, the wall clock's. */
      readonly time: string;
      /** weekly: 1 (Monday) to 7 (Sunday), at least one. */
      readonly weekdays?: readonly number[];
      /** monthly: 1 to 31; in a shorter month, its last day. */
      readonly day?: number;
      readonly timeZone?: string;
      /** No run after this moment. */
      readonly until?: number | string;
      readonly graceMs?: number;
    }
  | {
      readonly kind: 'cron';
      readonly cron: string;
      readonly timeZone?: string;
      readonly until?: number | string;
      readonly graceMs?: number;
    };

/** What a campaign is to achieve. */
export interface Kpi {
  readonly metric: string;
  readonly target: number;
}

/** How a conversion is attributed to the touches before it. */
export const ATTRIBUTION_MODELS = ['first', 'last', 'linear'] as const;
export type AttributionModel = (typeof ATTRIBUTION_MODELS)[number];

/** Which events are a campaign's conversions, and what of them is its own (US-CAM-013). */
export interface Conversion {
  /** Types of events; at most 10. */
  readonly event: string | readonly string[];
  /** How many days after a touch a conversion is still attributed to it: 1 to 30. Default 7. */
  readonly windowDays?: number;
  /** To the first touch, to the last one, or to all alike. Default `last`. */
  readonly model?: AttributionModel;
  /** What is a touch: a message that was sent (`sent`), a click of a person (`clicked`), or both. Default `any`. */
  readonly touch?: 'any' | 'sent' | 'clicked';
  /** What one is worth: a number among the event's metadata (default: `value`), or always the same, in the campaign's currency. */
  readonly value?: { readonly property: string } | { readonly fixed: number };
}

/** What people edit of a campaign; what is absent in a change stays, `null` removes. */
export interface CampaignFields {
  name?: string;
  description?: string | null;
  type?: CampaignType;
  objective?: string | null;
  kpi?: Kpi | null;
  owner?: string | null;
  team?: string | null;
  /** The model that it belongs to (mixins). */
  subject?: { type: string; id: string } | null;
  /** In `currency`. */
  budget?: number | null;
  /** ISO 4217. */
  currency?: string | null;
  /** Ms since 1970. Information for people; what starts a campaign is its schedule. */
  startsOn?: number | null;
  endsOn?: number | null;
  channels?: readonly string[] | null;
  /** What is sent, per channel; taken by send nodes that say "the campaign's content". */
  content?: Readonly<Record<string, unknown>> | null;
  audience?: Audience | null;
  /** A saved segment's key: the short form of an audience. `null`: what the definition says. */
  segment?: string | null;
  conversion?: Conversion | null;
  data?: Record<string, unknown>;
  onUnknown?: UnknownPolicy;
  /** How fast and when its messages leave; what is absent is as the tenant says. May be changed while it is active. */
  sendRules?: SendRules | null;
}

/** A campaign: an instance of a definition, as data. Times in ms since 1970. Absent values are absent, never null. */
export interface Campaign {
  id: number;
  key: string;
  name: string;
  definition: string;
  /** The audience: a saved segment's key; undefined = everybody, or `audience` says. */
  segment?: string;
  data: Record<string, unknown>;
  state: CampaignState;
  /** The state in the words of its definition; the same as `state` unless the definition has its own. */
  stage: string;
  type: CampaignType;
  description?: string;
  objective?: string;
  kpi?: Kpi;
  owner?: string;
  team?: string;
  subject?: { type: string; id: string };
  budget?: number;
  currency?: string;
  startsOn?: number;
  endsOn?: number;
  channels: readonly string[];
  content?: Readonly<Record<string, unknown>>;
  audience?: Audience;
  conversion?: Conversion;
  schedule?: Schedule;
  /** When the schedule starts it next. */
  nextRunAt?: number;
  /** The action that it waits for, see `awaitAction`. */
  awaiting?: string;
  onUnknown: UnknownPolicy;
  sendRules?: SendRules;
  /** Why an active campaign stands still although nobody has paused it. */
  holdReason?: string;
  /** How often it was launched. */
  run: number;
  /** True when its last run entered an audience; false for one that listens to an event, and for a draft. */
  hadAudience: boolean;
  /** Grows with every change; give it back to change only what you saw. */
  version: number;
  createdBy?: string;
  createdAt: number;
  updatedAt: number;
  startedAt?: number;
  endedAt?: number;
  /** Deleted, and gone for good 30 days after that. */
  deletedAt?: number;
}

/** What a new campaign needs. */
export interface NewCampaign extends CampaignFields {
  /** Default: made from the name. */
  key?: string;
  /** Default: `generic`, the flow that runs any campaign whose content, audience and schedule are data. */
  definition?: string;
}

/** Who does it, and which version was seen. */
export interface ActionOptions {
  actor?: Actor;
  reason?: string;
  /** The version that the decision was made on; another one is a conflict. */
  version?: number;
}

/** What an action may be given besides. */
export interface ActOptions extends ActionOptions {
  /** What somebody says about it; kept with the campaign's comments. */
  comment?: string;
  /** A trusted program's word that a large audience was approved; what a principal says of it does not count. */
  approved?: boolean;
}

/** What a tenant may do. */
export interface CampaignLimits {
  /** Campaigns that are active at the same time; absent: any number. */
  maxActiveCampaigns?: number;
  /**
   * Larger audiences need an approval: somebody else's, asked for before the launch, or a launch by somebody who may approve and does not
   * own the campaign. 0: all of them; `null`: none ever. Default 1,000.
   */
  approvalAbove?: number | null;
}

/** Somebody that a campaign is assigned to: a user, everybody of a role, or a team. */
export interface Assignee {
  kind: 'user' | 'role' | 'team';
  assignee: string;
}

/** An {@link Assignee}, with who assigned it when (ms since 1970). */
export interface Assignment extends Assignee {
  /** The user whom it was meant for, and who has delegated it. */
  onBehalfOf?: string;
  assignedBy: string;
  assignedAt: number;
}

/** What to list. Filters are joined by AND; a list of values means any of them. */
export interface CampaignQuery {
  state?: CampaignState | readonly CampaignState[];
  stage?: string;
  type?: CampaignType | readonly CampaignType[];
  channel?: string;
  definition?: string;
  owner?: string;
  team?: string;
  /** Assigned to this user, directly. */
  assignee?: string;
  subject?: { type: string; id?: string };
  /** Names (or keys) that begin with this, whatever their case. */
  search?: string;
  createdFrom?: number;
  createdTo?: number;
  /** `only`: deleted ones; default: none of them. */
  deleted?: 'none' | 'only' | 'all';
  /** A field, with `-` before it for falling order. Default `-createdAt`. Ties are broken by id. */
  sort?: 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | 'name' | '-name' | 'nextRunAt' | '-nextRunAt';
  /** 1 to 100, default 20. */
  limit?: number;
  /** Where the last page ended; not together with `page`. */
  cursor?: string;
  /** 1, 2, … */
  page?: number;
}

/** A page of something. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Give it to the next call; absent on the last page. */
  readonly cursor?: string;
  /** All that match; only when pages by number were asked for (counting costs). */
  readonly total?: number;
}

/** How a campaign's people fare. `audience` is the sum of all the others, always. */
export interface CampaignReport {
  campaign: Campaign;
  audience: number;
  /** Under way: waiting, being worked, on a wire, paused. */
  waiting: number;
  /** In the dead-letter list. */
  dead: number;
  /** Held because nobody knows whether their message went out. */
  unknown: number;
  orphaned: number;
  /** Ended, by reason. */
  ended: Record<string, number>;
  /** Messages by state (sending, sent, failed, deferred, unknown). */
  messages: Record<string, number>;
  /** Messages that were in doubt at some time and sent again: these may have arrived twice. */
  possiblyTwice: number;
  /** People that were refused at the instant of sending, by reason. */
  suppressedAtSend: number;
  stations: { step: string; kind: string; waiting: number; counters: Record<string, number> }[];
}
