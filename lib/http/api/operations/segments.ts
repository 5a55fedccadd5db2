import type { JsonCondition } from '../../../conditions';
import type { Composition, RecalculationResult, Segment, Who } from '../../../segments';
import { leadOut, pageOfLeads, segmentOf } from '../people';
import { iso } from '../present';
import { segmentInput, type SegmentBody } from '../segment-input';
import {
  anything,
  choice,
  integer,
  list,
  moment,
  number,
  object,
  page,
  PAGES,
  PAGING,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Segments';
const ID: Schema = object({ id: text(128, { description: 'The number or the key of the segment.' }) });

const CONDITIONS: Schema = {
  type: ['string', 'object', 'array'],
  maxLength: 2_000,
  description: 'An expression such as `lead.score > 50`, or the JSON form `[{"field", "operator", "value"}]`.',
};
const COMPOSITION = anything('A key, `{"and": […]}`, `{"or": […]}` or `{"except": [a, b]}`.');
const KEYS = {
  ids: list(integer(1), 10_000),
  emails: list(text(320), 10_000),
  externalIds: list(text(191), 10_000),
};

export const SEGMENT_SCHEMAS: Readonly<Record<string, Schema>> = {
  Segment: object(
    {
      id: integer(1),
      key: text(128),
      name: text(255),
      kind: choice(['dynamic', 'static', 'composed']),
      leadCount: integer(0),
      version: integer(1),
      createdAt: moment(),
      updatedAt: moment(),
    },
    {
      conditions: CONDITIONS,
      composition: COMPOSITION,
      refreshedAt: moment('When it was last recalculated as a whole.'),
    },
    { description: 'A named group of leads.' },
  ),
  Recalculation: object(
    { key: text(128), entered: integer(0), left: integer(0), members: integer(0), ms: number(0) },
    { dependents: list(ref('Recalculation')) },
    { description: 'Who entered and who left. `dependents`: the composed segments that contain it.' },
  ),
};

/** A segment as the API shows it. */
export function segmentOut(segment: Segment): object {
  const { id, key, name, kind, count, version, refreshedAt, createdAt, updatedAt } = segment;
  return {
    ...{ id, key, name, kind, leadCount: count, version, createdAt: iso(createdAt), updatedAt: iso(updatedAt) },
    ...(segment.kind === 'dynamic' ? { conditions: segment.condition } : {}),
    ...(segment.kind === 'composed' ? { composition: segment.composition } : {}),
    ...(refreshedAt === undefined ? {} : { refreshedAt: iso(refreshedAt) }),
  };
}

interface Id {
  params: { id: string };
}

function outcome({ key, entered, left, members, ms, dependents }: RecalculationResult): object {
  return { key, entered, left, members, ms, dependents: dependents.map(outcome) };
}

function reply(segment: Segment): Reply {
  return { body: segmentOut(segment), version: segment.version };
}

export const segmentOperations: readonly Operation[] = [
  operation<{ body: SegmentBody }>({
    id: 'segments.create',
    method: 'POST',
    path: '/segments',
    tag: TAG,
    summary: 'Create a segment',
    description:
      'With `conditions` it is dynamic, with `composition` composed, with neither a list that people are put on. Its members are found at once.',
    permission: 'segment:write',
    body: object(
      { name: text(255) },
      {
        key: text(128, { description: 'Default: made of the name.' }),
        conditions: CONDITIONS,
        composition: COMPOSITION,
      },
    ),
    responses: { 201: { description: 'The new segment.', schema: ref('Segment') } },
    async handler({ services: { segments }, body }) {
      const { key, kind } = await segments.create(segmentInput(body));
      if (kind !== 'static') await segments.recalculate(key);
      const segment = await segments.get(key);
      return { ...reply(segment), location: `/segments/${encodeURIComponent(key)}` };
    },
  }),
  operation<{ query: { search?: string; limit: number; cursor?: string } }>({
    id: 'segments.list',
    method: 'GET',
    path: '/segments',
    tag: TAG,
    summary: 'List segments',
    description: 'By key.',
    permission: 'segment:read',
    query: object({}, { search: text(200, { description: 'Name or key begins with this.' }), ...PAGING }),
    responses: { 200: { description: 'A page of segments.', schema: page(ref('Segment')) } },
    async handler({ services: { segments }, query: { search = '', limit, cursor } }) {
      const begins = (value: string): boolean => value.toLowerCase().startsWith(search.toLowerCase());
      const all = (await segments.list())
        .filter(({ key, name }) => begins(key) || begins(name))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .filter(({ key }) => cursor === undefined || key > cursor);
      const items = all.slice(0, limit);
      const last = all.length > limit ? items.at(-1)?.key : undefined;
      const next = last === undefined ? {} : { cursor: last };
      return {
        body: { items: items.map(segmentOut), ...next },
        ...(last === undefined ? {} : { next: { cursor: last } }),
      };
    },
  }),
  operation<{ body: { conditions?: string | JsonCondition; composition?: Composition } }>({
    id: 'segments.preview',
    method: 'POST',
    path: '/segments/preview',
    tag: TAG,
    summary: 'See who would belong, without saving anything',
    description: 'Also takes the permission `lead:read`: who belongs is a fact about leads.',
    permission: 'segment:read',
    body: object({}, { conditions: CONDITIONS, composition: COMPOSITION }, { minProperties: 1, maxProperties: 1 }),
    responses: {
      200: {
        description: 'How many, and a few of them.',
        schema: object({ count: integer(0), sample: list(ref('Lead'), 5) }),
      },
    },
    async handler({ services: { segments }, body: { conditions: condition, composition } }) {
      const what = condition === undefined ? { composition: composition ?? '' } : { condition };
      const { count, sample } = await segments.preview(what);
      return { body: { count, sample: sample.map(leadOut) } };
    },
  }),
  operation<Id>({
    id: 'segments.get',
    method: 'GET',
    path: '/segments/{id}',
    tag: TAG,
    summary: 'Get a segment',
    permission: 'segment:read',
    params: ID,
    responses: { 200: { description: 'The segment.', schema: ref('Segment') } },
    handler: async ({ services, params }) => reply(await segmentOf(services, params.id)),
  }),
  operation<Id & { body: { name?: string; conditions?: string | JsonCondition; composition?: Composition } }>({
    id: 'segments.update',
    method: 'PATCH',
    path: '/segments/{id}',
    tag: TAG,
    summary: 'Change the name or the conditions of a segment',
    description: 'Changed conditions take effect on its members with the next recalculation.',
    permission: 'segment:write',
    params: ID,
    versioned: true,
    body: object({}, { name: text(255), conditions: CONDITIONS, composition: COMPOSITION }, { minProperties: 1 }),
    responses: { 200: { description: 'The segment as it is now.', schema: ref('Segment') } },
    async handler({ services, params, body: { conditions, ...rest }, version }) {
      const segment = await segmentOf(services, params.id);
      const change = { ...rest, ...(conditions === undefined ? {} : { condition: conditions }) };
      return reply(await services.segments.update(segment.key, version ?? segment.version, change));
    },
  }),
  operation<Id>({
    id: 'segments.delete',
    method: 'DELETE',
    path: '/segments/{id}',
    tag: TAG,
    summary: 'Delete a segment',
    description: 'Refused with 409 while campaigns or other segments use it.',
    permission: 'segment:write',
    params: ID,
    responses: { 204: { description: 'The segment is gone.' } },
    async handler({ services, params }) {
      await services.segments.remove((await segmentOf(services, params.id)).key);
      return {};
    },
  }),
  operation<Id>({
    id: 'segments.recalculate',
    method: 'POST',
    path: '/segments/{id}/recalculate',
    tag: TAG,
    summary: 'Recalculate the members of a segment',
    permission: 'segment:write',
    params: ID,
    responses: { 200: { description: 'Who entered and who left.', schema: ref('Recalculation') } },
    async handler({ services, params }) {
      return { body: outcome(await services.segments.recalculate((await segmentOf(services, params.id)).key)) };
    },
  }),
  operation<Id & { query: { limit: number; cursor?: string; page?: number } }>({
    id: 'segments.leads',
    method: 'GET',
    path: '/segments/{id}/leads',
    tag: TAG,
    summary: 'List the leads in a segment',
    description: 'Its members as of the last recalculation. Also takes the permission `segment:read`.',
    permission: 'lead:read',
    params: ID,
    query: object({}, PAGES),
    responses: { 200: { description: 'A page of leads.', schema: page(ref('Lead')) } },
    async handler({ services, params, query }) {
      return pageOfLeads(services, { ...query, segment: (await segmentOf(services, params.id)).id });
    },
  }),
  operation<Id & { body: Who }>({
    id: 'segments.addLeads',
    method: 'POST',
    path: '/segments/{id}/leads',
    tag: TAG,
    summary: 'Put leads on a static segment',
    permission: 'segment:write',
    params: ID,
    body: object({}, KEYS, { minProperties: 1 }),
    responses: { 200: { description: 'What became of them.', schema: moved('added', 'already') } },
    async handler({ services, params, body }) {
      return { body: await services.segments.add((await segmentOf(services, params.id)).key, body) };
    },
  }),
  operation<Id & { body: Who }>({
    id: 'segments.removeLeads',
    method: 'POST',
    path: '/segments/{id}/leads/remove',
    tag: TAG,
    summary: 'Take leads off a static segment',
    permission: 'segment:write',
    params: ID,
    body: object({}, KEYS, { minProperties: 1 }),
    responses: { 200: { description: 'What became of them.', schema: moved('removed', 'absent') } },
    async handler({ services, params, body }) {
      return { body: await services.segments.takeOff((await segmentOf(services, params.id)).key, body) };
    },
  }),
];

function moved(done: string, same: string): Schema {
  const unknown = list({ type: ['integer', 'string'] }, 30_000, { description: 'Keys that nobody has.' });
  return object({ [done]: integer(0), [same]: integer(0), unknown });
}
