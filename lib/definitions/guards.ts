import type { FieldTypes } from '../conditions';
import { ConditionError } from '../conditions';
import { checkDataSchema } from './data/validator';
import type { DataSchema } from './document';
import { FACTS, type FactName } from './facts';
import { DOCUMENT_LIMITS, plainCopy } from './plain';
import { Problems } from './problems';
import { compileScoped, NO_LEAD } from './read/conditions';
import type { ConditionSource, ReadField } from './read/types';

/** What a guard is asked about. */
export interface GuardContext {
  /** `campaign.budget`, `campaign.name` …: a `Campaign`. */
  readonly campaign: object;
  /** The campaign's own data: `data.x`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What is known of how it fares: `data.emails_sent` … Own data of the same name wins. */
  readonly facts?: Readonly<Record<string, number | undefined>>;
  /** For guards that may read a lead. */
  readonly lead?: Readonly<Record<string, unknown>>;
  /** Ms since 1970. */
  readonly now: number;
}

/** A compiled guard. */
export interface Guard {
  readonly source: ConditionSource;
  /** The same as canonical text. */
  readonly normalised: string;
  /** The facts that it may need; empty: metrics need not be read for it. */
  readonly facts: readonly FactName[];
  /** The names behind `data.` that are neither facts nor need be of the campaign's data: custom metrics may be among them. */
  readonly others: readonly string[];
  /** Whether it is true. Never throws: what is missing, or has another type than it is compared with, makes it false. */
  test(context: GuardContext): boolean;
}

/** What a guard may read besides the campaign and its data. */
export interface GuardOptions {
  /** The lead's declared attributes, for what happens to one lead; absent: the guard must not read a lead. */
  readonly lead?: FieldTypes;
}

const PREFIX = 'campaign.data.';

/**
 * Compiles the condition of a transition, an escalation or a trigger: the language of segments, over the campaign and its data.
 * A field that the data schema does not declare takes its type from what it is compared with.
 * @throws ConditionError with the place of what is wrong; InputError `E_DEFINITION` for a data schema that cannot be used
 */
export function compileGuard(
  source: string | object,
  dataSchema?: DataSchema | readonly ReadField[],
  options: GuardOptions = {},
): Guard {
  const condition = source as ConditionSource;
  const compiled = compileScoped(condition, { fields: fieldsOf(dataSchema), ...options });
  if (options.lead === undefined && (compiled.attributes.length > 0 || compiled.behaviours.length > 0))
    throw new ConditionError('E_CONDITION_REFUSED', NO_LEAD(compiled.attributes[0]));
  const read = compiled.reads.flatMap((path) => (path.startsWith(PREFIX) ? [path.slice(PREFIX.length)] : []));
  return {
    source: condition,
    normalised: compiled.normalised,
    facts: FACTS.filter((fact) => read.includes(fact)),
    others: read.filter((name) => !(FACTS as readonly string[]).includes(name)),
    test: ({ campaign, data, facts = {}, lead = {}, now }) => {
      const values = Object.fromEntries(read.map((name) => [name, own(data, name) ?? own(facts, name)]));
      return compiled.test({ lead, now, campaign: { ...campaign, data: values } });
    },
  };
}

/** Null counts as absent, as everywhere. */
function own(holder: object, name: string): unknown {
  return Object.hasOwn(holder, name) ? (holder as Readonly<Record<string, unknown>>)[name] : undefined;
}

function fieldsOf(dataSchema: DataSchema | readonly ReadField[] | undefined): readonly ReadField[] {
  if (dataSchema === undefined) return [];
  if (isFieldList(dataSchema)) return dataSchema;
  const problems = new Problems();
  const copy = plainCopy(dataSchema, DOCUMENT_LIMITS, 'E_DEFINITION', 'The data schema');
  const normal = checkDataSchema(copy, '', problems);
  problems.throwIfAny('E_DEFINITION', 'The data schema');
  return normal?.fields ?? [];
}

function isFieldList(schema: DataSchema | readonly ReadField[]): schema is readonly ReadField[] {
  return Array.isArray(schema);
}
