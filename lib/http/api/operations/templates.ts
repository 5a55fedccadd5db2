import type { NewTemplate, Template, TemplateQuery, TemplateSummary } from '../../../templates';
import { by, idOrKey, iso, withMoments } from '../present';
import { created, gone, ok, paged } from '../replies';
import { anything, choice, integer, list, map, moment, object, page, PAGES, ref, text, type Schema } from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Templates';
const ID: Schema = object({ id: text(128, { description: 'The number or the key of the template.' }) });
const VERSION = integer(1, 1e9);
const CONTENT = map(anything(), {
  description:
    'The parts of its channel: `subject`, `html`, `text` for email; `text` for sms; `url`, `body` … for webhook.',
  examples: [{ subject: 'Hello {{ lead.name }}', text: 'Hello. {{ unsubscribe_url }}' }],
});
const CHANNEL = text(32, { description: 'The channel that it is for.', examples: ['email'] });
const KEY = text(128, { description: 'Default: made of the name.' });

const SUMMARY = {
  id: integer(1),
  key: text(128),
  name: text(255),
  type: CHANNEL,
  version: integer(1),
  contentVersion: integer(1, Number.MAX_SAFE_INTEGER, { description: 'The version that this content came with.' }),
  createdBy: text(128),
  createdAt: moment(),
  updatedAt: moment(),
};

export const TEMPLATE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Template: object(
    {
      ...SUMMARY,
      content: map(anything()),
      variables: list(text(2_000), 1_000, { description: 'What its texts read.' }),
    },
    {},
    { description: 'A content with a name, kept in versions.' },
  ),
  TemplateSummary: object(SUMMARY, {}, { description: 'A template without its words.' }),
  TemplateVersion: object({
    version: VERSION,
    hash: text(64),
    variables: list(text(2_000)),
    createdBy: text(128),
    createdAt: moment(),
  }),
  TemplateDiff: object({
    parts: list(
      object({
        part: { type: 'string' },
        lines: list(object({ op: choice(['same', 'added', 'removed']), text: { type: 'string' } }), 1_000_000),
      }),
    ),
  }),
  TemplatePreview: object(
    { type: text(32), variables: list(text(2_000)) },
    {
      ...Object.fromEntries(
        ['subject', 'html', 'text', 'title', 'body', 'actionUrl', 'icon'].map((part) => [
          part,
          { type: 'string' as const },
        ]),
      ),
      request: anything('webhook: the request that would be sent.'),
      size: anything('sms: how many messages it takes.'),
    },
    { description: 'A content filled for a sample.' },
  ),
};

type Id = { params: { id: string } };

function out(template: Template | TemplateSummary): object {
  return withMoments(template, ['createdAt', 'updatedAt']);
}

function reply(template: Template): Reply {
  return { body: out(template), version: template.version };
}

function madeReply(template: Template): Reply {
  return { ...reply(template), location: `/templates/${template.id}` };
}

