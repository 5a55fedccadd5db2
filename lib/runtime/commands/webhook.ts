import type { Delivery, DeliveryState, Webhook } from '../../outbox';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { number, table } from '../screen';
import { duration, idAt, texts } from './words';

type Action = (context: CommandContext) => Promise<Answer>;

/** Webhooks: who is told of what happens. */
export const webhook: Command = {
  name: 'webhook',
  summary: 'add, list, test, change and remove webhooks; look at deliveries and replay them',
  usage: 'ACTION [ID|URL] [options]',
  details: `  add URL --event PATTERN …  [--name TEXT]   the signing secret is shown once
  list
  enable ID | disable ID | remove ID
  rotate ID               a new secret; for 24 hours everything is signed with both
  test ID                 puts a test event on its way; a running runtime sends it
  deliveries [ID]         the latest deliveries  [--state waiting|sending|delivered|dead]
  replay DELIVERY         sends one delivery again, under the same id
  replay-since ID --since 2d   sends again what was given up since then

A pattern is "*", a group such as "marketing.campaign.*", or a type such as "marketing.lead.created".`,
  examples: [
    'nexus-marketing webhook add https://crm.example.org/hooks --event "marketing.lead.*" --name CRM',
    'nexus-marketing webhook deliveries --state dead',
    'nexus-marketing webhook replay-since 2 --since 12h',
  ],
  options: {
    event: { type: 'string', multiple: true },
    name: { type: 'string' },
    state: { type: 'string' },
    since: { type: 'string' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with a webhook: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function add(context: CommandContext): Promise<Answer> {
  const url = context.word(1, 'URL');
  const events = texts(context, 'event');
  if (events.length === 0) throw new UsageError('Say what it is to be told of: --event "marketing.campaign.*".');
  const name = context.text('name');
  const { webhooks } = await context.marketing();
  const made = await webhooks.create({ url, events, ...(name === undefined ? {} : { name }) }, by(context));
  return {
    data: made,
    lines: [`The webhook ${made.id} is told of ${made.events.join(', ')}.`, ...secret(made.secret)],
  };
}

async function list(context: CommandContext): Promise<Answer> {
  const { webhooks } = await context.marketing();
  const all = await webhooks.list(by(context));
  const rows = all.map((one) => [String(one.id), one.name, one.url, one.events.join(', '), stateOf(one)]);
  return {
    data: all,
    lines: rows.length === 0 ? ['There are no webhooks.'] : table(['id', 'name', 'url', 'events', 'state'], rows),
  };
}

function stateOf({ enabled, disabledReason, failingSince }: Webhook): string {
  if (!enabled) return `disabled${disabledReason === undefined ? '' : `: ${disabledReason}`}`;
  return failingSince === undefined ? 'enabled' : `failing since ${new Date(failingSince).toISOString()}`;
}

function switched(enabled: boolean): Action {
  return async (context) => {
    const id = idAt(context, 1);
    const { webhooks } = await context.marketing();
    const changed = await webhooks.update(id, { enabled }, by(context));
    return { data: changed, lines: [`The webhook ${id} is ${enabled ? 'enabled' : 'disabled'}.`] };
  };
}

async function remove(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const { webhooks } = await context.marketing();
  await webhooks.remove(id, by(context));
  return { data: { removed: id }, lines: [`The webhook ${id} is removed, with everything on its way to it.`] };
}

async function rotate(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const { webhooks } = await context.marketing();
  const made = await webhooks.rotateSecret(id, by(context));
  return { data: made, lines: secret(made.secret) };
}

async function test(context: CommandContext): Promise<Answer> {
  const { webhooks } = await context.marketing();
  const sent = await webhooks.test(idAt(context, 1), by(context));
  return { data: sent, lines: [`The delivery ${sent.id} is on its way: "webhook deliveries" says how it went.`] };
}

async function deliveries(context: CommandContext): Promise<Answer> {
  const of = context.words[1] === undefined ? {} : { webhook: idAt(context, 1) };
  const state = context.text('state');
  const { webhooks } = await context.marketing();
  // What is no state is refused there, with the list of those that are.
  const query = { ...of, ...(state === undefined ? {} : { state: state as DeliveryState }), limit: 100 };
  const { items } = await webhooks.deliveries(query, by(context));
  const headings = ['id', 'webhook', 'event', 'state', 'tries', 'next or last', 'why'];
  return { data: items, lines: items.length === 0 ? ['There are no deliveries.'] : table(headings, items.map(rowOf)) };
}

function rowOf(one: Delivery): (string | number | undefined)[] {
  const at = new Date(one.settledAt ?? one.dueAt).toISOString();
  return [String(one.id), String(one.webhook), one.type, one.state, one.attempt, at, one.reason];
}

async function replay(context: CommandContext): Promise<Answer> {
  const { webhooks } = await context.marketing();
  const again = await webhooks.replay(idAt(context, 1), by(context));
  return { data: again, lines: [`The delivery ${again.id} is on its way again.`] };
}

async function replaySince(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const since = context.text('since');
  if (since === undefined) throw new UsageError('Say since when: --since 2d.');
  const from = context.clock.now() - duration(since, '--since');
  const { webhooks } = await context.marketing();
  const done = await webhooks.replayAll(id, { since: from }, by(context));
  const said =
    done.replayed === 1
      ? '1 delivery is on its way again.'
      : `${number(done.replayed)} deliveries are on their way again.`;
  return { data: done, lines: [said] };
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ...{ add, list, enable: switched(true), disable: switched(false), remove, rotate, test, deliveries, replay },
  'replay-since': replaySince,
};

function by({ actor }: CommandContext): { actor: string } {
  return { actor };
}

function secret(text: string): string[] {
  return ['', text, '', 'Keep it now: it cannot be shown again. The receiver checks with it who sent an event.'];
}
