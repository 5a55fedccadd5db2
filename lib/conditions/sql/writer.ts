import { ConditionError } from '../errors';
import type { Expression } from '../expression';
import type { Behaviour, SqlPlacement, SqlTarget, SqlValue } from '../types';

/** A piece of SQL. NULL stands for absent. */
export interface Fragment {
  readonly sql: string;
  readonly nullable: boolean;
}

/** The databases, as far as predicates differ. */
export type Family = 'sqlite' | 'postgres' | 'mariadb' | 'mysql';

/** What the files of this folder ask of each other: the two ways to compile any expression. */
export interface Compiler {
  readonly writer: Writer;
  /** A predicate that is TRUE exactly when the expression counts as true; otherwise FALSE or NULL. */
  truth(expression: Expression): Fragment;
  /** The value of an expression that is text or true/false, NULL when absent. */
  value(expression: Expression): Fragment;
}

/** Collects the named values of one predicate and knows its database. */
export class Writer {
  readonly family: Family;
  readonly values: Record<string, SqlValue> = {};
  private readonly names = new Map<string, string>();
  private aliases = 0;

  constructor(
    target: SqlTarget,
    readonly placement: SqlPlacement,
    readonly behaviours: readonly Behaviour[],
    /** Longest piece of SQL, in characters. */
    private readonly limit: number,
  ) {
    this.family = target.name === 'mysql' ? (target.mariadb ? 'mariadb' : 'mysql') : target.name;
  }

  /** Binds a value; the same value twice has one name. */
  bind(value: string | number): string {
    const key = `${typeof value}:${value}`;
    let name = this.names.get(key);
    if (name === undefined) {
      name = `${this.placement.prefix}${this.names.size + 1}`;
      this.names.set(key, name);
      this.values[name] = value;
    }
    return `:${name}`;
  }

  /** A column of the lead. */
  column(name: string): string {
    return `${this.placement.alias}.${name}`;
  }

  /** A table alias that nothing else in this predicate uses. */
  alias(letter: string): string {
    return `${this.placement.prefix}${letter}${++this.aliases}`;
  }

  /**
   * Stops when a piece of SQL grows out of hand. Asked at every step, because pieces that are written several times
   * grow exponentially with their nesting.
   */
  bounded<Piece extends Fragment>(piece: Piece): Piece {
    if (piece.sql.length <= this.limit) return piece;
    throw new ConditionError(
      'E_NOT_SQL',
      'As SQL this condition would be too long. Test the leads one by one (condition.test), or split it.',
    );
  }

  /** Stops: this database cannot do `what` exactly. */
  impossible(what: string): never {
    const name = { sqlite: 'SQLite', postgres: 'PostgreSQL', mariadb: 'MariaDB', mysql: 'MySQL' }[this.family];
    throw new ConditionError(
      'E_NOT_SQL',
      `${name} cannot evaluate ${what} exactly. Test the leads one by one (condition.test).`,
    );
  }
}

/** Makes NULL false. */
export function orFalse(fragment: Fragment): Fragment {
  return fragment.nullable ? { sql: `(${fragment.sql}) IS TRUE`, nullable: false } : fragment;
}

export const TRUE: Fragment = { sql: 'TRUE', nullable: false };
export const FALSE: Fragment = { sql: 'FALSE', nullable: false };

/** `CASE WHEN test THEN yes ELSE no END`; a nullable test counts as false. */
export function either(test: Fragment, yes: Fragment, no: Fragment): Fragment {
  return {
    sql: `CASE WHEN ${test.sql} THEN ${yes.sql} ELSE ${no.sql} END`,
    nullable: yes.nullable || no.nullable,
  };
}
