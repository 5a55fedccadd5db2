import { messageOf } from '../errors';
import * as build from './build';
import { ConditionError, type Place } from './errors';
import { evaluatorNamed, type ConditionEvaluator } from './evaluators';
import type { Expression } from './expression';
import { MAX_DEPTH, MAX_NODES } from './limits';
import { parseDuration } from './moments';
import { nearest, resolveField } from './schema';
import type { Behaviour, CompileOptions, ConditionSchema } from './types';

/** A value among the options of `$did` and `$custom`, and where it stands. */
export interface Option {
  readonly name: string;
  readonly value: unknown;
  readonly place: Place;
}

const DID_OPTIONS = ['within', 'atLeast', 'campaign', 'channel'];

/** One condition in the making: its schema, its limits, and what it collects on the way. */
export class Draft {
  readonly behaviours: Behaviour[] = [];
  readonly evaluators = new Map<string, ConditionEvaluator>();
  private nodes = 0;

  constructor(
    readonly schema: ConditionSchema,
    readonly options: CompileOptions = {},
  ) {}

  /** Counts a node. @throws ConditionError `E_CONDITION_LIMIT` */
  enter(depth: number, place: Place): void {
    if (++this.nodes > MAX_NODES) {
      throw new ConditionError(
        'E_CONDITION_LIMIT',
        `A condition may have ${MAX_NODES} parts. Split it into segments.`,
        place,
      );
    }
    if (depth > MAX_DEPTH) {
      throw new ConditionError(
        'E_CONDITION_LIMIT',
        `A condition may be nested ${MAX_DEPTH} deep. Split it into segments.`,
        place,
      );
    }
  }

  field(steps: readonly string[], place: Place): Expression {
    const field = resolveField(this.schema, steps, place, this.options);
    return { kind: 'field', type: field.type, field, place };
  }

  /** `$did(event, options)`. */
  did(event: unknown, options: readonly Option[], place: Place): Expression {
    if (typeof event !== 'string' || event === '') {
      throw new ConditionError('E_CONDITION_TYPE', 'Name the event in quotes, such as $did("email_opened").', place);
    }
    const behaviour: { -readonly [Key in keyof Behaviour]: Behaviour[Key] } = { event, atLeast: 1 };
    for (const option of options) readDidOption(behaviour, option);
    const same = this.behaviours.findIndex((other) => JSON.stringify(other) === JSON.stringify(behaviour));
    const index = same >= 0 ? same : this.behaviours.push(behaviour) - 1;
    return { kind: 'did', type: 'boolean', index, place };
  }

  /** `$custom(name, options)`. */
  custom(name: unknown, options: readonly Option[], place: Place): Expression {
    if (typeof name !== 'string') {
      throw new ConditionError('E_CONDITION_TYPE', 'Name the evaluator in quotes, such as $custom("weather").', place);
    }
    const evaluator = evaluatorNamed(name, place);
    const args: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const option of options) args[option.name] = option.value;
    try {
      evaluator.validate?.(args);
    } catch (error) {
      throw new ConditionError('E_CONDITION_TYPE', `$custom("${name}"): ${messageOf(error)}`, place);
    }
    this.evaluators.set(name, evaluator);
    return { kind: 'custom', type: 'boolean', name, args, place };
  }
}

function readDidOption(behaviour: { -readonly [Key in keyof Behaviour]: Behaviour[Key] }, option: Option): void {
  const { name, value, place } = option;
  const fail = (message: string): never => {
    throw new ConditionError('E_CONDITION_TYPE', message, place);
  };
  switch (name) {
    case 'within': {
      const millis = typeof value === 'string' ? parseDuration(value) : undefined;
      behaviour.within = millis ?? fail('Write "within" as "30 days", "12 hours", "2 weeks" or "45 minutes".');
      return;
    }
    case 'atLeast':
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1_000_000) {
        return fail('"atLeast" must be a whole number from 1.');
      }
      behaviour.atLeast = value;
      return;
    case 'campaign':
    case 'channel':
      if (typeof value !== 'string' || value === '') return fail(`"${name}" must be text in quotes.`);
      build.constant(value, place);
      behaviour[name] = value;
      return;
    default: {
      const near = nearest(name, DID_OPTIONS);
      fail(
        `$did has no option "${name}". ${near.length > 0 ? `Did you mean "${near[0]}"?` : `It has ${DID_OPTIONS.join(', ')}.`}`,
      );
    }
  }
}
