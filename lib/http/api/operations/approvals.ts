import {
  APPROVAL_STATES,
  type Approval,
  type ApprovalState,
  type ApprovalTerms,
  type Approver,
  type Vote,
} from '../../../governance';
import { CAMPAIGN_ID, type CampaignId } from '../campaign-parts';
import { idOrKey, iso, withMoments } from '../present';
import { created, idOf, idPage, ok, paged } from '../replies';
import { choice, flag, integer, list, moment, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Approvals';
const ID = object({ id: integer(1) });
type Id = { params: { id: number } };

const KIND = choice(['user', 'role', 'team']);
const WHO = object({ kind: KIND, approver: text(128) });
const ASKED = { kind: { ...KIND, examples: ['role'] }, approver: text(128, { examples: ['approver'] }) };
const COMMENT = text(10_000, { description: 'For people; kept with the request.' });
const MS = integer(1_000, 158_112_000_000);
const TERMS = {
  approvers: list(
    object(
      { kind: KIND, approver: text(128) },
      {
        members: list(text(128), 50, {
          minItems: 1,
          description: 'Of a team: each of them has a vote. Absent: the team has one.',
        }),
        emails: list(
          text(320, { pattern: '^[^\\s@<>,;"]{1,64}@[^\\s@<>,;"]{1,255}$', examples: ['ann@example.org'] }),
          20,
          { description: 'Where links go, for flows that mail them.' },
        ),
      },
    ),
    50,
    { minItems: 1, description: 'Default: the role `approver`.' },
  ),
  strategy: text(64, {
    examples: ['unanimous', 'majority', 'quorum', 'single'],
    description:
      '`unanimous` (`unison`), `majority`, `quorum`, `single` (default), or one that a program has registered.',
  }),
  quorum: text(16, { examples: ['2/3', '3/4'], description: 'How many have to approve: a share, or a number.' }),
  timeoutMs: { ...MS, description: 'How long there is to decide. Absent: for ever.' },
  remindEveryMs: { ...MS, description: 'How often those who have not voted are reminded.' },
  escalate: flag({
    description: 'Whether the campaign is raised to the next person when the time is over. Default true.',
  }),
};

export const APPROVAL_SCHEMAS: Readonly<Record<string, Schema>> = {
  Approval: object(
    {
      id: integer(1),
      campaign: integer(1),
      subject: choice(['launch', 'station']),
      run: integer(0),
      round: integer(1),
      state: choice(APPROVAL_STATES),
      strategy: text(64),
      hash: text(64, { description: 'Of what was asked about; another one would void the request.' }),
      requestedBy: text(128),
      requestedAt: moment(),
      reminders: integer(0),
      seats: list(ref('ApprovalSeat'), 50),
      version: integer(1),
    },
    {
      step: text(128),
      quorum: text(16),
      audience: integer(0),
      comment: { type: 'string' },
      dueAt: moment(),
      nextReminderAt: moment(),
      decidedBy: text(128),
      decidedAt: moment(),
      reason: { type: 'string' },
    },
    { description: 'A request for an approval, with its votes.' },
  ),
  ApprovalSeat: object(
    { seat: integer(0), kind: KIND, approver: text(128), version: integer(1) },
    {
      team: text(128),
      decision: choice(['approve', 'reject']),
      votedBy: text(128),
      votedAt: moment(),
      comment: { type: 'string' },
    },
  ),
  ApprovalTerms: object({}, TERMS, { description: 'Who decides, how, and in what time.' }),
};

function out(approval: Approval): object {
  return {
    ...withMoments(approval, ['requestedAt', 'dueAt', 'nextReminderAt', 'decidedAt']),
    seats: approval.seats.map((seat) => withMoments(seat, ['votedAt'])),
  };
}
function reply(approval: Approval): Reply {
  return { body: out(approval) };
}

type Query = { state?: ApprovalState; approver?: string; campaign?: string; limit: number; cursor?: string };

/** Requests for approvals, votes, links, and the tenant's terms. */
export const approvalOperations: readonly Operation[] = [
  operation<CampaignId & { body: ApprovalTerms & { comment?: string } }>({
    id: 'campaigns.requestApproval',
    method: 'POST',
    path: '/campaigns/{id}/approvals',
    tag: TAG,
    summary: "Ask for the approval of a campaign's launch",
    description:
      'What is asked about is the audience, content and budget of now: a change of them voids the request. Where the tenant has terms of its own, others are for administrators.',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: object({}, { ...TERMS, comment: COMMENT }),
    bodyOptional: true,
    responses: created('The new request.', ref('Approval')),
    async handler({ services: { approvals }, params, body, actor }) {
      const made = await approvals.request(idOrKey(params.id), body ?? {}, { actor });
      return { ...reply(made), location: `/approvals/${made.id}` };
    },
  }),
  operation<{ query: Query }>({
    id: 'approvals.list',
    method: 'GET',
    path: '/approvals',
    tag: TAG,
    summary: 'List requests for approvals',
    permission: 'campaign:read',
    query: object(
      {},
      {
        state: choice(APPROVAL_STATES),
        approver: text(128, { description: 'Requests in which this user, role or team is asked.' }),
        campaign: text(128, { description: 'The number or key of a campaign.' }),
        ...PAGING,
      },
    ),
    responses: ok('A page of requests, the newest first.', page(ref('Approval'))),
    problems: [404],
    async handler({ services: { approvals }, query: { cursor, campaign, ...query }, actor }) {
      const before = idOf(cursor);
      const items = await approvals.list(
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
    id: 'approvals.get',
    method: 'GET',
    path: '/approvals/{id}',
    tag: TAG,
    summary: 'Get a request with its votes',
    permission: 'campaign:read',
    params: ID,
    responses: ok('The request.', ref('Approval')),
    handler: async ({ services: { approvals }, params, actor }) => reply(await approvals.get(params.id, { actor })),
  }),
  operation<Id & { body: Vote }>({
    id: 'approvals.vote',
    method: 'POST',
    path: '/approvals/{id}/votes',
    tag: TAG,
    summary: 'Vote',
    description:
      'For oneself, for a role or team, or for somebody who has delegated it. A vote may be changed until the request is decided, and nobody votes on their own campaign.',
    permission: 'campaign:approve',
    params: ID,
    body: object(
      { decision: choice(['approve', 'reject']) },
      { comment: COMMENT, for: { ...object(ASKED), description: 'Whose vote it is, for who has more than one.' } },
    ),
    responses: ok(
      'The request as it is now.',
      object({ approval: ref('Approval'), counted: flag({ description: 'False: the same had been said before.' }) }),
    ),
    async handler({ services: { approvals }, params, body, actor }) {
      const { approval, counted } = await approvals.vote(params.id, body, { actor });
      return { body: { approval: out(approval), counted } };
    },
  }),
  operation<Id & { body: { reason?: string } }>({
    id: 'approvals.withdraw',
    method: 'POST',
    path: '/approvals/{id}/withdraw',
    tag: TAG,
    summary: 'Take a request for a launch back',
    permission: 'campaign:write',
    params: ID,
    body: object({}, { reason: text(500) }),
    bodyOptional: true,
    responses: ok('The request as it is now.', ref('Approval')),
    handler: async ({ services: { approvals }, params, body, actor }) =>
      reply(await approvals.withdraw(params.id, { ...body, actor })),
  }),
  operation<Id & { body: Pick<Approver, 'kind' | 'approver'> & { as?: string } }>({
    id: 'approvals.link',
    method: 'POST',
    path: '/approvals/{id}/link',
    tag: TAG,
    summary: 'Make a link with which somebody votes without an account',
    description:
      'Who holds it can vote with it, once. Approvers make one for themselves; links for others need the permission `token:manage`.',
    permission: 'campaign:approve',
    confidential: true,
    params: ID,
    body: object(ASKED, {
      as: text(128, { examples: ['ann'], description: 'Who votes with it; of roles and teams.' }),
    }),
    responses: ok(
      'The link.',
      object({ approver: WHO, voter: text(128), url: { type: 'string' }, expiresAt: moment() }, { email: text(320) }),
    ),
    async handler({ services: { approvals }, params, body: { as, ...approver }, actor }) {
      const link = await approvals.linkFor(params.id, approver, { ...(as === undefined ? {} : { as }), actor });
      return { body: { ...link, expiresAt: iso(link.expiresAt) } };
    },
  }),
  operation({
    id: 'settings.approval',
    method: 'GET',
    path: '/settings/approval',
    tag: TAG,
    summary: "Get the tenant's terms for approvals",
    permission: 'campaign:read',
    responses: ok('The terms; empty where there are none.', ref('ApprovalTerms')),
    handler: async ({ services: { approvals }, actor }) => ({ body: await approvals.settings({ actor }) }),
  }),
  operation<{ body: ApprovalTerms }>({
    id: 'settings.setApproval',
    method: 'PUT',
    path: '/settings/approval',
    tag: TAG,
    summary: "Set the tenant's terms for approvals",
    description:
      'From then on launches are approved on these terms only, unless an administrator asks. Empty: no terms.',
    permission: 'settings:manage',
    body: ref('ApprovalTerms'),
    responses: ok('The terms.', ref('ApprovalTerms')),
    handler: async ({ services: { approvals }, body, actor }) => ({
      body: await approvals.setSettings(body, { actor }),
    }),
  }),
];
