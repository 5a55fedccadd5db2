import { compileDefinition, Documents, type Change } from '../../definitions';
import { InputError } from '../../errors';
import type { Marketing } from '../..';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { table } from '../screen';
import { problemLines, readDocumentFile } from '../document-file';

type Action = (context: CommandContext) => Promise<Answer>;

/** Definitions as JSON documents in the database; a runtime deploys what is saved here. */
export const definition: Command = {
  name: 'definition',
  summary: 'list, save, show, compare and restore definitions (JSON) in the database',
  usage: 'ACTION [KEY | FILE] [options]',
  details: `  list
  save FILE [--note TEXT] [--seen VERSION]    a new version; a runtime deploys it within seconds. - reads the standard input
  show KEY [--version N]                      the document
  versions KEY
  diff KEY [--from N] [--to N]                default: what the newest version changed
  restore KEY --version N [--note TEXT]       a former version as a new one
  activate KEY | deactivate KEY               deactivated, it is no longer deployed; people inside become orphans

People inside keep their places and their due times: a step is known by its name, else its template, else its action.`,
  examples: [
    'nexus-marketing definition save welcome.json --note "third mail"',
    'nexus-marketing definition versions email-drip-sequence',
    'nexus-marketing definition restore email-drip-sequence --version 3',
  ],
  options: {
    note: { type: 'string' },
    seen: { type: 'string' },
    version: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with a definition: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function list(context: CommandContext): Promise<Answer> {
  const saved = await documentsOf(await context.marketing()).list({ actor: context.actor });
  const rows = saved.map(({ key, version, active, name, createdBy, createdAt }) => [
    ...[key, version, active ? 'yes' : 'no', name, createdBy, new Date(createdAt).toISOString()],
  ]);
  const headings = ['key', 'version', 'in force', 'name', 'saved by', 'saved at'];
  return { data: saved, lines: rows.length === 0 ? ['No definitions are saved.'] : table(headings, rows) };
}

async function save(context: CommandContext): Promise<Answer> {
  const file = context.word(1, 'FILE');
  const document = readDocumentFile(file);
  const marketing = await context.marketing();
  const { lead } = await marketing.leads.schema();
  try {
    const { warnings } = compileDefinition(document, { attributes: lead });
    const seen = numberOf(context, 'seen', 0);
    const saved = await documentsOf(marketing).save(document, {
      ...how(context),
      ...(seen === undefined ? {} : { version: seen }),
    });
    for (const warning of warnings) context.screen.note(`- ${warning}`);
    const what = saved.changed ? 'is saved' : 'says nothing new';
    return { data: { ...saved, warnings }, lines: [`"${saved.key}" ${what}: version ${saved.version}.`] };
  } catch (error) {
    if (error instanceof InputError) for (const line of problemLines(error)) context.screen.note(line);
    throw error;
  }
}

async function show(context: CommandContext): Promise<Answer> {
  const version = numberOf(context, 'version');
  const marketing = await context.marketing();
  const saved = await documentsOf(marketing).get(context.word(1, 'KEY'), version, { actor: context.actor });
  return { data: saved, lines: [JSON.stringify(saved.document, null, 2)] };
}

async function versions(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  const kept = await documentsOf(marketing).versions(context.word(1, 'KEY'), { actor: context.actor });
  const rows = kept.map(({ version, createdAt, createdBy, note }) => [
    ...[version, new Date(createdAt).toISOString(), createdBy, note],
  ]);
  return { data: kept, lines: table(['version', 'saved at', 'saved by', 'note'], rows) };
}

async function diff(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const documents = documentsOf(await context.marketing());
  const { actor } = context;
  const to = numberOf(context, 'to') ?? (await documents.get(key, undefined, { actor })).version;
  const from = numberOf(context, 'from') ?? to - 1;
  if (from < 1) return { data: [], lines: [`"${key}" has one version only.`] };
  const changes = await documents.diff(key, from, to, { actor });
  const lines = changes.map(changeLine);
  return { data: changes, lines: lines.length === 0 ? ['There is no difference.'] : lines };
}

async function restore(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const version = numberOf(context, 'version');
  if (version === undefined) throw new UsageError('--version is missing: say which version to bring back.');
  const documents = documentsOf(await context.marketing());
  const saved = await documents.restore(key, version, how(context));
  return { data: saved, lines: [`"${key}" is as in version ${version} again: version ${saved.version}.`] };
}

async function turn(context: CommandContext, on: boolean): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const documents = documentsOf(await context.marketing());
  const saved = await (on ? documents.activate(key, how(context)) : documents.deactivate(key, how(context)));
  return { data: saved, lines: [`"${key}" is ${on ? 'in force' : 'out of force'}.`] };
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ...{ list, save, show, versions, diff, restore },
  activate: (context) => turn(context, true),
  deactivate: (context) => turn(context, false),
};

/** Any attribute of leads is taken for declared: what is not, is said as a warning. */
function documentsOf({ scope }: Marketing): Documents {
  return new Documents(scope);
}

function how(context: CommandContext): { actor: string; note?: string } {
  const note = context.text('note');
  return { actor: context.actor, ...(note === undefined ? {} : { note }) };
}

function numberOf(context: CommandContext, option: string, least = 1): number | undefined {
  const given = context.text(option);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!/^\d{1,9}$/.test(given) || value < least) throw new UsageError(`--${option} is a whole number from ${least}.`);
  return value;
}

/** `~ /automation/sequence/0/delay: "1 hour" → "2 hours"` */
function changeLine({ op, path, before, after }: Change): string {
  const shown = (value: unknown): string => JSON.stringify(value) ?? '';
  if (op === 'add') return `+ ${path}: ${shown(after)}`;
  if (op === 'remove') return `- ${path}: ${shown(before)}`;
  return `~ ${path}: ${shown(before)} → ${shown(after)}`;
}
