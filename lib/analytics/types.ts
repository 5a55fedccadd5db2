import type { Actor } from '../access';
import type { CampaignState } from '../campaigns';
import type { Rates } from '../metrics';

/*
 * Words of this folder
 *   dashboard   the campaigns that are somebody's business, with their key figures
 *   business    a campaign is somebody's business who owns it, or to whom it is assigned: directly, by a role or by a team
 */

/** What to show. Filters are joined by AND. */
export interface DashboardQuery {
  /** Default `active`. */
  status?: CampaignState | readonly CampaignState[];
  /** Where it stands in the words of its definition. */
  stage?: string;
  channel?: string;
  /** Launched at this moment or later, ms since 1970. */
  from?: number;
  /** Launched before this moment. */
  to?: number;
  /** `createdAt` is the order in which they were made. Default `-createdAt`. */
  sort?: 'createdAt' | '-createdAt' | 'name' | '-name';
  /** 1 to 100, default 20. */
  limit?: number;
  /** Where the last page ended. */
  cursor?: string;
  /** Who asks; needs `campaign:read` and `analytics:read`. */
  actor?: Actor;
}

/** Something that somebody should look at. */
export interface DashboardAlert {
  /** `held`: it stands still by itself. `delivery_rate`: less than 95 % of its messages arrive. */
  readonly code: 'held' | 'delivery_rate';
  readonly message: string;
}

/** A campaign with its key figures, as they are at this moment. Money in its currency. */
export interface DashboardCampaign extends Rates {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly stage: string;
  readonly type: string;
  readonly owner?: string;
  readonly team?: string;
  readonly channels: readonly string[];
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly queued: number;
  readonly sent: number;
  readonly delivered: number;
  readonly failed: number;
  readonly unknown: number;
  readonly opened: number;
  readonly clicked: number;
  readonly converted: number;
  readonly currency?: string;
  readonly budget?: number;
  readonly spent: number;
  readonly revenue: number;
  readonly alerts: readonly DashboardAlert[];
  /** When one of its figures last moved. */
  readonly updatedAt?: number;
}

/** Money of all campaigns that have the same currency. */
export interface DashboardMoney {
  /** Absent: campaigns that name none. */
  readonly currency?: string;
  readonly budget: number;
  readonly spent: number;
  readonly revenue: number;
  /** (revenue − spent) ÷ spent */
  readonly roi: number | null;
}

/** All campaigns that match, together. */
export interface DashboardTotals {
  /** The moment that they are of, ms since 1970. */
  readonly asOf: number;
  readonly campaigns: number;
  /** How many stand still by themselves. */
  readonly held: number;
  /** How many have a delivery rate below 95 %. */
  readonly lowDelivery: number;
  readonly queued: number;
  readonly sent: number;
  readonly delivered: number;
  readonly failed: number;
  readonly unknown: number;
  readonly opened: number;
  readonly clicked: number;
  readonly converted: number;
  readonly deliveryRate: number | null;
  readonly openRate: number | null;
  readonly clickRate: number | null;
  readonly conversionRate: number | null;
  /** Amounts of different currencies are not added. */
  readonly money: readonly DashboardMoney[];
}

/** A page of a dashboard. */
export interface DashboardPage {
  readonly items: readonly DashboardCampaign[];
  readonly cursor?: string;
  /**
   * Up to a hundred campaigns: of this moment. More: counted in the background and some seconds old, as `asOf` says. More than
   * a thousand: absent while they are being counted for the first time.
   */
  readonly totals?: DashboardTotals;
}

/** The whole tenant at a glance. */
export interface TenantDashboard {
  /** Campaigns by state; deleted ones are left out. Of more than a thousand: as old as the totals. */
  readonly campaigns: Readonly<Partial<Record<CampaignState, number>>>;
  /** Of the active ones; see {@link DashboardPage.totals}. */
  readonly active?: DashboardTotals;
  /** Active campaigns that stand still by themselves, at most 20. */
  readonly held: readonly { readonly id: number; readonly key: string; readonly reason: string }[];
}

/** What is asked of one of the two dashboards. */
export interface UserDashboard {
  activeCampaigns(query?: DashboardQuery): Promise<DashboardPage>;
}

/** The same, in the words of sales. */
export interface SalesDashboard {
  active(query?: DashboardQuery): Promise<DashboardPage>;
}
