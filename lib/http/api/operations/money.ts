import {
  BREACH_ACTIONS,
  ROI_STATUSES,
  type Cost,
  type NewCost,
  type RoiReport,
  type RoiRules,
} from '../../../governance';
import type { Prices } from '../../../sending';
import { CAMPAIGN_ID, type CampaignId } from '../campaign-parts';
import { idOrKey, withMoments } from '../present';
import { created, gone, idOf, idPage, ok, paged } from '../replies';
import { choice, integer, list, map, moment, number, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Money';
const MONEY = number(0, 1e9);
const SUM = number();
const RULES = object(
  {},
  {
    targetRevenue: number(0, 1e9, { description: 'Revenue that is wanted.' }),
    threshold: number(0, 1e6, { description: 'Revenue ÷ cost that is wanted at least: 2 is "2x".' }),
    breach: list(choice(BREACH_ACTIONS), 8, {
      description:
        'What happens without money for a message: `pause`, `complete` or `cancel` stop the campaign; else `route` has those without money go on through "suppressed"; else messages go on. It is announced in any case.',
    }),
  },
  { description: 'What is absent is what the definition says.' },
);
const PRICES = map(MONEY, {
  description: 'Price of one message, in units of the currency.',
  examples: [{ email: 0.0005 }],
});

export const MONEY_SCHEMAS: Readonly<Record<string, Schema>> = {
  Roi: object(
    {
      campaign: integer(1),
      key: text(128),
      status: choice(ROI_STATUSES),
      spent: { ...SUM, description: 'What messages that were sent have cost.' },
      fixed: { ...SUM, description: 'Costs that were entered or booked.' },
      reserved: { ...SUM, description: 'Money of messages of which it is not known yet what became of them.' },
      cost: { ...SUM, description: 'spent + fixed' },
      revenue: SUM,
      breach: list(choice(BREACH_ACTIONS)),
      own: RULES,
    },
    {
      currency: text(3),
      budget: { ...SUM, description: 'Absent: it may cost what it likes.' },
      left: { ...SUM, description: 'budget − spent − fixed − reserved' },
      roi: { ...SUM, description: '(revenue − cost) ÷ cost; absent while nothing was spent.' },
      return: { ...SUM, description: 'revenue ÷ cost: what a threshold is compared with.' },
      targetRevenue: SUM,
      threshold: SUM,
      startedAt: moment(),
      breachAt: moment('When a message first found no money.'),
    },
    { description: 'The money of a campaign, in units of its currency.' },
  ),
  Cost: object(
    {
      id: integer(1),
      kind: choice(['fixed', 'booked'], { description: '`booked`: by a node, for one person.' }),
      label: text(255),
      amount: SUM,
      createdBy: text(128),
      at: moment(),
    },
    {},
    { description: 'A cost besides messages.' },
  ),
  Prices: object(
    { inForce: { ...PRICES, description: 'What each channel costs now.' } },
    { channels: PRICES, accounts: { ...PRICES, description: 'By the key of the account; goes before its channel’s.' } },
    { description: 'What one message costs. What the tenant does not set costs what its channel says.' },
  ),
};

interface Limits {
  query: { cursor?: string; limit?: number };
}

function roiOut(report: RoiReport): object {
  return withMoments(report, ['startedAt', 'breachAt']);
}

function costOut(cost: Cost): object {
  return withMoments(cost, ['at']);
}

export const moneyOperations: readonly Operation[] = [
  operation<CampaignId>({
    id: 'roi.get',
    method: 'GET',
    path: '/campaigns/{id}/roi',
    tag: TAG,
    summary: 'Get how the money of a campaign stands',
    permission: 'analytics:read',
    params: CAMPAIGN_ID,
    responses: ok('Its money.', ref('Roi')),
    problems: [404],
    handler: async ({ services: { roi }, params: { id }, actor }) => ({
      body: roiOut(await roi.report(idOrKey(id), { actor })),
    }),
  }),
  operation<CampaignId & { body: RoiRules }>({
    id: 'roi.set',
    method: 'PUT',
    path: '/campaigns/{id}/roi',
    tag: TAG,
    summary: 'Set what is wanted of the money of a campaign',
    description: 'The budget is a field of the campaign: PATCH /campaigns/{id}.',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: RULES,
    responses: ok('Its money.', ref('Roi')),
    problems: [404],
    handler: async ({ services: { roi }, params: { id }, body, actor }) => ({
      body: roiOut(await roi.setRules(idOrKey(id), body, { actor })),
    }),
  }),
  operation<CampaignId & Limits>({
    id: 'roi.costs',
    method: 'GET',
    path: '/campaigns/{id}/costs',
    tag: TAG,
    summary: 'List the costs of a campaign besides messages',
    permission: 'analytics:read',
    params: CAMPAIGN_ID,
    query: object({}, PAGING),
    responses: ok('The latest first.', page(ref('Cost'))),
    problems: [404],
    handler: async ({ services: { roi }, params: { id }, query: { cursor, limit = 20 }, actor }) => {
      const before = idOf(cursor);
      const costs = await roi.costs(idOrKey(id), { actor, limit, ...(before === undefined ? {} : { before }) });
      return paged(idPage(costs, limit), costOut, { limit });
    },
  }),
  operation<CampaignId & { body: NewCost }>({
    id: 'roi.addCost',
    method: 'POST',
    path: '/campaigns/{id}/costs',
    tag: TAG,
    summary: 'Enter a cost of a campaign',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: object(
      { label: text(255), amount: MONEY },
      { ref: text(96, { description: 'The same one twice is entered once.' }) },
    ),
    responses: created('The cost.', ref('Cost')),
    problems: [404],
    handler: async ({ services: { roi }, params: { id }, body, actor }) => ({
      body: costOut(await roi.addCost(idOrKey(id), body, { actor })),
    }),
  }),
  operation<{ params: { id: string; cost: string } }>({
    id: 'roi.removeCost',
    method: 'DELETE',
    path: '/campaigns/{id}/costs/{cost}',
    tag: TAG,
    summary: 'Take back a cost that was entered by mistake',
    permission: 'campaign:write',
    params: object({ id: text(128), cost: integer(1) }),
    responses: gone('It is gone.'),
    problems: [404],
    handler: async ({ services: { roi }, params: { id, cost }, actor }) => {
      await roi.removeCost(idOrKey(id), Number(cost), { actor });
      return {};
    },
  }),
  operation({
    id: 'settings.prices',
    method: 'GET',
    path: '/settings/prices',
    tag: 'Settings',
    summary: 'Get what messages cost',
    permission: 'analytics:read',
    responses: ok('The prices.', ref('Prices')),
    handler: async ({ services: { roi }, actor }) => ({ body: await roi.prices({ actor }) }),
  }),
  operation<{ body: Prices }>({
    id: 'settings.setPrices',
    method: 'PUT',
    path: '/settings/prices',
    tag: 'Settings',
    summary: 'Set what messages cost',
    permission: 'settings:manage',
    body: object({}, { channels: PRICES, accounts: PRICES }),
    responses: ok('The prices.', ref('Prices')),
    handler: async ({ services: { roi }, body, actor }) => ({ body: await roi.setPrices(body, { actor }) }),
  }),
];
