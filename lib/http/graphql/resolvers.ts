import { authorise, type Permission, type Principal } from '../../access';
import type { Campaign, CampaignState, NewCampaign } from '../../campaigns';
import { InputError } from '../../errors';
import type { LeadView } from '../../leads';
import { ratesOf } from '../../metrics';
import type { Segment } from '../../segments';
import {
  changeLead,
  checkJson,
  createLead,
  idOrKey,
  iso,
  leadOf,
  segmentInput,
  segmentOf,
  type ApiServices,
  type SegmentBody,
} from '../api';
import { LONGEST_LIST, USUAL_LENGTH } from './limits';
import type { Loaders } from './loaders';
import type { EngagementNode } from './reads';

/** What resolvers work with: one request's. */
export interface GraphqlContext {
  readonly services: ApiServices;
  readonly actor: Principal;
  readonly loaders: Loaders;
}

type Resolver<Parent, Args = Record<never, never>> = (parent: Parent, args: Args, context: GraphqlContext) => unknown;

/**
 * A field that takes a permission, checked here as well as by whatever is called. What is written in the query itself, no
 * reader of JSON has looked at yet.
 */
function needs<Parent, Args>(permission: Permission, resolve: Resolver<Parent, Args>): Resolver<Parent, Args> {
  return (parent, args, context) => {
    authorise(context.actor, permission);
    checkJson(args);
    return resolve(parent, args, context);
  };
}

const KNOWN_ENGAGEMENTS = [
  'EMAIL_SENT',
  'EMAIL_OPENED',
  'EMAIL_CLICKED',
  'SMS_SENT',
  'SMS_DELIVERED',
  'FORM_SUBMITTED',
  'PAGE_VISITED',
];

interface Slice {
  limit?: number | null;
  offset?: number | null;
}

/** @throws InputError `E_LIMIT` */
function sliceOf({ limit, offset }: Slice): { limit: number; offset: number } {
  const wanted = { limit: limit ?? USUAL_LENGTH, offset: offset ?? 0 };
  if (wanted.limit < 1 || wanted.limit > LONGEST_LIST)
    throw new InputError('E_LIMIT', `A list has 1 to ${LONGEST_LIST} things, not ${wanted.limit}.`);
  if (wanted.offset < 0) throw new InputError('E_LIMIT', 'An offset is 0 or more.');
  return wanted;
}

const Campaign = {
  status: ({ state }: Campaign) => state.toUpperCase(),
  startedAt: ({ startedAt }: Campaign) => startedAt && iso(startedAt),
  completedAt: ({ endedAt }: Campaign) => endedAt && iso(endedAt),
  spent: money('cost'),
  revenue: money('revenue'),
  roi: needs<Campaign, object>(
    'analytics:read',
    async ({ id }, _args, { loaders }) => ratesOf(await loaders.figures.load(id)).roi,
  ),
  leads: needs<Campaign, object>('lead:read', async ({ id }, _args, { loaders }) =>
    leadsBehind(await loaders.leadsOfCampaign.load(id), loaders),
  ),
  engagements: needs<Campaign, { type?: string | null }>('lead:read', ({ id }, { type }, { loaders }) =>
    loaders.engagementsOfCampaign(type?.toLowerCase()).load(id),
  ),
  analytics: needs<Campaign, object>('analytics:read', async ({ id }, _args, { loaders }) => {
    const figures = await loaders.figures.load(id);
    return { ...figures, ...ratesOf(figures) };
  }),
};

function money(name: 'cost' | 'revenue'): Resolver<Campaign, object> {
  return needs('analytics:read', async ({ id }, _args, { loaders }) => (await loaders.figures.load(id))[name]);
}

async function leadsBehind(ids: readonly number[], loaders: Loaders): Promise<LeadView[]> {
  const found = await Promise.all(ids.map((id) => loaders.lead.load(id)));
  return found.filter((lead) => lead !== undefined);
}

const Lead = {
  email: ({ email }: LeadView) => email ?? '',
  score: ({ score }: LeadView) => Math.round(score),
  segments: needs<LeadView, object>('segment:read', async ({ id }, _args, { loaders }) => {
    const found = await Promise.all((await loaders.segmentsOfLead.load(id)).map((one) => loaders.segment.load(one)));
    return found.filter((segment) => segment !== undefined);
  }),
  engagements: needs<LeadView, object>('lead:read', ({ id }, _args, { loaders }) => loaders.engagementsOfLead.load(id)),
  metadata: ({ id: _id, email: _email, name: _name, score: _score, createdAt: _createdAt, ...attributes }: LeadView) =>
    attributes,
};

const Segment = {
  leadCount: ({ count }: Segment) => count,
  kind: ({ kind }: Segment) => kind.toUpperCase(),
  conditions: (segment: Segment) =>
    segment.kind === 'dynamic' ? segment.condition : segment.kind === 'composed' ? segment.composition : {},
  leads: needs<Segment, Slice>('lead:read', async ({ id }, slice, { loaders }) =>
    leadsBehind(await loaders.leadsOfSegment.load({ of: id, ...sliceOf(slice) }), loaders),
  ),
};

