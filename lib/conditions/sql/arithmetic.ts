import type { ArithmeticOp } from '../expression';
import {
  firstDouble,
  lastDouble,
  MAX,
  productRange,
  quotientRange,
  remainderRange,
  sumRange,
  type Range,
} from './doubles';
import type { Outcome, SqlNumber } from './outcome';
import { remainder } from './remainder';
import type { Family, Fragment, Writer } from './writer';

/*
 * JavaScript calculates with IEEE doubles: no error, but infinities, and results that vanish to zero. SQLite does the
 * same; MariaDB and MySQL fail on overflow; PostgreSQL fails on overflow and on results that vanish. One such row would
 * fail a whole statement, so whatever can leave the range of doubles is asked first, with tests that are exact to the
 * last bit and cannot fail themselves. Range analysis leaves them out where nothing can happen, which is nearly always.
 *
 * The tests scale both operands by powers of two, which changes no digit: a * b rounds to infinity exactly when
 * (a * 2^-512) * (b * 2^-512) rounds to 1 or more.
 */

const DOWN = 2 ** -512;
const UP = 2 ** 512;

/** When a result is too large for a double. */
export interface Overflow {
  readonly any: string;
  readonly positive: string;
  readonly negative: string;
}

export function resultRange(op: ArithmeticOp, a: Range, b: Range): Range {
  switch (op) {
    case '+':
      return sumRange(a, b, false);
    case '-':
      return sumRange(a, b, true);
    case '*':
      return productRange(a, b);
    case '/':
      return quotientRange(a, b);
    case '%':
      return remainderRange(a, b);
  }
}

/** The tests for overflow; undefined when it cannot happen. The divisor is taken not to be zero. */
export function overflow(family: Family, op: ArithmeticOp, a: SqlNumber, b: SqlNumber): Overflow | undefined {
  switch (op) {
    case '+':
    case '-':
      return a.range.max + b.range.max === Infinity ? sumOverflow(op, a, b) : undefined;
    case '*':
      return a.range.max * b.range.max === Infinity ? signed(productTooLarge(a, b), a, b) : undefined;
    case '/':
      return a.range.max / b.range.min === Infinity ? signed(quotientTooLarge(a, b), a, b) : undefined;
    case '%':
      return undefined;
  }
}

function signed(any: string, a: SqlNumber, b: SqlNumber): Overflow {
  return {
    any,
    positive: `(${any}) AND (${a.sql} > 0) = (${b.sql} > 0)`,
    negative: `(${any}) AND (${a.sql} > 0) <> (${b.sql} > 0)`,
  };
}

/** |a| + |b| rounds to infinity from MAX + 2^970 on; both sides of the comparison below are free of rounding there. */
function sumOverflow(op: '+' | '-', a: SqlNumber, b: SqlNumber): Overflow {
  const [known, other] = a.constant !== undefined ? [a.constant, b] : [b.constant, a];
  const sides = (first: string, second: string): string => {
    if (known === undefined) {
      return `LEAST(ABS(${a.sql}), ABS(${b.sql})) - ${2 ** 970} >= ${MAX} - GREATEST(ABS(${a.sql}), ABS(${b.sql})) AND ${a.sql} ${first} 0 AND ${b.sql} ${second} 0`;
    }
    const from = firstDouble((value) => value + Math.abs(known) === Infinity) ?? MAX;
    return `${a.sql} ${first} 0 AND ${b.sql} ${second} 0 AND ABS(${other.sql}) >= ${from}`;
  };
  const flipped = op === '-';
  const positive = sides('>', flipped ? '<' : '>');
  const negative = sides('<', flipped ? '>' : '<');
  return { any: `(${positive}) OR (${negative})`, positive, negative };
}

function productTooLarge(a: SqlNumber, b: SqlNumber): string {
  const [known, other] = a.constant !== undefined ? [a.constant, b] : [b.constant, a];
  if (known !== undefined) {
    const from = firstDouble((value) => value * Math.abs(known) === Infinity) ?? MAX;
    return `ABS(${other.sql}) >= ${from}`;
  }
  // Below 1 a factor cannot make the product overflow, and could vanish when scaled.
  return `GREATEST(ABS(${a.sql}), 1) * ${DOWN} * (GREATEST(ABS(${b.sql}), 1) * ${DOWN}) >= 1`;
}

function quotientTooLarge(a: SqlNumber, b: SqlNumber): string {
  const { constant: divisor } = b;
  const { constant: dividend } = a;
  if (divisor !== undefined) {
    const from = firstDouble((value) => value / Math.abs(divisor) === Infinity) ?? MAX;
    return `ABS(${a.sql}) >= ${from}`;
  }
  if (dividend !== undefined) {
    const upTo = lastDouble((value) => value === 0 || Math.abs(dividend) / value === Infinity) ?? 0;
    return `ABS(${b.sql}) <= ${upTo}`;
  }
  const [x, y] = [`ABS(${a.sql})`, `ABS(${b.sql})`];
  // The first answers keep the last from overflowing or vanishing itself.
  return `CASE WHEN ${x} >= ${UP} AND ${y} <= ${DOWN} THEN TRUE WHEN ${y} >= 1 OR ${x} < ${2 ** -60} OR (${x} < 1 AND ${y} > ${DOWN}) THEN FALSE ELSE ${x} * ${DOWN} / (${y} * ${UP}) >= 1 END`;
}

