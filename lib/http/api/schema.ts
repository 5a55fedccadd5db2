/**
 * A JSON Schema (2020-12), as far as the API uses it. A `$ref` names a shared schema; in the OpenAPI document it becomes
 * `#/components/schemas/NAME`.
 */
export interface Schema {
  readonly $ref?: string;
  readonly type?: SchemaType | readonly SchemaType[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

export type SchemaType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

type Properties = Readonly<Record<string, Schema>>;
type Extra = Omit<Schema, 'type'>;

/** A shared schema, by name. */
export function ref(name: string): Schema {
  return { $ref: name };
}

/** A text of one or more characters. */
export function text(maxLength: number, extra: Extra = {}): Schema {
  return { type: 'string', minLength: 1, maxLength, ...extra };
}

/** A whole number that every number of JavaScript and every database holds exactly. */
export function integer(minimum = 0, maximum = Number.MAX_SAFE_INTEGER, extra: Extra = {}): Schema {
  return { type: 'integer', minimum, maximum, ...extra };
}

/** A number; money and the like. */
export function number(minimum?: number, maximum = 1e15, extra: Extra = {}): Schema {
  return { type: 'number', minimum: minimum ?? -maximum, maximum, ...extra };
}

export function flag(extra: Extra = {}): Schema {
  return { type: 'boolean', ...extra };
}

/** A moment: ISO 8601 with a zone, as RFC 3339 writes it. */
export function moment(description?: string): Schema {
  return { type: 'string', format: 'date-time', maxLength: 40, ...(description === undefined ? {} : { description }) };
}

export function choice(values: readonly string[], extra: Extra = {}): Schema {
  return { type: 'string', enum: values, ...extra };
}

export function list(items: Schema, maxItems = 1_000, extra: Extra = {}): Schema {
  return { type: 'array', items, maxItems, ...extra };
}

/** An object with these properties and no others; those of `required` must be there. */
export function object(required: Properties, optional: Properties = {}, extra: Extra = {}): Schema {
  const names = Object.keys(required);
  return {
    type: 'object',
    properties: { ...required, ...optional },
    ...(names.length > 0 ? { required: names } : {}),
    additionalProperties: false,
    ...extra,
  };
}

/** An object whose properties have any names. */
export function map(values: Schema | true = true, extra: Extra = {}): Schema {
  return { type: 'object', additionalProperties: values, maxProperties: 1_000, ...extra };
}

/** Any JSON value. */
export function anything(description?: string): Schema {
  return description === undefined ? {} : { description };
}

/** The same, or null, which removes the value. */
export function nullable(schema: Schema): Schema {
  if (
    schema.$ref !== undefined ||
    schema.anyOf !== undefined ||
    schema.oneOf !== undefined ||
    schema.type === undefined
  )
    return { anyOf: [schema, { type: 'null' }] };
  const types: readonly SchemaType[] = typeof schema.type === 'string' ? [schema.type] : schema.type;
  return {
    ...schema,
    type: [...types, 'null'],
    ...(schema.enum === undefined ? {} : { enum: [...schema.enum, null] }),
  };
}

/** A page of something. */
export function page(items: Schema): Schema {
  return object(
    { items: list(items, 1_000) },
    {
      cursor: text(1_024, { description: 'Give it back as `cursor` to read on. Absent on the last page.' }),
      total: integer(0, Number.MAX_SAFE_INTEGER, { description: 'All that match; only when `page` was given.' }),
    },
  );
}

/** Query parameters of a list. */
export const PAGING: Properties = {
  limit: integer(1, 100, { default: 20, description: 'How many at most.' }),
  cursor: text(1_024, { description: 'Where the last page ended, as it said. Not together with `page`.' }),
};

/** Query parameters of a list that can also be read by page numbers. */
export const PAGES: Properties = {
  ...PAGING,
  page: integer(1, 1_000_000, {
    description: 'A page by its number. Counts all that match, which costs; prefer `cursor`.',
  }),
};
