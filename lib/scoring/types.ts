/*
 * Words of this folder
 *   rule     what gives points for what: an event, or something that is true of a lead
 *   points   whole numbers that a rule adds to a lead's score (or takes away)
 *   live     points that are in the score now and may go away again, by decay or because a rule is counted again
 *   base     the part of a score that no live points make up: what somebody set. Nothing here ever takes of it
 *   decay    points expire after some days, or halve every so many days
 *   recount  to take back what a rule gave, and give what it gives by its present version
 */

/** The periods that a cap may be about. Days, hours and weeks (from Monday) are those of UTC. */
export const CAP_PERIODS = ['hour', 'day', 'week', 'total'] as const;
export type CapPeriod = (typeof CAP_PERIODS)[number];

/** At most so many points of one rule for one lead: given within a period, or (`total`) live at a time. */
export interface ScoreCap {
  readonly points: number;
  readonly per: CapPeriod;
}

/** How points go away: all of them after some days, or half of them every so many. One of the two. */
export interface ScoreDecay {
  readonly expiresAfterDays?: number;
  readonly halfLifeDays?: number;
}

/** What a rule says. */
export interface ScoreRuleBody {
  /** `event`: points for each event. `lead`: points for as long as the condition is true of the lead. */
  readonly on: 'event' | 'lead';
  /** The type of event; `*`: every one. For `on: event` only. */
  readonly event?: string;
  /** What must be true: of the lead, and (`event.value > 50`) of the event. Needed for `on: lead`. */
  readonly condition?: string | object;
  /** A whole number that is not 0, from −10,000 to 10,000. */
  readonly points: number;
  readonly cap?: ScoreCap;
  readonly decay?: ScoreDecay;
  /** Whether events that a program made (a scanner that opens every mail) count. Default false. */
  readonly machines?: boolean;
}

/** A rule as it is stored. */
export interface ScoreRule extends ScoreRuleBody {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly active: boolean;
  /** Grows with every change; points say which version gave them. */
  readonly version: number;
  /** True while the points that it gave are being counted again. */
  readonly recounting: boolean;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A new rule. */
export interface NewScoreRule extends Omit<ScoreRuleBody, 'on'> {
  /** 1 to 128 letters, digits, "_", "-" and "."; cannot be changed later. */
  readonly key: string;
  /** Default: the key. */
  readonly name?: string;
  /** Default `event`. */
  readonly on?: ScoreRuleBody['on'];
  /** Default true. */
  readonly active?: boolean;
}

/** What may be changed of a rule; what is absent stays, `null` removes. What it is `on` stays. */
export interface ScoreRuleChanges {
  readonly name?: string;
  readonly event?: string;
  readonly condition?: string | object | null;
  readonly points?: number;
  readonly cap?: ScoreCap | null;
  readonly decay?: ScoreDecay | null;
  readonly machines?: boolean;
  readonly active?: boolean;
}

/** One version of a rule. */
export interface ScoreRuleVersion {
  readonly version: number;
  readonly name: string;
  readonly active: boolean;
  readonly rule: ScoreRuleBody;
  readonly createdBy: string;
  readonly createdAt: number;
}

/** What moved a score, and what becomes of it. */
export interface ScoreReason {
  readonly id: number;
  /** The rule's key; absent for what a node gave or somebody set. */
  readonly rule?: string;
  /** The rule's name, or what else it was. */
  readonly name: string;
  readonly version?: number;
  /** The type of the event; `lead`: the lead itself, `node`: a score node, `set`: somebody set the score. */
  readonly event: string;
  readonly eventId: string;
  /** When it happened, ms since 1970. */
  readonly at: number;
  readonly points: number;
  /** What of them is in the score and may go away. */
  readonly live: number;
  /** When they will be fewer, and by how much. */
  readonly next?: { readonly at: number; readonly points: number };
}

/** Why a lead has its score. */
export interface ScoreExplanation {
  readonly lead: number;
  readonly score: number;
  /** What somebody set. `score` = `base` + all live points. */
  readonly base: number;
  /** The latest first. */
  readonly reasons: readonly ScoreReason[];
  /** Give it to the next call as `before`; absent on the last page. */
  readonly cursor?: number;
}

/** What a score node does to one lead. */
export type ScoreAction =
  | { readonly kind: 'add'; readonly points: number; readonly decay?: ScoreDecay }
  | { readonly kind: 'set'; readonly score: number }
  /** The rules for this type of event, as if the lead had done it. */
  | { readonly kind: 'event'; readonly event: string };

/** A {@link ScoreAction} with what makes it one: the same key again changes nothing. */
export interface ScoreRequest {
  readonly lead: number;
  /** At most 128 characters. */
  readonly key: string;
  /** Who asks, as people see it in explanations. */
  readonly source: string;
  readonly action: ScoreAction;
}
