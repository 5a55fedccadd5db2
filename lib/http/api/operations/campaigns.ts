import type { CampaignQuery, NewCampaign } from '../../../campaigns';
import {
  CAMPAIGN_ID,
  campaignOut,
  campaignReply,
  fieldsOf,
  type CampaignId,
  type GivenFields,
} from '../campaign-parts';
import { CAMPAIGN, CAMPAIGN_FIELDS, CAMPAIGN_STATES } from '../campaign-schemas';
import { CAMPAIGN_TYPES } from '../../../campaigns';
import { by, idOrKey, milliseconds } from '../present';
import { created, gone, ok, paged } from '../replies';
import { choice, integer, list, moment, object, page, PAGES, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Campaigns';
const SORTS = ['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'name', '-name', 'nextRunAt', '-nextRunAt'];

export const CAMPAIGN_SCHEMAS: Readonly<Record<string, Schema>> = { Campaign: CAMPAIGN };

type Filter = Omit<CampaignQuery, 'createdFrom' | 'createdTo' | 'subject'> & {
  createdFrom?: string;
  createdTo?: string;
  subjectType?: string;
  subjectId?: string;
  limit: number;
};

function queryOf({ createdFrom, createdTo, subjectType, subjectId, ...query }: Filter): CampaignQuery {
  return {
    ...query,
    ...(createdFrom === undefined ? {} : { createdFrom: milliseconds(createdFrom, 'createdFrom') }),
    ...(createdTo === undefined ? {} : { createdTo: milliseconds(createdTo, 'createdTo') }),
    ...(subjectType === undefined
      ? {}
      : { subject: { type: subjectType, ...(subjectId === undefined ? {} : { id: subjectId }) } }),
  };
}

export const campaignOperations: readonly Operation[] = [
  operation<{ body: GivenFields & Pick<NewCampaign, 'key' | 'definition'> }>({
    id: 'campaigns.create',
    method: 'POST',
    path: '/campaigns',
    tag: TAG,
    summary: 'Create a campaign',
    description: 'As a draft: nothing is sent before it is launched or scheduled.',
    permission: 'campaign:write',
    body: object(
      {},
      {
        key: text(128, { description: 'Default: made of the name.' }),
        definition: text(128, {
          description:
            'Key of a definition. Default `generic`, which runs any campaign whose content and audience are data.',
        }),
        ...CAMPAIGN_FIELDS,
      },
      { minProperties: 1, examples: [{ name: 'Spring sale', channels: ['email'], budget: 500, currency: 'EUR' }] },
    ),
    responses: created('The new campaign.', ref('Campaign')),
    async handler(call) {
      const campaign = await call.services.campaigns.create(fieldsOf(call.body), { actor: call.actor });
      return { ...campaignReply(campaign), location: `/campaigns/${campaign.id}` };
    },
  }),
  operation<{ query: Filter }>({
    id: 'campaigns.list',
    method: 'GET',
    path: '/campaigns',
    tag: TAG,
    summary: 'List and search campaigns',
    description: 'Filters are joined by and; several values of one mean any of them.',
    permission: 'campaign:read',
    query: object(
      {},
      {
        state: list(choice(CAMPAIGN_STATES), 7, { minItems: 1 }),
        stage: text(64),
        type: list(choice(CAMPAIGN_TYPES), 6, { minItems: 1 }),
        channel: text(32),
        definition: text(128),
        owner: text(128),
        team: text(128),
        assignee: text(128, { description: 'Assigned to this user.' }),
        subjectType: text(128),
        subjectId: text(128, { description: 'Only together with `subjectType`.' }),
        search: text(200, { description: 'Name or key begins with this.' }),
        createdFrom: moment(),
        createdTo: moment(),
        deleted: choice(['none', 'only', 'all'], { default: 'none' }),
        sort: choice(SORTS, { default: '-createdAt' }),
        ...PAGES,
      },
    ),
    responses: ok('A page of campaigns.', page(ref('Campaign'))),
    async handler({ services: { campaigns }, query, actor }) {
      return paged(await campaigns.list(queryOf(query), { actor }), campaignOut, query);
    },
  }),
  operation<CampaignId>({
    id: 'campaigns.get',
    method: 'GET',
    path: '/campaigns/{id}',
    tag: TAG,
    summary: 'Get a campaign',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('The campaign.', ref('Campaign')),
    handler: async ({ services: { campaigns }, params, actor }) =>
      campaignReply(await campaigns.get(idOrKey(params.id), { actor })),
  }),
  operation<CampaignId & { body: GivenFields }>({
    id: 'campaigns.update',
    method: 'PATCH',
    path: '/campaigns/{id}',
    tag: TAG,
    summary: 'Change a campaign',
    description: 'What is absent stays; null removes. Not while it is active: pause it first.',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    versioned: true,
    body: object({}, CAMPAIGN_FIELDS, { minProperties: 1 }),
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) =>
      campaignReply(await call.services.campaigns.update(idOrKey(call.params.id), fieldsOf(call.body), by(call))),
  }),
  operation<CampaignId>({
    id: 'campaigns.delete',
    method: 'DELETE',
    path: '/campaigns/{id}',
    tag: TAG,
    summary: 'Delete a campaign',
    description: 'Never while it runs: cancel or complete it first. It can be restored for 30 days.',
    permission: 'campaign:delete',
    params: CAMPAIGN_ID,
    versioned: true,
    responses: gone('The campaign is deleted.'),
    async handler(call) {
      await call.services.campaigns.remove(idOrKey(call.params.id), by(call));
      return {};
    },
  }),
  operation<CampaignId>({
    id: 'campaigns.restore',
    method: 'POST',
    path: '/campaigns/{id}/restore',
    tag: TAG,
    summary: 'Restore a deleted campaign',
    permission: 'campaign:delete',
    params: CAMPAIGN_ID,
    versioned: true,
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) => campaignReply(await call.services.campaigns.restore(idOrKey(call.params.id), by(call))),
  }),
  operation<CampaignId & { body: { name?: string; key?: string } }>({
    id: 'campaigns.clone',
    method: 'POST',
    path: '/campaigns/{id}/clone',
    tag: TAG,
    summary: 'Clone a campaign',
    description: 'The copy is a draft, without the schedule, and has nothing to do with the original from then on.',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: object({}, { name: text(255, { description: 'Default: "Copy of …".' }), key: text(128) }),
    bodyOptional: true,
    responses: created('The copy.', ref('Campaign')),
    async handler({ services: { campaigns }, params, body, actor }) {
      const campaign = await campaigns.clone(idOrKey(params.id), body, { actor });
      return { ...campaignReply(campaign), location: `/campaigns/${campaign.id}` };
    },
  }),
  operation<CampaignId>({
    id: 'campaigns.estimate',
    method: 'GET',
    path: '/campaigns/{id}/estimate',
    tag: TAG,
    summary: 'Estimate the audience of a campaign',
    description: 'How many people a launch would enter now.',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('The size of the audience.', object({ audience: integer(0) })),
    async handler({ services: { campaigns }, params, actor }) {
      const { audience } = await campaigns.estimate(idOrKey(params.id), { actor });
      return { body: { audience } };
    },
  }),
];
