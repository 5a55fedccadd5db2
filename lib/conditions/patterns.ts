import { RE2JS } from 're2js';
import { messageOf } from '../errors';
import { ConditionError, type Place } from './errors';
import { MAX_PATTERN } from './limits';

/** A compiled pattern: true when it matches anywhere in the text. */
export type PatternTest = (text: string) => boolean;

const compiled = new Map<string, PatternTest>();
const KEEP = 500;
/** A repetition such as `(x{1000}){1000}` is short to write and large to run. */
const MAX_PROGRAM = 1_000;

/**
 * Compiles a regular expression for RE2's engine, whose time grows linearly with the text. No look-around, no back-references.
 * @throws ConditionError `E_CONDITION_PATTERN`
 */
export function compilePattern(pattern: string, place?: Place): PatternTest {
  const known = compiled.get(pattern);
  if (known) return known;
  if (pattern.length > MAX_PATTERN) {
    throw new ConditionError(
      'E_CONDITION_PATTERN',
      `A pattern may have ${MAX_PATTERN} characters; this one has ${pattern.length}.`,
      place,
    );
  }
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern);
  } catch (error) {
    throw new ConditionError(
      'E_CONDITION_PATTERN',
      `"${pattern}" is not a pattern this product can run (${messageOf(error)}). Use RE2 syntax: no look-around, no back-references.`,
      place,
    );
  }
  if (expression.programSize() > MAX_PROGRAM) {
    throw new ConditionError(
      'E_CONDITION_PATTERN',
      `"${pattern}" repeats too much: make its {…} counts smaller.`,
      place,
    );
  }
  const test: PatternTest = (text) => expression.test(text);
  if (compiled.size >= KEEP) compiled.clear();
  compiled.set(pattern, test);
  return test;
}
