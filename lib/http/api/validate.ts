import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { InputError } from '../../errors';
import type { Schema } from './schema';

/** Something that is wrong with a request, and where. */
export interface Fault {
  /** JSON Pointer into the body (`#/audience/include/0`). */
  readonly pointer?: string;
  /** Name of the parameter or header. */
  readonly parameter?: string;
  readonly detail: string;
}

/** Checks values against the API's schemas. Each schema is compiled when it is first needed. */
export interface Validator {
  /** What is wrong with a body; nothing when it is as it should be. */
  body(schema: Schema, value: unknown): Fault[];
  /**
   * Path and query parameters, which are texts, as the values that their schema asks for.
   * @throws InputError `E_PARAMETER` with the faults in `details`
   */
  parameters(schema: Schema | undefined, given: Readonly<Record<string, unknown>>): object;
}

/** Faults told at once; more help nobody. */
const MOST_FAULTS = 20;

/** A validator that knows the shared schemas by their names. */
export function createValidator(shared: Readonly<Record<string, Schema>>): Validator {
  const strict = { strict: true, strictTypes: false, strictRequired: false, allErrors: true } as const;
  const bodies = new Ajv2020(strict);
  const parameters = new Ajv2020({ ...strict, coerceTypes: 'array', useDefaults: true });
  for (const ajv of [bodies, parameters]) {
    addFormats(ajv, ['date-time', 'uri']);
    for (const [name, schema] of Object.entries(shared)) ajv.addSchema(schema, name);
  }
  const compiled = new WeakMap<Schema, ValidateFunction>();
  const compile = (ajv: Ajv2020, schema: Schema): ValidateFunction => {
    const known = compiled.get(schema);
    if (known) return known;
    const made = ajv.compile(schema);
    compiled.set(schema, made);
    return made;
  };
  return {
    body(schema, value) {
      const check = compile(bodies, schema);
      if (check(value)) return [];
      return faultsOf(check.errors ?? [], ({ pointer, detail }) => ({ pointer: `#${pointer}`, detail }));
    },
    parameters(schema, given) {
      const values: Record<string, unknown> = { ...given };
      const check = compile(parameters, schema ?? NOTHING);
      if (check(values)) return values;
      const errors = faultsOf(check.errors ?? [], ({ pointer, detail }) => ({
        parameter: pointer.split('/')[1] ?? '',
        detail,
      }));
      throw new InputError('E_PARAMETER', `${errors[0]?.parameter ?? 'A parameter'}: ${errors[0]?.detail ?? ''}`, {
        details: { errors },
      });
    },
  };
}

const NOTHING: Schema = { type: 'object', additionalProperties: false };

function faultsOf(
  errors: readonly ErrorObject[],
  fault: (found: { pointer: string; detail: string }) => Fault,
): Fault[] {
  const faults = new Map<string, Fault>();
  for (const error of errors) {
    if (faults.size >= MOST_FAULTS) break;
    const found = { pointer: pointerOf(error), detail: detailOf(error) };
    // A choice that failed says less than why each of its alternatives did.
    if (
      error.keyword === 'anyOf' &&
      errors.some(({ instancePath }) => instancePath.startsWith(`${error.instancePath}/`))
    )
      continue;
    faults.set(`${found.pointer} ${found.detail}`, fault(found));
  }
  return [...faults.values()];
}

function pointerOf({ instancePath, keyword, params }: ErrorObject): string {
  const name: unknown =
    keyword === 'required'
      ? params['missingProperty']
      : keyword === 'additionalProperties'
        ? params['additionalProperty']
        : undefined;
  if (typeof name !== 'string') return instancePath;
  return `${instancePath}/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function detailOf({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return 'This is missing.';
    case 'additionalProperties':
      return 'There is no such field. Leave it out.';
    case 'enum':
      return `Must be one of ${(params['allowedValues'] as unknown[]).map((value) => JSON.stringify(value)).join(', ')}.`;
    default: {
      const text = message ?? 'is not valid';
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    }
  }
}
