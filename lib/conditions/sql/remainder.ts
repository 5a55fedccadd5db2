import type { SqlNumber } from './outcome';
import type { Writer } from './writer';

/** The remainder of two doubles as JavaScript's `%` (C's fmod): exact, with the sign of the dividend. */
export function remainder(writer: Writer, a: SqlNumber, b: SqlNumber): string {
  switch (writer.family) {
    case 'sqlite':
      return `mod(${a.sql}, ${b.sql})`;
    case 'mariadb':
    case 'mysql':
      return `${a.sql} % ${b.sql}`;
    case 'postgres':
      return postgresRemainder(writer, a.sql, b.sql);
  }
}

/*
 * PostgreSQL has no remainder of doubles. Whole numbers go through bigint. The rest is worked out exactly: every double
 * times 2^1074 is a whole number, whose digits to_char() prints without loss; numeric takes their remainder r, and
 * r * 2^-1074 = r * 5^1074 * 10^-1074 is again a double, read from text.
 */
function postgresRemainder(writer: Writer, a: string, b: string): string {
  const [x, y] = [`ABS(${a})`, `ABS(${b})`];
  const small = 2 ** 62;
  const whole = `${x} < ${small} AND ${y} < ${small} AND ${x} = TRUNC(${x}) AND ${y} = TRUNC(${y})`;
  const fast = `CAST(CAST(${x} AS bigint) % CAST(${y} AS bigint) AS double precision)`;
  const five = `CAST(${writer.bind(String(5n ** 1074n))} AS numeric)`;
  const exact = `CAST(CAST(MOD(${scaled(writer, x)}, ${scaled(writer, y)}) * ${five} AS text) || 'e-1074' AS double precision)`;
  return `CASE WHEN ${x} < ${y} THEN ${a} ELSE SIGN(${a}) * CASE WHEN ${whole} THEN ${fast} ELSE ${exact} END END`;
}

/** A positive double times 2^1074 as a numeric, exactly. */
function scaled(writer: Writer, x: string): string {
  const digits = writer.bind(`FM${'9'.repeat(309)}`);
  const times = (shift: number): string => {
    const grown =
      shift === 0 ? x : `${x} * ${2 ** Math.min(shift, 1000)}${shift > 1000 ? ` * ${2 ** (shift - 1000)}` : ''}`;
    const rest = 1074 - shift;
    const factor = rest === 0 ? '' : ` * CAST(${writer.bind(String(2n ** BigInt(rest)))} AS numeric)`;
    return `CAST(to_char(${grown}, CAST(${digits} AS text)) AS numeric)${factor}`;
  };
  // 2^53 and more is whole already; the last bit of a double from 1 on is 2^-52, from 2^-500 on 2^-552.
  return `CASE WHEN ${x} >= ${2 ** 53} THEN ${times(0)} WHEN ${x} >= 1 THEN ${times(52)} WHEN ${x} >= ${2 ** -500} THEN ${times(552)} ELSE ${times(1074)} END`;
}
