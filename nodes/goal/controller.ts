import type { Marketing } from '../../lib';
import type { Condition } from '../../lib/conditions';
import { codeOf, InputError } from '../../lib/errors';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { evaluate } from '../kit/property';
import { startSwitch, type Candidate, type Verdict } from '../kit/switch';
import { shortCount } from '../kit/texts';

const REACHED = 0;
const NOT_YET = 1;
/** As amounts of the figures. */
const MOST = 1_000_000_000;

/** Marks that people have reached the goal of their campaign, and ends the journey for them if asked. */
export function startGoal(kit: NodeKit): void {
  const goal = kit.config.text('goal') || kit.title;
  const convert = kit.config.flag('convert', true);
  const valueOf = valuesOf(kit);
  const { reachedBy, verify } = question(kit);
  const endsHere = endsOf(kit, goal);
  startSwitch(kit, {
    shown: ({ yes }) => ({ fill: 'green', text: 'reached', values: { shown: shortCount(yes) } }),
    badgeOf,
    ...(verify ? { verify } : {}),
    async decide(marketing, people) {
      const reached = await reachedBy(marketing, people);
      const values = await Promise.all(
        people.map((person) => (convert && reached.has(person) ? valueOf(person) : Promise.resolve(undefined))),
      );
      if (convert) {
        await marketing.conversions.reach(
          people.flatMap((person, index) => {
            const value = values[index];
            if (!reached.has(person) || value instanceof Error) return [];
            const { lead, journey } = person;
            const key = `${journey.step}:${kit.id}`;
            return [
              { lead: lead.id, campaign: journey.campaign, key, goal, ...(value === undefined ? {} : { value }) },
            ];
          }),
        );
      }
      return people.map((person, index): Verdict | Error => {
        const value = values[index];
        if (value instanceof Error) return value;
        return verdict(kit, goal, reached.has(person), endsHere);
      });
    },
  });
}

type Ends = NonNullable<Verdict['ends']>;

function endsOf(kit: NodeKit, goal: string): Ends | undefined {
  switch (kit.config.choice('ends', ['no', 'branch', 'all'], 'no')) {
    case 'branch':
      return 'branch';
    case 'all':
      return { goal };
    default:
      return undefined;
  }
}

function verdict(kit: NodeKit, goal: string, reached: boolean, ends: Ends | undefined): Verdict {
  const decision = { node: kit.title, kind: 'goal', outcome: reached ? 'reached' : 'not yet', because: goal };
  if (!reached) return { port: NOT_YET, decision, endReason: 'goal not reached' };
  return { port: REACHED, decision, endReason: `goal: ${goal}`, ...(ends === undefined ? {} : { ends }) };
}

interface Question {
  reachedBy(marketing: Marketing, people: readonly Candidate[]): Promise<ReadonlySet<Candidate>>;
  verify?(marketing: Marketing): Promise<void>;
}

/** Who has reached the goal: everybody who comes here, who has done something since entering, or of whom a condition is true. */
function question(kit: NodeKit): Question {
  switch (kit.config.choice('when', ['always', 'event', 'condition'], 'always')) {
    case 'event':
      return byEvent(kit);
    case 'condition':
      return byCondition(kit);
    default:
      return { reachedBy: (_marketing, people) => Promise.resolve(new Set(people)) };
  }
}

function byEvent(kit: NodeKit): Question {
  const event = kit.config.text('event');
  if (event === '') throw new InputError('E_CONFIG', `${kit.title} names no event. Open it and fill it in.`);
  return {
    async reachedBy(marketing, people) {
      const enrollments = people.map(({ journey }) => journey.enrollment);
      const done = await marketing.conversions.didSinceEntry(enrollments, event);
      return new Set(people.filter(({ journey }) => done.has(journey.enrollment)));
    },
  };
}

function byCondition(kit: NodeKit): Question {
  const source = kit.config.text('condition');
  if (source === '') throw new InputError('E_CONFIG', `${kit.title} has no condition. Open it and write one.`);
  let compiled: Promise<Condition> | undefined;
  const compile = (marketing: Marketing): Promise<Condition> => {
    compiled ??= marketing.conditions.compile(source).catch((error: unknown) => {
      // An attribute may be declared later: the next person asks again.
      compiled = undefined;
      throw error;
    });
    return compiled;
  };
  return {
    async verify(marketing) {
      compiled = undefined;
      await compile(marketing);
    },
    async reachedBy(marketing, people) {
      const condition = await compile(marketing);
      const reached = new Set<Candidate>();
      // People of one campaign are asked about together: a condition may read the campaign.
      const groups = new Map<number, Candidate[]>();
      for (const person of people) {
        const { campaign } = person.journey;
        groups.set(campaign, [...(groups.get(campaign) ?? []), person]);
      }
      for (const group of groups.values()) {
        const ids = [...new Set(group.map(({ lead }) => lead.id))];
        // Asked of the database, not of the message: the lead may have come further while it was on its way.
        const matching = await marketing.conditions.matching(ids, condition, campaignOf(group[0]));
        for (const person of group) if (matching.has(person.lead.id)) reached.add(person);
      }
      return reached;
    },
  };
}

function campaignOf(person: Candidate | undefined): Record<string, unknown> | undefined {
  const campaign = person?.msg['campaign'];
  return typeof campaign === 'object' && campaign !== null ? (campaign as Record<string, unknown>) : undefined;
}

/** What a conversion is worth: a number, 0 and more; nothing when the field is empty or the property absent. */
function valuesOf(kit: NodeKit): (person: Candidate) => Promise<number | Error | undefined> {
  const source = kit.config.text('value');
  const type = kit.config.text('valueType') || 'num';
  if (source === '') return () => Promise.resolve(undefined);
  return async ({ msg }) => {
    try {
      const value = await evaluate(kit, source, type, msg);
      if (value === undefined || value === null || value === '') return undefined;
      const amount = Number(value);
      if (amount >= 0 && amount <= MOST) return amount;
      const advice = `The value of ${kit.title} ("${source}") is no amount from 0 to a thousand million. Check what it is made from.`;
      return new InputError('E_GOAL_VALUE', advice);
    } catch (error) {
      return error instanceof Error ? error : new InputError('E_GOAL_VALUE', String(error));
    }
  };
}

function badgeOf(error: unknown): Badge | undefined {
  return /^E_(?:CONDITION_\w+|UNKNOWN_ATTRIBUTE|UNKNOWN_EVALUATOR|ATTRIBUTE_NAME)$/.test(codeOf(error) ?? '')
    ? { fill: 'red', text: 'condition' }
    : undefined;
}
