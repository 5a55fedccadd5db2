import type { CompareOp, Expression } from '../expression';
import { attribute, columnOf, constantOf, exactCollation } from './fields';
import type { Compiler, Fragment, Writer } from './writer';

/** Text in SQL; `constant` is the text itself when it is the same for all leads. */
export interface SqlText extends Fragment {
  readonly constant?: string;
  /** Its collation is known to be exact already: a column of ours. */
  readonly exact?: boolean;
}

function isMysql(writer: Writer): boolean {
  return writer.family === 'mariadb' || writer.family === 'mysql';
}

function constantText(writer: Writer, value: string): SqlText {
  const bound = writer.bind(value);
  const sql = writer.family === 'postgres' ? `CAST(${bound} AS text)` : bound;
  return { sql, nullable: false, constant: value };
}

function absentText(writer: Writer): SqlText {
  return { sql: writer.family === 'postgres' ? 'CAST(NULL AS text)' : 'NULL', nullable: true };
}

/** A text expression. */
export function text(compiler: Compiler, expression: Expression): SqlText {
  return compiler.writer.bounded(writeText(compiler, expression));
}

function writeText(compiler: Compiler, expression: Expression): SqlText {
  const { writer } = compiler;
  switch (expression.kind) {
    case 'constant':
      return constantText(writer, String(expression.value));
    case 'now':
      return constantText(writer, new Date(writer.placement.now).toISOString());
    case 'field': {
      const { field } = expression;
      if (field.root !== 'lead') {
        const value = constantOf(writer, field);
        return typeof value === 'string' ? constantText(writer, value) : absentText(writer);
      }
      const column = columnOf(field);
      if (column) return { sql: writer.column(column.column), nullable: column.nullable, exact: true };
      const value = attribute(writer, field);
      // What comes out of JSON has another collation than our columns, and the two must not meet in one expression.
      return isMysql(writer)
        ? { ...value, sql: `(${value.sql} COLLATE ${exactCollation(writer)})`, exact: true }
        : value;
    }
    case 'join': {
      const sides = [joined(compiler, expression.left), joined(compiler, expression.right)];
      return { sql: isMysql(writer) ? `CONCAT(${sides.join(', ')})` : `(${sides.join(' || ')})`, nullable: false };
    }
    case 'text-change': {
      const of = text(compiler, expression.of);
      if (of.constant !== undefined) {
        return constantText(
          writer,
          expression.change === 'lowercase' ? of.constant.toLowerCase() : of.constant.toUpperCase(),
        );
      }
      // The databases' own functions differ from JavaScript's in Unicode version, in special cases, or know ASCII only.
      if (writer.family !== 'sqlite') return writer.impossible(`$${expression.change}`);
      return { sql: `nm_${expression.change === 'lowercase' ? 'lower' : 'upper'}(${of.sql})`, nullable: of.nullable };
    }
    case 'choice': {
      const then = text(compiler, expression.then);
      const otherwise = expression.otherwise ? text(compiler, expression.otherwise) : absentText(writer);
      return {
        sql: `(CASE WHEN ${compiler.truth(expression.test).sql} THEN ${then.sql} ELSE ${otherwise.sql} END)`,
        nullable: then.nullable || otherwise.nullable,
      };
    }
    default:
      return absentText(writer);
  }
}

/** One side of `&`: absent is empty text, true and false are spelled out. */
function joined(compiler: Compiler, expression: Expression): string {
  if (expression.type === 'boolean') {
    const flag = compiler.value(expression);
    return `CASE WHEN ${flag.sql} THEN 'true' WHEN NOT (${flag.sql}) THEN 'false' ELSE '' END`;
  }
  const side = text(compiler, expression);
  return side.nullable ? `COALESCE(${side.sql}, '')` : side.sql;
}

/** Two texts ready to be compared character by character. */
function exactly(writer: Writer, a: SqlText, b: SqlText): [string, string] {
  if (!isMysql(writer)) return [a.sql, b.sql];
  if (a.exact || b.exact) {
    const settle = (side: SqlText): string =>
      side.exact || side.constant !== undefined ? side.sql : collated(writer, side.sql);
    return [settle(a), settle(b)];
  }
  return a.constant === undefined ? [collated(writer, a.sql), b.sql] : [a.sql, collated(writer, b.sql)];
}

function collated(writer: Writer, sql: string): string {
  return `CONVERT(${sql} USING utf8mb4) COLLATE ${exactCollation(writer)}`;
}

