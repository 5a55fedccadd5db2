import { createHash } from 'node:crypto';
import type { ValidateFunction } from 'ajv';
import { addErrors, compileForeign } from '../ajv';
import type { DataSchema } from '../document';
import { DATA_LIMITS, DOCUMENT_LIMITS, isObject, plainCopy } from '../plain';
import { at, Problems } from '../problems';
import { readDataSchema, type NormalSchema } from './short-form';

/** How {@link DataValidator} looks at data. */
export interface ValidateOptions {
  /** True: what is required may be missing, and no defaults are filled in. For drafts and for changes. */
  readonly partial?: boolean;
}

/**
 * Checks a campaign's data. Returns a copy with the defaults filled in; fields that are null are absent in it, and dates are
 * ISO 8601 text.
 * @throws InputError `E_CAMPAIGN_DATA` with `details.problems`
 */
export type DataValidator = (data: unknown, options?: ValidateOptions) => Record<string, unknown>;

const CODE = 'E_CAMPAIGN_DATA';
const SUBJECT = 'The campaign’s data';
const kept = new Map<string, DataValidator>();
const MOST_KEPT = 500;

/**
 * The validator of a data schema: fields by name (`{"city": {"type": "string", "required": true}}`) or a JSON Schema. The
 * same schema is compiled once.
 * @throws InputError `E_DEFINITION` with `details.problems` when the schema itself cannot be used
 */
export function dataValidator(schema: DataSchema | undefined): DataValidator {
  const copy = plainCopy(schema ?? {}, DOCUMENT_LIMITS, 'E_DEFINITION', 'The data schema');
  const hash = createHash('sha256').update(JSON.stringify(copy)).digest('base64');
  const known = kept.get(hash);
  if (known) return known;
  const problems = new Problems();
  const normal = checkDataSchema(copy, '', problems);
  problems.throwIfAny('E_DEFINITION', 'The data schema');
  const validator = compileValidator(normal?.schema ?? {});
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(hash, validator);
  return validator;
}

/**
 * Reads a data schema that is plain data, in either form. What is wrong with it goes to `problems`, under `path`; without a
 * problem it compiles.
 */
export function checkDataSchema(schema: unknown, path: string, problems: Problems): NormalSchema | undefined {
  const normal = readDataSchema(schema, path, problems);
  if (normal) checkDefaults(normal.schema, path, schema, problems);
  return normal;
}

function compileValidator(schema: Readonly<Record<string, unknown>>): DataValidator {
  const whole = compileForeign(schema, { defaults: true });
  let partial: ValidateFunction | undefined;
  return (data, options = {}) => {
    const copy = plainCopy(data ?? {}, DATA_LIMITS, CODE, SUBJECT);
    const found = new Problems();
    if (!isObject(copy)) found.add('', 'This must be an object: values by field.');
    const values = Object.fromEntries(Object.entries(isObject(copy) ? copy : {}).filter(([, value]) => value !== null));
    const validate = options.partial ? (partial ??= compileForeign(loosened(schema), { defaults: false })) : whole;
    if (found.none && !validate(values)) addErrors(found, validate.errors);
    found.throwIfAny(CODE, SUBJECT);
    return values;
  };
}

/** A default that its own field refuses would make every campaign fail. */
function checkDefaults(
  normal: Readonly<Record<string, unknown>>,
  path: string,
  written: unknown,
  problems: Problems,
): void {
  const inForm = isObject(written) && written['type'] === 'object' ? at(path, 'properties') : path;
  for (const [name, property] of Object.entries(isObject(normal['properties']) ? normal['properties'] : {})) {
    if (!isObject(property) || property['default'] === undefined) continue;
    const validate = compileForeign(property, { defaults: false });
    if (!validate(property['default'])) addErrors(problems, validate.errors, at(at(inForm, name), 'default'));
  }
}

/** The same schema for data that is not complete yet: nothing is required, at any depth. */
function loosened(schema: unknown): Record<string, unknown> {
  const loosen = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(loosen);
    return isObject(value) ? loosened(value) : value;
  };
  const result: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(isObject(schema) ? schema : {})) {
    if (keyword === 'required' || keyword === 'minProperties' || keyword === 'default') continue;
    // Names of fields, which may be called "required" too.
    if (keyword === 'properties' && isObject(value))
      result[keyword] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, loosen(inner)]));
    // Without what they require, several branches may fit.
    else if (keyword === 'oneOf') result['anyOf'] = loosen(value);
    else if (keyword === 'enum' || keyword === 'const' || keyword === 'examples') result[keyword] = value;
    else result[keyword] = loosen(value);
  }
  return result;
}
