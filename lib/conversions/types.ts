/*
 * Words of this folder
 *   conversion   an engagement of a type that a campaign counts as its success
 *   touch        something that may have led to it: a message that was sent to the lead, or the lead's click
 *   window       how long before a conversion a touch still counts
 *   model        which touches get the conversion: the first, the last, or all alike
 *   share        what one touch gets of a conversion, in millionths; the shares of a conversion by one model sum to a million
 *   named        the engagement itself says which campaign brought it: it is that campaign's, and nobody else's
 */

export const MODELS = ['first', 'last', 'linear'] as const;
export type Model = (typeof MODELS)[number];

/** All of a conversion. */
export const WHOLE = 1_000_000;

/** Something that may have led to a conversion. */
export interface Touch {
  readonly campaign: number;
  readonly kind: 'sent' | 'clicked';
  /** Of the message, or of the engagement. */
  readonly id: number;
  readonly at: number;
  readonly variant: string;
  readonly channel: string;
}

/** What a campaign says of its conversions, as the table holds it. */
export interface Terms {
  readonly windowMs: number;
  readonly model: Model;
  readonly touch: 'any' | 'sent' | 'clicked';
  readonly property?: string;
  /** The same for each conversion, in millionths. */
  readonly fixedMicros?: number;
  readonly currency?: string;
}

/** What a conversion is to one campaign, by the model that it goes by. */
export interface Attributed {
  readonly campaign: number;
  readonly lead: number;
  /** Of the campaign's latest touch that got a share; empty: none. */
  readonly variant: string;
  readonly channel: string;
  readonly event: string;
  readonly eventId: string;
  /** When it happened, ms since 1970. */
  readonly at: number;
  readonly model: Model;
  /** Millionths of the conversion. */
  readonly share: number;
  /** Millionths of the campaign's currency. */
  readonly valueMicros: number;
  /** The engagement itself named the campaign, so that others have heard of it as the campaign's already. */
  readonly named: boolean;
  readonly machine: boolean;
}

/** Hears of attributed conversions in the transaction that writes them; may be called again when that is repeated. */
export type OnAttributed = (tx: import('../store').Scope, list: readonly Attributed[]) => Promise<void>;

/** One conversion, as a report shows it. */
export interface ConversionView {
  readonly id: number;
  /** Absent: the lead was removed since. */
  readonly lead?: number;
  readonly event: string;
  readonly at: number;
  readonly model: Model;
  readonly touch: 'sent' | 'clicked' | 'named';
  readonly touchAt?: number;
  readonly variant?: string;
  readonly channel?: string;
  /** Between 0 and 1. */
  readonly share: number;
  /** In the campaign's currency. */
  readonly value: number;
}

/** What one model makes of the same conversions. */
export interface ModelFigures {
  readonly model: Model;
  /** Conversions that the campaign has a share of. */
  readonly conversions: number;
  /** The sum of its shares: 0.5 for one that it shares with another. */
  readonly attributed: number;
  readonly revenue: number;
}

/** The conversions of one campaign (AC-013.5 to AC-013.7). */
export interface ConversionReport {
  readonly campaign: number;
  readonly currency?: string;
  readonly sent: number;
  /** What the campaign's figures count, by the model that it goes by. */
  readonly conversions: number;
  /** Conversions ÷ messages sent; null before anything was sent. */
  readonly conversionRate: number | null;
  readonly revenue: number;
  /** The model that it goes by; absent while it does not say what its conversions are. */
  readonly model?: Model;
  /** The same conversions by each model, for comparison. */
  readonly models: readonly ModelFigures[];
}
