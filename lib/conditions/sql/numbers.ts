import { calculate } from '../build';
import type { ArithmeticExpression, ArithmeticOp, Expression } from '../expression';
import { FURTHEST, startOfDay } from '../moments';
import { divisionByZero, isGuarded, overflow, operate, resultRange } from './arithmetic';
import { ANY, negated, rangeOf, union, MAX, TINY, type Range } from './doubles';
import { attribute, columnOf, constantOf } from './fields';
import type { Outcome, SqlNumber } from './outcome';
import { either, FALSE, type Compiler, type Fragment } from './writer';

/** Longest SQL that is repeated rather than named. */
const SHORT = 40;
const ID: Range = { max: 2 ** 53, min: 1, zero: false, negativeZero: false, negative: false };
const WHOLE: Range = { max: FURTHEST, min: 1, zero: true, negativeZero: false, negative: true };
const MOMENT: Range = { max: FURTHEST, min: TINY, zero: true, negativeZero: false, negative: true };
const COUNT: Range = { max: 2 ** 32, min: 1, zero: true, negativeZero: false, negative: false };

/** The type name of a double. */
function double(compiler: Compiler): string {
  return { sqlite: 'REAL', postgres: 'double precision', mariadb: 'DOUBLE', mysql: 'DOUBLE' }[compiler.writer.family];
}

function cast(compiler: Compiler, sql: string): string {
  return `CAST(${sql} AS ${double(compiler)})`;
}

/** A number that is the same for all leads. */
export function constantNumber(compiler: Compiler, value: number): SqlNumber {
  // A driver may drop the sign of zero, so negative zero is written out.
  const bound = Object.is(value, -0)
    ? compiler.writer.family === 'postgres'
      ? "'-0'"
      : '-0e0'
    : compiler.writer.bind(value);
  return { sql: cast(compiler, bound), nullable: false, range: rangeOf(value), constant: value };
}

function absentNumber(compiler: Compiler): SqlNumber {
  return { sql: cast(compiler, 'NULL'), nullable: true, range: rangeOf(0) };
}

/** As a double, ready to calculate with. */
export function real(compiler: Compiler, number: SqlNumber): SqlNumber {
  return number.raw ? { sql: cast(compiler, number.sql), nullable: number.nullable, range: number.range } : number;
}

/** A number as an operand: finite, or NULL when absent or not finite. */
export function operand(compiler: Compiler, expression: Expression): SqlNumber {
  return compiler.writer.bounded(writeOperand(compiler, expression));
}

function writeOperand(compiler: Compiler, expression: Expression): SqlNumber {
  const { writer } = compiler;
  switch (expression.kind) {
    case 'constant':
      return constantNumber(compiler, Number(expression.value));
    case 'field':
      return fieldNumber(compiler, expression);
    case 'now': {
      const { now } = writer.placement;
      return constantNumber(compiler, expression.unit === 'today' ? startOfDay(now) : now);
    }
    case 'negate': {
      const of = real(compiler, operand(compiler, expression.of));
      if (of.constant !== undefined) return constantNumber(compiler, -of.constant);
      // SQLite takes -x for 0 - x, which loses the sign of zero.
      return { sql: `(-1e0 * ${of.sql})`, nullable: of.nullable, range: negated(of.range) };
    }
    case 'number': {
      const flag = compiler.value(expression.of);
      const sql = `CASE WHEN ${flag.sql} THEN 1e0 WHEN NOT (${flag.sql}) THEN 0e0 END`;
      return { sql: cast(compiler, sql), nullable: flag.nullable, range: { ...COUNT, max: 1 } };
    }
    case 'length': {
      const text = compiler.value(expression.of);
      const fn = writer.family === 'sqlite' ? 'length' : 'CHAR_LENGTH';
      return { sql: `${fn}(${text.sql})`, nullable: text.nullable, range: COUNT, raw: true };
    }
    case 'choice': {
      const then = real(compiler, operand(compiler, expression.then));
      const otherwise = expression.otherwise
        ? real(compiler, operand(compiler, expression.otherwise))
        : absentNumber(compiler);
      const chosen = either(compiler.truth(expression.test), then, otherwise);
      return { ...chosen, sql: `(${chosen.sql})`, range: union(then.range, otherwise.range) };
    }
    case 'arithmetic':
      return calculated(compiler, expression);
    default:
      return absentNumber(compiler);
  }
}

function fieldNumber(compiler: Compiler, { field, type }: Expression & { kind: 'field' }): SqlNumber {
  const { writer } = compiler;
  if (field.root !== 'lead') {
    const value = constantOf(writer, field);
    return typeof value === 'number' ? constantNumber(compiler, value) : absentNumber(compiler);
  }
  const column = columnOf(field);
  if (column) {
    const { column: name, nullable } = column;
    const range = name === 'score' ? ANY : name === 'id' ? ID : WHOLE;
    return { sql: writer.column(name), nullable, range, raw: name !== 'score' };
  }
  const value = attribute(writer, field);
  const range = type === 'date' ? MOMENT : ANY;
  // SQLite compares a JSON integer with a double exactly, but a whole number of 2^53 or more is a double in JSON.
  if (writer.family === 'sqlite' && type === 'date') return { ...value, range, raw: true };
  return { sql: cast(compiler, value.sql), nullable: value.nullable, range };
}

