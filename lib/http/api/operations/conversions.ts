import type { ConversionView } from '../../../conversions';
import { ATTRIBUTION_MODELS } from '../../../campaigns';
import { CAMPAIGN_ID, campaignNamed, type CampaignId } from '../campaign-parts';
import { milliseconds, withMoments } from '../present';
import { idOf, ok, paged } from '../replies';
import {
  choice,
  integer,
  list,
  moment,
  nullable,
  number,
  object,
  page,
  PAGING,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Analytics';
const MODEL = choice(ATTRIBUTION_MODELS);

export const CONVERSION_SCHEMAS: Readonly<Record<string, Schema>> = {
  CampaignConversions: object(
    {
      campaign: integer(1),
      sent: integer(0),
      conversions: integer(0, Number.MAX_SAFE_INTEGER, { description: 'As the figures of the campaign count them.' }),
      conversionRate: nullable(
        number(0, 1e15, { description: 'Conversions ÷ messages sent. null: nothing was sent.' }),
      ),
      revenue: number(0, 1e15, { description: 'In the currency of the campaign.' }),
      models: list(
        object({
          model: MODEL,
          conversions: integer(0, Number.MAX_SAFE_INTEGER, { description: 'Those that the campaign has a share of.' }),
          attributed: number(0, 1e15, { description: 'The sum of its shares.' }),
          revenue: number(0),
        }),
        10,
        { description: 'The same conversions by each model, for comparison.' },
      ),
    },
    { currency: text(3), model: MODEL },
    { description: 'The conversions of a campaign.' },
  ),
  Conversion: object(
    {
      id: integer(1),
      event: text(96),
      at: moment(),
      model: MODEL,
      touch: choice(['sent', 'clicked', 'named'], { description: '`named`: the event itself named the campaign.' }),
      share: number(0, 1),
      value: number(0),
    },
    {
      lead: integer(1, Number.MAX_SAFE_INTEGER, { description: 'Absent: the lead was removed since.' }),
      touchAt: moment(),
      variant: text(32),
      channel: text(32),
    },
    { description: 'What a touch of a campaign has of a conversion, by the model that the campaign goes by.' },
  ),
};

export const conversionOperations: readonly Operation[] = [
  operation<CampaignId & { query: { from?: string; to?: string } }>({
    id: 'campaigns.conversions',
    method: 'GET',
    path: '/campaigns/{id}/conversions',
    tag: TAG,
    summary: 'The conversions of a campaign, and its revenue by each model',
    permission: 'analytics:read',
    params: CAMPAIGN_ID,
    query: object({}, { from: moment(), to: moment() }),
    responses: ok('The conversions.', ref('CampaignConversions')),
    async handler(call) {
      const { id } = await campaignNamed(call);
      const { from, to } = call.query;
      const within = {
        ...(from === undefined ? {} : { from: milliseconds(from, 'from') }),
        ...(to === undefined ? {} : { to: milliseconds(to, 'to') }),
      };
      return { body: await call.services.conversions.report(id, within, { actor: call.actor }) };
    },
  }),
  operation<CampaignId & { query: { limit: number; cursor?: string } }>({
    id: 'campaigns.listConversions',
    method: 'GET',
    path: '/campaigns/{id}/conversions/list',
    tag: TAG,
    summary: 'List the conversions of a campaign',
    description: 'The latest first: a line for each touch that has a share, by the model that the campaign goes by.',
    permission: 'analytics:read',
    params: CAMPAIGN_ID,
    query: object({}, PAGING),
    responses: ok('A page of conversions.', page(ref('Conversion'))),
    async handler(call) {
      const { id } = await campaignNamed(call);
      const { query, actor, services } = call;
      const before = idOf(query.cursor);
      const { items, cursor } = await services.conversions.list(
        id,
        { limit: query.limit, ...(before === undefined ? {} : { before }) },
        { actor },
      );
      return paged({ items, ...(cursor === undefined ? {} : { cursor: String(cursor) }) }, out, query);
    },
  }),
];

function out(view: ConversionView): object {
  return withMoments(view, ['at', 'touchAt']);
}
