import { ConditionError, type Place } from './errors';
import { nearest } from './schema';
import type { ConditionContext } from './types';

/** What a custom evaluator is given. */
export interface EvaluatorContext extends ConditionContext {
  /** The options written in the condition. */
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * A condition written in code, used as `$custom("name", {…})` (FR-EXT-002). It cannot become SQL, so segments that use
 * it are evaluated lead by lead.
 */
export interface ConditionEvaluator {
  /** Whether the lead matches. Synchronous and quick: it runs once per lead. What it throws counts as false. */
  evaluate(context: EvaluatorContext): boolean;
  /** Checks the options when a condition is saved; throws an Error whose message says what is wrong. */
  validate?(args: Readonly<Record<string, unknown>>): void;
  /** Fields of the lead that it reads, for incremental updates; every field when not given. */
  readonly attributes?: readonly string[];
}

const evaluators = new Map<string, ConditionEvaluator>();

/**
 * Makes an evaluator available to conditions under `name`. Registering a name again replaces it for conditions
 * compiled from then on. Returns a function that takes it back.
 * @throws ConditionError `E_CONDITION_FORMAT` for a name that is empty or odd
 */
export function registerConditionEvaluator(name: string, evaluator: ConditionEvaluator): () => void {
  if (!/^[A-Za-z][\w.-]{0,63}$/.test(name)) {
    throw new ConditionError(
      'E_CONDITION_FORMAT',
      `"${name}" cannot name an evaluator: use a letter, then letters, digits, ".", "-" or "_".`,
    );
  }
  evaluators.set(name, evaluator);
  return () => {
    if (evaluators.get(name) === evaluator) evaluators.delete(name);
  };
}

/** The evaluator called `name`. @throws ConditionError `E_UNKNOWN_EVALUATOR` */
export function evaluatorNamed(name: string, place: Place): ConditionEvaluator {
  const evaluator = evaluators.get(name);
  if (evaluator) return evaluator;
  const near = nearest(name, [...evaluators.keys()]);
  const hint =
    near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ' Register it with registerConditionEvaluator().';
  throw new ConditionError('E_UNKNOWN_EVALUATOR', `There is no evaluator "${name}".${hint}`, place);
}
