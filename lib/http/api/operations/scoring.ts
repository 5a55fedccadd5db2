import { CAP_PERIODS, type NewScoreRule, type ScoreRule, type ScoreRuleChanges } from '../../../scoring';
import { leadOf } from '../people';
import { by, iso, withMoments } from '../present';
import { created, gone, idOf, idPage, ok, paged } from '../replies';
import {
  choice,
  flag,
  integer,
  list,
  moment,
  nullable,
  number,
  object,
  page,
  PAGING,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation, type Reply } from '../types';
import { LEAD_ID } from './leads';

const TAG = 'Scoring';
const KEY: Schema = object({ key: text(128, { description: 'The key of the rule.' }) });

const EVENT = text(96, {
  description: 'A type of event, or `*` for every one. For rules on events.',
  examples: ['email_opened'],
});
const CONDITION: Schema = {
  type: ['string', 'object', 'array'],
  maxLength: 2_000,
  description: 'What must be true of the lead, and (`event.value > 50`) of the event.',
};
const POINTS = integer(-10_000, 10_000, { description: 'Not 0.' });
const CAP = object(
  { points: integer(1, 1_000_000), per: choice(CAP_PERIODS) },
  {},
  { description: 'At most so many points for one lead, within an hour, day or week of UTC, or at a time (`total`).' },
);
const DECAY = object(
  {},
  {
    expiresAfterDays: integer(1, 3_650, { description: 'They are gone after so many days.' }),
    halfLifeDays: integer(1, 3_650, {
      description: 'Half of them are gone after so many days, half of the rest after as many more.',
    }),
  },
  { minProperties: 1, maxProperties: 1 },
);
const MACHINES = flag({
  description: 'Whether what programs did (scanners that open every mail) counts. Default false.',
});

const BODY = {
  on: choice(['event', 'lead'], { description: '`lead`: points for as long as the condition is true of the lead.' }),
  points: POINTS,
};
const OPTIONAL = { event: EVENT, condition: CONDITION, cap: CAP, decay: DECAY, machines: MACHINES };

export const SCORING_SCHEMAS: Readonly<Record<string, Schema>> = {
  ScoreRule: object(
    {
      id: integer(1),
      key: text(128),
      name: text(255),
      ...BODY,
      active: flag(),
      version: integer(1),
      recounting: flag({ description: 'The points that it gave are being counted again.' }),
      createdBy: text(128),
      createdAt: moment(),
      updatedAt: moment(),
    },
    OPTIONAL,
    { description: 'What leads get points for.' },
  ),
  ScoreRuleVersion: object({
    version: integer(1),
    name: text(255),
    active: flag(),
    rule: object(BODY, OPTIONAL),
    createdBy: text(128),
    createdAt: moment(),
  }),
  ScoreExplanation: object(
    {
      lead: integer(1),
      score: number(),
      base: number(undefined, 1e15, { description: 'What somebody set. The score is this and all live points.' }),
      reasons: list(
        object(
          {
            id: integer(1),
            name: text(255),
            event: text(96, {
              description: 'Its type; `lead`: the lead itself, `node`: a score node, `set`: somebody set the score.',
            }),
            eventId: text(191),
            at: moment(),
            points: number(),
            live: number(undefined, 1e15, { description: 'What of them is in the score and may go away.' }),
          },
          {
            rule: text(191, { description: 'The key of the rule.' }),
            version: integer(1),
            next: object(
              { at: moment(), points: number() },
              {},
              { description: 'When they will be fewer, and by how much.' },
            ),
          },
        ),
        500,
      ),
    },
    { cursor: text(1_024) },
    { description: 'Why a lead has its score, the latest first.' },
  ),
};

function out(rule: ScoreRule): object {
  return withMoments(rule, ['createdAt', 'updatedAt']);
}
function reply(rule: ScoreRule): Reply {
  return { body: out(rule), version: rule.version };
}

interface Key {
  params: { key: string };
}
interface Recount {
  query: { recount: boolean };
}
const RECOUNT = {
  recount: flag({
    default: false,
    description: 'Also count again, in the background, the points that it gave before.',
  }),
};