/** When a result other than zero rounds to zero, which PostgreSQL takes for an error; undefined when it cannot happen. */
function vanishing(op: '*' | '/', a: SqlNumber, b: SqlNumber): string | undefined {
  if (op === '*') {
    if (a.range.min * b.range.min > 0) return undefined;
    const [known, other] = a.constant !== undefined ? [a.constant, b] : [b.constant, a];
    if (known !== undefined) {
      const upTo = lastDouble((value) => value * Math.abs(known) === 0) ?? 0;
      return upTo > 0 ? `ABS(${other.sql}) <= ${upTo}` : undefined;
    }
    const [x, y] = [`ABS(${a.sql})`, `ABS(${b.sql})`];
    return `CASE WHEN ${x} >= 1 OR ${y} >= 1 THEN FALSE WHEN ${x} < 1e-162 AND ${y} < 1e-162 THEN TRUE ELSE ${x} * ${UP} * (${y} * ${UP}) <= ${2 ** -51} END`;
  }
  if (a.range.min / b.range.max > 0) return undefined;
  const { constant: divisor } = b;
  const { constant: dividend } = a;
  if (divisor !== undefined) {
    const upTo = lastDouble((value) => value / Math.abs(divisor) === 0) ?? 0;
    return upTo > 0 ? `ABS(${a.sql}) <= ${upTo}` : undefined;
  }
  if (dividend !== undefined) {
    const from = firstDouble((value) => value > 0 && Math.abs(dividend) / value === 0);
    return from === undefined ? undefined : `ABS(${b.sql}) >= ${from}`;
  }
  return `LEAST(ABS(${a.sql}), ${2 ** -40}) * ${UP} / (GREATEST(ABS(${b.sql}), 1) * ${DOWN}) <= ${2 ** -51}`;
}

/** True when an operation's operands will be written several times. */
export function isGuarded(family: Family, op: ArithmeticOp, a: SqlNumber, b: SqlNumber): boolean {
  const divides = (op === '/' || op === '%') && (b.range.zero || (op === '%' && family === 'postgres'));
  const fails = family === 'postgres' && (op === '*' || op === '/') && vanishing(op, a, b) !== undefined;
  return divides || fails || overflow(family, op, a, b) !== undefined;
}

/** The calculation itself. Its result must be known to fit a double, and the divisor not to be zero. */
export function operate(writer: Writer, op: ArithmeticOp, a: SqlNumber, b: SqlNumber): string {
  if (op === '%') return remainder(writer, a, b);
  const plain = `${a.sql} ${op} ${b.sql}`;
  if (writer.family !== 'postgres' || op === '+' || op === '-') return plain;
  const vanishes = vanishing(op, a, b);
  if (!vanishes) return plain;
  // A zero among the operands is no error, and SIGN() would not see the sign of one.
  const zero = op === '*' ? `WHEN ${a.sql} = 0 OR ${b.sql} = 0 THEN ${plain} ` : '';
  // Zero with the sign that the result would have had.
  return `CASE ${zero}WHEN ${vanishes} THEN ${a.sql} * 0 * SIGN(${b.sql}) ELSE ${plain} END`;
}

/** `x / 0` is an infinity or, like `x % 0`, NaN; the sign of the zero counts. */
export function divisionByZero(
  op: '/' | '%',
  a: SqlNumber,
  b: SqlNumber,
  otherwise: Fragment,
  use: (outcome: Outcome) => Fragment,
): Fragment {
  const nan = use({ kind: 'nan' });
  const present = a.nullable ? `WHEN ${a.sql} IS NULL THEN NULL ` : '';
  if (op === '%') {
    return {
      sql: `CASE WHEN ${b.sql} = 0 THEN CASE ${present}WHEN TRUE THEN ${nan.sql} END ELSE ${otherwise.sql} END`,
      nullable: a.nullable || nan.nullable || otherwise.nullable,
    };
  }
  const plus = use({ kind: 'infinite', sign: 1 });
  const minus = use({ kind: 'infinite', sign: -1 });
  // atan2(0, -0) is π: the one portable way to see the sign of a zero.
  const positive = b.range.negativeZero ? `(${a.sql} > 0) = (ATAN2(0, ${b.sql}) < 1)` : `${a.sql} > 0`;
  return {
    sql: `CASE WHEN ${b.sql} = 0 THEN CASE ${present}WHEN ${a.sql} = 0 THEN ${nan.sql} WHEN ${positive} THEN ${plus.sql} ELSE ${minus.sql} END ELSE ${otherwise.sql} END`,
    nullable: a.nullable || nan.nullable || plus.nullable || minus.nullable || otherwise.nullable,
  };
}
