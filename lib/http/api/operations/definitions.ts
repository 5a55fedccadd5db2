import type { DocumentSummary, DocumentVersion, SavedDocument } from '../../../definitions';
import { by, withMoments } from '../present';
import { gone, ok } from '../replies';
import { anything, choice, flag, integer, list, map, moment, object, ref, text, type Schema } from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Definitions';
const KEY: Schema = object({ key: text(128, { description: 'The key of the definition: its `id` in the document.' }) });
const VERSION = integer(1, 2_147_483_647);
const NOTE = text(255, { description: 'Why; kept with the version.' });

const VERSION_FIELDS = {
  required: { key: text(128), version: VERSION, hash: text(64), createdBy: text(128), createdAt: moment() },
  optional: { note: text(255) },
};
const SUMMARY = {
  required: { ...VERSION_FIELDS.required, name: { type: 'string' }, active: flag() },
  optional: {
    ...VERSION_FIELDS.optional,
    description: { type: 'string' },
    authorVersion: { type: 'string', description: "The author's own version." },
  },
} as const;
const DOCUMENT = map(anything(), {
  description: 'As the requirement texts spell it: `id`, `name`, `stages`, `transitions`, `channels`, `automation` …',
  examples: [{ id: 'welcome', name: 'Welcome', channels: { email: { subject: 'Hello', text: 'Hello' } } }],
});

export const DEFINITION_SCHEMAS: Readonly<Record<string, Schema>> = {
  DefinitionVersion: object(VERSION_FIELDS.required, VERSION_FIELDS.optional),
  DefinitionSummary: object(SUMMARY.required, SUMMARY.optional, { description: 'A definition without its document.' }),
  Definition: object({ ...SUMMARY.required, document: map(anything()) }, SUMMARY.optional, {
    description: 'A journey as a JSON document, in one of its versions.',
  }),
  SavedDefinition: object(
    {
      ...SUMMARY.required,
      document: map(anything()),
      changed: flag({ description: 'False: its newest version says the same already; nothing was saved.' }),
    },
    SUMMARY.optional,
  ),
  DefinitionChange: object(
    { path: { type: 'string', description: 'JSON Pointer.' }, op: choice(['add', 'remove', 'replace']) },
    { before: anything(), after: anything() },
  ),
  DeployedDefinition: object(
    {
      key: text(128),
      name: text(255),
      version: integer(1),
      hash: text(64),
      deployed: flag({ description: 'False: its flow is no longer deployed.' }),
      entry: { type: 'string' },
      entryMode: choice(['launch', 'event']),
      onUnknown: choice(['hold', 'resend']),
    },
    {
      event: text(96),
      listens: object(
        { on: choice(['segment', 'score', 'date', 'custom']), what: text(128) },
        {},
        { description: 'What enters people besides events.' },
      ),
      segment: text(128),
    },
    { description: 'A journey as it runs: the flow behind a trigger node.' },
  ),
};

function out<T extends DocumentVersion | DocumentSummary>(definition: T): object {
  return withMoments(definition, ['createdAt']);
}

function reply(definition: SavedDocument): Reply {
  return { body: out(definition), version: definition.version };
}

interface Key {
  params: { key: string };
}

