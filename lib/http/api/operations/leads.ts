import { ATTRIBUTE_TYPES, type AttributeType } from '../../../leads';
import { ENGAGEMENT_FILTER, pageOfEngagements, type EngagementFilter } from '../engagements';
import { forgetAnswersAbout } from '../idempotency';
import { ok } from '../replies';
import { changeLead, createLead, leadOf, leadOut, pageOfLeads, segmentOf } from '../people';
import {
  choice,
  integer,
  list,
  map,
  moment,
  nullable,
  number,
  object,
  page,
  PAGES,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Leads';
export const LEAD_ID: Schema = object({
  id: text(191, { description: 'The number of the lead, or its external id.' }),
});

const ATTRIBUTE: Schema = {
  type: ['number', 'string', 'boolean', 'array'],
  items: { type: 'string' },
  maxLength: 65_536,
};
const GIVEN = {
  externalId: nullable(text(191, { description: 'Its id in another system; unique.' })),
  email: nullable(text(320, { description: 'Unique.' })),
  name: nullable(text(255)),
  phone: nullable(text(40, { description: 'E.164, or as it is written in `country`.' })),
  country: nullable(text(60, { description: 'ISO 3166-1 alpha-2, or its name.' })),
  timeZone: nullable(text(64, { description: 'IANA name.' })),
  score: number(-1e9, 1e9),
  attributes: map(nullable(ATTRIBUTE), { description: 'Declared attributes; null removes one.' }),
};

export const LEAD_SCHEMAS: Readonly<Record<string, Schema>> = {
  Lead: object(
    { id: integer(1), score: number(), createdAt: moment() },
    {
      externalId: text(191),
      email: text(320),
      name: text(255),
      phone: text(40, { description: 'E.164.' }),
      country: text(2, { description: 'ISO 3166-1 alpha-2.' }),
      timeZone: text(64, { description: 'IANA name.' }),
      attributes: map(ATTRIBUTE, { description: 'Dates are milliseconds since 1970.' }),
    },
    { description: 'A person who can be contacted.' },
  ),
  Engagement: object(
    { id: integer(1), type: text(96), at: moment(), metadata: map() },
    {
      lead: integer(1, Number.MAX_SAFE_INTEGER, { description: 'Absent: the lead was removed since.' }),
      campaign: integer(1),
      channel: text(32),
      variant: text(32),
      value: number(undefined, 1e15, { description: "What it brought, in the campaign's currency." }),
    },
    { description: 'Something a lead did.' },
  ),
};

interface Id {
  params: { id: string };
}
interface ListQuery {
  search?: string;
  segment?: string;
  country?: string;
  minScore?: number;
  maxScore?: number;
  limit: number;
  cursor?: string;
  page?: number;
}

export const leadOperations: readonly Operation[] = [
  operation<{ body: Record<string, unknown> }>({
    id: 'leads.create',
    method: 'POST',
    path: '/leads',
    tag: TAG,
    summary: 'Create a lead',
    description: 'Refused with 409 when somebody has its e-mail address or external id: change that lead instead.',
    permission: 'lead:write',
    body: object({}, GIVEN, { minProperties: 1 }),
    responses: { 201: { description: 'The new lead.', schema: ref('Lead') } },
    async handler({ services, body, actor }) {
      const lead = await createLead(services, body, actor.id);
      return { body: leadOut(lead), location: `/leads/${lead.id}` };
    },
  }),
  operation<{ query: ListQuery }>({
    id: 'leads.list',
    method: 'GET',
    path: '/leads',
    tag: TAG,
    summary: 'List leads',
    description: 'In the order in which they were created.',
    permission: 'lead:read',
    query: object(
      {},
      {
        search: text(200, { description: 'E-mail address, external id or name begins with this.' }),
        segment: text(128, { description: 'Members of this segment: its number or key. Also takes `segment:read`.' }),
        country: text(2, { minLength: 2 }),
        minScore: number(),
        maxScore: number(),
        ...PAGES,
      },
    ),
    responses: { 200: { description: 'A page of leads.', schema: page(ref('Lead')) } },
    problems: [404],
    async handler({ services, query }) {
      const { segment, ...rest } = query;
      if (segment === undefined) return pageOfLeads(services, rest);
      return pageOfLeads(services, { ...rest, segment: (await segmentOf(services, segment)).id });
    },
  }),
  operation<Id>({
    id: 'leads.get',
    method: 'GET',
    path: '/leads/{id}',
    tag: TAG,
    summary: 'Get a lead',
    permission: 'lead:read',
    params: LEAD_ID,
    responses: { 200: { description: 'The lead.', schema: ref('Lead') } },
    handler: async ({ services, params }) => ({ body: leadOut(await leadOf(services, params.id)) }),
  }),
  operation<Id & { body: Record<string, unknown> }>({
    id: 'leads.update',
    method: 'PATCH',
    path: '/leads/{id}',
    tag: TAG,
    summary: 'Change a lead',
    description: 'What is absent stays; null removes.',
    permission: 'lead:write',
    params: LEAD_ID,
    body: object({}, GIVEN, { minProperties: 1 }),
    responses: { 200: { description: 'The lead as it is now.', schema: ref('Lead') } },
    async handler({ services, params, body, actor }) {
      const { id } = await leadOf(services, params.id);
      return { body: leadOut(await changeLead(services, id, body, actor.id)) };
    },
  }),
  operation<Id>({
    id: 'leads.delete',
    method: 'DELETE',
    path: '/leads/{id}',
    tag: TAG,
    summary: 'Delete a lead',
    description:
      'With its memberships, consents and engagements. That its address is suppressed stays known, so that it is not mailed again when somebody imports it anew.',
    permission: 'lead:erase',
    params: LEAD_ID,
    responses: { 204: { description: 'The lead is gone.' } },
    async handler({ services, params }) {
      const { id } = await leadOf(services, params.id);
      await services.leads.remove(id);
      await forgetAnswersAbout(services.scope, id);
      return {};
    },
  }),
  operation<Id & { body: { score: number } }>({
    id: 'leads.score',
    method: 'POST',
    path: '/leads/{id}/score',
    tag: TAG,
    summary: 'Set the score of a lead',
    permission: 'lead:write',
    params: LEAD_ID,
    body: object({ score: number(-1e9, 1e9) }),
    responses: { 200: { description: 'The lead as it is now.', schema: ref('Lead') } },
    async handler({ services, params, body, actor }) {
      const { id } = await leadOf(services, params.id);
      return { body: leadOut(await changeLead(services, id, { score: body.score }, actor.id)) };
    },
  }),
  operation<Id & { query: EngagementFilter }>({
    id: 'leads.engagements',
    method: 'GET',
    path: '/leads/{id}/engagements',
    tag: TAG,
    summary: 'List what a lead did',
    description: 'The latest first. With `search`, a page may be short, or empty, and still have a cursor.',
    permission: 'lead:read',
    params: LEAD_ID,
    query: object({}, ENGAGEMENT_FILTER),
    responses: ok('A page of engagements.', page(ref('Engagement'))),
    async handler({ services, params, query, actor }) {
      const { id } = await leadOf(services, params.id);
      return pageOfEngagements(services, { ...query, leadId: id }, actor);
    },
  }),
  operation({
    id: 'attributes.list',
    method: 'GET',
    path: '/attributes',
    tag: TAG,
    summary: 'List the declared attributes of leads',
    permission: 'lead:read',
    responses: {
      200: {
        description: 'All attributes.',
        schema: object({ items: list(object({ name: text(64), type: choice(ATTRIBUTE_TYPES) })) }),
      },
    },
    handler: async ({ services: { leads } }) => ({ body: { items: await leads.attributes() } }),
  }),
  operation<{ body: { name: string; type: AttributeType } }>({
    id: 'attributes.declare',
    method: 'POST',
    path: '/attributes',
    tag: TAG,
    summary: 'Declare an attribute of leads',
    description: 'Declaring it again with the same type changes nothing.',
    permission: 'settings:manage',
    body: object({ name: text(64), type: choice(ATTRIBUTE_TYPES) }),
    responses: {
      201: { description: 'The attribute.', schema: object({ name: text(64), type: choice(ATTRIBUTE_TYPES) }) },
    },
    async handler({ services: { leads }, body }) {
      await leads.declare(body.name, body.type);
      return { body };
    },
  }),
  operation<{ params: { name: string } }>({
    id: 'attributes.undeclare',
    method: 'DELETE',
    path: '/attributes/{name}',
    tag: TAG,
    summary: 'Remove an attribute, and its values from all leads',
    permission: 'settings:manage',
    params: object({ name: text(64) }),
    responses: { 204: { description: 'It is gone.' } },
    async handler({ services: { leads }, params }) {
      await leads.undeclare(params.name);
      return {};
    },
  }),
];
