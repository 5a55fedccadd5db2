import type { Approval, ApprovalState, Decision } from '../../governance';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { number, table } from '../screen';
import { duration, idAt, texts } from './words';

type Action = (context: CommandContext) => Promise<Answer>;

/** Approvals: asking, voting, links. */
export const approval: Command = {
  name: 'approval',
  summary: 'ask for the approval of a large campaign, vote, make links that vote',
  usage: 'ACTION [ID|CAMPAIGN] [options]',
  details: `  request CAMPAIGN        [--approver KIND:NAME …] [--strategy S] [--quorum 2/3] [--timeout 2d] [--remind 12h] [--comment TEXT]
  list                    [--state pending] [--campaign KEY]
  show ID                 the request with its votes
  approve ID | reject ID  --as NAME [--for KIND:NAME] [--comment TEXT]
  withdraw ID             [--comment TEXT]
  link ID --for KIND:NAME [--as NAME]   a link with which that approver votes, once

KIND is user, role or team. --as says who votes, --for whose vote it is when somebody has more than one.
Nobody approves their own campaign: not its owner, not who made it, not who asks.`,
  examples: [
    'nexus-marketing approval request spring --approver user:ann --approver user:bob --strategy unanimous --timeout 2d',
    'nexus-marketing approval list --state pending',
    'nexus-marketing approval approve 12 --as ann --comment "fine"',
    'nexus-marketing approval link 12 --for user:ann --json',
  ],
  options: {
    approver: { type: 'string', multiple: true },
    strategy: { type: 'string' },
    quorum: { type: 'string' },
    timeout: { type: 'string' },
    remind: { type: 'string' },
    comment: { type: 'string' },
    state: { type: 'string' },
    campaign: { type: 'string' },
    as: { type: 'string' },
    for: { type: 'string' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with an approval: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function request(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'CAMPAIGN');
  const approvers = texts(context, 'approver').map((written) => approverOf(written, '--approver'));
  const ms = (option: string): number | undefined => {
    const written = context.text(option);
    return written === undefined ? undefined : duration(written, `--${option}`);
  };
  const given = {
    strategy: context.text('strategy'),
    quorum: context.text('quorum'),
    timeoutMs: ms('timeout'),
    remindEveryMs: ms('remind'),
    comment: context.text('comment'),
    approvers: approvers.length === 0 ? undefined : approvers,
  };
  const terms = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const { approvals } = await context.marketing();
  return described(await approvals.request(key, terms, { actor: context.actor }));
}

async function list(context: CommandContext): Promise<Answer> {
  const state = context.text('state');
  const campaign = context.text('campaign');
  const { approvals } = await context.marketing();
  const all = await approvals.list({
    // What is no state is refused there, with the list of those that are.
    ...(state === undefined ? {} : { state: state as ApprovalState }),
    ...(campaign === undefined ? {} : { campaign }),
    limit: 100,
  });
  const rows = all.map((one) => [
    String(one.id),
    String(one.campaign),
    whatOf(one),
    one.state,
    votesOf(one),
    one.requestedBy,
  ]);
  const headings = ['id', 'campaign', 'for', 'state', 'votes', 'asked by'];
  return { data: all, lines: rows.length === 0 ? ['There are no requests for approvals.'] : table(headings, rows) };
}

async function show(context: CommandContext): Promise<Answer> {
  const { approvals } = await context.marketing();
  return described(await approvals.get(idAt(context, 1)));
}

const voting =
  (decision: Decision): Action =>
  async (context) => {
    const id = idAt(context, 1);
    const as = context.text('as');
    if (as === undefined) throw new UsageError('Say who votes: --as ann.');
    const of = context.text('for');
    const comment = context.text('comment');
    const { approvals } = await context.marketing();
    const voted = await approvals.vote(
      id,
      {
        decision,
        ...(comment === undefined ? {} : { comment }),
        ...(of === undefined ? {} : { for: approverOf(of, '--for') }),
      },
      { actor: context.actor, as },
    );
    return described(voted.approval);
  };

async function withdraw(context: CommandContext): Promise<Answer> {
  const reason = context.text('comment');
  const { approvals } = await context.marketing();
  const options = { actor: context.actor, ...(reason === undefined ? {} : { reason }) };
  return described(await approvals.withdraw(idAt(context, 1), options));
}

async function link(context: CommandContext): Promise<Answer> {
  const of = context.text('for');
  if (of === undefined) throw new UsageError('Say for whom: --for user:ann.');
  const as = context.text('as');
  const { approvals } = await context.marketing();
  const made = await approvals.linkFor(idAt(context, 1), approverOf(of, '--for'), {
    actor: context.actor,
    ...(as === undefined ? {} : { as }),
  });
  return {
    data: made,
    lines: [
      made.url,
      '',
      `Who holds it votes as ${made.voter}, once, until ${new Date(made.expiresAt).toISOString()}.`,
    ],
  };
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ...{ request, list, show, approve: voting('approve'), reject: voting('reject'), withdraw, link },
};

/** `user:ann`; a bare name is a user. @throws UsageError */
function approverOf(written: string, option: string): { kind: 'user' | 'role' | 'team'; approver: string } {
  const [, kind = 'user', name = ''] = /^(?:(user|role|team):)?(.+)$/.exec(written.trim()) ?? [];
  if (name !== '' && (kind === 'user' || kind === 'role' || kind === 'team')) return { kind, approver: name };
  throw new UsageError(`${option} is user:NAME, role:NAME or team:NAME.`);
}

function whatOf({ subject, step }: Approval): string {
  return subject === 'launch' ? 'its launch' : `people at ${step ?? 'a station'}`;
}

function votesOf({ seats }: Approval): string {
  return `${seats.filter(({ decision }) => decision !== undefined).length} of ${seats.length}`;
}

function described(one: Approval): Answer {
  const people = one.audience === undefined ? '' : ` (${number(one.audience)} people)`;
  const until = one.dueAt === undefined ? '' : ` until ${new Date(one.dueAt).toISOString()}`;
  const rows = one.seats.map(({ kind, approver, decision, votedBy, comment }) => [
    ...[`${kind}:${approver}`, decision ?? '', votedBy ?? '', comment ?? ''],
  ]);
  return {
    data: one,
    lines: [
      `Request ${one.id} for ${whatOf(one)} of campaign ${one.campaign}${people}: ${one.state}${one.state === 'pending' ? until : ''}.`,
      ...(one.reason === undefined ? [] : [`It is over because ${one.reason}.`]),
      ...table(['approver', 'vote', 'by', 'comment'], rows),
    ],
  };
}
