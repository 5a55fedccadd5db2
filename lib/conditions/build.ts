import { ConditionError, type Place } from './errors';
import type { ArithmeticOp, CompareOp, Expression, TextChange, TextTest } from './expression';
import { parseMoment } from './moments';
import { compilePattern } from './patterns';
import { print } from './print';
import { isWellFormed } from './unicode';
import type { AttributeType } from './types';

/*
 * The only way to make expressions: each function checks the types of its parts and throws E_CONDITION_TYPE with the
 * place and what to write instead. Both sources, text and JSON, come through here.
 */

const NOUN: Readonly<Record<AttributeType, string>> = {
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  date: 'a date',
  'string[]': 'a list',
};

function fail(message: string, place: Place): never {
  throw new ConditionError('E_CONDITION_TYPE', message, place);
}

function isText(expression: Expression): expression is Expression & { kind: 'constant'; value: string } {
  return expression.kind === 'constant' && typeof expression.value === 'string';
}

export function isNumeric(expression: Expression): boolean {
  return expression.type === 'number' || expression.type === 'date';
}

/** A literal. @throws ConditionError for text that no database can hold */
export function constant(value: number | string | boolean, place: Place): Expression {
  if (typeof value === 'string' && (value.includes('\0') || !isWellFormed(value))) {
    fail('This text holds a character that cannot be stored.', place);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) fail('This number is too large.', place);
  return { kind: 'constant', type: typeof value as 'number' | 'string' | 'boolean', value, place };
}

/** A moment given as ISO text. */
export function moment(text: string, place: Place): Expression {
  const millis = parseMoment(text);
  if (millis === undefined) fail(`"${text}" is not a date. Write it as "2026-01-31" or "2026-01-31T09:00:00Z".`, place);
  return { kind: 'constant', type: 'date', value: millis, place };
}

/** A field of which nothing has said yet what type it is: see `CompileOptions.infer`. */
function isOpen(expression: Expression): expression is Expression & { kind: 'field' } {
  return expression.kind === 'field' && expression.field.open === true;
}

/** An open field as a field of this type; anything else as it is. */
export function settle(expression: Expression, type: AttributeType): Expression {
  if (!isOpen(expression)) return expression;
  return { ...expression, type, field: { ...expression.field, type, open: false } };
}

/** Text beside a date is read as a date; an open field takes the type of what it stands beside. */
function asPeerOf(expression: Expression, peer: Expression): Expression {
  if (isOpen(expression)) {
    if (!isOpen(peer)) return settle(expression, peer.type);
    fail(
      `Nothing says whether ${print(expression)} and ${print(peer)} are numbers, text or dates. Declare one of them.`,
      expression.place,
    );
  }
  return peer.type === 'date' && isText(expression) ? moment(expression.value, expression.place) : expression;
}

function comparable(left: Expression, right: Expression): boolean {
  return left.type === right.type || (isNumeric(left) && isNumeric(right));
}

/** Says what is wrong with two operands, and what to write, at the operand most likely to be corrected. */
function mismatch(left: Expression, right: Expression, op: string): never {
  const [literal, other] = right.kind === 'constant' ? [right, left] : [left, right];
  const place = literal.kind === 'constant' ? literal.place : right.place;
  const name = print(other);
  const pair = `${print(left)} is ${NOUN[left.type]}, ${print(right)} is ${NOUN[right.type]}`;
  if (left.type === 'string[]' || right.type === 'string[]') {
    const [item, list] = right.type === 'string[]' ? [left, right] : [right, left];
    if (item.type === 'string[]')
      fail(
        `${print(left)} and ${print(right)} are lists; lists cannot be compared with "${op}". Use in for each entry.`,
        place,
      );
    fail(`${print(list)} is a list: use ${item.type === 'string' ? print(item) : '"…"'} in ${print(list)}.`, place);
  }
  if (literal.kind !== 'constant') fail(`${pair}. Both sides of "${op}" must have one type.`, place);
  if (isText(literal) && isNumeric(other) && /^-?\d+(\.\d+)?$/.test(literal.value)) {
    fail(`${name} is ${NOUN[other.type]}: write ${literal.value} without quotes.`, place);
  }
  if (isText(literal) && other.type === 'boolean') {
    fail(`${name} is true or false: write true or false without quotes.`, place);
  }
  if (other.type === 'string') fail(`${name} is text: write "${String(literal.value)}" in quotes.`, place);
  fail(`${pair}. Both sides of "${op}" must have one type.`, place);
}