export const definitionOperations: readonly Operation[] = [
  operation<{ body: { document: object; note?: string } }>({
    id: 'definitions.save',
    method: 'POST',
    path: '/definitions',
    tag: TAG,
    summary: 'Save a definition',
    description: 'A new one, or a new version of the one with this `id`. It is put into force at once.',
    permission: 'definition:write',
    versioned: true,
    body: object({ document: DOCUMENT }, { note: NOTE }),
    responses: ok('The definition as it is now.', ref('SavedDefinition')),
    async handler({ services: { documents }, body: { document, ...note }, ...call }) {
      return reply(await documents.save(document, { ...note, ...by(call) }));
    },
  }),
  operation<{ query: { active?: boolean } }>({
    id: 'definitions.list',
    method: 'GET',
    path: '/definitions',
    tag: TAG,
    summary: 'List definitions',
    permission: 'definition:read',
    query: object({}, { active: flag({ description: 'Those that are in force, or those that are not.' }) }),
    responses: ok('All definitions, by key.', object({ items: list(ref('DefinitionSummary'), 10_000) })),
    handler: async ({ services: { documents }, query, actor }) => ({
      body: { items: (await documents.list({ ...query, actor })).map(out) },
    }),
  }),
  operation({
    id: 'definitions.deployed',
    method: 'GET',
    path: '/definitions/deployed',
    tag: TAG,
    summary: 'List what is deployed',
    description: 'The journeys behind trigger nodes, drawn ones too.',
    permission: 'definition:read',
    responses: ok('All of them, by key.', object({ items: list(ref('DeployedDefinition'), 10_000) })),
    handler: async ({ services: { definitions } }) => ({ body: { items: await definitions.list() } }),
  }),
  operation<Key & { query: { version?: number } }>({
    id: 'definitions.get',
    method: 'GET',
    path: '/definitions/{key}',
    tag: TAG,
    summary: 'Get a definition',
    permission: 'definition:read',
    params: KEY,
    query: object({}, { version: integer(1, 2_147_483_647, { description: 'Default: the newest.' }) }),
    responses: ok('The definition.', ref('Definition')),
    handler: async ({ services: { documents }, params, query, actor }) =>
      reply(await documents.get(params.key, query.version, { actor })),
  }),
  operation<Key>({
    id: 'definitions.versions',
    method: 'GET',
    path: '/definitions/{key}/versions',
    tag: TAG,
    summary: 'List the versions of a definition',
    permission: 'definition:read',
    params: KEY,
    responses: ok('The versions, the newest first.', object({ items: list(ref('DefinitionVersion'), 100_000) })),
    handler: async ({ services: { documents }, params, actor }) => ({
      body: { items: (await documents.versions(params.key, { actor })).map(out) },
    }),
  }),
  operation<Key & { query: { from: number; to: number } }>({
    id: 'definitions.diff',
    method: 'GET',
    path: '/definitions/{key}/diff',
    tag: TAG,
    summary: 'Compare two versions of a definition',
    permission: 'definition:read',
    params: KEY,
    query: object({ from: VERSION, to: VERSION }),
    responses: ok('What is different.', object({ changes: list(ref('DefinitionChange'), 100_000) })),
    handler: async ({ services: { documents }, params, query, actor }) => ({
      body: { changes: await documents.diff(params.key, query.from, query.to, { actor }) },
    }),
  }),
  operation<Key & { body: { version: number; note?: string } }>({
    id: 'definitions.restore',
    method: 'POST',
    path: '/definitions/{key}/restore',
    tag: TAG,
    summary: 'Make an earlier version the newest again',
    permission: 'definition:write',
    params: KEY,
    versioned: true,
    body: object({ version: VERSION }, { note: NOTE }),
    responses: ok('The definition as it is now.', ref('SavedDefinition')),
    async handler({ services: { documents }, params, body: { version, ...note }, ...call }) {
      return reply(await documents.restore(params.key, version, { ...note, ...by(call) }));
    },
  }),
  turned('activate', 'Put a definition into force'),
  turned('deactivate', 'Take a definition out of force', 'It is kept.'),
  operation<Key>({
    id: 'definitions.delete',
    method: 'DELETE',
    path: '/definitions/{key}',
    tag: TAG,
    summary: 'Delete a definition with all its versions',
    description: 'Refused with 409 while campaigns use it: deactivate it instead.',
    permission: 'definition:write',
    params: KEY,
    versioned: true,
    responses: gone('The definition is gone.'),
    async handler({ services: { documents }, params, ...call }) {
      await documents.remove(params.key, by(call));
      return {};
    },
  }),
];

function turned(to: 'activate' | 'deactivate', summary: string, description?: string): Operation {
  return operation<Key & { body: { note?: string } }>({
    id: `definitions.${to}`,
    method: 'POST',
    path: `/definitions/{key}/${to}`,
    tag: TAG,
    summary,
    ...(description === undefined ? {} : { description }),
    permission: 'definition:write',
    params: KEY,
    versioned: true,
    body: object({}, { note: NOTE }),
    bodyOptional: true,
    responses: ok('The definition as it is now.', ref('Definition')),
    async handler({ services: { documents }, params, body, ...call }) {
      return reply(await documents[to](params.key, { ...body, ...by(call) }));
    },
  });
}
