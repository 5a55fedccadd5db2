import { ConditionError, type Place } from './errors';
import { MAX_NAME } from './limits';
import type { AttributeType, CompileOptions, ConditionSchema, FieldTypes } from './types';
import { isWellFormed } from './unicode';

/** The built-in fields of a lead and the column each is stored in. */
export const LEAD_COLUMNS: Readonly<Record<string, { type: AttributeType; column: string; nullable: boolean }>> = {
  id: { type: 'number', column: 'id', nullable: false },
  email: { type: 'string', column: 'email', nullable: true },
  name: { type: 'string', column: 'name', nullable: true },
  phone: { type: 'string', column: 'phone', nullable: true },
  country: { type: 'string', column: 'country', nullable: true },
  timeZone: { type: 'string', column: 'time_zone', nullable: true },
  externalId: { type: 'string', column: 'external_id', nullable: true },
  score: { type: 'number', column: 'score', nullable: false },
  createdAt: { type: 'date', column: 'created_at', nullable: false },
};

const CAMPAIGN_FIELDS: FieldTypes = { key: 'string', name: 'string' };

/** A field as an expression refers to it. */
export interface Field {
  readonly root: string;
  /** Property names from the root down; one for a lead. */
  readonly path: readonly string[];
  readonly type: AttributeType;
  /** Of a root that holds values as people wrote them ({@link CompileOptions.infer}). */
  readonly written?: boolean;
  /** Nothing has said yet what type it is; read as it stands when nothing ever does. */
  readonly open?: boolean;
}

/** Names that JavaScript gives a meaning of its own on any object. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Checks the name of an attribute that somebody wants to declare: 1 to 64 characters, anything a JSON key can hold
 * without escapes, and nothing that would hide a built-in field. Spaces, dots, quotes like `'` and every script work.
 * @throws ConditionError `E_ATTRIBUTE_NAME`
 */
export function checkAttributeName(name: string): void {
  const wrong = nameProblem(name);
  if (wrong)
    throw new ConditionError('E_ATTRIBUTE_NAME', `${JSON.stringify(name)} cannot name an attribute: ${wrong}.`);
}

function nameProblem(name: string): string | undefined {
  if (typeof name !== 'string' || name.length === 0) return 'it is empty';
  if (name.length > MAX_NAME) return `it is longer than ${MAX_NAME} characters`;
  if (name !== name.trim()) return 'it begins or ends with white space';
  if (!isWellFormed(name)) return 'it is not valid Unicode';
  if (/["\\`\p{Cc}\u2028\u2029]/u.test(name))
    return 'it holds a double quote, back-quote, backslash or control character';
  if (RESERVED.has(name)) return 'JavaScript uses this name itself; choose another';
  if (Object.hasOwn(LEAD_COLUMNS, name)) return `"${name}" is a built-in field of every lead`;
  return undefined;
}

function own(fields: FieldTypes | undefined, name: string): AttributeType | undefined {
  return fields && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function leadField(schema: ConditionSchema, name: string): Field | undefined {
  const column = Object.hasOwn(LEAD_COLUMNS, name) ? LEAD_COLUMNS[name]?.type : undefined;
  // A declared name reaches SQL as part of a JSON path, so an unchecked one must not get through here either.
  const type = column ?? (nameProblem(name) === undefined ? own(schema.lead, name) : undefined);
  if (type) return { root: 'lead', path: [name], type };
  // The requirement texts call the score `lead_score`.
  if (name === 'lead_score') return { root: 'lead', path: ['score'], type: 'number' };
  return undefined;
}

/** Everything readable, spelled as in an expression. */
export function fieldNames(schema: ConditionSchema): string[] {
  const names = [...Object.keys(LEAD_COLUMNS), ...Object.keys(schema.lead)].map((name) => `lead.${name}`);
  for (const [root, fields] of Object.entries(schema)) {
    if (root === 'lead' || !fields) continue;
    if (root === 'campaign') names.push('campaign.key', 'campaign.name');
    names.push(...Object.keys(fields).map((name) => `${root}.${root === 'campaign' ? 'data.' : ''}${name}`));
  }
  return names;
}

function resolve(schema: ConditionSchema, steps: readonly string[], options: CompileOptions): Field | undefined {
  const [first = '', second, third] = steps;
  if (steps.length === 1) return leadField(schema, first);
  if (steps.length === 2 && second !== undefined) {
    if (first === 'lead') return leadField(schema, second);
    if (first === 'data') return resolve(schema, ['campaign', 'data', second], options);
    const fields = Object.hasOwn(schema, first) ? schema[first] : undefined;
    const type =
      first === 'campaign'
        ? fields && (own(CAMPAIGN_FIELDS, second) ?? own(options.campaign, second))
        : own(fields, second);
    return type && { root: first, path: [second], type };
  }
  if (steps.length === 3 && first === 'campaign' && second === 'data' && third !== undefined) {
    const type = own(schema.campaign, third);
    return type && { root: 'campaign', path: ['data', third], type };
  }
  return undefined;
}

/** The root that a path means, and what stands behind it. */
function rootOf(steps: readonly string[]): { root: string; rest: readonly string[] } {
  const [first = '', ...rest] = steps;
  if (rest.length === 0) return { root: 'lead', rest: steps };
  if (first === 'campaign' && rest.length === 2 && rest[0] === 'data') return { root: 'data', rest: rest.slice(1) };
  return { root: first, rest };
}

/** A field that nobody has declared, of a root where that is allowed. */
function undeclared(steps: readonly string[], { infer = [] }: CompileOptions): Field | undefined {
  const { root, rest } = rootOf(steps);
  // What came with an event may hold objects (`event.cart.total`); a lead's and a campaign's values do not.
  const deepest = root === 'event' ? 2 : 1;
  if (!infer.includes(root) || rest.length === 0 || rest.length > deepest) return undefined;
  if (rest.some((name) => RESERVED.has(name))) return undefined;
  const path = root === 'data' ? ['data', ...rest] : rest;
  return { root: root === 'data' ? 'campaign' : root, path, type: 'string', open: true };
}

/**
 * The field that a path such as `lead.age`, `age` or `campaign.data.city` means.
 * @throws ConditionError `E_UNKNOWN_ATTRIBUTE`, naming the nearest declared ones
 */
export function resolveField(
  schema: ConditionSchema,
  steps: readonly string[],
  place: Place,
  options: CompileOptions = {},
): Field {
  const field = resolve(schema, steps, options) ?? undeclared(steps, options);
  if (field) return options.infer?.includes(rootOf(steps).root) ? { ...field, written: true } : field;
  const wanted = steps.join('.');
  const near = nearest(wanted, [
    ...fieldNames(schema),
    ...Object.keys(options.campaign ?? {}).map((name) => `campaign.${name}`),
  ]);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ' Declare it first, or correct the name.';
  throw new ConditionError('E_UNKNOWN_ATTRIBUTE', `There is no field "${wanted}".${hint}`, place);
}

/** The names most like `wanted`, best first, three at most. */
export function nearest(wanted: string, names: readonly string[]): string[] {
  const bare = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const target = bare(wanted);
  return names
    .map((name) => ({ name, distance: distance(target, bare(name)) }))
    .filter(
      ({ name, distance: d }) =>
        (d <= Math.ceil(target.length / 4) && target.length > 1) || (target.length > 2 && bare(name).includes(target)),
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
