import type { Token } from '../../access';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { table } from '../screen';
import { duration, idAt, texts } from './words';

type Action = (context: CommandContext) => Promise<Answer>;

/** Bearer tokens of the API. */
export const token: Command = {
  name: 'token',
  summary: 'create, list, revoke and rotate bearer tokens of the API',
  usage: 'ACTION [ID] [options]',
  details: `  create --name TEXT --role ROLE …  [--owner USER] [--scope PERMISSION …] [--team TEAM …] [--expires 90d]
                          the token is shown once: only its hash is kept
  list [--all]            without those that were revoked, unless --all is given
  revoke ID               refused from the next request on
  rotate ID               a new token in place of the old one, which is refused at once

Roles: viewer, marketer, approver, admin, compliance. Scopes narrow what the roles allow: campaign:read, lead:write … A token
belongs to the tenant that --tenant names, and opens nothing else.`,
  examples: [
    'nexus-marketing token create --name "Web shop" --role marketer --expires 90d',
    'nexus-marketing token create --name Reports --role viewer --scope analytics:read --scope campaign:read',
    'nexus-marketing token revoke 3',
  ],
  options: {
    name: { type: 'string' },
    role: { type: 'string', multiple: true },
    owner: { type: 'string' },
    scope: { type: 'string', multiple: true },
    team: { type: 'string', multiple: true },
    expires: { type: 'string' },
    all: { type: 'boolean' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with a token: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function create(context: CommandContext): Promise<Answer> {
  const name = context.text('name');
  const roles = texts(context, 'role');
  if (name === undefined || roles.length === 0) throw new UsageError('A token needs --name and at least one --role.');
  const owner = context.text('owner');
  const scopes = texts(context, 'scope');
  const teams = texts(context, 'team');
  const expires = context.text('expires');
  const marketing = await context.marketing();
  const made = await marketing.tokens.create(
    {
      // What is no role or scope is refused there, with the list of those that are.
      ...{ name, roles: roles as Token['roles'] },
      ...(owner === undefined ? {} : { owner }),
      ...(scopes.length === 0 ? {} : { scopes: scopes as NonNullable<Token['scopes']> }),
      ...(teams.length === 0 ? {} : { teams }),
      ...(expires === undefined ? {} : { expiresAt: context.clock.now() + duration(expires, '--expires') }),
    },
    { actor: context.actor },
  );
  return { data: made, lines: shownOnce(made.token) };
}

async function list(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  const tokens = await marketing.tokens.list({ actor: context.actor, revoked: context.flag('all') });
  const rows = tokens.map((one) => [
    ...[String(one.id), one.prefix, one.name, one.owner, one.roles.join(', '), one.state],
    ...[when(one.expiresAt), when(one.lastUsedAt)],
  ]);
  const headings = ['id', 'token', 'name', 'owner', 'roles', 'state', 'expires', 'last used'];
  return { data: tokens, lines: rows.length === 0 ? ['There are no tokens.'] : table(headings, rows) };
}

async function revoke(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const marketing = await context.marketing();
  const revoked = await marketing.tokens.revoke(id, { actor: context.actor });
  return { data: revoked, lines: [`The token ${revoked.prefix} (${revoked.name}) is refused from now on.`] };
}

async function rotate(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const marketing = await context.marketing();
  const made = await marketing.tokens.rotate(id, { actor: context.actor });
  return { data: made, lines: shownOnce(made.token) };
}

const ACTIONS: Readonly<Record<string, Action>> = { create, list, revoke, rotate };

function shownOnce(text: string): string[] {
  return [text, '', 'Keep it now: it cannot be shown again. Send it as "Authorization: Bearer …".'];
}

function when(time: number | undefined): string {
  return time === undefined ? 'never' : new Date(time).toISOString();
}