/** A comparison of two texts: NULL when either is absent. */
export function compareTexts(compiler: Compiler, op: CompareOp, left: Expression, right: Expression): Fragment {
  const { writer } = compiler;
  const a = text(compiler, left);
  const b = text(compiler, right);
  const nullable = a.nullable || b.nullable;
  if (op === '=' || op === '!=') {
    const [x, y] = exactly(writer, a, b);
    return { sql: `${x} ${op === '=' ? '=' : '<>'} ${y}`, nullable };
  }
  return { sql: ordered(writer, op, a, b), nullable };
}

/**
 * Databases order text by code point, JavaScript by UTF-16 unit. The two differ only where a character from U+E000 to
 * U+FFFF meets one beyond U+FFFF; if one side has neither, they agree.
 */
function ordered(writer: Writer, op: CompareOp, a: SqlText, b: SqlText): string {
  const plain = [a, b].some(
    ({ constant }) => constant !== undefined && !/[\ue000-\uffff\u{10000}-\u{10ffff}]/u.test(constant),
  );
  const key = (side: SqlText): string => (plain ? side.sql : utf16Key(writer, side.sql));
  switch (writer.family) {
    case 'sqlite':
      return `${key(a)} ${op} ${key(b)}`;
    case 'postgres':
      return `${key(a)} COLLATE "C" ${op} ${key(b)} COLLATE "C"`;
    case 'mariadb':
    case 'mysql': {
      const [x, y] = plain ? exactly(writer, a, b) : [key(a), key(b)];
      return `${x} ${op} ${y}`;
    }
  }
}

/** Something that sorts, byte by byte, as the text sorts by UTF-16 unit. */
function utf16Key(writer: Writer, sql: string): string {
  switch (writer.family) {
    case 'sqlite':
      return `nm_utf16(${sql})`;
    case 'postgres': {
      // PostgreSQL knows no UTF-16: lift U+E000–U+FFFF above everything by putting U+10FFFF before them, and mark a
      // real U+10FFFF with a space, which sorts below what can follow the inserted one.
      const top = 'CHR(1114111)';
      return `REGEXP_REPLACE(REPLACE(${sql}, ${top}, ${top} || ' '), '([\\uE000-\\uFFFF])', ${top} || '\\1', 'g')`;
    }
    case 'mariadb':
    case 'mysql':
      return `HEX(CONVERT(CONVERT(${sql} USING utf8mb4) USING utf16))`;
  }
}

/** `$contains`, `$startsWith`, `$endsWith`: NULL when either side is absent. */
export function textTest(compiler: Compiler, expression: Expression & { kind: 'text-test' }): Fragment {
  const { writer } = compiler;
  const whole = text(compiler, expression.text);
  const part = text(compiler, expression.part);
  const nullable = whole.nullable || part.nullable;
  const x = isMysql(writer) && !whole.exact ? collated(writer, whole.sql) : whole.sql;
  const y = isMysql(writer) && part.constant === undefined && !part.exact ? collated(writer, part.sql) : part.sql;
  const length = writer.family === 'sqlite' ? `length(${y})` : `CHAR_LENGTH(${y})`;
  switch (expression.test) {
    case 'contains':
      if (writer.family === 'postgres') return { sql: `STRPOS(${x}, ${y}) > 0`, nullable };
      return { sql: `INSTR(${x}, ${y}) > 0`, nullable };
    case 'startsWith':
      if (writer.family === 'postgres') return { sql: `STARTS_WITH(${x}, ${y})`, nullable };
      if (writer.family === 'sqlite') return { sql: `substr(${x}, 1, ${length}) = ${y}`, nullable };
      return { sql: `LEFT(${x}, ${length}) = ${y}`, nullable };
    case 'endsWith':
      if (writer.family === 'sqlite') return { sql: `substr(${x}, -${length}, ${length}) = ${y}`, nullable };
      return { sql: `RIGHT(${x}, ${length}) = ${y}`, nullable };
  }
}

/** `$matches`: NULL when the text is absent. */
export function matches(compiler: Compiler, expression: Expression & { kind: 'matches' }): Fragment {
  const { writer } = compiler;
  if (writer.family !== 'sqlite') return writer.impossible('a regular expression');
  const subject = text(compiler, expression.text);
  return { sql: `nm_matches(${subject.sql}, ${writer.bind(expression.pattern)})`, nullable: subject.nullable };
}

/** Whether text counts as true: not empty. NULL when absent. */
export function textTruth(compiler: Compiler, expression: Expression): Fragment {
  const subject = text(compiler, expression);
  // '' is equal to no other text in any collation without padding, and CHAR_LENGTH needs no collation at all.
  const length = compiler.writer.family === 'sqlite' ? 'length' : 'CHAR_LENGTH';
  return { sql: `${length}(${subject.sql}) > 0`, nullable: subject.nullable };
}
