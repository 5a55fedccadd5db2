import type { Figures, Rates } from '../types';

/** What a custom metric is shown as: a share, money of the campaign's currency, or a plain number. */
export const METRIC_KINDS = ['rate', 'money', 'number'] as const;
export type MetricKind = (typeof METRIC_KINDS)[number];

/** A metric that people define: a formula over figures and rates, as data (FR-P3-005, US-024). */
export interface MetricDefinition {
  /** What conditions call it (`data.revenue_per_mille`): letters, digits and underscores. */
  readonly name: string;
  readonly title: string;
  readonly kind: MetricKind;
  /** Such as `revenue / sent * 1000`; see {@link FORMULA_NAMES}. */
  readonly formula: string;
  /** Grows with every change; older ones are kept. */
  readonly version: number;
  readonly createdBy: string;
  readonly createdAt: number;
}

/** What people write of one. */
export type MetricInput = Pick<MetricDefinition, 'title' | 'kind' | 'formula'>;

/** A metric that a program computes (FR-EXT-006). */
export interface MetricCalculator {
  readonly name: string;
  readonly title: string;
  readonly kind: MetricKind;
  /** Its value of these figures; undefined where there is none. What it throws counts as none. */
  calculate(figures: Figures, rates: Rates): number | undefined;
}

/** The value of a custom metric; absent where it has none (something would be divided by zero). */
export interface MetricValue {
  readonly name: string;
  readonly title: string;
  readonly kind: MetricKind;
  readonly value?: number;
}