/** Both sides of a calculation as doubles. */
function sides(compiler: Compiler, { left, right }: ArithmeticExpression): [SqlNumber, SqlNumber] {
  return [real(compiler, operand(compiler, left)), real(compiler, operand(compiler, right))];
}

function calculated(compiler: Compiler, expression: ArithmeticExpression): SqlNumber {
  const { op } = expression;
  const { writer } = compiler;
  const [a, b] = sides(compiler, expression);
  if (a.constant !== undefined && b.constant !== undefined) {
    const result = calculate(op, a.constant, b.constant);
    return Number.isFinite(result) ? constantNumber(compiler, result) : absentNumber(compiler);
  }
  const range = resultRange(op, a.range, b.range);
  return named(compiler, op, [a, b], (x, y) => {
    const divides = (op === '/' || op === '%') && b.range.zero;
    const over = overflow(writer.family, op, x, y);
    const plain = operate(writer, op, x, y);
    let sql = plain;
    if (writer.family === 'sqlite') {
      // SQLite answers NULL to a division by zero and an infinity to an overflow.
      if (over) sql = `CASE WHEN abs(${plain}) <= ${MAX} THEN ${plain} END`;
    } else if (divides && over) sql = `CASE WHEN ${y.sql} = 0 THEN NULL WHEN ${over.any} THEN NULL ELSE ${plain} END`;
    else if (divides) sql = `CASE WHEN ${y.sql} <> 0 THEN ${plain} END`;
    else if (over) sql = `CASE WHEN ${over.any} THEN NULL ELSE ${plain} END`;
    return { sql: `(${sql})`, nullable: a.nullable || b.nullable || divides || over !== undefined, range };
  });
}

/**
 * Gives two operands names when they are long and will be written more than once. PostgreSQL can do that with a
 * correlated sub-query (`OFFSET 0` keeps the planner from undoing it); elsewhere they are simply repeated.
 */
function named<Result extends Fragment>(
  compiler: Compiler,
  op: ArithmeticOp,
  [a, b]: readonly [SqlNumber, SqlNumber],
  body: (a: SqlNumber, b: SqlNumber) => Result,
): Result {
  const { writer } = compiler;
  const isLong = [a, b].some(({ constant, sql }) => constant === undefined && sql.length > SHORT);
  if (writer.family !== 'postgres' || !isLong || !isGuarded(writer.family, op, a, b)) return body(a, b);
  const alias = writer.alias('q');
  const inner = body({ ...a, sql: `${alias}.x` }, { ...b, sql: `${alias}.y` });
  return { ...inner, sql: `(SELECT ${inner.sql} FROM (SELECT ${a.sql} AS x, ${b.sql} AS y OFFSET 0) AS ${alias})` };
}

/**
 * Hands every outcome of a number to `use` and joins the answers into one fragment. This is how comparisons see the
 * infinities and NaN of a division by zero or an overflow, which no database but PostgreSQL can hold in a column.
 */
export function withOutcomes(
  compiler: Compiler,
  expression: Expression,
  use: (outcome: Outcome) => Fragment,
): Fragment {
  return compiler.writer.bounded(writeOutcomes(compiler, expression, use));
}

function writeOutcomes(compiler: Compiler, expression: Expression, use: (outcome: Outcome) => Fragment): Fragment {
  if (expression.kind === 'choice') {
    const otherwise = expression.otherwise
      ? withOutcomes(compiler, expression.otherwise, use)
      : use({ kind: 'finite', number: absentNumber(compiler) });
    const chosen = either(compiler.truth(expression.test), withOutcomes(compiler, expression.then, use), otherwise);
    return { ...chosen, sql: `(${chosen.sql})` };
  }
  if (expression.kind !== 'arithmetic') return use({ kind: 'finite', number: operand(compiler, expression) });
  const { op } = expression;
  const { family } = compiler.writer;
  const [a, b] = sides(compiler, expression);
  if (a.constant !== undefined && b.constant !== undefined)
    return use(outcomeOf(compiler, calculate(op, a.constant, b.constant)));
  return named(compiler, op, [a, b], (x, y) => {
    const number: SqlNumber = {
      sql: `(${operate(compiler.writer, op, x, y)})`,
      nullable: a.nullable || b.nullable,
      range: resultRange(op, a.range, b.range),
    };
    // SQLite's doubles overflow to infinity by themselves and compare as they should.
    const over = family === 'sqlite' ? undefined : overflow(family, op, x, y);
    let result = use({ kind: 'finite', number });
    if (over) {
      const infinite = (sign: 1 | -1): Fragment => use({ kind: 'infinite', sign });
      const [plus, minus] = [infinite(1), infinite(-1)];
      result = {
        sql: `CASE WHEN ${over.positive} THEN ${plus.sql} WHEN ${over.negative} THEN ${minus.sql} ELSE ${result.sql} END`,
        nullable: plus.nullable || minus.nullable || result.nullable,
      };
    }
    if ((op === '/' || op === '%') && b.range.zero) result = divisionByZero(op, x, y, result, use);
    return result.sql.startsWith('CASE') ? { ...result, sql: `(${result.sql})` } : result;
  });
}

