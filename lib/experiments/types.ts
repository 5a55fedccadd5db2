/*
 * Words of this folder
 *   experiment   a question about one campaign: which of its variants does better
 *   variant      one of 2 to 5 answers; the first one is the baseline
 *   control      people who get no message, for comparing conversions
 *   exposure     somebody was shown a variant (or none, for the control) for the first time: one row for ever
 *   bucket       one of 10,000 places on a line, by a hash of experiment, salt and lead
 *   allocation   which variant owns which buckets
 *   look         an evaluation that may name a winner; each moves the running minimum of the always-valid p
 */
import type { Range } from './allocation';

/**
 * - `planned`    declared; starts when the first person comes
 * - `running`    people are divided and counted
 * - `too_small`  the audience has fewer than 100 people: everybody gets the baseline
 * - `decided`    people who come now get the winner (or the baseline, when there was none)
 * - `stopped`    nothing is evaluated any more; people are divided as before
 */
export type ExperimentState = 'planned' | 'running' | 'too_small' | 'decided' | 'stopped';

/** What is compared. Revenue: what one person brought on average. */
export const EXPERIMENT_METRICS = ['open', 'click', 'conversion', 'revenue'] as const;
export type ExperimentMetric = (typeof EXPERIMENT_METRICS)[number];

/** How an experiment goes about it; see docs/experiments.md. */
export interface ExperimentSettings {
  /** `test` names a winner by significance; `bandit` moves people to what does well, and never says anything about significance. */
  readonly mode: 'test' | 'bandit';
  /** When a winner may be named: at any look by the always-valid p, or once when the planned size is reached. */
  readonly rule: 'always_valid' | 'planned_size';
  /** Percent: 90, 95 or 99. */
  readonly threshold: 90 | 95 | 99;
  /** Whether the remaining people are moved to the winner by itself. */
  readonly autoWinner: boolean;
  /** People per variant without which nothing is decided. */
  readonly minSample: number;
  /** The rate (or mean) that the plan begins from. */
  readonly baseline: number;
  /** The relative difference that is to be found: 0.1 = 20 % to 22 %. With the baseline it makes the mixture's τ and the planned size. */
  readonly lift: number;
  readonly power: number;
  /** People per variant at which an always-valid test ends without a winner. Default: three times the planned size. */
  readonly maxSample?: number;
  /** Days after the exposure in which a conversion counts, 1 to 30. */
  readonly windowDays: number;
  /** The type of engagement that is a conversion. Default: conversion, converted, purchase, purchased. */
  readonly conversion?: string;
}

/** A variant as people declare it. */
export interface VariantInput {
  /** At most 32 letters, digits, `_` and `-`; default: made from the name. Messages and figures carry it. */
  readonly key?: string;
  readonly name: string;
  /** Percent of the people, at most two decimals. All together are 100. */
  readonly share: number;
  /** Gets no message. At most one, besides 2 to 5 others. */
  readonly control?: boolean;
  /** What is sent, per channel, in place of the campaign's content. */
  readonly content?: Readonly<Record<string, unknown>>;
}

/** What an experiment is made of. */
export interface NewExperiment {
  readonly key?: string;
  readonly name?: string;
  readonly metric?: ExperimentMetric;
  readonly settings?: Partial<ExperimentSettings>;
  readonly variants: readonly VariantInput[];
}

/** What was counted for a variant. */
export interface VariantCounts {
  readonly exposed: number;
  readonly opened: number;
  readonly clicked: number;
  readonly converted: number;
  /** In units of the currency. */
  readonly revenue: number;
  /** Sum of the squares of what each person brought. */
  readonly revenueSquares: number;
  /** How many were meant for it, by the allocations of the moments at which people came. */
  readonly expected: number;
}

/** A variant. */
export interface Variant {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly control: boolean;
  /** Percent of those who come now. */
  readonly share: number;
  readonly content?: Readonly<Record<string, unknown>>;
  readonly counts: VariantCounts;
}

/** The least always-valid p of a pair so far, and which of the two was ahead when it was seen. */
export interface PairMinimum {
  readonly p: number;
  readonly ahead: string;
}

/** What looks have left behind. */
export interface Looks {
  /** By `a|b`, keys of variants in their order. */
  readonly pairs?: Readonly<Record<string, PairMinimum>>;
  /** When the planned size was reached and looked at, once. */
  readonly plannedAt?: number;
  /** When a look first saw as many people as end the test: from then on they have time to answer. */
  readonly fullAt?: number;
  /** What was found and waits for a person (without auto-winner). `winner` null: nothing. */
  readonly found?: { readonly winner: string | null; readonly because: string; readonly at: number };
  readonly last?: number;
}

/** How an experiment ended: what was known then, and by which method. Kept in the history as well. */
export interface ExperimentDecision {
  readonly winner: string | null;
  readonly because: string;
  readonly by: string;
  readonly at: number;
  /** Name and version of the formulas. */
  readonly method: string;
  /** What was counted at that moment. What came later is shown, and changes nothing. */
  readonly inputs: Readonly<Record<string, VariantCounts>>;
}

/** An experiment. Times in ms since 1970. */
export interface Experiment {
  readonly id: number;
  readonly campaign: number;
  readonly key: string;
  readonly name: string;
  /** A split node of a flow, or the campaign itself (contents per variant). */
  readonly source: 'split' | 'campaign';
  readonly state: ExperimentState;
  readonly metric: ExperimentMetric;
  readonly settings: ExperimentSettings;
  readonly variants: readonly Variant[];
  readonly ranges: readonly Range[];
  readonly salt: string;
  readonly declared?: string;
  readonly looks: Looks;
  readonly winner?: string;
  readonly decision?: ExperimentDecision;
  readonly run: number;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
}