export const scoringOperations: readonly Operation[] = [
  operation<{ body: NewScoreRule } & Recount>({
    id: 'scoreRules.create',
    method: 'POST',
    path: '/score-rules',
    tag: TAG,
    summary: 'Create a score rule',
    permission: 'segment:write',
    query: object({}, RECOUNT),
    body: object(
      { key: text(128), points: POINTS },
      { name: text(255), on: BODY.on, active: flag(), ...OPTIONAL },
      { examples: [{ key: 'opened', event: 'email_opened', points: 5, cap: { points: 20, per: 'day' } }] },
    ),
    responses: created('The new rule.', ref('ScoreRule')),
    async handler({ services: { scoring }, body, query, actor }) {
      const rule = await scoring.rules.create(body, { actor, recount: query.recount });
      return { ...reply(rule), location: `/score-rules/${encodeURIComponent(rule.key)}` };
    },
  }),
  operation<{ query: { limit: number; cursor?: string } }>({
    id: 'scoreRules.list',
    method: 'GET',
    path: '/score-rules',
    tag: TAG,
    summary: 'List score rules',
    permission: 'segment:read',
    query: object({}, PAGING),
    responses: ok('A page of rules.', page(ref('ScoreRule'))),
    async handler({ services: { scoring }, query, actor }) {
      const after = idOf(query.cursor);
      const wanted = { limit: query.limit, ...(after === undefined ? {} : { after }) };
      return paged(idPage(await scoring.rules.list(wanted, { actor }), query.limit), out, query);
    },
  }),
  operation({
    id: 'scoreRules.recountAll',
    method: 'POST',
    path: '/score-rules/recount',
    tag: TAG,
    summary: 'Count all points again',
    description: 'In the background, by what the rules say now. Scores that somebody set stay as they are.',
    permission: 'segment:write',
    responses: ok('How many rules are counted again.', object({ rules: integer(0) })),
    handler: async ({ services: { scoring }, actor }) => ({
      body: { rules: await scoring.rules.startRecount(undefined, { actor }) },
    }),
  }),
  operation<Key>({
    id: 'scoreRules.get',
    method: 'GET',
    path: '/score-rules/{key}',
    tag: TAG,
    summary: 'Get a score rule',
    permission: 'segment:read',
    params: KEY,
    responses: ok('The rule.', ref('ScoreRule')),
    handler: async ({ services: { scoring }, params, actor }) => reply(await scoring.rules.get(params.key, { actor })),
  }),
  operation<Key & Recount & { body: ScoreRuleChanges }>({
    id: 'scoreRules.update',
    method: 'PATCH',
    path: '/score-rules/{key}',
    tag: TAG,
    summary: 'Change a score rule',
    description: 'Points that it has given stay, unless `recount` says otherwise. null removes.',
    permission: 'segment:write',
    params: KEY,
    query: object({}, RECOUNT),
    versioned: true,
    body: object(
      {},
      {
        name: text(255),
        event: EVENT,
        condition: nullable(CONDITION),
        points: POINTS,
        cap: nullable(CAP),
        decay: nullable(DECAY),
        machines: MACHINES,
        active: flag(),
      },
      { minProperties: 1 },
    ),
    responses: ok('The rule as it is now.', ref('ScoreRule')),
    async handler({ services: { scoring }, params, query, body, actor, version }) {
      const options = { ...by({ actor, version }), recount: query.recount };
      return reply(await scoring.rules.update(params.key, body, options));
    },
  }),
  operation<Key & Recount>({
    id: 'scoreRules.delete',
    method: 'DELETE',
    path: '/score-rules/{key}',
    tag: TAG,
    summary: 'Delete a score rule',
    description: 'Points that it has given stay and go on decaying; with `recount` they are taken back.',
    permission: 'segment:write',
    params: KEY,
    query: object({}, RECOUNT),
    versioned: true,
    responses: gone('The rule is gone.'),
    async handler({ services: { scoring }, params, query, actor, version }) {
      await scoring.rules.remove(params.key, { ...by({ actor, version }), recount: query.recount });
      return {};
    },
  }),
  operation<Key>({
    id: 'scoreRules.versions',
    method: 'GET',
    path: '/score-rules/{key}/versions',
    tag: TAG,
    summary: 'List the versions of a score rule',
    permission: 'segment:read',
    params: KEY,
    responses: ok('The versions, the latest first.', object({ items: list(ref('ScoreRuleVersion'), 100_000) })),
    handler: async ({ services: { scoring }, params, actor }) => ({
      body: {
        items: (await scoring.rules.versions(params.key, { actor })).map((one) => withMoments(one, ['createdAt'])),
      },
    }),
  }),
  operation<Key>({
    id: 'scoreRules.recount',
    method: 'POST',
    path: '/score-rules/{key}/recount',
    tag: TAG,
    summary: 'Count the points of a rule again',
    description: 'In the background, by what it says now.',
    permission: 'segment:write',
    params: KEY,
    responses: ok('How many rules are counted again.', object({ rules: integer(0) })),
    handler: async ({ services: { scoring }, params, actor }) => ({
      body: { rules: await scoring.rules.startRecount(params.key, { actor }) },
    }),
  }),
  operation<{ params: { id: string }; query: { limit: number; cursor?: string } }>({
    id: 'leads.explainScore',
    method: 'GET',
    path: '/leads/{id}/score',
    tag: TAG,
    summary: 'Why a lead has its score',
    permission: 'lead:read',
    params: LEAD_ID,
    query: object({}, PAGING),
    responses: ok('The score with its reasons.', ref('ScoreExplanation')),
    async handler({ services, params, query, actor }) {
      const { id } = await leadOf(services, params.id);
      const before = idOf(query.cursor);
      const { cursor, reasons, ...explained } = await services.scoring.explain(
        id,
        { limit: query.limit, ...(before === undefined ? {} : { before }) },
        { actor },
      );
      const shown = reasons.map(({ at, next, ...reason }) => ({
        ...reason,
        at: iso(at),
        ...(next ? { next: { at: iso(next.at), points: next.points } } : {}),
      }));
      return {
        body: { ...explained, reasons: shown, ...(cursor === undefined ? {} : { cursor: String(cursor) }) },
        ...(cursor === undefined ? {} : { next: { cursor: String(cursor) } }),
      };
    },
  }),
];