/** A comparison. */
export function compare(op: CompareOp, first: Expression, second: Expression, place: Place): Expression {
  const left = asPeerOf(first, second);
  const right = asPeerOf(second, first);
  if (!comparable(left, right) || left.type === 'string[]') mismatch(left, right, op);
  if (left.type === 'boolean' && op !== '=' && op !== '!=') {
    fail(`"${op}" cannot order true and false. Write ${print(left)} = true, or = false.`, place);
  }
  return { kind: 'compare', type: 'boolean', op, left, right, place };
}

/** `and`, `or`; chains of the same operator become one node. */
export function logic(op: 'and' | 'or', terms: readonly Expression[], place: Place): Expression {
  const flat = terms.flatMap((term) => (term.kind === 'logic' && term.op === op ? term.terms : [term]));
  return { kind: 'logic', type: 'boolean', op, terms: flat, place };
}

/** `$not`, `$boolean`, `$exists`: any type. */
export function truth(kind: 'not' | 'boolean' | 'exists', of: Expression, place: Place): Expression {
  return { kind, type: 'boolean', of, place };
}

/** `item in [a, b]`. */
export function oneOf(written: Expression, list: readonly Expression[], place: Place): Expression {
  const known = list.find((entry) => !isOpen(entry));
  const item = known ? settle(written, known.type) : written;
  if (item.type === 'string[]') fail(`${print(item)} is a list; only a single value can be in a list.`, item.place);
  const settled = list.map((entry) => (isOpen(entry) ? asPeerOf(entry, item) : entry));
  const dates = [item, ...settled].find((entry) => entry.type === 'date');
  const peers = dates ? settled.map((entry) => asPeerOf(entry, dates)) : settled;
  const subject = dates ? asPeerOf(item, dates) : item;
  for (const entry of peers) {
    if (entry.type === 'string[]')
      fail(`${print(entry)} is a list inside a list. Write ${print(item)} in ${print(entry)}.`, entry.place);
    if (!comparable(subject, entry)) mismatch(subject, entry, 'in');
  }
  return { kind: 'one-of', type: 'boolean', item: subject, list: peers, place };
}

/** `item in lead.tags`. */
export function member(sought: Expression, among: Expression, place: Place): Expression {
  const item = settle(sought, 'string');
  const list = settle(among, 'string[]');
  if (list.type !== 'string[]') {
    const hint =
      item.type === 'string' && list.type === 'string'
        ? ` Write $contains(${print(list)}, ${print(item)}) for a part of it, or "=".`
        : '';
    fail(`The right side of "in" must be a list; ${print(list)} is ${NOUN[list.type]}.${hint}`, list.place);
  }
  if (item.type !== 'string') fail(`${print(list)} holds text; ${print(item)} is ${NOUN[item.type]}.`, item.place);
  return { kind: 'member', type: 'boolean', item, list, place };
}

/** `+ - * / %` on numbers and dates; literals are worked out at once. */
export function arithmetic(op: ArithmeticOp, first: Expression, second: Expression, place: Place): Expression {
  const [left, right] = [settle(first, 'number'), settle(second, 'number')];
  for (const side of [left, right]) {
    if (!isNumeric(side)) {
      const hint = side.type === 'string' && op === '+' ? ' To join texts, write &.' : '';
      fail(`"${op}" works on numbers; ${print(side)} is ${NOUN[side.type]}.${hint}`, side.place);
    }
  }
  if ((op === '/' || op === '%') && right.kind === 'constant' && right.value === 0) {
    fail('This divides by zero for every lead. Use another divisor.', right.place);
  }
  if (left.kind === 'constant' && right.kind === 'constant') {
    return constant(calculate(op, Number(left.value), Number(right.value)), place);
  }
  return { kind: 'arithmetic', type: 'number', op, left, right, place };
}

