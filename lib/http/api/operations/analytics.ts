import type { CampaignReport } from '../../../campaigns';
import type { MetricsQuery, MetricsReport } from '../../../metrics';
import { METRICS } from '../../../metrics';
import { CAMPAIGN_ID, campaignNamed, type CampaignId } from '../campaign-parts';
import { leadAnalytics } from '../lead-analytics';
import { leadOf } from '../people';
import { iso, milliseconds } from '../present';
import { Refusal } from '../problem';
import { ok } from '../replies';
import { choice, integer, list, map, moment, nullable, number, object, ref, text, type Schema } from '../schema';
import { operation, type Call, type Operation, type Reply } from '../types';

const TAG = 'Analytics';
const COUNTS = map(integer(0));

const RATES = object(
  Object.fromEntries(
    ['deliveryRate', 'bounceRate', 'openRate', 'clickRate', 'conversionRate', 'unsubscribeRate', 'roi'].map((name) => [
      name,
      nullable(number(undefined, 1e15, { description: 'A share: 0.25 is 25 %. null: there is nothing to divide by.' })),
    ]),
  ),
);
const FIGURES = object(Object.fromEntries(METRICS.map((name) => [name, number()])));

export const ANALYTICS_SCHEMAS: Readonly<Record<string, Schema>> = {
  Figures: FIGURES,
  Rates: RATES,
  CampaignAnalytics: object(
    {
      campaign: integer(1),
      figures: ref('Figures'),
      rates: ref('Rates'),
      groups: list(
        object({ key: { type: ['string', 'integer'] }, figures: ref('Figures'), rates: ref('Rates') }),
        100_000,
        { description: 'By hour or day (a moment), channel or variant, when `by` asks for it.' },
      ),
      people: object(
        {
          audience: integer(0, Number.MAX_SAFE_INTEGER, { description: 'The sum of all the others, always.' }),
          waiting: integer(0),
          dead: integer(0, Number.MAX_SAFE_INTEGER, { description: 'In the dead-letter list.' }),
          unknown: integer(0, Number.MAX_SAFE_INTEGER, { description: 'Nobody knows whether their message went out.' }),
          orphaned: integer(0),
          ended: COUNTS,
        },
        {},
        { description: 'How its people fare.' },
      ),
      messages: COUNTS,
      customMetrics: list(ref('CustomMetric')),
      possiblyTwice: integer(0),
      suppressedAtSend: integer(0),
      stations: list(
        object({ step: { type: 'string' }, kind: { type: 'string' }, waiting: integer(0), counters: COUNTS }),
      ),
    },
    { updatedAt: moment('When a figure was last moved.') },
  ),
  LeadAnalytics: object(
    {
      lead: integer(1),
      score: number(),
      segments: list(text(128)),
      engagements: map(integer(0), { description: 'How often, by type.' }),
      campaigns: list(object({ campaign: integer(1), state: { type: 'string' }, enrollments: integer(1) })),
      messages: COUNTS,
    },
    { lastEngagementAt: moment() },
  ),
};

interface Filter {
  query: { from?: string; to?: string; channel?: string; by?: NonNullable<MetricsQuery['by']> };
}
const FILTER = object(
  {},
  { from: moment(), to: moment(), channel: text(32), by: choice(['hour', 'day', 'channel', 'variant']) },
);

async function campaignAnalytics(call: Call<CampaignId & Filter>): Promise<Reply> {
  const { from, to, ...query } = call.query;
  const { id } = await campaignNamed(call);
  const { campaigns, metrics, customMetrics } = call.services;
  const report = await metrics.of(id, {
    ...query,
    ...(from === undefined ? {} : { from: milliseconds(from, 'from') }),
    ...(to === undefined ? {} : { to: milliseconds(to, 'to') }),
    actor: call.actor,
  });
  const body = analyticsOut(report, query.by, await campaigns.report(id, { actor: call.actor }));
  return { body: { ...body, customMetrics: await customMetrics.valuesOf(report.figures) } };
}

function analyticsOut(
  { groups, updatedAt, ...report }: MetricsReport,
  by: MetricsQuery['by'],
  people: CampaignReport,
): object {
  const inTime = by === 'hour' || by === 'day';
  const { audience, waiting, dead, unknown, orphaned, ended, messages, possiblyTwice, suppressedAtSend, stations } =
    people;
  return {
    ...report,
    groups: groups.map((group) => (inTime ? { ...group, key: iso(Number(group.key)) } : group)),
    ...(updatedAt === undefined ? {} : { updatedAt: iso(updatedAt) }),
    people: { audience, waiting, dead, unknown, orphaned, ended },
    messages,
    possiblyTwice,
    suppressedAtSend,
    stations,
  };
}

/** The same under two addresses, as the requirement lists them. */
function analytics(id: string, path: string, summary: string): Operation {
  return operation<CampaignId & Filter>({
    id,
    method: 'GET',
    path,
    tag: TAG,
    summary,
    description: 'Also takes the permission `campaign:read`.',
    permission: 'analytics:read',
    params: CAMPAIGN_ID,
    query: FILTER,
    responses: ok('Figures, rates, and how its people fare.', ref('CampaignAnalytics')),
    handler: campaignAnalytics,
  });
}

/** Reports are a later part of this product; until then the API says so. */
function notYet(): Promise<never> {
  return Promise.reject(
    new Refusal(
      501,
      'E_NOT_YET',
      'Reports are not built yet. Until then, read /analytics/campaigns/{id}, with `by`, `from` and `to`.',
    ),
  );
}

export const analyticsOperations: readonly Operation[] = [
  analytics('campaigns.analytics', '/campaigns/{id}/analytics', 'Get the analytics of a campaign'),
  analytics(
    'analytics.campaign',
    '/analytics/campaigns/{id}',
    'Get the analytics of a campaign, under its other address',
  ),
  operation<{ params: { id: string } }>({
    id: 'analytics.lead',
    method: 'GET',
    path: '/analytics/leads/{id}',
    tag: TAG,
    summary: 'Get the analytics of a lead',
    description: 'Also takes the permission `lead:read`.',
    permission: 'analytics:read',
    params: object({ id: text(191) }),
    responses: ok('What it did, and where it stands.', ref('LeadAnalytics')),
    async handler({ services, params }) {
      const lead = await leadOf(services, params.id);
      return { body: { lead: lead.id, score: lead.score, ...(await leadAnalytics(services.scope, lead.id)) } };
    },
  }),
  operation({
    id: 'analytics.createReport',
    method: 'POST',
    path: '/analytics/reports',
    tag: TAG,
    summary: 'Generate a custom report: not built yet',
    permission: 'analytics:read',
    body: map(true),
    bodyOptional: true,
    responses: {},
    problems: [501],
    handler: notYet,
  }),
  operation({
    id: 'analytics.report',
    method: 'GET',
    path: '/analytics/reports/{id}',
    tag: TAG,
    summary: 'Download a generated report: not built yet',
    permission: 'analytics:read',
    params: object({ id: text(128) }),
    responses: {},
    problems: [501],
    handler: notYet,
  }),
];
