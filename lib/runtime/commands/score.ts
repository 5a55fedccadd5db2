import type { NewScoreRule, ScoreReason, ScoreRule, ScoreRuleChanges } from '../../scoring';
import { InputError, messageOf, NotFoundError } from '../../errors';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { number, table } from '../screen';

type Action = (context: CommandContext) => Promise<Answer>;

/** Scores: the rules that give points, and why somebody has a score. */
export const score: Command = {
  name: 'score',
  summary: 'list, add, change and remove score rules; explain a score; count points again',
  usage: 'ACTION [KEY|LEAD] [options]',
  details: `  rules
  add KEY RULE            RULE is JSON, see below  [--recount]
  change KEY CHANGES      JSON too; null removes  [--recount]
  remove KEY              [--recount] takes back the points that it gave
  versions KEY
  explain LEAD            by id or e-mail address: which rule gave what when, and what goes away when
  recount [KEY]           counts again what a rule (or all) gave, in the background of a running runtime; --now: here

A rule on events: {"event": "email_opened", "points": 5, "condition": "lead.country = \\"DE\\"", "cap": {"points": 20, "per": "day"},
"decay": {"expiresAfterDays": 30}}. Caps are per hour, day, week or total; "decay" may also be {"halfLifeDays": 14}.
A rule on leads: {"on": "lead", "condition": "lead.plan = \\"pro\\"", "points": 20}, for as long as that is true.`,
  examples: [
    `nexus-marketing score add opened '{"event": "email_opened", "points": 5, "cap": {"points": 20, "per": "day"}}'`,
    'nexus-marketing score explain ada@example.org',
    `nexus-marketing score change opened '{"points": 3}' --recount`,
  ],
  options: { recount: { type: 'boolean' }, now: { type: 'boolean' } },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with scores: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function rules(context: CommandContext): Promise<Answer> {
  const { scoring } = await context.marketing();
  const all: ScoreRule[] = [];
  for (let after = 0; ;) {
    const page = await scoring.rules.list({ after, limit: 100 }, by(context));
    all.push(...page);
    if (page.length < 100) break;
    after = page.at(-1)?.id ?? 0;
  }
  const rows = all.map((rule) => [rule.key, what(rule), rule.points, capOf(rule), decayOf(rule), stateOf(rule)]);
  return {
    data: all,
    lines:
      rows.length === 0
        ? ['There are no score rules.']
        : table(['key', 'for', 'points', 'at most', 'decay', 'state'], rows),
  };
}

function what({ on, event, condition }: ScoreRule): string {
  const said = condition === undefined ? '' : typeof condition === 'string' ? condition : JSON.stringify(condition);
  return on === 'lead'
    ? said
    : [event === '*' ? 'every event' : event, ...(said === '' ? [] : [`if ${said}`])].join(' ');
}
function capOf({ cap }: ScoreRule): string {
  return cap ? `${number(cap.points)} ${cap.per === 'total' ? 'in total' : `per ${cap.per}`}` : '';
}
function decayOf({ decay }: ScoreRule): string {
  if (decay?.expiresAfterDays !== undefined) return `gone after ${decay.expiresAfterDays} d`;
  return decay?.halfLifeDays === undefined ? '' : `halved every ${decay.halfLifeDays} d`;
}
function stateOf({ active, recounting }: ScoreRule): string {
  return `${active ? 'active' : 'off'}${recounting ? ', being counted again' : ''}`;
}

async function add(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const input = { ...json(context.word(2, 'RULE')), key } as unknown as NewScoreRule;
  const { scoring } = await context.marketing();
  const rule = await scoring.rules.create(input, { ...by(context), recount: context.flag('recount') });
  return { data: rule, lines: [`The score rule "${key}" gives ${number(rule.points)} points.`, ...later(context)] };
}

async function change(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const changes: ScoreRuleChanges = json(context.word(2, 'CHANGES'));
  const { scoring } = await context.marketing();
  const rule = await scoring.rules.update(key, changes, { ...by(context), recount: context.flag('recount') });
  return { data: rule, lines: [`The score rule "${key}" is at version ${rule.version}.`, ...later(context)] };
}

async function remove(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const { scoring } = await context.marketing();
  await scoring.rules.remove(key, { ...by(context), recount: context.flag('recount') });
  return { data: { removed: key }, lines: [`The score rule "${key}" is removed.`, ...later(context)] };
}

async function versions(context: CommandContext): Promise<Answer> {
  const { scoring } = await context.marketing();
  const all = await scoring.rules.versions(context.word(1, 'KEY'), by(context));
  const rows = all.map((one) => [one.version, iso(one.createdAt), one.createdBy, JSON.stringify(one.rule)]);
  return { data: all, lines: table(['version', 'since', 'by', 'rule'], rows) };
}

async function explain(context: CommandContext): Promise<Answer> {
  const given = context.word(1, 'LEAD');
  const marketing = await context.marketing();
  const lead = await marketing.leads.get(/^\d{1,15}$/.test(given) ? Number(given) : { email: given });
  if (!lead) throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead "${given}".`);
  const explained = await marketing.scoring.explain(lead.id, { limit: 500 }, by(context));
  const rows = explained.reasons.map((reason) => [
    iso(reason.at),
    reason.name,
    reason.event,
    reason.points,
    reason.live,
    next(reason),
  ]);
  return {
    data: explained,
    lines: [
      `The lead ${lead.id} has the score ${number(explained.score)}: ${number(explained.base)} that somebody set, and live points.`,
      ...(rows.length === 0 ? [] : ['', ...table(['when', 'what', 'event', 'points', 'live', 'next'], rows)]),
      ...(explained.cursor === undefined ? [] : ['', 'There are more: the API shows them page by page.']),
    ],
  };
}

function next({ next: coming }: ScoreReason): string {
  return coming === undefined ? '' : `${number(coming.points)} at ${iso(coming.at)}`;
}

async function recount(context: CommandContext): Promise<Answer> {
  const { scoring } = await context.marketing();
  const count = await scoring.rules.startRecount(context.words[1], by(context));
  if (!context.flag('now')) {
    return { data: { rules: count }, lines: [`${number(count)} rules are counted again by a running runtime.`] };
  }
  const moved = await scoring.recount();
  return { data: { rules: count, moved }, lines: [`${number(moved)} scores moved.`] };
}

const ACTIONS: Readonly<Record<string, Action>> = { rules, add, change, remove, versions, explain, recount };

function later(context: CommandContext): string[] {
  return context.flag('recount') ? ['A running runtime counts its points again.'] : [];
}

function by({ actor }: CommandContext): { actor: string } {
  return { actor };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function json(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `This is no JSON (${messageOf(error)}): write something like {"event": "email_opened", "points": 5}.`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError('E_SCORE_RULE', 'A rule is a JSON object, such as {"event": "email_opened", "points": 5}.');
  }
  return value as Record<string, unknown>;
}