export const templateOperations: readonly Operation[] = [
  operation<{ body: NewTemplate }>({
    id: 'templates.create',
    method: 'POST',
    path: '/templates',
    tag: TAG,
    summary: 'Create a template',
    permission: 'template:write',
    body: object({ name: text(255), type: CHANNEL, content: CONTENT }, { key: KEY }),
    responses: created('The new template.', ref('Template')),
    handler: async ({ services: { templates }, body, actor }) => madeReply(await templates.create(body, { actor })),
  }),
  operation<{ query: TemplateQuery & { limit: number } }>({
    id: 'templates.list',
    method: 'GET',
    path: '/templates',
    tag: TAG,
    summary: 'List templates',
    permission: 'template:read',
    query: object(
      {},
      {
        type: text(32),
        search: text(200, { description: 'Name or key begins with this.' }),
        sort: choice(['name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'], { default: 'name' }),
        ...PAGES,
      },
    ),
    responses: ok('A page of templates, without their words.', page(ref('TemplateSummary'))),
    handler: async ({ services: { templates }, query, actor }) =>
      paged(await templates.list(query, { actor }), out, query),
  }),
  operation<{ body: { type: string; content: unknown; lead?: object; campaign?: object } }>({
    id: 'templates.previewContent',
    method: 'POST',
    path: '/templates/preview',
    tag: TAG,
    summary: 'Fill a content that is not saved yet',
    permission: 'template:read',
    body: object({ type: CHANNEL, content: CONTENT }, { lead: map(), campaign: map() }),
    responses: ok('The content, filled.', ref('TemplatePreview')),
    handler: async ({ services: { templates }, body: { type, content, ...data }, actor }) => ({
      body: await templates.preview({ type, content }, data, { actor }),
    }),
  }),
  operation<Id & { query: { version?: number } }>({
    id: 'templates.get',
    method: 'GET',
    path: '/templates/{id}',
    tag: TAG,
    summary: 'Get a template',
    permission: 'template:read',
    params: ID,
    query: object({}, { version: integer(1, 1e9, { description: 'Default: the newest.' }) }),
    responses: ok('The template.', ref('Template')),
    handler: async ({ services: { templates }, params, query, actor }) =>
      reply(await templates.get(idOrKey(params.id), query.version, { actor })),
  }),
  operation<Id & { body: { name?: string; content?: unknown } }>({
    id: 'templates.update',
    method: 'PATCH',
    path: '/templates/{id}',
    tag: TAG,
    summary: 'Change a template',
    description: 'A changed content is a new version; messages that were begun keep theirs.',
    permission: 'template:write',
    params: ID,
    versioned: true,
    body: object({}, { name: text(255), content: CONTENT }, { minProperties: 1 }),
    responses: ok('The template as it is now.', ref('Template')),
    handler: async ({ services: { templates }, params, body, actor, version }) =>
      reply(await templates.update(idOrKey(params.id), body, by({ actor, version }))),
  }),
  operation<Id>({
    id: 'templates.delete',
    method: 'DELETE',
    path: '/templates/{id}',
    tag: TAG,
    summary: 'Delete a template',
    description: 'Refused with 409 while something uses it. What was sent of it is kept with the messages.',
    permission: 'template:write',
    params: ID,
    versioned: true,
    responses: gone('The template is gone.'),
    async handler({ services: { templates }, params, actor, version }) {
      await templates.remove(idOrKey(params.id), by({ actor, version }));
      return {};
    },
  }),
  operation<Id & { body: { key?: string; name?: string } }>({
    id: 'templates.duplicate',
    method: 'POST',
    path: '/templates/{id}/duplicate',
    tag: TAG,
    summary: 'Duplicate a template',
    permission: 'template:write',
    params: ID,
    body: object({}, { key: KEY, name: text(255, { description: 'Default: "Copy of …".' }) }),
    bodyOptional: true,
    responses: created('The copy.', ref('Template')),
    handler: async ({ services: { templates }, params, body, actor }) =>
      madeReply(await templates.duplicate(idOrKey(params.id), { ...body, actor })),
  }),
  operation<Id>({
    id: 'templates.versions',
    method: 'GET',
    path: '/templates/{id}/versions',
    tag: TAG,
    summary: 'List the versions of a template',
    description: 'Those in which its content changed, the newest first.',
    permission: 'template:read',
    params: ID,
    responses: ok('The versions.', object({ items: list(ref('TemplateVersion')) })),
    handler: async ({ services: { templates }, params, actor }) => {
      const versions = await templates.versions(idOrKey(params.id), { actor });
      return { body: { items: versions.map((one) => ({ ...one, createdAt: iso(one.createdAt) })) } };
    },
  }),
  operation<Id & { query: { from: number; to: number } }>({
    id: 'templates.diff',
    method: 'GET',
    path: '/templates/{id}/diff',
    tag: TAG,
    summary: 'Compare two versions of a template',
    permission: 'template:read',
    params: ID,
    query: object({ from: VERSION, to: VERSION }),
    responses: ok('The parts that differ, line by line.', ref('TemplateDiff')),
    handler: async ({ services: { templates }, params, query, actor }) => ({
      body: { parts: await templates.diff(idOrKey(params.id), query.from, query.to, { actor }) },
    }),
  }),
  operation<Id & { body: { version: number } }>({
    id: 'templates.restore',
    method: 'POST',
    path: '/templates/{id}/restore',
    tag: TAG,
    summary: 'Make an earlier content the newest again',
    permission: 'template:write',
    params: ID,
    versioned: true,
    body: object({ version: VERSION }),
    responses: ok('The template as it is now.', ref('Template')),
    handler: async ({ services: { templates }, params, body, actor, version }) =>
      reply(await templates.restore(idOrKey(params.id), body.version, by({ actor, version }))),
  }),
  operation<Id & { body: { version?: number; lead?: object; campaign?: object } }>({
    id: 'templates.preview',
    method: 'POST',
    path: '/templates/{id}/preview',
    tag: TAG,
    summary: 'Fill a template for a lead and a campaign',
    description: 'Samples stand in for what is not given.',
    permission: 'template:read',
    params: ID,
    body: object({}, { version: VERSION, lead: map(), campaign: map() }),
    bodyOptional: true,
    responses: ok('The content, filled.', ref('TemplatePreview')),
    handler: async ({ services: { templates }, params, body: { version, ...data }, actor }) => ({
      body: await templates.preview({ key: idOrKey(params.id), ...(version === undefined ? {} : { version }) }, data, {
        actor,
      }),
    }),
  }),
];
