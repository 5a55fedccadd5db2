import { milliseconds, withMoments } from '../present';
import { ok, paged } from '../replies';
import { anything, choice, flag, integer, list, moment, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'History';

export const HISTORY_SCHEMAS: Readonly<Record<string, Schema>> = {
  HistoryEntry: object(
    { id: integer(1), event: text(96), actor: text(128), at: moment() },
    {
      campaign: integer(1),
      before: anything(),
      after: anything(),
      payload: anything(),
      seq: integer(1, Number.MAX_SAFE_INTEGER, { description: 'Its place in the chain; absent for some seconds.' }),
      hash: text(64),
    },
    { description: 'Something that was done, and by whom. Without personal data.' },
  ),
};

const HEAD = object({ seq: integer(0), hash: { type: 'string', maxLength: 64 } });

interface Query {
  campaign?: number;
  event?: string;
  actor?: string;
  from?: string;
  to?: string;
  limit: number;
  cursor?: string;
}

/** Moments of a query, as the services want them. */
export function range({ from, to }: { from?: string; to?: string }): { from?: number; to?: number } {
  return {
    ...(from === undefined ? {} : { from: milliseconds(from, 'from') }),
    ...(to === undefined ? {} : { to: milliseconds(to, 'to') }),
  };
}

export const historyOperations: readonly Operation[] = [
  operation<{ query: Query }>({
    id: 'history.list',
    method: 'GET',
    path: '/history',
    tag: TAG,
    summary: 'Read the history',
    description: 'The latest first.',
    permission: 'history:read',
    query: object(
      {},
      {
        campaign: integer(1),
        event: text(96, { description: '`campaign.launched`, or a group: `campaign.*`.' }),
        actor: text(128),
        from: moment(),
        to: moment(),
        ...PAGING,
      },
    ),
    responses: ok('A page of entries.', page(ref('HistoryEntry'))),
    async handler({ services: { history }, query, actor }) {
      const { from: _from, to: _to, ...rest } = query;
      const found = await history.list({ ...rest, ...range(query), by: actor });
      return paged(found, (entry) => withMoments(entry, ['at']), query);
    },
  }),
  operation<{ body: { known?: { seq: number; hash: string } } }>({
    id: 'history.verify',
    method: 'POST',
    path: '/history/verify',
    tag: TAG,
    summary: 'Verify the history',
    description:
      'Computes the whole chain again. Keep the `head` elsewhere and give it back as `known`: then even somebody who wrote the whole chain anew is found out.',
    permission: 'history:read',
    body: object({}, { known: HEAD }),
    bodyOptional: true,
    responses: ok(
      'What was found.',
      object({
        ok: flag(),
        entries: integer(0),
        head: HEAD,
        problems: list(
          object(
            { kind: choice(['changed', 'removed', 'broken', 'cut', 'foreign', 'unsealed']), found: { type: 'string' } },
            { seq: integer(0) },
          ),
        ),
      }),
    ),
    handler: async ({ services: { history }, body, actor }) => ({ body: await history.verify({ ...body, by: actor }) }),
  }),
];