const Engagement = {
  type: ({ type }: EngagementNode) => (KNOWN_ENGAGEMENTS.includes(type.toUpperCase()) ? type.toUpperCase() : null),
  name: ({ type }: EngagementNode) => type,
  at: ({ at }: EngagementNode) => iso(at),
};

const Query = {
  campaigns: needs<unknown, Slice & { status?: string | null }>(
    'campaign:read',
    (_parent, { status, ...slice }, { services: { campaigns }, actor }) =>
      skipping(sliceOf(slice), (page) => {
        const state = status?.toLowerCase() as CampaignState | undefined;
        return campaigns.list({ ...page, ...(state === undefined ? {} : { state }) }, { actor });
      }),
  ),
  campaign: needs<unknown, { id: string }>('campaign:read', (_parent, { id }, { services: { campaigns }, actor }) =>
    campaigns.get(idOrKey(id), { actor }),
  ),
  leads: needs<unknown, Slice & { segment?: string | null; score?: number | null }>(
    'lead:read',
    async (_parent, { segment, score, ...slice }, { services }) => {
      const within = segment == null ? {} : { segment: (await segmentOf(services, segment)).id };
      const scored = score == null ? {} : { minScore: score };
      return (await services.leads.list({ ...sliceOf(slice), ...within, ...scored })).leads;
    },
  ),
  lead: needs<unknown, { id: string }>('lead:read', (_parent, { id }, { services }) => leadOf(services, id)),
  segments: needs<unknown, object>('segment:read', async (_parent, _args, { services: { segments } }) =>
    (await segments.list()).slice(0, LONGEST_LIST),
  ),
  analytics: needs<unknown, object>('analytics:read', async (_parent, _args, { services: { dashboards }, actor }) => {
    const { campaigns, active } = await dashboards.dashboard({ actor });
    const none = { held: 0, sent: 0, delivered: 0, opened: 0, clicked: 0, converted: 0, money: [] };
    return { ...none, ...active, campaigns, activeCampaigns: campaigns.active ?? 0, asOf: active && iso(active.asOf) };
  }),
};

type CampaignInput = Pick<NewCampaign, 'key' | 'definition' | 'description' | 'objective' | 'segment' | 'channels'> &
  Pick<NewCampaign, 'budget' | 'currency' | 'content' | 'data' | 'name'>;

const Mutation = {
  createCampaign: needs<unknown, { input: Nullable<CampaignInput> }>(
    'campaign:write',
    (_parent, { input }, { services: { campaigns }, actor }) => campaigns.create(given(input), { actor }),
  ),
  launchCampaign: needs<unknown, { id: string }>(
    'campaign:launch',
    (_parent, { id }, { services: { campaigns }, actor }) => campaigns.launch(idOrKey(id), { actor }),
  ),
  pauseCampaign: needs<unknown, { id: string }>(
    'campaign:launch',
    (_parent, { id }, { services: { campaigns }, actor }) => campaigns.pause(idOrKey(id), { actor }),
  ),
  createLead: needs<unknown, { input: Nullable<Record<string, unknown>> }>(
    'lead:write',
    (_parent, { input }, { services, actor }) => {
      const { metadata, ...fields } = given(input);
      return createLead(services, { ...fields, ...(metadata === undefined ? {} : { attributes: metadata }) }, actor.id);
    },
  ),
  updateLeadScore: needs<unknown, { id: string; score: number }>(
    'lead:write',
    async (_parent, { id, score }, { services, actor }) =>
      changeLead(services, (await leadOf(services, id)).id, { score }, actor.id),
  ),
  createSegment: needs<unknown, { input: Nullable<SegmentBody> }>(
    'segment:write',
    async (_parent, { input }, { services: { segments } }) => {
      const { key, kind } = await segments.create(segmentInput(given<SegmentBody>(input)));
      if (kind !== 'static') await segments.recalculate(key);
      return segments.get(key);
    },
  ),
};

type Nullable<T> = { [Name in keyof T]: T[Name] | null };

/** What was really given: GraphQL says null where nothing was. */
function given<T extends object>(input: Nullable<T>): T {
  // GraphQL's inputs have no prototype; theirs had one before they were theirs.
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as T;
}

/** Reads from an offset on, where only whole pages can be had. */
async function skipping<T>(
  { limit, offset }: { limit: number; offset: number },
  read: (page: { limit: number; page?: number }) => Promise<{ items: readonly T[] }>,
): Promise<T[]> {
  if (offset === 0) return [...(await read({ limit })).items];
  const page = Math.floor(offset / limit) + 1;
  const skipped = offset % limit;
  const first = (await read({ limit, page })).items.slice(skipped);
  if (skipped === 0) return [...first];
  return [...first, ...(await read({ limit, page: page + 1 })).items.slice(0, skipped)];
}

/** By type and field; what is missing is a property of the same name. */
export const RESOLVERS = { Campaign, Lead, Segment, Engagement, Query, Mutation };
