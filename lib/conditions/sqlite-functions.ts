import { compilePattern } from './patterns';

/** What SQLite hands to a function and takes back. */
export type SqliteArgument = string | number | bigint | Buffer | null;

/** A function that the store registers on every SQLite connection (its `SqliteFunction`). */
export interface ConditionSqliteFunction {
  name: string;
  deterministic: boolean;
  fn: (...args: SqliteArgument[]) => SqliteArgument;
}

// better-sqlite3 takes the number of arguments from the function's length: no defaults, no rest parameters here.
const define = (name: string, fn: ConditionSqliteFunction['fn']): ConditionSqliteFunction => ({
  name,
  deterministic: true,
  fn,
});

/** What conditions need on SQLite. Every function answers NULL for NULL. (Not `marketing_…`: the store takes that for a table.) */
export const sqliteFunctions: readonly ConditionSqliteFunction[] = [
  // Sorts bytewise as JavaScript sorts the text: by UTF-16 unit, most significant byte first.
  define('nm_utf16', (text: SqliteArgument) =>
    typeof text === 'string' ? Buffer.from(text, 'utf16le').swap16() : null,
  ),
  // SQLite's own lower() and upper() know ASCII only.
  define('nm_lower', (text: SqliteArgument) => (typeof text === 'string' ? text.toLowerCase() : null)),
  define('nm_upper', (text: SqliteArgument) => (typeof text === 'string' ? text.toUpperCase() : null)),
  define('nm_matches', (text: SqliteArgument, pattern: SqliteArgument) =>
    typeof text === 'string' && typeof pattern === 'string' ? Number(compilePattern(pattern)(text)) : null,
  ),
];
