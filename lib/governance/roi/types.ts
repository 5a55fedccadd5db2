import { BREACH_ACTIONS } from '../../definitions';

export { BREACH_ACTIONS };

/*
 * Words of this folder
 *   budget       what a campaign may cost: its own, or its definition's
 *   price        what one message costs (lib/sending/prices.ts)
 *   reserved     money of messages that are marked `sending` and of which it is not known yet what became of them
 *   spent        what messages that were sent have cost
 *   fixed        costs that somebody entered, or that a node booked
 *   left         budget − spent − fixed − reserved
 *   breach       the first message that found too little left; what happens then is the breach action
 *   return       revenue ÷ (spent + fixed); a threshold of 2 ("2x") asks for twice the cost
 * Money in rows is whole millionths (micros); what people read and write is units of the campaign's currency.
 */

/** What happens when there is no money for a message; several are joined. The breach is announced in any case. */
export type BreachAction = (typeof BREACH_ACTIONS)[number];

/**
 * Those that stop a campaign, the first one wins: `pause` (its people stay, and go on when it is resumed), `complete`, `cancel`.
 * With none of them, `route` has those without money go on through "suppressed"; without that too, messages go on unpaid for.
 */
export const STOPS = ['pause', 'complete', 'cancel'] as const;

/** How a campaign's money stands; see `statusOf`. */
export const ROI_STATUSES = ['on_track', 'at_risk', 'over_budget', 'underperform'] as const;
export type RoiStatus = (typeof ROI_STATUSES)[number];

/** What is wanted of a campaign's money, besides its budget. */
export interface RoiRules {
  /** Revenue that is wanted, in units. */
  readonly targetRevenue?: number;
  /** Revenue ÷ cost that is wanted at least. */
  readonly threshold?: number;
  readonly breach?: readonly BreachAction[];
}

/** What a definition says of money. */
export interface DefinitionRoi extends RoiRules {
  readonly budget?: number;
}

/** A campaign's money, in units of its currency. */
export interface RoiReport {
  readonly campaign: number;
  readonly key: string;
  readonly currency?: string;
  readonly status: RoiStatus;
  /** Absent: it may cost what it likes. */
  readonly budget?: number;
  readonly spent: number;
  readonly fixed: number;
  readonly reserved: number;
  /** spent + fixed */
  readonly cost: number;
  /** Absent without a budget; below 0 when costs were entered beyond it. */
  readonly left?: number;
  readonly revenue: number;
  /** (revenue − cost) ÷ cost; absent while nothing was spent. */
  readonly roi?: number;
  /** revenue ÷ cost: what a threshold is compared with. */
  readonly return?: number;
  readonly targetRevenue?: number;
  readonly threshold?: number;
  readonly breach: readonly BreachAction[];
  /** What of these was set for this campaign, over its definition's. */
  readonly own: RoiRules;
  /** Ms since 1970. */
  readonly startedAt?: number;
  readonly breachAt?: number;
}

/** A cost besides messages, in units. */
export interface Cost {
  readonly id: number;
  /** `booked`: by a node, for one person. */
  readonly kind: 'fixed' | 'booked';
  readonly label: string;
  readonly amount: number;
  readonly createdBy: string;
  readonly at: number;
}
