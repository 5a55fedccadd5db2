import type { Delegation, DelegationScope } from '../../governance';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { table } from '../screen';
import { idAt } from './words';

type Action = (context: CommandContext) => Promise<Answer>;

/** Delegations: who acts for whom during absences. */
export const delegation: Command = {
  name: 'delegation',
  summary: 'say who acts for whom during an absence',
  usage: 'ACTION [ID] [options]',
  details: `  add --from NAME --to NAME   [--scope all|approvals|campaigns|campaign:KEY|team:NAME] [--start DATE] [--end DATE] [--reason TEXT]
  list                    [--all]   those in force; with --all, the last 100
  revoke ID

DATE is 2026-08-01 or 2026-08-01T09:00:00Z. At most three steps from the first delegator to whoever acts, and never in a circle.`,
  examples: [
    'nexus-marketing delegation add --from ann --to bob --scope approvals --end 2026-08-15 --reason holiday',
    'nexus-marketing delegation list',
  ],
  options: {
    from: { type: 'string' },
    to: { type: 'string' },
    scope: { type: 'string' },
    start: { type: 'string' },
    end: { type: 'string' },
    reason: { type: 'string' },
    all: { type: 'boolean' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with a delegation: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function add(context: CommandContext): Promise<Answer> {
  const [delegator, delegatee] = [context.text('from'), context.text('to')];
  if (delegator === undefined || delegatee === undefined)
    throw new UsageError('Say who delegates to whom: --from ann --to bob.');
  const [scope = 'all', scopeId] = (context.text('scope') ?? 'all').split(/:(.*)/s);
  const startsAt = momentOf(context, 'start');
  const endsAt = momentOf(context, 'end');
  const reason = context.text('reason');
  const { delegations } = await context.marketing();
  const made = await delegations.create(
    {
      // What is no scope is refused there, with the list of those that are.
      ...{ delegator, delegatee, scope: scope as DelegationScope },
      ...(scopeId === undefined ? {} : { scopeId }),
      ...(startsAt === undefined ? {} : { startsAt }),
      ...(endsAt === undefined ? {} : { endsAt }),
      ...(reason === undefined ? {} : { reason }),
    },
    { actor: context.actor },
  );
  return { data: made, lines: [`Delegation ${made.id}: ${delegatee} acts for ${delegator}.`] };
}

async function list(context: CommandContext): Promise<Answer> {
  const { delegations } = await context.marketing();
  const all = await delegations.list({ active: !context.flag('all'), limit: 100 });
  const headings = ['id', 'from', 'to', 'scope', 'since', 'until'];
  return { data: all, lines: all.length === 0 ? ['Nobody has delegated anything.'] : table(headings, all.map(rowOf)) };
}

function rowOf({ id, delegator, delegatee, scope, scopeId, startsAt, endsAt, revokedAt }: Delegation): string[] {
  const day = (ms: number): string => new Date(ms).toISOString();
  const end = revokedAt ?? endsAt;
  return [
    ...[String(id), delegator, delegatee, scopeId === undefined ? scope : `${scope}:${scopeId}`],
    ...[day(startsAt), end === undefined ? 'it is revoked' : day(end)],
  ];
}

async function revoke(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const { delegations } = await context.marketing();
  const ended = await delegations.revoke(id, { actor: context.actor });
  return { data: ended, lines: [`${ended.delegatee} no longer acts for ${ended.delegator}.`] };
}

const ACTIONS: Readonly<Record<string, Action>> = { add, list, revoke };

function momentOf(context: CommandContext, option: string): number | undefined {
  const written = context.text(option);
  if (written === undefined) return undefined;
  const ms = Date.parse(written);
  if (Number.isFinite(ms)) return ms;
  throw new UsageError(`--${option} is a date such as 2026-08-01, or 2026-08-01T09:00:00Z.`);
}
