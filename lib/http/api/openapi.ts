import { STATUS_CODES } from 'node:http';
import type { Schema } from './schema';
import type { Operation, ResponseSpec } from './types';

type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI 3.1 document. */
export interface OpenApi extends Json {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Json } & Json;
}

/** One operation of the document. */
export interface OpenApiOperation extends Json {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Json };
  readonly responses: Readonly<Record<string, Json>>;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Json;
}

const DESCRIPTION = `Marketing campaigns, the people they reach, and what comes of it.

Send \`Authorization: Bearer TOKEN\`; the token says whose data you see. Errors are problem details (RFC 9457) with a stable \`code\`.
\`{id}\` is the number or the key of a thing. Moments are ISO 8601. Lists are read page by page: \`cursor\`, or the \`Link\` header.
\`POST\` takes an \`Idempotency-Key\`: the same request with the same key is done once, and answered alike for a day. What only reads ignores it.
What people edit has a version, its \`ETag\`: with \`If-Match\`, a change to anything newer is refused with 409.`;

/** What every operation may answer when something is wrong. */
const ALWAYS = [400, 401, 403, 429, 500, 503];

/** Writes the document from the operations and the schemas that check them. */
export function writeOpenApi(
  operations: readonly Operation[],
  shared: Readonly<Record<string, Schema>>,
  root: string,
): OpenApi {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const one of operations) (paths[one.path] ??= {})[one.method.toLowerCase()] = operationOf(one);
  return {
    openapi: '3.1.0',
    info: { title: 'Nexus Marketing', version: '1', description: DESCRIPTION },
    servers: [{ url: root }],
    security: [{ token: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(Object.entries(shared).map(([name, schema]) => [name, written(schema)])),
    },
  };
}

function operationOf(one: Operation): OpenApiOperation {
  const responses = Object.entries(one.responses).map(([status, spec]) => [status, responseOf(spec)] as const);
  return {
    operationId: one.id,
    summary: one.summary,
    ...(one.description === undefined ? {} : { description: one.description }),
    tags: [one.tag],
    'x-permission': one.permission,
    parameters: [
      ...parametersOf('path', one.params),
      ...parametersOf('query', one.query),
      ...(one.method === 'POST' ? [IDEMPOTENCY_KEY] : []),
      ...(one.versioned ? [IF_MATCH] : []),
      ...(one.method === 'GET' ? [IF_NONE_MATCH] : []),
    ],
    ...(one.body === undefined
      ? {}
      : {
          requestBody: { required: !one.bodyOptional, content: { 'application/json': { schema: written(one.body) } } },
        }),
    responses: {
      ...Object.fromEntries(responses),
      ...(one.method === 'GET' ? { 304: { description: 'You have it already (If-None-Match).' } } : {}),
      ...Object.fromEntries(problemsOf(one).map((status) => [status, problemResponse(status)])),
    },
  };
}

/** Statuses of the problems that an operation may answer. */
export function problemsOf(one: Operation): number[] {
  const more = [
    // What the address names may not be there, nor what the body does.
    ...(one.params === undefined && one.body === undefined ? [] : [404]),
    ...(one.method === 'GET' ? [] : [409, 413, 415, 422]),
    ...(one.problems ?? []),
  ];
  return [...new Set([...ALWAYS, ...more])].sort((a, b) => a - b);
}

function responseOf({ description, schema, media }: ResponseSpec): Json {
  const content = {
    ...(schema === undefined ? {} : { 'application/json': { schema: written(schema) } }),
    ...Object.fromEntries(Object.entries(media ?? {}).map(([type, of]) => [type, { schema: written(of) }])),
  };
  return { description, ...(Object.keys(content).length > 0 ? { content } : {}) };
}

function problemResponse(status: number): Json {
  return {
    description: STATUS_CODES[status] ?? 'Error',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function parametersOf(where: 'path' | 'query', schema: Schema | undefined): OpenApiParameter[] {
  return Object.entries(schema?.properties ?? {}).map(([name, { description, ...of }]) => ({
    name,
    in: where,
    required: where === 'path' || (schema?.required?.includes(name) ?? false),
    ...(description === undefined ? {} : { description }),
    schema: written(of),
  }));
}

const IDEMPOTENCY_KEY: OpenApiParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request with the same key is done once; for a day, it is answered as the first time.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};
const IF_MATCH: OpenApiParameter = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of the version that you saw. 409 when it is not the current one.',
  schema: { type: 'string', pattern: '^(\\*|(W/)?"\\d{1,15}")$' },
};
const IF_NONE_MATCH: OpenApiParameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'The ETag of what you have: 304 when that is still so.',
  schema: { type: 'string' },
};

/** A schema as OpenAPI writes it: shared ones are referred to by their place in the document. */
function written(schema: Schema): Json {
  return JSON.parse(
    JSON.stringify(schema, (name, value: unknown) =>
      name === '$ref' && typeof value === 'string' ? `#/components/schemas/${value}` : value,
    ),
  ) as Json;
}
