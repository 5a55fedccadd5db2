import type { UndoState, UndoView } from '../../../governance';
import { CAMPAIGN_ID, type CampaignId } from '../campaign-parts';
import { idOrKey, withMoments } from '../present';
import { gone, idOf, idPage, ok, paged } from '../replies';
import { choice, integer, moment, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Undo';
const ID = object({ id: integer(1) });
const STATES = ['registered', 'undone', 'nothing', 'failed', 'resolved'] as const satisfies readonly UndoState[];

type Id = { params: { id: number } };

export const COMPENSATION_SCHEMAS: Readonly<Record<string, Schema>> = {
  Undo: object(
    {
      id: integer(1),
      campaign: text(128, { description: 'Its key.' }),
      enrollment: integer(0, Number.MAX_SAFE_INTEGER, { description: '0: of the campaign as a whole.' }),
      lead: integer(0, Number.MAX_SAFE_INTEGER, { description: '0: of the campaign as a whole.' }),
      seq: integer(1, Number.MAX_SAFE_INTEGER, {
        description: 'Place in the order of effects; they are undone in reverse.',
      }),
      kind: text(32, { description: '`message`: something that a send node sent. Programs have kinds of their own.' }),
      state: choice(STATES),
      attempts: integer(0),
      createdAt: moment(),
      updatedAt: moment(),
    },
    {
      step: text(128, { description: 'The step that had the effect.' }),
      reason: { type: 'string', description: 'Why the last try failed.' },
      note: { type: 'string', description: 'What undoing came to. A sent mail cannot be unsent: it says so here.' },
    },
    { description: 'How one effect is taken back.' },
  ),
};

function out(undo: UndoView): object {
  return withMoments(undo, ['createdAt', 'updatedAt']);
}

/** What was done and is to be undone; above all what could not be, and waits for a person. */
export const compensationOperations: readonly Operation[] = [
  operation<{ query: { campaign?: string; state?: UndoState; limit: number; cursor?: string } }>({
    id: 'undos.list',
    method: 'GET',
    path: '/undos',
    tag: TAG,
    summary: 'List what could not be undone',
    description: 'Without `state`: what failed for good and waits for somebody to retry or resolve it.',
    permission: 'lead:read',
    query: object(
      {},
      {
        campaign: text(128, { description: 'Number or key.' }),
        state: choice(STATES, { default: 'failed' }),
        ...PAGING,
      },
    ),
    responses: ok('A page of undos, the newest first.', page(ref('Undo'))),
    problems: [404],
    async handler({ services: { compensations }, query: { cursor, campaign, ...query }, actor }) {
      const before = idOf(cursor);
      const items = await compensations.list(
        {
          ...query,
          ...(campaign === undefined ? {} : { campaign: idOrKey(campaign) }),
          ...(before === undefined ? {} : { before }),
        },
        { actor },
      );
      return paged(idPage(items, query.limit), out, { page: undefined, limit: query.limit });
    },
  }),
  operation<Id>({
    id: 'undos.retry',
    method: 'POST',
    path: '/undos/{id}/retry',
    tag: TAG,
    summary: 'Try once more what could not be undone',
    permission: 'campaign:launch',
    params: ID,
    responses: ok('The undo as it is now.', ref('Undo')),
    problems: [404, 409],
    handler: async ({ services: { compensations }, params, actor }) => ({
      body: out(await compensations.retry(params.id, { actor })),
    }),
  }),
  operation<Id & { body: { note: string } }>({
    id: 'undos.resolve',
    method: 'POST',
    path: '/undos/{id}/resolve',
    tag: TAG,
    summary: 'Take as undone what somebody has undone by hand',
    permission: 'campaign:launch',
    params: ID,
    body: object({ note: text(255, { minLength: 1, description: 'What was done.' }) }),
    responses: ok('The undo as it is now.', ref('Undo')),
    problems: [404, 409],
    handler: async ({ services: { compensations }, params, body, actor }) => ({
      body: out(await compensations.resolve(params.id, body.note, { actor })),
    }),
  }),
  operation<CampaignId>({
    id: 'campaigns.undo',
    method: 'POST',
    path: '/campaigns/{id}/undo',
    tag: TAG,
    summary: 'Undo what a campaign has done',
    description:
      'For each of its people, the last effect first. Only what was registered can be undone: that takes a compensate node in its flow. A sent mail cannot be unsent.',
    permission: 'campaign:launch',
    params: CAMPAIGN_ID,
    responses: gone('It has begun.'),
    problems: [404, 409],
    async handler({ services: { compensations }, params, actor }) {
      await compensations.undo(idOrKey(params.id), { actor });
      return {};
    },
  }),
];
