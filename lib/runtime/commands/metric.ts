import { METRIC_KINDS } from '../../metrics';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { table } from '../screen';

type Action = (context: CommandContext) => Promise<Answer>;

/** Metrics that people define. */
export const metric: Command = {
  name: 'metric',
  summary: 'define metrics as formulas over counts and money',
  usage: 'ACTION [NAME] [options]',
  details: `  list
  set NAME FORMULA        [--title TEXT] [--kind rate|money|number]   in force at once; a change is a new version
  remove NAME             its versions stay
  values CAMPAIGN         what they come to

A formula reads figures (sent, opened, clicked, converted, revenue, cost …) and rates (open_rate, click_rate, roi …). Where
something would be divided by zero there is no value. Conditions read a metric as data.NAME.`,
  examples: [
    'nexus-marketing metric set revenue_per_mille "revenue / sent * 1000" --kind money',
    'nexus-marketing metric set click_to_open "clicked / opened" --kind rate --title "Click to open"',
    'nexus-marketing metric values spring --json',
  ],
  options: { title: { type: 'string' }, kind: { type: 'string' } },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with metrics: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function list(context: CommandContext): Promise<Answer> {
  const { customMetrics } = await context.marketing();
  const all = await customMetrics.list();
  return {
    data: all,
    lines:
      all.length === 0
        ? ['No metrics are defined.']
        : table(
            ['NAME', 'KIND', 'VERSION', 'FORMULA'],
            all.map((one) => [one.name, one.kind, one.version, one.formula]),
          ),
  };
}

async function set(context: CommandContext): Promise<Answer> {
  const name = context.word(1, 'NAME');
  const formula = context.word(2, 'FORMULA');
  const { customMetrics } = await context.marketing();
  const known = (await customMetrics.list()).find((one) => one.name === name);
  const wanted = context.text('kind') ?? known?.kind ?? 'number';
  const kind = METRIC_KINDS.find((one) => one === wanted);
  if (!kind) throw new UsageError(`--kind is one of ${METRIC_KINDS.join(', ')}.`);
  const title = context.text('title') ?? known?.title ?? name;
  const written = await customMetrics.set(name, { title, kind, formula }, { actor: context.actor });
  return { data: written, lines: [`${name} is ${written.formula}, version ${written.version}.`] };
}

async function remove(context: CommandContext): Promise<Answer> {
  const name = context.word(1, 'NAME');
  const { customMetrics } = await context.marketing();
  await customMetrics.remove(name, { actor: context.actor });
  return { data: { removed: name }, lines: [`${name} is out of force.`] };
}

async function values(context: CommandContext): Promise<Answer> {
  const { customMetrics, metrics, campaigns } = await context.marketing();
  const { id } = await campaigns.get(context.word(1, 'CAMPAIGN'));
  const data = await customMetrics.valuesOf((await metrics.of(id)).figures);
  return {
    data,
    lines: table(
      ['METRIC', 'VALUE', ''],
      data.map(({ title, value, kind }) => [title, value ?? '–', kind]),
    ),
  };
}

const ACTIONS: Readonly<Record<string, Action>> = { list, set, remove, values };
