import type { Assignee, Assignment, StoryLine, Why } from '../../../campaigns';
import { CAMPAIGN_ID, campaignNamed, type CampaignId } from '../campaign-parts';
import { ENGAGEMENT_FILTER, pageOfEngagements, type EngagementFilter } from '../engagements';
import { idOrKey, iso, withMoments } from '../present';
import { ok, paged } from '../replies';
import { anything, choice, integer, list, map, moment, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Campaigns';
const ASSIGNEE = object({ kind: choice(['user', 'role', 'team']), assignee: text(128) });
const WORDS: Schema = { type: 'string' };

const STORY_LINE = object(
  { at: moment(), step: WORDS, kind: WORDS, state: WORDS, text: WORDS },
  {
    because: WORDS,
    saw: map(anything(), { description: 'The values that were looked at.' }),
    version: integer(1, Number.MAX_SAFE_INTEGER, { description: 'Version of the flow at that moment.' }),
  },
);

export const CAMPAIGN_PEOPLE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Why: object(
    {
      enrollment: integer(1),
      campaign: integer(1),
      lead: integer(0),
      definition: text(128),
      run: integer(0),
      cause: { type: 'string', description: 'What brought the lead in: `run:2`, `event:<id>` …' },
      state: WORDS,
      enteredAt: moment(),
      lines: list(STORY_LINE),
    },
    { reason: WORDS, endedAt: moment() },
    { description: 'One lead in one run of one campaign: everything that was decided, in order.' },
  ),
  Assignments: object({
    items: list(
      object(
        {
          kind: choice(['user', 'role', 'team']),
          assignee: text(128),
          assignedBy: text(128),
          assignedAt: moment(),
        },
        { onBehalfOf: text(128, { description: 'Whom it was meant for; a delegation had it go to the assignee.' }) },
      ),
    ),
  }),
};

function assignmentsOut(items: readonly Assignment[]): object {
  return { items: items.map((one) => withMoments(one, ['assignedAt'])) };
}

function lineOut(line: StoryLine): object {
  return { ...line, at: iso(line.at) };
}

function whyOut(why: Why): object {
  return { ...withMoments(why, ['enteredAt', 'endedAt']), lines: why.lines.map(lineOut) };
}

/** Who looks after a campaign, what people did about it, and what was done to it. */
export const campaignPeopleOperations: readonly Operation[] = [
  operation<CampaignId>({
    id: 'campaigns.assignments',
    method: 'GET',
    path: '/campaigns/{id}/assignments',
    tag: TAG,
    summary: 'List whom a campaign is assigned to',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('Users, roles and teams.', ref('Assignments')),
    handler: async ({ services: { campaigns }, params, actor }) => ({
      body: assignmentsOut(await campaigns.assignments(idOrKey(params.id), { actor })),
    }),
  }),
  operation<CampaignId & { body: Assignee }>({
    id: 'campaigns.assign',
    method: 'POST',
    path: '/campaigns/{id}/assignments',
    tag: TAG,
    summary: 'Assign a campaign',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: ASSIGNEE,
    responses: ok('Everybody that it is assigned to now.', ref('Assignments')),
    handler: async ({ services: { campaigns }, params, body, actor }) => ({
      body: assignmentsOut(await campaigns.assign(idOrKey(params.id), body, { actor })),
    }),
  }),
  operation<CampaignId & { body: Assignee }>({
    id: 'campaigns.unassign',
    method: 'POST',
    path: '/campaigns/{id}/assignments/remove',
    tag: TAG,
    summary: 'Take an assignment back',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: ASSIGNEE,
    responses: ok('Everybody that it is assigned to now.', ref('Assignments')),
    handler: async ({ services: { campaigns }, params, body, actor }) => ({
      body: assignmentsOut(await campaigns.unassign(idOrKey(params.id), body, { actor })),
    }),
  }),
  operation<CampaignId & { query: EngagementFilter }>({
    id: 'campaigns.engagements',
    method: 'GET',
    path: '/campaigns/{id}/engagements',
    tag: TAG,
    summary: 'List what leads did about a campaign',
    permission: 'lead:read',
    params: CAMPAIGN_ID,
    query: object({}, ENGAGEMENT_FILTER),
    responses: ok('A page of engagements, the latest first.', page(ref('Engagement'))),
    async handler(call) {
      const { id } = await campaignNamed(call);
      return pageOfEngagements(call.services, { ...call.query, campaignId: id }, call.actor);
    },
  }),
  operation<CampaignId & { query: { event?: string; limit: number; cursor?: string } }>({
    id: 'campaigns.history',
    method: 'GET',
    path: '/campaigns/{id}/history',
    tag: TAG,
    summary: 'Read the history of a campaign',
    permission: 'history:read',
    params: CAMPAIGN_ID,
    query: object({}, { event: text(96), ...PAGING }),
    responses: ok('A page of entries, the latest first.', page(ref('HistoryEntry'))),
    async handler(call) {
      const { id } = await campaignNamed(call);
      const found = await call.services.history.list({ ...call.query, campaign: id, by: call.actor });
      return paged(found, (entry) => withMoments(entry, ['at']), call.query);
    },
  }),
  operation<{ params: { id: string; lead: string } }>({
    id: 'campaigns.why',
    method: 'GET',
    path: '/campaigns/{id}/why/{lead}',
    tag: TAG,
    summary: 'Ask why something happened, or did not, to a lead',
    description: "The lead's story in the campaign, step by step.",
    permission: 'lead:read',
    params: object({
      id: text(128),
      lead: text(320, { description: 'The number of the lead, or its e-mail address.' }),
    }),
    responses: ok('The story.', object({ items: list(STORY_LINE), enrollments: list(ref('Why')) })),
    async handler(call) {
      const { services, params, actor } = call;
      const stories = await services.campaigns.stories(idOrKey(params.id), idOrKey(params.lead), { actor });
      return { body: { items: stories.flatMap(({ lines }) => lines.map(lineOut)), enrollments: stories.map(whyOut) } };
    },
  }),
  operation<{ params: { id: string } }>({
    id: 'enrollments.why',
    method: 'GET',
    path: '/enrollments/{id}/why',
    tag: TAG,
    summary: 'Ask why an enrollment went the way it went',
    description:
      'Each decision with the values that were looked at, each hold and rule, each step, in order, with the version of the flow.',
    permission: 'lead:read',
    params: object({ id: integer(1) }),
    responses: ok('The story.', ref('Why')),
    async handler({ services, params, actor }) {
      return { body: whyOut(await services.campaigns.whyEnrollment(Number(params.id), { actor })) };
    },
  }),
];
