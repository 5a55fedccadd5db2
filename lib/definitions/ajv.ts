import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { compilePattern, parseMoment } from '../conditions';
import { at, type Problems } from './problems';

/*
 * The only place where ajv is made. Patterns run on RE2, never on JavaScript's engine; nothing is fetched, and a schema is
 * forgotten once it is compiled.
 */

/** Longest text that a pattern is tried on; longer text does not match. */
const LONGEST_MATCHED = 4_096;

/** The formats that schemas may name. `moment`: a date with or without a time, as conditions read it. */
export const FORMATS = ['date', 'date-time', 'time', 'email', 'uri', 'uuid', 'moment'] as const;

/** A pattern as ajv wants it. Its text is what ajv tells patterns apart by. */
function linearPattern(pattern: string): { test(text: string): boolean; toString(): string } {
  const test = compilePattern(pattern);
  return { test: (text) => text.length <= LONGEST_MATCHED && test(text), toString: () => JSON.stringify(pattern) };
}
// What ajv would write into standalone code, of which none is made.
linearPattern.code = 'linearPattern';

const OPTIONS = {
  allErrors: true,
  allowUnionTypes: true,
  // The schemas were looked at before; ajv's own meta-schema would have to be compiled for it.
  meta: false,
  validateSchema: false,
  code: { regExp: linearPattern },
} as const;

function withFormats(ajv: Ajv): Ajv {
  addFormats(ajv, ['date', 'date-time', 'time', 'email', 'uri', 'uuid']);
  ajv.addFormat('moment', { type: 'string', validate: (text: string) => parseMoment(text) !== undefined });
  return ajv;
}

let own: Ajv | undefined;
let filling: Ajv | undefined;
let plain: Ajv | undefined;

/** Compiles a schema of this package. */
export function compileOwn(schema: object): ValidateFunction {
  own ??= withFormats(new Ajv({ ...OPTIONS, strict: true, strictTypes: false }));
  return own.compile(schema);
}

/**
 * Compiles a user's schema, which must have been looked at (see data/allowed.ts).
 * @param defaults whether absent properties get their defaults, in the very object that is validated
 */
export function compileForeign(schema: object, { defaults }: { defaults: boolean }): ValidateFunction {
  const ajv = defaults
    ? (filling ??= withFormats(new Ajv({ ...OPTIONS, strict: false, useDefaults: true })))
    : (plain ??= withFormats(new Ajv({ ...OPTIONS, strict: false })));
  try {
    return ajv.compile(schema);
  } finally {
    ajv.removeSchema(schema);
  }
}

/** Adds what ajv found, in sentences; of several errors at one place only the first. */
export function addErrors(problems: Problems, errors: readonly ErrorObject[] | null | undefined, path = ''): void {
  for (const error of errors ?? []) {
    const params = error.params as Readonly<Record<string, unknown>>;
    const inside =
      typeof params['missingProperty'] === 'string' ? params['missingProperty'] : params['additionalProperty'];
    const where = path + error.instancePath;
    const place = typeof inside === 'string' ? at(where, inside) : where;
    if (!problems.list.some((problem) => problem.path === place)) problems.add(place, sentence(error, params));
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

const FORMAT_NAMES: Readonly<Record<string, string>> = {
  date: 'a date such as "2026-01-31"',
  'date-time': 'a moment such as "2026-01-31T09:00:00Z"',
  time: 'a time such as "09:00:00Z"',
  email: 'an e-mail address',
  uri: 'an address such as "https://example.org/"',
  uuid: 'a UUID',
  moment: 'a date such as "2026-01-31" or "2026-01-31T09:00:00Z"',
};

function sentence({ keyword, message }: ErrorObject, params: Readonly<Record<string, unknown>>): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'required':
      return 'This is missing.';
    case 'additionalProperties':
      return 'This name is not known here. Correct or remove it.';
    case 'type': {
      const types = [params['type']].flat().map(String);
      return `This must be ${types.map((type) => TYPE_NAMES[type] ?? type).join(' or ')}.`;
    }
    case 'enum':
      return `This must be one of: ${(params['allowedValues'] as readonly unknown[]).map((value) => JSON.stringify(value)).join(', ')}.`;
    case 'const':
      return `This must be ${JSON.stringify(params['allowedValue'])}.`;
    case 'minimum':
      return `This must be ${limit} or more.`;
    case 'maximum':
      return `This must be ${limit} or less.`;
    case 'exclusiveMinimum':
      return `This must be more than ${limit}.`;
    case 'exclusiveMaximum':
      return `This must be less than ${limit}.`;
    case 'minLength':
      return limit === '1' ? 'This is empty.' : `This must have ${limit} characters or more.`;
    case 'maxLength':
      return `This must have ${limit} characters or fewer.`;
    case 'minItems':
    case 'minProperties':
      return `This must have ${limit} ${limit === '1' ? 'entry' : 'entries'} or more.`;
    case 'maxItems':
    case 'maxProperties':
      return `This must have ${limit} ${limit === '1' ? 'entry' : 'entries'} or fewer.`;
    case 'pattern':
      return `This does not match the pattern ${String(params['pattern'])}.`;
    case 'format':
      return `This must be ${FORMAT_NAMES[String(params['format'])] ?? String(params['format'])}.`;
    default:
      return `This ${message ?? 'is not as the schema asks for'}.`;
  }
}
