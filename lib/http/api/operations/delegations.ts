import { DELEGATION_SCOPES, type Delegation, type NewDelegation } from '../../../governance';
import { milliseconds, withMoments } from '../present';
import { created, idOf, idPage, ok, paged } from '../replies';
import { choice, flag, integer, moment, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Delegations';
const ID = object({ id: integer(1) });
type Id = { params: { id: number } };

export const DELEGATION_SCHEMAS: Readonly<Record<string, Schema>> = {
  Delegation: object(
    {
      id: integer(1),
      delegator: text(128),
      delegatee: text(128),
      scope: choice(DELEGATION_SCOPES),
      startsAt: moment(),
      createdBy: text(128),
      createdAt: moment(),
    },
    {
      scopeId: text(128, { description: "The campaign's key, or the team's name." }),
      endsAt: moment('Not from this moment on.'),
      reason: { type: 'string' },
      revokedAt: moment(),
    },
    { description: 'For a time, what one person is to do goes to another one.' },
  ),
};

type Given = Omit<NewDelegation, 'startsAt' | 'endsAt'> & { startsAt?: string; endsAt?: string };

function out(one: Delegation): object {
  return withMoments(one, ['startsAt', 'endsAt', 'createdAt', 'revokedAt']);
}

/** Who acts for whom during absences. */
export const delegationOperations: readonly Operation[] = [
  operation<{ body: Given }>({
    id: 'delegations.create',
    method: 'POST',
    path: '/delegations',
    tag: TAG,
    summary: 'Delegate to somebody',
    description:
      'Everybody delegates what is theirs; administrators also for others. At most three steps from the first delegator to whoever acts, and never round in a circle.',
    permission: 'campaign:read',
    body: object(
      { delegatee: text(128, { examples: ['bob'] }) },
      {
        delegator: text(128, { description: 'Default: whoever asks.' }),
        scope: choice(DELEGATION_SCOPES, { default: 'all' }),
        scopeId: text(128, {
          description: "For the scopes campaign and team: the campaign's key, or the team's name.",
        }),
        startsAt: moment('Default: now.'),
        endsAt: moment('Not from this moment on. Default: until it is revoked.'),
        reason: text(500),
      },
    ),
    responses: created('The new delegation.', ref('Delegation')),
    problems: [404],
    async handler({ services: { delegations }, body: { startsAt, endsAt, ...body }, actor }) {
      const made = await delegations.create(
        {
          ...body,
          ...(startsAt === undefined ? {} : { startsAt: milliseconds(startsAt, '/startsAt') }),
          ...(endsAt === undefined ? {} : { endsAt: milliseconds(endsAt, '/endsAt') }),
        },
        { actor },
      );
      return { body: out(made), location: `/delegations/${made.id}` };
    },
  }),
  operation<{ query: { delegator?: string; delegatee?: string; active?: boolean; limit: number; cursor?: string } }>({
    id: 'delegations.list',
    method: 'GET',
    path: '/delegations',
    tag: TAG,
    summary: 'List delegations',
    permission: 'campaign:read',
    query: object(
      {},
      {
        delegator: text(128),
        delegatee: text(128),
        active: flag({ description: 'Only those that are in force now.' }),
        ...PAGING,
      },
    ),
    responses: ok('A page of delegations, the newest first.', page(ref('Delegation'))),
    async handler({ services: { delegations }, query: { cursor, ...query }, actor }) {
      const before = idOf(cursor);
      const items = await delegations.list({ ...query, ...(before === undefined ? {} : { before }) }, { actor });
      return paged(idPage(items, query.limit), out, { page: undefined, limit: query.limit });
    },
  }),
  operation<Id>({
    id: 'delegations.get',
    method: 'GET',
    path: '/delegations/{id}',
    tag: TAG,
    summary: 'Get a delegation',
    permission: 'campaign:read',
    params: ID,
    responses: ok('The delegation.', ref('Delegation')),
    handler: async ({ services: { delegations }, params, actor }) => ({
      body: out(await delegations.get(params.id, { actor })),
    }),
  }),
  operation<Id>({
    id: 'delegations.revoke',
    method: 'DELETE',
    path: '/delegations/{id}',
    tag: TAG,
    summary: 'End a delegation now',
    permission: 'campaign:read',
    params: ID,
    responses: ok('The delegation as it is now.', ref('Delegation')),
    handler: async ({ services: { delegations }, params, actor }) => ({
      body: out(await delegations.revoke(params.id, { actor })),
    }),
  }),
];