/** JavaScript's arithmetic, which is JSONata's. */
export function calculate(op: ArithmeticOp, left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

/** Unary minus. */
export function negate(operand: Expression, place: Place): Expression {
  const of = settle(operand, 'number');
  if (!isNumeric(of)) fail(`"-" works on numbers; ${print(of)} is ${NOUN[of.type]}.`, of.place);
  if (of.kind === 'constant') return constant(-Number(of.value), place);
  return { kind: 'negate', type: 'number', of, place };
}

/** `&`: an absent side counts as empty text. */
export function join(first: Expression, second: Expression, place: Place): Expression {
  const [left, right] = [settle(first, 'string'), settle(second, 'string')];
  for (const side of [left, right]) {
    if (side.type !== 'string' && side.type !== 'boolean') {
      fail(`"&" joins texts; ${print(side)} is ${NOUN[side.type]}.`, side.place);
    }
  }
  return { kind: 'join', type: 'string', left, right, place };
}

function needText(written: Expression, fn: string): Expression {
  const expression = settle(written, 'string');
  if (expression.type === 'string') return expression;
  const hint = expression.type === 'string[]' ? ` Write "…" in ${print(expression)}.` : '';
  return fail(`${fn} works on text; ${print(expression)} is ${NOUN[expression.type]}.${hint}`, expression.place);
}

/** `$contains`, `$startsWith`, `$endsWith`. */
export function textTest(test: TextTest, text: Expression, part: Expression, place: Place): Expression {
  const [whole, sought] = [needText(text, `$${test}`), needText(part, `$${test}`)];
  return { kind: 'text-test', type: 'boolean', test, text: whole, part: sought, place };
}

/** `$lowercase`, `$uppercase`. */
export function textChange(change: TextChange, text: Expression, place: Place): Expression {
  const of = needText(text, `$${change}`);
  if (isText(of)) return constant(change === 'lowercase' ? of.value.toLowerCase() : of.value.toUpperCase(), place);
  return { kind: 'text-change', type: 'string', change, of, place };
}

/** `$length`: characters (code points), not UTF-16 units. */
export function length(text: Expression, place: Place): Expression {
  const of = needText(text, '$length');
  return { kind: 'length', type: 'number', of, place };
}

/** `$number`: a number as it is, true as 1, false as 0. */
export function toNumber(operand: Expression, place: Place): Expression {
  const of = settle(operand, 'number');
  if (isNumeric(of)) return of;
  if (of.type !== 'boolean') {
    fail(
      `$number fails on text that is no number. Declare ${print(of)} as a number in place of converting it.`,
      of.place,
    );
  }
  return { kind: 'number', type: 'number', of, place };
}

/** `$toMillis("2026-01-31")`. */
export function toMillis(of: Expression, place: Place): Expression {
  if (isText(of)) return moment(of.value, of.place);
  if (of.type === 'date') fail(`${print(of)} is a date already: compare it directly.`, of.place);
  return fail(`$toMillis takes a date in quotes. Declare ${print(of)} as a date in place of converting it.`, place);
}

/** `$matches(text, "pattern")`. @throws ConditionError `E_CONDITION_PATTERN` */
export function matches(written: Expression, pattern: Expression, place: Place): Expression {
  const text = needText(written, '$matches');
  if (!isText(pattern)) return fail('The pattern must be written in quotes.', pattern.place);
  compilePattern(pattern.value, pattern.place);
  return { kind: 'matches', type: 'boolean', text, pattern: pattern.value, place };
}

/** `test ? then : otherwise`; both branches have one type. */
export function choice(
  form: '?' | '?:' | '??',
  test: Expression,
  first: Expression,
  second: Expression | undefined,
  place: Place,
): Expression {
  const then = second ? asPeerOf(first, second) : first;
  const otherwise = second && asPeerOf(second, first);
  if (otherwise && !comparable(then, otherwise)) {
    fail(
      `The two results must have one type; ${print(then)} is ${NOUN[then.type]}, ${print(otherwise)} is ${NOUN[otherwise.type]}.`,
      otherwise.place,
    );
  }
  const type = otherwise && otherwise.type !== then.type ? 'number' : then.type;
  return { kind: 'choice', type, form, test, then, otherwise, place };
}
