import { compileValue } from './closure';
import { Draft } from './draft';
import { ConditionError } from './errors';
import { walk, type Expression } from './expression';
import { print } from './print';
import { parseSource } from './syntax';
import { translate } from './translate';

/** A formula that gives a number, compiled. */
export interface NumericFormula {
  readonly source: string;
  /** The same as canonical text. */
  readonly normalised: string;
  /** The names that it reads. */
  readonly reads: readonly string[];
  /** Its value; undefined where a name has none, or where something was divided by zero. Never throws. */
  value(values: Readonly<Record<string, number | undefined>>): number | undefined;
}

/**
 * Compiles a formula over named numbers, such as `revenue / sent * 1000`: the language of conditions with everything taken out that
 * depends on a lead, on time, or on code.
 * @throws ConditionError with what to write in place, and where
 */
export function compileNumber(source: string, names: readonly string[]): NumericFormula {
  const draft = new Draft({ lead: Object.fromEntries(names.map((name) => [name, 'number'])) });
  const expression = translated(source, draft, names);
  const reads = new Set<string>();
  walk(expression, (part) => {
    if (part.kind === 'now')
      throw new ConditionError('E_CONDITION_REFUSED', 'A formula does not read the time.', part.place);
    if (part.kind === 'did' || part.kind === 'custom') {
      throw new ConditionError('E_CONDITION_REFUSED', 'A formula does not ask about leads.', part.place);
    }
    if (part.kind !== 'field') return;
    const [name = ''] = part.field.path;
    if (part.field.root !== 'lead' || !names.includes(name)) throw unknown(name, names);
    reads.add(name);
  });
  if (expression.type !== 'number') {
    throw new ConditionError(
      'E_CONDITION_TYPE',
      'A formula gives a number: write one such as revenue / sent.',
      expression.place,
    );
  }
  const read = compileValue(expression);
  return {
    source,
    normalised: print(expression, []),
    reads: [...reads],
    value: (values) => {
      const value = read({ lead: values, now: 0 });
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    },
  };
}

function translated(source: string, draft: Draft, names: readonly string[]): Expression {
  try {
    return translate(parseSource(source), draft);
  } catch (error) {
    const name = error instanceof ConditionError ? /no field "([^"]*)"/.exec(error.message)?.[1] : undefined;
    throw name === undefined ? error : unknown(name, names);
  }
}

function unknown(name: string, names: readonly string[]): ConditionError {
  return new ConditionError('E_UNKNOWN_ATTRIBUTE', `There is no figure "${name}". Available: ${names.join(', ')}.`);
}
