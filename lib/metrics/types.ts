/** What is counted; `revenue` and `cost` are money. */
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
  /** Default 1. */
  readonly amount?: number;
}

/** Figures of one campaign, or of several together. Absent names are 0. */
export type Figures = Record<MetricName, number>;
