import { PERMISSIONS, ROLES, type Token, type TokenInput } from '../../../access';
import { milliseconds, withMoments } from '../present';
import { created, ok } from '../replies';
import { choice, flag, integer, list, moment, object, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Tokens';
const ID: Schema = object({ id: integer(1) });
const GRANT = {
  scopes: list(choice(PERMISSIONS), 100, {
    description: 'Narrows what the roles allow. Absent: everything that they do.',
  }),
  teams: list(text(128), 50),
};
const ROLE_LIST = list(choice(Object.keys(ROLES)), 10, { minItems: 1 });

const TOKEN = {
  required: {
    id: integer(1),
    prefix: text(24, { description: 'How it begins.' }),
    name: text(255),
    owner: text(128, { description: 'Who acts with it, as the history names it.' }),
    roles: ROLE_LIST,
    state: choice(['usable', 'expired', 'revoked']),
    createdBy: text(128),
    createdAt: moment(),
  },
  optional: { ...GRANT, expiresAt: moment(), lastUsedAt: moment('To the minute.'), revokedAt: moment() },
};

export const TOKEN_SCHEMAS: Readonly<Record<string, Schema>> = {
  Token: object(TOKEN.required, TOKEN.optional, { description: 'A bearer token, without its text.' }),
  NewToken: object({ ...TOKEN.required, token: text(200, { description: 'Shown this once.' }) }, TOKEN.optional, {
    description: 'A token that was just made.',
  }),
};

function out<T extends Token>(token: T): object {
  return withMoments(token, ['createdAt', 'expiresAt', 'lastUsedAt', 'revokedAt']);
}

type Id = { params: { id: number } };

export const tokenOperations: readonly Operation[] = [
  operation<{ body: Omit<TokenInput, 'expiresAt'> & { expiresAt?: string } }>({
    id: 'tokens.create',
    method: 'POST',
    path: '/tokens',
    tag: TAG,
    summary: 'Create a token',
    description: 'Nobody can give it more than they have. Its text is shown in this answer, and never again.',
    permission: 'token:manage',
    confidential: true,
    body: object({ name: text(255), roles: ROLE_LIST }, { ...GRANT, owner: text(128), expiresAt: moment() }),
    responses: created('The new token, with its text.', ref('NewToken')),
    async handler({ services: { tokens }, body: { expiresAt, ...body }, actor }) {
      const expires = expiresAt === undefined ? {} : { expiresAt: milliseconds(expiresAt, '/expiresAt') };
      const token = await tokens.create({ ...body, ...expires }, { actor });
      return { body: out(token), location: `/tokens/${token.id}` };
    },
  }),
  operation<{ query: { revoked?: boolean } }>({
    id: 'tokens.list',
    method: 'GET',
    path: '/tokens',
    tag: TAG,
    summary: 'List tokens',
    permission: 'token:manage',
    query: object({}, { revoked: flag({ description: 'With those that were revoked.' }) }),
    responses: ok('All tokens, the newest first.', object({ items: list(ref('Token')) })),
    async handler({ services: { tokens }, query, actor }) {
      return { body: { items: (await tokens.list({ ...query, actor })).map(out) } };
    },
  }),
  operation<Id>({
    id: 'tokens.get',
    method: 'GET',
    path: '/tokens/{id}',
    tag: TAG,
    summary: 'Get a token',
    permission: 'token:manage',
    params: ID,
    responses: ok('The token.', ref('Token')),
    handler: async ({ services: { tokens }, params, actor }) => ({ body: out(await tokens.get(params.id, { actor })) }),
  }),
  operation<Id>({
    id: 'tokens.revoke',
    method: 'DELETE',
    path: '/tokens/{id}',
    tag: TAG,
    summary: 'Revoke a token',
    description: 'The very next request with it is refused.',
    permission: 'token:manage',
    params: ID,
    responses: ok('The token as it is now.', ref('Token')),
    handler: async ({ services: { tokens }, params, actor }) => ({
      body: out(await tokens.revoke(params.id, { actor })),
    }),
  }),
  operation<Id>({
    id: 'tokens.rotate',
    method: 'POST',
    path: '/tokens/{id}/rotate',
    tag: TAG,
    summary: 'Give a token a new text',
    description: 'The old one stops working at once.',
    permission: 'token:manage',
    confidential: true,
    params: ID,
    responses: ok('The token, with its new text.', ref('NewToken')),
    handler: async ({ services: { tokens }, params, actor }) => ({
      body: out(await tokens.rotate(params.id, { actor })),
    }),
  }),
];
