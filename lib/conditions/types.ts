import type { SqlValue, SqlValues } from '../store/types';

/*
 * Words of this folder
 *   source      what the author wrote: an expression, or the JSON form
 *   expression  the typed tree that both become (expression.ts); every way of evaluating starts from it
 *   absent      a field without a value; JSONata's `undefined`, SQL's NULL
 *   closure     the compiled JavaScript function
 *   place       where in the source something stands, for errors
 */

/**
 * Types that an attribute can be declared as.
 *
 * What a value must look like on the wire; anything else counts as absent, and the store must not keep it:
 * `number` any finite double; `date` a number of milliseconds since 1970 (at most 8.64e15 either way);
 * `string[]` an array with nothing but strings in it. Negative zero counts as zero.
 */
export type AttributeType = 'number' | 'string' | 'boolean' | 'date' | 'string[]';

/** Declared fields by name. */
export type FieldTypes = Readonly<Record<string, AttributeType>>;

/**
 * What a condition may read. `lead` holds the declared attributes (the built-in columns are always there). `campaign`,
 * when given, offers `campaign.key` and `campaign.name`, and its declared fields as `campaign.data.x` (or `data.x`).
 * Any other root offers its fields directly: `event: { url: 'string' }` makes `event.url` readable.
 */
export interface ConditionSchema {
  readonly lead: FieldTypes;
  readonly campaign?: FieldTypes;
  readonly [root: string]: FieldTypes | undefined;
}

/** How {@link Condition}s read what a schema does not say. Such a condition is evaluated by its closure only. */
export interface CompileOptions {
  /**
   * Roots (`data`, `lead` …) that hold values as people wrote them. A field that is not declared may be read: its type
   * follows from what it is compared with, and a value of another type counts as absent. A date may be ISO 8601 text.
   */
  readonly infer?: readonly string[];
  /** What `campaign` offers besides `campaign.key` and `campaign.name`. */
  readonly campaign?: FieldTypes;
}

/** One comparison of the JSON form. */
export interface JsonRule {
  readonly field: string;
  readonly operator: string;
  readonly value?: unknown;
}

/** A group of the JSON form. `logic` defaults to AND; `NOT` means "not all of these". */
export interface JsonGroup {
  readonly conditions: readonly JsonCondition[];
  readonly logic?: string;
}

/** Negation in the JSON form. */
export interface JsonNot {
  readonly not: JsonCondition;
}

/** The JSON form of a condition; a bare array is a group joined by AND. */
export type JsonCondition = JsonRule | JsonGroup | JsonNot | readonly JsonCondition[];

/** What a lead did, as `$did` asks for it. */
export interface Behaviour {
  /** Type of the engagement, such as `email_opened`. */
  readonly event: string;
  /** Look back this many milliseconds from now; everything ever when undefined. */
  readonly within?: number;
  /** At least this many times; 1 unless said otherwise. */
  readonly atLeast: number;
  /** Only in the campaign with this key. */
  readonly campaign?: string;
  /** Only on this channel. */
  readonly channel?: string;
}

/** What a condition is tested against. Roots are read by own properties only. */
export interface ConditionContext {
  /** The lead as it travels in `msg.payload`. */
  readonly lead: Readonly<Record<string, unknown>>;
  /** The moment of the test, milliseconds since 1970. */
  readonly now: number;
  /** `msg.campaign`, for conditions that read it. */
  readonly campaign?: Readonly<Record<string, unknown>>;
  /** Whether the behaviour with this index (in {@link Condition.behaviours}) is true of the lead. Not given: nothing was done. */
  readonly did?: (index: number) => boolean;
  /** Hears what a custom evaluator threw; its condition counts as false. */
  readonly onError?: (error: unknown) => void;
  readonly [root: string]: unknown;
}

/** How {@link Condition.toSql} knows the database. `Dialect` of the store fits. */
export interface SqlTarget {
  readonly name: 'sqlite' | 'postgres' | 'mysql';
  /** MariaDB as against MySQL; matters for `mysql` only. */
  readonly mariadb: boolean;
}

/** Where a predicate is put. */
export interface SqlPlacement {
  /** Alias of `marketing_leads` in the statement. */
  readonly alias: string;
  /** What the names of this predicate's values begin with, so that several fit in one statement. */
  readonly prefix: string;
  /** The moment of the run, milliseconds since 1970: one for all leads. */
  readonly now: number;
  /** Values of the roots other than `lead`: `{ campaign: { key: 'spring' } }`. */
  readonly constants?: Readonly<Record<string, unknown>>;
}

/** A predicate and its named values. `:tenant` is used by `$did` and bound by the scope. */
export interface SqlPredicate {
  /** TRUE for the leads that match, FALSE or NULL for the others: negate it with `(…) IS NOT TRUE`. */
  readonly text: string;
  readonly values: SqlValues;
}

/** A compiled condition. */
export interface Condition {
  /** What was compiled. */
  readonly source: string | JsonCondition;
  /** The same condition as canonical JSONata, for the editor. */
  readonly normalised: string;
  /** Everything that it reads, by full path: `lead.score`, `campaign.name`, `campaign.data.city`. */
  readonly reads: readonly string[];
  /** Fields of the lead that decide: when none of them changes, neither does the answer (behaviour and time aside). */
  readonly attributes: readonly string[];
  /** The `$did` calls, in the order of their indexes. */
  readonly behaviours: readonly Behaviour[];
  /** True when the answer depends on the time. */
  readonly usesNow: boolean;
  /** True when all three databases answer exactly as the closure does. */
  readonly sqlExact: boolean;
  /** The same for one database. When false, {@link toSql} throws `E_NOT_SQL`. */
  sqlExactOn(target: SqlTarget): boolean;
  /** Whether it is true. Never throws, whatever the lead looks like. */
  test(context: ConditionContext): boolean;
  /** The values that were looked at, shortened, for the trail; null for absent ones. */
  seen(context: ConditionContext): Record<string, unknown>;
  /** @throws ConditionError `E_NOT_SQL` when the database cannot do it exactly */
  toSql(target: SqlTarget, placement: SqlPlacement): SqlPredicate;
}

export type { SqlValue, SqlValues };
