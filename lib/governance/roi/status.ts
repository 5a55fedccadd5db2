import type { RoiStatus } from './types';

/** What a status follows from. Money in micros; moments in ms since 1970. */
export interface StatusFacts {
  readonly budget: number | undefined;
  /** spent + fixed */
  readonly cost: number;
  readonly revenue: number;
  readonly target: number | undefined;
  /** Revenue ÷ cost that is wanted at least. */
  readonly threshold: number | undefined;
  /** A message has found too little left. */
  readonly breached: boolean;
  /** Planned or real beginning and end; pace is judged only where both are known. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Completed or cancelled: nothing more is spent. */
  readonly over: boolean;
  readonly now: number;
}

/** From this progress on, a return below what is wanted is taken for what it is. */
const JUDGED_FROM = 0.5;
/** Of the revenue that is due by now: below this, it is missed; below the other, it is in danger. */
const MISSED = 0.5;
const SHORT = 0.8;
/** Spending ahead of time by more than this share of the budget is a risk. */
const AHEAD = 0.1;
/** Without dates: the share of the budget from which there is a risk. */
const NEARLY = 0.9;

/**
 * How far a campaign is, from 0 to 1: of its time, where beginning and end are known; else of its budget; 1 once it is over. Undefined
 * where none of these can be said.
 */
export function progressOf({ from, to, now, over, budget, cost }: StatusFacts): number | undefined {
  if (over) return 1;
  if (from !== undefined && to !== undefined && to > from) return clamp((now - from) / (to - from));
  return budget !== undefined && budget > 0 ? clamp(cost / budget) : undefined;
}

/**
 * FR-P3-002. The first rule that is true decides:
 *
 * 1. `over_budget`: more was spent than the budget, or a message found no money.
 * 2. `underperform`: the campaign is at least half through, and revenue is below threshold × cost, or below half of
 *    target × progress. Without any progress to go by, threshold alone is judged, as soon as something was spent.
 * 3. `at_risk`: spending is ahead of time by more than 10 % of the budget (without dates: 90 % of it is spent); or, before half,
 *    revenue is below threshold × cost; or it is below 80 % of target × progress.
 * 4. `on_track`.
 */
export function statusOf(facts: StatusFacts): RoiStatus {
  const { budget, cost, revenue, target, threshold, breached, over } = facts;
  if (breached || (budget !== undefined && cost > budget)) return 'over_budget';
  const progress = progressOf(facts);
  const judged = progress === undefined || progress >= JUDGED_FROM;
  const belowThreshold = threshold !== undefined && cost > 0 && revenue < threshold * cost;
  const due = target === undefined || progress === undefined ? undefined : target * progress;
  if (judged && (belowThreshold || (due !== undefined && revenue < MISSED * due))) return 'underperform';
  if (belowThreshold || (due !== undefined && revenue < SHORT * due)) return 'at_risk';
  return !over && spendsTooFast(facts) ? 'at_risk' : 'on_track';
}

function spendsTooFast({ budget, cost, from, to, now }: StatusFacts): boolean {
  if (budget === undefined || budget === 0) return false;
  const share = cost / budget;
  if (from === undefined || to === undefined || to <= from) return share >= NEARLY;
  return share > clamp((now - from) / (to - from)) + AHEAD;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** The quarters of an amount that another one has reached, as bits: 1 = 25 %, 2 = 50 %, 4 = 75 %, 8 = 100 %. */
export function quartersOf(reached: number, of: number | undefined): number {
  if (of === undefined || of <= 0) return 0;
  return [1, 2, 3, 4].reduce((bits, quarter) => (4 * reached >= quarter * of ? bits | (1 << (quarter - 1)) : bits), 0);
}

/** The bit beside the quarters of a budget: that it is exceeded was announced. */
export const EXCEEDED = 16;

/** The percentages that bits of {@link quartersOf} stand for. */
export function percentages(bits: number): number[] {
  return [25, 50, 75, 100].filter((_percent, index) => (bits & (1 << index)) !== 0);
}
