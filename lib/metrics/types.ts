/*
 * Words of this folder
 *   figure   how much of something a campaign has: a count, or money
 *   delta    what a figure is moved by; written in the transaction of the row that is counted
 *   micros   money in millionths of the currency's unit: a whole number, so that sums stay exact up to 9,007,199,254 units
 *   total    a figure over all hours; kept beside the hours, because dashboards read nothing else
 */

/**
 * What is counted, each as a function of rows (see rules.ts, which is the only place that knows):
 *
 * | name | counts | at the hour of |
 * |---|---|---|
 * | queued | messages: everybody for whom a message was made up | its first try (`sending_at`) |
 * | sent, failed, unknown | messages in that state now | their `settled_at` |
 * | delivered, bounced, opened, clicked, converted, unsubscribed | engagements of these kinds that name the campaign | their `tracked_at` |
 * | converted | besides: conversions of others that are attributed to the campaign (`marketing_conversions.counted`) | their `converted_at` |
 * | revenue | the value of engagements that name the campaign, and of conversions attributed to it | their `tracked_at`, `converted_at` |
 * | cost | what messages in the state `sent` cost | their `settled_at` |
 *
 * Engagements are events, not people: whoever opens a mail twice is counted twice, unless both have the same event id.
 * `unknown` falls again when a message is taken as sent, or tried again.
 */
export const METRICS = [
  'queued',
  'sent',
  'delivered',
  'bounced',
  'failed',
  'unknown',
  'opened',
  'clicked',
  'converted',
  'unsubscribed',
  'revenue',
  'cost',
] as const;

/** A name of {@link METRICS}. */
export type MetricName = (typeof METRICS)[number];

/** Something to be added to a counter. */
export interface MetricDelta {
  readonly campaign: number;
  /** Variant of an experiment; empty when there is none. */
  readonly variant?: string;
  readonly channel: string;
  /** The moment that it belongs to, ms since 1970; counters are kept per hour. */
  readonly at: number;
  readonly name: MetricName;
  /** Default 1. Money in micros. */
  readonly amount?: number;
}

/** Figures of one campaign, or of several together; money in units of the currency. */
export type Figures = Record<MetricName, number>;

/**
 * Rates, each between 0 and 1 unless said otherwise; `null` where nothing has happened yet that they could be a share of.
 * `arrived` = sent − bounced: what was taken by the channel and has not come back. Receipts (`delivered`) come from few
 * channels, so that rates do not rest on them.
 */
export interface Rates {
  /** arrived ÷ (sent + failed) */
  readonly deliveryRate: number | null;
  /** bounced ÷ sent */
  readonly bounceRate: number | null;
  /** opened ÷ arrived; above 1 when mails are opened several times */
  readonly openRate: number | null;
  /** clicked ÷ arrived; may be above 1 */
  readonly clickRate: number | null;
  /** converted ÷ sent; may be above 1 */
  readonly conversionRate: number | null;
  /** unsubscribed ÷ arrived */
  readonly unsubscribeRate: number | null;
  /** (revenue − cost) ÷ cost; any number from −1 */
  readonly roi: number | null;
}

/** Which figures of a campaign. */
export interface MetricsQuery {
  /** Hours that begin at this moment or later, ms since 1970. */
  readonly from?: number;
  /** Hours that begin before this moment. */
  readonly to?: number;
  readonly channel?: string;
  /** What the figures are shown per, besides all together. Days are those of UTC. */
  readonly by?: 'hour' | 'day' | 'channel' | 'variant';
}

/** The figures of one hour, day, channel or variant. */
export interface MetricsGroup {
  /** The beginning of the hour or day, ms since 1970; or the name of the channel or variant (empty: none). */
  readonly key: number | string;
  readonly figures: Figures;
  readonly rates: Rates;
}

/** What {@link Metrics.of} answers. */
export interface MetricsReport {
  readonly campaign: number;
  readonly figures: Figures;
  readonly rates: Rates;
  /** In rising order of their keys; empty unless `by` was given. Hours and days without any figure are left out. */
  readonly groups: readonly MetricsGroup[];
  /** When one of these figures was last moved; absent while there are none. */
  readonly updatedAt?: number;
}

/** What the facts about a campaign's success come from (`data.emails_sent >= 5`); see `factsFrom` of lib/definitions. */
export interface FactFigures {
  /** Of the whole campaign. */
  readonly figures: Partial<Figures>;
  /** Of its channel `email`; `emails_sent` is all that was sent when this is absent. */
  readonly email?: Partial<Figures>;
  /** People who opened, clicked or converted at least once. */
  readonly engaged?: number;
  /** People in its current run. */
  readonly audience?: number;
}

/** A counter that says something else than the rows that it counts. */
export interface MetricDifference {
  readonly campaign: number;
  readonly variant: string;
  readonly channel: string;
  /** Ms since 1970; absent: the total. */
  readonly hour?: number;
  readonly name: MetricName;
  /** Money in micros. */
  readonly counted: number;
  readonly rows: number;
}
