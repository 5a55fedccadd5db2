/**
 * Words of this folder.
 *
 * - *lead*: a person who can be contacted; found by e-mail address or by the id another system gave them.
 * - *built-in field*: e-mail, external id, name, phone, country, time zone, score. Everybody's leads have them.
 * - *attribute*: a field this tenant declared, with a type.
 * - *view*: a lead as a marketer sees it: built-in fields and attributes side by side (`msg.payload`).
 * - *input*: what somebody says about a lead. A field that is absent is kept, `null` removes it.
 */
import type { Scope } from '../store';

/** Types that an attribute may have. Dates are kept as milliseconds since 1970. */
export const ATTRIBUTE_TYPES = ['number', 'string', 'boolean', 'date', 'string[]'] as const;
export type AttributeType = (typeof ATTRIBUTE_TYPES)[number];

/** A declared attribute. */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
}

/** A value as it is stored for an attribute; dates are milliseconds since 1970. */
export type AttributeValue = number | string | boolean | readonly string[];

/** The built-in fields that an input may set, in the order of their columns. */
export const BUILT_IN_FIELDS = ['externalId', 'email', 'name', 'phone', 'country', 'timeZone', 'score'] as const;
export type BuiltInField = (typeof BUILT_IN_FIELDS)[number];

/** Names that are part of every view and can therefore not name an attribute. */
export const RESERVED_FIELDS: readonly string[] = ['id', ...BUILT_IN_FIELDS, 'createdAt', 'updatedAt', 'attributes'];

/**
 * What somebody says about a lead: built-in fields by name, anything else is an attribute. Attributes may also stand in
 * an object `attributes`. `id`, `createdAt` and `updatedAt` are ours and are ignored, so that a view can be given back.
 */
export type LeadInput = Readonly<Record<string, unknown>>;

/** What to do with a field that is neither built in nor declared. */
export type UndeclaredPolicy = 'declare' | 'reject' | 'ignore';

/** How an upsert works. */
export interface UpsertOptions {
  /** Who or what says so ("import leads.csv", "node Sign-up form"); for logs and history. */
  source?: string;
  /** Default `ignore`: the lead is stored without it and the result says so. */
  undeclared?: UndeclaredPolicy;
  /** False: the change is not reported to `onChanged`; whoever calls refreshes the segments afterwards. Default true. */
  report?: boolean;
  /**
   * Called inside the transaction of each batch with its results, beginning with input number `from`: what must be stored together
   * with the leads (an opt-out, for example) is written here. It may be called again when the transaction is repeated.
   */
  within?: (tx: Scope, results: readonly UpsertResult[], from: number) => Promise<void>;
}

/** Why an input was not stored: a stable code, the field, and a sentence that says what to do. */
export interface Rejection {
  readonly code: string;
  readonly field?: string;
  readonly message: string;
}

/** What became of one input. Never thrown: one bad lead does not hold up the others. */
export type UpsertResult =
  | {
      readonly outcome: 'created' | 'updated' | 'unchanged';
      readonly id: number;
      /** Fields that were left out because nobody declared them. */
      readonly warnings: readonly string[];
    }
  | { readonly outcome: 'rejected'; readonly reason: Rejection };

/** A lead as the marketer sees it; `msg.payload`. Built-in fields that are not known are absent, like attributes. */
export interface LeadView {
  readonly id: number;
  readonly externalId?: string;
  readonly email?: string;
  readonly name?: string;
  /** E.164: "+49301234567". */
  readonly phone?: string;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string;
  /** IANA name. */
  readonly timeZone?: string;
  readonly score: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly [attribute: string]: AttributeValue | undefined;
}

/** Fields that changed, for the leads that changed. `*` stands for all fields (a new lead, a removed one). */
export type ChangedFields = readonly string[];

/** Is told which leads changed, after the change has been committed. */
export type OnLeadsChanged = (ids: readonly number[], fields: ChangedFields) => Promise<void>;

/** A page of leads. */
export interface LeadPage {
  readonly leads: readonly LeadView[];
  /** Give it to the next call; absent on the last page. */
  readonly cursor?: string;
}

/** What to list. */
export interface LeadQuery {
  /** Leads whose e-mail address, external id or name begins with this (e-mail without regard to case). */
  search?: string;
  /** Members of the segment with this id. */
  segment?: number;
  /** ISO 3166-1 alpha-2. */
  country?: string;
  minScore?: number;
  maxScore?: number;
  /** Where the last page ended. */
  cursor?: string;
  /** Skips so many; for pages by number. Prefer the cursor: skipping reads what it skips. */
  offset?: number;
  /** 1 to 1,000; default 50. */
  limit?: number;
}
