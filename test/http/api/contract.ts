import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { OpenApi, OpenApiOperation } from '../../../lib/http/api';
import type { JsonAnswer } from './kit';

/** One operation of a document, with its method and path. */
export interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** All operations of a document. */
export function described(document: OpenApi): Described[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** Holds answers against an OpenAPI document. */
export class Contract {
  private readonly ajv: Ajv2020;
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(document, 'openapi');
  }

  /** Fails when the operation does not declare the answer's status, or the body is not as its schema says. */
  check({ method, path, operation }: Described, answer: JsonAnswer<unknown>): void {
    const what = `${method} ${path} → ${answer.status} ${answer.text.slice(0, 500)}`;
    const response = operation.responses[String(answer.status)];
    assert.ok(response, `not declared: ${what}`);
    if (answer.text === '') return;
    const type = answer.headers['content-type'] ?? '';
    const content = (response['content'] ?? {}) as Record<string, unknown>;
    assert.ok(content[type.split(';')[0] ?? ''], `of no declared type, ${type}: ${what}`);
    if (!type.includes('json')) return;
    const pointer = ['paths', path, method.toLowerCase(), 'responses', String(answer.status), 'content', type, 'schema']
      .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/');
    const validate = this.compiled.get(pointer) ?? this.ajv.compile({ $ref: `openapi#/${pointer}` });
    this.compiled.set(pointer, validate);
    assert.ok(validate(answer.body), `${JSON.stringify(validate.errors?.slice(0, 3))} in ${what}`);
  }
}
