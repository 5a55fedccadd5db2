import { compilePattern } from '../../conditions';
import { messageOf } from '../../errors';
import type { DataFieldType } from '../document';
import { isObject } from '../plain';
import { at, type Problems } from '../problems';
import type { ReadField } from '../read/types';
import { checkName, checkSchema } from './allowed';

/** A data schema in either form, as JSON Schema, and its fields by name. */
export interface NormalSchema {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly fields: readonly ReadField[];
}

const TYPES: readonly DataFieldType[] = ['string', 'number', 'integer', 'boolean', 'date', 'enum', 'array', 'object'];

/** What a field of each type may say besides its type. */
const COMMON = ['type', 'required', 'default', 'description'];
const ALLOWED: Readonly<Record<DataFieldType, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern'],
  number: ['min', 'max'],
  integer: ['min', 'max'],
  boolean: [],
  date: [],
  enum: ['values'],
  array: ['minLength', 'maxLength'],
  object: [],
};

/** Reads a data schema, whichever form it has; what is wrong with it goes to `problems`, under `path`. */
export function readDataSchema(schema: unknown, path: string, problems: Problems): NormalSchema | undefined {
  const before = problems.list.length;
  if (!isObject(schema)) {
    problems.add(path, 'This must be an object: fields by name, or a JSON Schema with "type": "object".');
    return undefined;
  }
  const read = schema['type'] === 'object' ? jsonSchema(schema, path, problems) : shortForm(schema, path, problems);
  return problems.list.length === before ? read : undefined;
}

function jsonSchema(schema: Readonly<Record<string, unknown>>, path: string, problems: Problems): NormalSchema {
  checkSchema(schema, path, problems);
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = Object.entries(properties).map(([name, property]): ReadField => ({
    name,
    type: typeOf(property),
    required: required.includes(name),
  }));
  return { schema, fields };
}

/** What a property of a JSON Schema is to a condition. */
function typeOf(property: unknown): ReadField['type'] {
  if (!isObject(property)) return 'any';
  const { type, format } = property;
  const choices: unknown = property['enum'];
  if (Array.isArray(choices)) return choices.every((choice) => typeof choice === 'string') ? 'enum' : 'any';
  if (type === 'string') return format === 'date' || format === 'date-time' || format === 'moment' ? 'date' : 'string';
  return TYPES.find((known) => known === type) ?? 'any';
}

function shortForm(schema: Readonly<Record<string, unknown>>, path: string, problems: Problems): NormalSchema {
  const properties: Record<string, unknown> = {};
  const fields: ReadField[] = [];
  for (const [name, written] of Object.entries(schema)) {
    const inside = at(path, name);
    checkName(name, inside, problems);
    const field = readField(written, inside, problems);
    if (!field) continue;
    properties[name] = field.schema;
    fields.push({ name, type: field.type, required: field.required });
  }
  const required = fields.filter((field) => field.required).map(({ name }) => name);
  const normal = { type: 'object', properties, ...(required.length > 0 ? { required } : {}) };
  return { schema: normal, fields };
}

interface Field {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly type: ReadField['type'];
  readonly required: boolean;
}

function readField(written: unknown, path: string, problems: Problems): Field | undefined {
  if (!isObject(written)) {
    problems.add(path, 'A field is an object, such as {"type": "string", "required": true}.');
    return undefined;
  }
  const type = TYPES.find((known) => known === written['type']);
  if (!type) {
    const missing = written['type'] === undefined;
    problems.add(
      at(path, 'type'),
      `${missing ? 'This is missing. Write' : 'This must be'} one of: ${TYPES.join(', ')}.`,
    );
    return undefined;
  }
  const before = problems.list.length;
  for (const [name, value] of Object.entries(written)) {
    const inside = at(path, name);
    if (![...COMMON, ...ALLOWED[type]].includes(name))
      problems.add(
        inside,
        `A field of type ${type} has no "${name.slice(0, 64)}". It has ${[...COMMON, ...ALLOWED[type]].join(', ')}.`,
      );
    else if (!isSaid(name, value)) problems.add(inside, SAYS[name] ?? 'This cannot stand here.');
    else if (name === 'pattern') tryPattern(String(value), inside, problems);
  }
  if (type === 'enum' && written['values'] === undefined)
    problems.add(at(path, 'values'), 'This is missing. List what is allowed.');
  for (const [low, high] of [
    ['min', 'max'],
    ['minLength', 'maxLength'],
  ] as const) {
    if (Number(written[low]) > Number(written[high])) problems.add(at(path, high), `This is less than "${low}".`);
  }
  if (problems.list.length > before) return undefined;
  return {
    type: typeOfField(type, written),
    required: written['required'] === true,
    schema: propertyOf(type, written),
  };
}

const SAYS: Readonly<Record<string, string>> = {
  required: 'This must be true or false.',
  description: 'This must be text.',
  pattern: 'This must be text: a regular expression.',
  values: 'This must be a list of 1 to 500 texts or numbers, each once.',
  min: 'This must be a number.',
  max: 'This must be a number.',
  minLength: 'This must be a whole number from 0.',
  maxLength: 'This must be a whole number from 0.',
};

function isSaid(name: string, value: unknown): boolean {
  switch (name) {
    case 'required':
      return typeof value === 'boolean';
    case 'description':
    case 'pattern':
      return typeof value === 'string';
    case 'values':
      return (
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= 500 &&
        new Set(value).size === value.length &&
        value.every((entry) => typeof entry === 'string' || typeof entry === 'number')
      );
    case 'min':
    case 'max':
      return typeof value === 'number';
    case 'minLength':
    case 'maxLength':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0;
    default:
      return true;
  }
}

function tryPattern(pattern: string, path: string, problems: Problems): void {
  try {
    compilePattern(pattern);
  } catch (error) {
    problems.add(path, messageOf(error));
  }
}

/** A choice of texts is text to a condition; of numbers, a number. */
function typeOfField(type: DataFieldType, { values }: Readonly<Record<string, unknown>>): ReadField['type'] {
  if (type !== 'enum' || !Array.isArray(values)) return type;
  if (values.every((value) => typeof value === 'number')) return 'number';
  return values.every((value) => typeof value === 'string') ? 'enum' : 'any';
}

/** Names of the short form → names of JSON Schema, by type. */
function propertyOf(
  type: DataFieldType,
  written: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { min, max, minLength, maxLength, pattern, values, description } = written;
  const said = (schema: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
  const own: Readonly<Record<DataFieldType, Readonly<Record<string, unknown>>>> = {
    string: { type: 'string', minLength, maxLength, pattern },
    number: { type: 'number', minimum: min, maximum: max },
    integer: { type: 'integer', minimum: min, maximum: max },
    boolean: { type: 'boolean' },
    // As text, or in milliseconds since 1970.
    date: { type: ['string', 'integer'], format: 'moment', minimum: -8.64e15, maximum: 8.64e15 },
    enum: { enum: values },
    array: { type: 'array', minItems: minLength, maxItems: maxLength },
    object: { type: 'object' },
  };
  return said({ ...own[type], description, default: written['default'] });
}