function outcomeOf(compiler: Compiler, value: number): Outcome {
  if (Number.isNaN(value)) return { kind: 'nan' };
  if (Number.isFinite(value)) return { kind: 'finite', number: constantNumber(compiler, value) };
  return { kind: 'infinite', sign: value > 0 ? 1 : -1 };
}

const TESTS = {
  '=': (a: number, b: number) => a === b,
  '!=': (a: number, b: number) => a !== b,
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
} as const;

/** A number that stands for every finite one when only its being finite matters. */
function sample(outcome: Outcome): number {
  if (outcome.kind === 'nan') return Number.NaN;
  return outcome.kind === 'infinite' ? outcome.sign * Number.POSITIVE_INFINITY : 0;
}

/** A comparison of two numbers: NULL when either is absent. */
export function compareNumbers(
  compiler: Compiler,
  op: keyof typeof TESTS,
  left: Expression,
  right: Expression,
): Fragment {
  return withOutcomes(compiler, left, (a) => withOutcomes(compiler, right, (b) => compareOutcomes(compiler, op, a, b)));
}

function compareOutcomes(compiler: Compiler, op: keyof typeof TESTS, a: Outcome, b: Outcome): Fragment {
  if (a.kind === 'finite' && b.kind === 'finite') {
    const [x, y] = alike(compiler, a.number, b.number);
    return { sql: `${x.sql} ${op === '!=' ? '<>' : op} ${y.sql}`, nullable: x.nullable || y.nullable };
  }
  if (
    compiler.writer.family === 'sqlite' &&
    (a.kind === 'infinite' || b.kind === 'infinite') &&
    (a.kind === 'finite' || b.kind === 'finite')
  ) {
    // On SQLite the other side may have overflowed to an infinity of its own.
    const [x, y] = [a, b].map((side) =>
      side.kind === 'finite' ? side.number.sql : side.kind === 'infinite' && side.sign < 0 ? '-9e999' : '9e999',
    );
    return {
      sql: `${x} ${op === '!=' ? '<>' : op} ${y}`,
      nullable: [a, b].some((side) => side.kind === 'finite' && side.number.nullable),
    };
  }
  const answer = TESTS[op](sample(a), sample(b)) ? 'TRUE' : 'FALSE';
  const present = a.kind === 'finite' ? a.number : b.kind === 'finite' ? b.number : undefined;
  if (!present?.nullable) return { sql: answer, nullable: false };
  return { sql: `CASE WHEN ${present.sql} IS NOT NULL THEN ${answer} END`, nullable: true };
}

/** Two numbers in types that compare exactly, an integer column with an integer so that its index can be used. */
export function alike(compiler: Compiler, a: SqlNumber, b: SqlNumber): [SqlNumber, SqlNumber] {
  const { writer } = compiler;
  const bare = (number: SqlNumber): SqlNumber => {
    const value = number.constant;
    if (value === undefined || Object.is(value, -0)) return number;
    if (writer.family === 'sqlite') return { ...number, sql: writer.bind(value) };
    if (writer.family === 'postgres' && !Number.isSafeInteger(value)) return number;
    const type = writer.family === 'postgres' ? 'bigint' : 'SIGNED';
    return Number.isSafeInteger(value) ? { ...number, sql: `CAST(${writer.bind(value)} AS ${type})` } : number;
  };
  if (writer.family === 'sqlite') return [bare(a), bare(b)];
  if (a.raw && b.constant !== undefined) return [a, bare(b)];
  if (b.raw && a.constant !== undefined) return [bare(a), b];
  return a.raw && b.raw ? [a, b] : [real(compiler, a), real(compiler, b)];
}

/** Whether a number counts as true: not zero, not NaN. NULL when absent. */
export function numberTruth(compiler: Compiler, expression: Expression): Fragment {
  return withOutcomes(compiler, expression, (outcome) => {
    if (outcome.kind === 'nan') return FALSE;
    if (outcome.kind === 'infinite') return { sql: 'TRUE', nullable: false };
    return { sql: `${outcome.number.sql} <> 0`, nullable: outcome.number.nullable };
  });
}

/** Whether a number is there at all. */
export function numberExists(compiler: Compiler, expression: Expression): Fragment {
  return withOutcomes(compiler, expression, (outcome) =>
    outcome.kind === 'finite' && outcome.number.nullable
      ? { sql: `${outcome.number.sql} IS NOT NULL`, nullable: false }
      : { sql: 'TRUE', nullable: false },
  );
}
