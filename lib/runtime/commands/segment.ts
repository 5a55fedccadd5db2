import type { Composition, PreviewInput, RecalculationResult, Segment, SegmentInput } from '../../segments';
import { messageOf } from '../../errors';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { number, table } from '../screen';

type Action = (context: CommandContext) => Promise<Answer>;

/** Segments: named groups of leads. */
export const segment: Command = {
  name: 'segment',
  summary: 'list, create, recalculate, preview and delete segments',
  usage: 'ACTION [KEY] [options]',
  details: `  list
  create KEY --condition TEXT | --composition JSON | --static  [--name TEXT]
  recalculate [KEY]       who entered and who left; all segments when no key is given
  preview KEY | --condition TEXT | --composition JSON          count and some of the people, without saving anything
  delete KEY

A condition is JSONata over the lead: lead.country = "US" and lead.score > 25. A composition combines segments by key:
{"and": ["a", "b"]}, {"or": ["a", "b"]}, {"except": ["a", "b"]}.`,
  examples: [
    `nexus-marketing segment create newsletter --condition 'lead.score >= 20'`,
    `nexus-marketing segment create both --composition '{"and": ["newsletter", "customers"]}'`,
    `nexus-marketing segment preview --condition '$did("purchase", {"within": "30 days"})'`,
  ],
  options: {
    condition: { type: 'string' },
    composition: { type: 'string' },
    static: { type: 'boolean' },
    name: { type: 'string' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with a segment: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function list(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  const segments = await marketing.segments.list();
  const rows = segments.map((one) => [
    one.key,
    one.kind,
    one.count,
    one.refreshedAt === undefined ? 'never' : new Date(one.refreshedAt).toISOString(),
    what(one),
  ]);
  return {
    data: segments,
    lines:
      rows.length === 0 ? ['There are no segments.'] : table(['key', 'kind', 'leads', 'calculated', 'made of'], rows),
  };
}

async function create(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const name = context.text('name');
  const input = { key, ...(name === undefined ? {} : { name }), ...definitionOf(context) } as SegmentInput;
  const marketing = await context.marketing();
  await marketing.segments.create(input);
  const { members } = await marketing.segments.recalculate(key);
  const created = await marketing.segments.get(key);
  return { data: created, lines: [`The segment "${key}" has ${number(members)} ${members === 1 ? 'lead' : 'leads'}.`] };
}

async function recalculate(context: CommandContext): Promise<Answer> {
  const key = context.words[1];
  const marketing = await context.marketing();
  const results =
    key === undefined ? await marketing.segments.recalculateAll() : [await marketing.segments.recalculate(key)];
  const flat = results.flatMap(withDependents);
  const rows = flat.map(({ key: one, entered, left, members, ms }) => [one, entered, left, members, Math.round(ms)]);
  return { data: results, lines: table(['segment', 'entered', 'left', 'leads', 'ms'], rows) };
}

function withDependents(result: RecalculationResult): RecalculationResult[] {
  return [result, ...result.dependents.flatMap(withDependents)];
}

async function preview(context: CommandContext): Promise<Answer> {
  const key = context.words[1];
  const input: PreviewInput = key === undefined ? unsaved(context) : { key };
  const marketing = await context.marketing();
  const { count, sample } = await marketing.segments.preview(input);
  const rows = sample.map((lead) => [String(lead.id), lead.email, lead.name, lead.country, lead.score]);
  return {
    data: { count, sample },
    lines: [
      `${number(count)} ${count === 1 ? 'lead belongs' : 'leads belong'} to it.`,
      ...(rows.length === 0 ? [] : ['', ...table(['id', 'e-mail', 'name', 'country', 'score'], rows)]),
    ],
  };
}

async function remove(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const marketing = await context.marketing();
  await marketing.segments.remove(key);
  return { data: { deleted: key }, lines: [`The segment "${key}" is deleted; its leads are not.`] };
}

const ACTIONS: Readonly<Record<string, Action>> = { list, create, recalculate, preview, delete: remove };

function definitionOf(context: CommandContext): object {
  const condition = context.text('condition');
  const composition = context.text('composition');
  const given = [condition !== undefined, composition !== undefined, context.flag('static')].filter(Boolean).length;
  if (given !== 1) throw new UsageError('Give one of --condition, --composition and --static.');
  if (condition !== undefined) return { kind: 'dynamic', condition };
  if (composition !== undefined) return { kind: 'composed', composition: readComposition(composition) };
  return { kind: 'static' };
}

function unsaved(context: CommandContext): PreviewInput {
  const condition = context.text('condition');
  const composition = context.text('composition');
  if (condition !== undefined) return { condition };
  if (composition !== undefined) return { composition: readComposition(composition) };
  throw new UsageError('Say what to preview: KEY, --condition or --composition.');
}

function readComposition(text: string): Composition {
  try {
    return JSON.parse(text) as Composition;
  } catch (error) {
    throw new UsageError(`--composition is no JSON (${messageOf(error)}): write something like {"and": ["a", "b"]}.`);
  }
}

function what(segment: Segment): string {
  switch (segment.kind) {
    case 'dynamic':
      return typeof segment.condition === 'string' ? segment.condition : JSON.stringify(segment.condition);
    case 'composed':
      return JSON.stringify(segment.composition);
    case 'static':
      return 'a list';
  }
}
