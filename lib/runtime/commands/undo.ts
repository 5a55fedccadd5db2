import type { UndoState } from '../../governance';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { table } from '../screen';
import { idAt } from './words';

type Action = (context: CommandContext) => Promise<Answer>;

/** What was done and is undone: above all what could not be. */
export const undo: Command = {
  name: 'undo',
  summary: 'see what could not be undone, try it again or take it as done by hand; undo a campaign',
  usage: 'ACTION [ID | KEY] [options]',
  details: `  list [KEY] [--state STATE]   what failed for good and waits for somebody; of one campaign, or of all
  retry ID                     tries it once more
  resolve ID --note TEXT       takes it as undone by hand
  campaign KEY                 undoes what a campaign has done, for each of its people, the last effect first

States: registered, undone, nothing (there was nothing to undo), failed, resolved. Effects are registered where the flow
has a compensate node. A sent mail cannot be unsent: undoing it cancels what is still queued for the person.`,
  examples: [
    'nexus-marketing undo list spring-sale',
    'nexus-marketing undo retry 17',
    'nexus-marketing undo resolve 17 --note "Called them"',
    'nexus-marketing undo campaign spring-sale',
  ],
  options: { state: { type: 'string' }, note: { type: 'string' } },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) throw new UsageError(`"${name}" is nothing to do here: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

const STATES: readonly UndoState[] = ['registered', 'undone', 'nothing', 'failed', 'resolved'];

async function list(context: CommandContext): Promise<Answer> {
  const wanted = context.text('state');
  const state = wanted === undefined ? 'failed' : STATES.find((one) => one === wanted);
  if (state === undefined) throw new UsageError(`--state is one of ${STATES.join(', ')}.`);
  const campaign = context.words[1];
  const marketing = await context.marketing();
  const found = await marketing.compensations.list({
    state,
    limit: 100,
    ...(campaign === undefined ? {} : { campaign }),
  });
  const rows = found.map((one) => [
    ...[String(one.id), one.campaign, String(one.lead), one.step ?? '', one.kind, String(one.attempts)],
    one.reason ?? one.note ?? '',
  ]);
  return {
    data: found,
    lines:
      rows.length === 0
        ? [state === 'failed' ? 'Nothing waits to be undone by hand.' : `No undo is ${state}.`]
        : table(['id', 'campaign', 'lead', 'step', 'kind', 'tries', 'cause or note'], rows),
  };
}

async function retry(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const marketing = await context.marketing();
  const data = await marketing.compensations.retry(id, { actor: context.actor });
  return { data, lines: [`Undo ${id} is tried again by the process that works for this tenant.`] };
}

async function resolve(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const note = context.text('note');
  if (note === undefined || note === '') throw new UsageError('Say with --note what was done.');
  const marketing = await context.marketing();
  const data = await marketing.compensations.resolve(id, note, { actor: context.actor });
  return { data, lines: [`Undo ${id} is taken as done by hand.`] };
}

async function campaign(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const marketing = await context.marketing();
  await marketing.compensations.undo(key, { actor: context.actor });
  return {
    data: { campaign: key, undoing: true },
    lines: [`What "${key}" has done is undone by the process that works for this tenant. Sent mails cannot be unsent.`],
  };
}

const ACTIONS: Readonly<Record<string, Action>> = { list, retry, resolve, campaign };
