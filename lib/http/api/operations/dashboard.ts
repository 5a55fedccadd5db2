import type { DashboardCampaign, DashboardQuery, DashboardTotals } from '../../../analytics';
import { CAMPAIGN_STATES } from '../campaign-schemas';
import { iso, milliseconds, withMoments } from '../present';
import { ok } from '../replies';
import {
  choice,
  integer,
  list,
  map,
  moment,
  nullable,
  number,
  object,
  PAGING,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Analytics';
const SHARE = nullable(number());
const counts = (...names: string[]): Record<string, Schema> =>
  Object.fromEntries(names.map((name) => [name, integer(0)]));
const shares = (...names: string[]): Record<string, Schema> => Object.fromEntries(names.map((name) => [name, SHARE]));
const COUNTED = counts('queued', 'sent', 'delivered', 'failed', 'unknown', 'opened', 'clicked', 'converted');

export const DASHBOARD_SCHEMAS: Readonly<Record<string, Schema>> = {
  DashboardTotals: object(
    {
      asOf: moment('The moment that they are of: some seconds ago, where there are many campaigns.'),
      ...counts('campaigns', 'held', 'lowDelivery'),
      ...COUNTED,
      ...shares('deliveryRate', 'openRate', 'clickRate', 'conversionRate'),
      money: list(
        object({ budget: number(), spent: number(), revenue: number(), roi: SHARE }, { currency: text(3) }),
        1_000,
        { description: 'By currency: amounts of different currencies are not added.' },
      ),
    },
    {},
    { description: 'All campaigns that match, together.' },
  ),
  DashboardCampaign: object(
    {
      id: integer(1),
      key: text(128),
      name: text(255),
      state: choice(CAMPAIGN_STATES),
      stage: text(64),
      type: text(32),
      channels: list(text(32)),
      createdAt: moment(),
      ...COUNTED,
      ...shares('deliveryRate', 'bounceRate', 'openRate', 'clickRate', 'conversionRate', 'unsubscribeRate', 'roi'),
      spent: number(),
      revenue: number(),
      alerts: list(object({ code: choice(['held', 'delivery_rate']), message: { type: 'string' } })),
    },
    {
      owner: text(128),
      team: text(128),
      startedAt: moment(),
      currency: text(3),
      budget: number(),
      updatedAt: moment('When one of its figures last moved.'),
    },
    { description: 'A campaign with its key figures.' },
  ),
};

function totalsOut(totals: DashboardTotals): object {
  return { ...totals, asOf: iso(totals.asOf) };
}

function campaignOut(campaign: DashboardCampaign): object {
  return withMoments(campaign, ['createdAt', 'startedAt', 'updatedAt']);
}

type Query = Pick<DashboardQuery, 'status' | 'stage' | 'channel' | 'sort' | 'cursor'> & {
  user?: string;
  from?: string;
  to?: string;
  limit: number;
};

export const dashboardOperations: readonly Operation[] = [
  operation({
    id: 'analytics.dashboard',
    method: 'GET',
    path: '/analytics/dashboard',
    tag: TAG,
    summary: 'Get the dashboard of the tenant',
    description: 'Also takes the permission `campaign:read`.',
    permission: 'analytics:read',
    responses: ok(
      'The tenant at a glance.',
      object(
        {
          campaigns: map(integer(0), { description: 'Campaigns by state.' }),
          held: list(object({ id: integer(1), key: text(128), reason: { type: 'string' } }), 20, {
            description: 'Active campaigns that stand still by themselves.',
          }),
        },
        { active: ref('DashboardTotals') },
      ),
    ),
    async handler({ services: { dashboards }, actor }) {
      const { campaigns, held, active } = await dashboards.dashboard({ actor });
      return { body: { campaigns, held, ...(active ? { active: totalsOut(active) } : {}) } };
    },
  }),
  operation<{ query: Query }>({
    id: 'analytics.myCampaigns',
    method: 'GET',
    path: '/analytics/dashboard/campaigns',
    tag: TAG,
    summary: "List the campaigns that are somebody's business, with their key figures",
    description:
      'Those that they own, or that are assigned to them, to one of their roles or teams. Also takes the permission `campaign:read`.',
    permission: 'analytics:read',
    query: object(
      {},
      {
        user: text(128, { description: 'Default: whoever asks.' }),
        status: list(choice(CAMPAIGN_STATES), 7, { minItems: 1, description: 'Default: active.' }),
        stage: text(64),
        channel: text(32),
        from: moment('Launched at this moment or later.'),
        to: moment('Launched before this moment.'),
        sort: choice(['createdAt', '-createdAt', 'name', '-name'], { default: '-createdAt' }),
        ...PAGING,
      },
    ),
    responses: ok(
      'A page of campaigns.',
      object({ items: list(ref('DashboardCampaign')) }, { cursor: text(1_024), totals: ref('DashboardTotals') }),
    ),
    async handler({ services: { dashboards }, query: { user, from, to, ...query }, actor }) {
      const { items, cursor, totals } = await dashboards.MarketingDashboard.forUser(user ?? actor).activeCampaigns({
        ...query,
        ...(from === undefined ? {} : { from: milliseconds(from, 'from') }),
        ...(to === undefined ? {} : { to: milliseconds(to, 'to') }),
        actor,
      });
      return {
        body: {
          items: items.map(campaignOut),
          ...(cursor === undefined ? {} : { cursor }),
          ...(totals ? { totals: totalsOut(totals) } : {}),
        },
        ...(cursor === undefined ? {} : { next: { cursor } }),
      };
    },
  }),
];
