import { pText, reportCsv, type Experiment, type ExperimentReport } from '../../experiments';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { number, table } from '../screen';
import { idAt } from './words';

type Action = (context: CommandContext) => Promise<Answer>;

/** Experiments: which variant does better. */
export const experiment: Command = {
  name: 'experiment',
  summary: 'list, show, allocate, decide and stop experiments; the control group of the tenant',
  usage: 'ACTION [ID] [options]',
  details: `  list                    [--campaign KEY]
  show ID                 how it stands  [--csv]
  allocate ID VARIANT=PERCENT …   new shares, 100 in all; who was exposed keeps the variant
  decide ID VARIANT       everybody who comes from now on gets it  [--reason TEXT]
  decide ID --none        no winner: everybody who comes gets the baseline  [--reason TEXT]
  stop ID                 no longer evaluated; people are divided as before  [--reason TEXT]
  control-group [PERCENT] leads who get no message of any campaign, 0 to 20 percent

"p" is for one look at the planned size; the always-valid p may be looked at as often as you like.`,
  examples: [
    'nexus-marketing experiment list --campaign spring',
    'nexus-marketing experiment show 7',
    'nexus-marketing experiment allocate 7 A=80 B=20',
    'nexus-marketing experiment decide 7 B --reason "clear enough for us"',
  ],
  options: {
    campaign: { type: 'string' },
    csv: { type: 'boolean' },
    none: { type: 'boolean' },
    reason: { type: 'string' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) {
      throw new UsageError(`"${name}" is nothing to do with an experiment: use ${Object.keys(ACTIONS).join(', ')}.`);
    }
    return action(context);
  },
};

async function list(context: CommandContext): Promise<Answer> {
  const { experiments } = await context.marketing();
  const campaign = context.text('campaign');
  const found: Experiment[] = [];
  for (let after = 0; ;) {
    const page = await experiments.list({ limit: 100, after, ...(campaign === undefined ? {} : { campaign }) });
    found.push(...page);
    const last = page.at(-1);
    if (!last || page.length < 100) break;
    after = last.id;
  }
  const rows = found.map((one) => [
    String(one.id),
    one.campaign,
    one.key,
    one.state,
    one.metric,
    one.variants.map(({ key, share }) => `${key} ${share} %`).join(', '),
    one.winner ?? '',
  ]);
  return {
    data: found,
    lines:
      rows.length === 0
        ? ['There are no experiments.']
        : table(['id', 'campaign', 'key', 'state', 'metric', 'variants', 'winner'], rows),
  };
}

async function show(context: CommandContext): Promise<Answer> {
  const { experiments } = await context.marketing();
  const report = await experiments.report(idAt(context, 1));
  return { data: report, lines: context.flag('csv') ? reportCsv(report).trimEnd().split('\r\n') : linesOf(report) };
}

function linesOf(report: ExperimentReport): string[] {
  const { variants, pairs, againstControl, overall, plan, verdict, warnings, sampleRatio } = report;
  const money = report.metric === 'revenue';
  const value = (one: number | null | undefined): string =>
    one === null || one === undefined ? '–' : money ? one.toFixed(2) : `${(one * 100).toFixed(2)} %`;
  const range = (one: readonly [number, number] | null): string => (one ? `${value(one[0])} … ${value(one[1])}` : '–');
  const head = `${report.name} (${report.key}): ${report.state}, ${report.mode} by ${report.metric}`;
  const rows = variants.map((one) => [
    one.control ? `${one.variant} (control)` : one.variant,
    `${one.share} %`,
    number(one.exposed),
    value(one.rate),
    range(one.interval),
    one.chanceToBeBest === null ? '–' : `${(one.chanceToBeBest * 100).toFixed(1)} %`,
    one.late ? number(one.late.exposed) : '',
  ]);
  const compared = [...pairs, ...againstControl].map((one) => [
    `${one.b} – ${one.a}`,
    value(one.difference),
    range(one.interval),
    one.pText,
    pText(one.pHolm),
    one.alwaysValidText,
  ]);
  return [
    head,
    '',
    ...table(['variant', 'share', 'exposed', 'rate', `${report.threshold} % interval`, 'best', 'late'], rows),
    ...(compared.length === 0
      ? []
      : ['', ...table(['pair', 'difference', 'interval', 'one look', 'Holm', 'always valid'], compared)]),
    '',
    ...(overall ? [`All variants: chi-square ${overall.chiSquare?.toFixed(2) ?? '–'}, ${overall.pText}.`] : []),
    ...(sampleRatio ? [`Sample ratio: ${sampleRatio.pText}${sampleRatio.alarm ? ' – ALARM' : ''}.`] : []),
    `Planned: ${number(plan.perVariant)} people per variant${daysOf(plan.daysToGo)}.`,
    `${verdict.kind.replace('_', ' ')}: ${verdict.because}`,
    ...warnings.map((one) => `! ${one.text}`),
  ];
}

function daysOf(days: number | null): string {
  if (days === null) return '';
  return days === 0 ? ', reached' : `, about ${number(days)} ${days === 1 ? 'day' : 'days'} to go`;
}

async function allocate(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const shares: Record<string, number> = {};
  for (const word of context.words.slice(2)) {
    const [, key, percent] = /^([^=]+)=(\d+(?:\.\d+)?)$/.exec(word) ?? [];
    if (key === undefined) throw new UsageError(`"${word}" is no share: write it as A=80.`);
    shares[key] = Number(percent);
  }
  const { experiments } = await context.marketing();
  const changed = await experiments.allocate(id, shares, by(context));
  return {
    data: changed,
    lines: [`The experiment ${id}: ${changed.variants.map(({ key, share }) => `${key} ${share} %`).join(', ')}.`],
  };
}

async function decide(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const winner = context.flag('none') ? null : context.word(2, 'VARIANT');
  const { experiments } = await context.marketing();
  const decided = await experiments.decide(id, winner, { ...by(context), ...reasonOf(context) });
  const everybody = winner ?? decided.ranges[0]?.variant ?? '';
  return {
    data: decided,
    lines: [
      winner === null
        ? `The experiment ${id} has no winner: everybody who comes gets "${everybody}".`
        : `The experiment ${id} is won by "${winner}": everybody who comes gets it.`,
    ],
  };
}

async function stop(context: CommandContext): Promise<Answer> {
  const id = idAt(context, 1);
  const { experiments } = await context.marketing();
  const stopped = await experiments.stop(id, { ...by(context), ...reasonOf(context) });
  return { data: stopped, lines: [`The experiment ${id} is stopped; people are divided as before.`] };
}

async function controlGroup(context: CommandContext): Promise<Answer> {
  const { controlGroup: group } = await context.marketing();
  const given = context.words[1];
  const is = given === undefined ? await group.get() : await group.set({ percent: Number(given) }, by(context));
  return { data: is, lines: [`${is.percent} % of all leads get no messages, for comparison.`] };
}

const ACTIONS: Readonly<Record<string, Action>> = { list, show, allocate, decide, stop, 'control-group': controlGroup };

function by({ actor }: CommandContext): { actor: string } {
  return { actor };
}

function reasonOf(context: CommandContext): { reason?: string } {
  const reason = context.text('reason');
  return reason === undefined ? {} : { reason };
}
