import { readFileSync } from 'node:fs';
import type { Marketing } from '../..';
import type { Campaign, CampaignState } from '../../campaigns';
import { InputError, messageOf, NotFoundError } from '../../errors';
import { UsageError, type Answer, type CommandContext } from '../command';
import { table } from '../screen';
import { isSomebodyAtWork } from '../runtimes';

const STATES: readonly CampaignState[] = ['draft', 'scheduled', 'queued', 'active', 'paused', 'completed', 'cancelled'];

/** `campaign list` */
export async function list(context: CommandContext): Promise<Answer> {
  const state = context.text('state');
  if (state !== undefined && !STATES.includes(state as CampaignState))
    throw new UsageError(`--state is one of ${STATES.join(', ')}.`);
  const definition = context.text('definition');
  const marketing = await context.marketing();
  const campaigns = await marketing.campaigns.all({
    ...(state === undefined ? {} : { state: state as CampaignState }),
    ...(definition === undefined ? {} : { definition }),
  });
  const rows = campaigns.map(({ key, state, definition, segment, run, holdReason }) => [
    key,
    state,
    definition,
    segment ?? 'everybody',
    run,
    holdReason,
  ]);
  return {
    data: campaigns,
    lines:
      rows.length === 0
        ? ['There are no campaigns.']
        : table(['key', 'state', 'definition', 'audience', 'runs', 'held because'], rows),
  };
}

/** `campaign show` */
export async function show(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  return described(await marketing.campaigns.get(context.word(1, 'KEY')), context);
}

/** `campaign create` */
export async function create(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const definition = context.text('definition');
  if (definition === undefined)
    throw new UsageError('--definition is missing: it is the key of the trigger node that the campaign goes through.');
  const onUnknown = context.text('on-unknown');
  if (onUnknown !== undefined && onUnknown !== 'hold' && onUnknown !== 'resend')
    throw new UsageError('--on-unknown is hold or resend.');
  const name = context.text('name');
  const segment = context.text('segment');
  const data = readData(context.text('data'));
  const marketing = await context.marketing();
  const campaign = await marketing.campaigns.create(
    {
      ...{ key, definition },
      ...(name === undefined ? {} : { name }),
      ...(segment === undefined ? {} : { segment }),
      ...(data === undefined ? {} : { data }),
      ...(onUnknown === undefined ? {} : { onUnknown }),
    },
    { actor: context.actor },
  );
  return described(campaign, context);
}

/** `campaign launch` */
export async function launch(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const marketing = await context.marketing();
  const campaign = await findOrEnsure(marketing, key);
  const approved = context.flag('approved');
  return changed(marketing, await marketing.campaigns.launch(campaign.key, { ...how(context), approved }), context);
}

/** The campaign of that key, or the one that the trigger node of that key launches. */
async function findOrEnsure(marketing: Marketing, key: string): Promise<Campaign> {
  try {
    return await marketing.campaigns.get(key);
  } catch (missing) {
    if (!(missing instanceof NotFoundError)) throw missing;
    const definitions = await marketing.definitions.list();
    if (!definitions.some((definition) => definition.key === key)) throw missing;
    return marketing.campaigns.ensure(key);
  }
}

type StateAction = 'pause' | 'resume' | 'complete' | 'cancel';

const act =
  (action: StateAction) =>
  async (context: CommandContext): Promise<Answer> => {
    const key = context.word(1, 'KEY');
    const marketing = await context.marketing();
    return changed(marketing, await marketing.campaigns[action](key, how(context)), context);
  };

export const pause = act('pause');
export const resume = act('resume');
export const complete = act('complete');
export const cancel = act('cancel');

function how(context: CommandContext): { actor: string; reason?: string } {
  const reason = context.text('reason');
  return { actor: context.actor, ...(reason === undefined ? {} : { reason }) };
}

async function changed(marketing: Marketing, campaign: Campaign, context: CommandContext): Promise<Answer> {
  const lines = [`The campaign "${campaign.key}" is ${campaign.state}.`];
  const working = await isSomebodyAtWork(marketing.scope);
  if (campaign.state === 'active' && !working) {
    lines.push('No runtime works on this database at the moment: people move on as soon as one is started.');
  }
  if (context.json) return { data: { ...campaign, runtimeAtWork: working }, lines };
  return { data: campaign, lines };
}

function described(campaign: Campaign, context: CommandContext): Answer {
  const time = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  const facts: [string, string | number | undefined][] = [
    ['key', campaign.key],
    ['name', campaign.name],
    ['state', campaign.state],
    ['held because', campaign.holdReason],
    ['definition', campaign.definition],
    ['audience', campaign.segment ?? 'everybody'],
    ['in doubt', campaign.onUnknown],
    ['runs', String(campaign.run)],
    ['data', JSON.stringify(campaign.data)],
    ['created', time(campaign.createdAt)],
    ['started', time(campaign.startedAt)],
    ['ended', time(campaign.endedAt)],
  ];
  return {
    data: campaign,
    lines: context.json
      ? []
      : table(
          ['', ''],
          facts.filter(([, value]) => value !== undefined),
        ),
  };
}

/** `--data`: JSON, or `@file`; undefined when it was not given. @throws InputError `E_DATA` */
export function readData(given: string | undefined): Record<string, unknown> | undefined {
  if (given === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given);
  } catch (error) {
    throw new InputError(
      'E_DATA',
      `--data cannot be read: ${messageOf(error)}. Give a JSON object, or @FILE with one in it.`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError('E_DATA', '--data is no JSON object: give something like {"subject":"Hello"}.');
  }
  return value as Record<string, unknown>;
}
