import type { Marketing } from '../../lib';
import type { Condition, ConditionContext } from '../../lib/conditions';
import { codeOf, InputError } from '../../lib/errors';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startSwitch, type Candidate, type Verdict } from '../kit/switch';

const MATCHES = 0;
const ELSE = 1;

/** Lets people through one of two outputs: those who are in the segment, and the others. */
export function startSegment(kit: NodeKit): void {
  const behaviour =
    kit.config.choice('mode', ['saved', 'inline'], 'saved') === 'saved'
      ? savedSegment(kit, kit.config.text('segment'))
      : inlineCondition(kit, kit.config.text('condition'));
  startSwitch(kit, { ...behaviour, badgeOf });
}

interface Behaviour {
  decide(marketing: Marketing, people: readonly Candidate[]): Promise<Verdict[]>;
  verify(marketing: Marketing): Promise<void>;
}

/** One statement for all who arrive together. */
function savedSegment(kit: NodeKit, key: string): Behaviour {
  if (key === '') throw new InputError('E_CONFIG', `${kit.title} names no segment. Open it and choose one.`);
  const because = `segment ${key}`;
  return {
    async verify(marketing) {
      await marketing.segments.get(key);
    },
    async decide(marketing, people) {
      const members = await marketing.segments.matching(idsOf(people), key);
      return people.map(({ lead }) => verdict(kit, members.has(lead.id), because));
    },
  };
}

/** No statement, unless the condition asks for behaviour: then one. */
function inlineCondition(kit: NodeKit, source: string): Behaviour {
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
    async decide(marketing, people) {
      const condition = await compile(marketing);
      const matching =
        condition.behaviours.length > 0 ? await marketing.conditions.matching(idsOf(people), condition) : undefined;
      return people.map((person) => {
        const context = contextOf(kit, person);
        const matches = matching ? matching.has(person.lead.id) : condition.test(context);
        return verdict(kit, matches, condition.normalised, condition.seen(context));
      });
    },
  };
}

function verdict(kit: NodeKit, matches: boolean, because: string, saw?: Record<string, unknown>): Verdict {
  return {
    port: matches ? MATCHES : ELSE,
    decision: {
      node: kit.title,
      kind: 'segment',
      outcome: matches ? 'matches' : 'else',
      because,
      ...(saw && Object.keys(saw).length > 0 ? { saw } : {}),
    },
    endReason: matches ? 'completed' : 'not in segment',
  };
}

function contextOf({ clock }: NodeKit, { lead, msg }: Candidate): ConditionContext {
  const { campaign } = msg;
  return {
    lead,
    now: clock.now(),
    ...(typeof campaign === 'object' && campaign !== null ? { campaign: campaign as Record<string, unknown> } : {}),
  };
}

function idsOf(people: readonly Candidate[]): number[] {
  return [...new Set(people.map(({ lead }) => lead.id))];
}

function badgeOf(error: unknown): Badge | undefined {
  const code = codeOf(error);
  if (code === 'E_UNKNOWN_SEGMENT') return { fill: 'red', text: 'unknownSegment' };
  return /^E_(?:CONDITION_\w+|UNKNOWN_ATTRIBUTE|UNKNOWN_EVALUATOR|ATTRIBUTE_NAME)$/.test(code)
    ? { fill: 'red', text: 'condition' }
    : undefined;
}
