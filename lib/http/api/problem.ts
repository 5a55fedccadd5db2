import { STATUS_CODES } from 'node:http';
import { ConflictError, ForbiddenError, InputError, MarketingError, NotFoundError } from '../../errors';
import { choice, integer, list, map, object, text, type Schema } from './schema';
import type { Fault } from './validate';

/** An error as the API tells it: RFC 9457, `application/problem+json`. */
export interface Problem {
  readonly type: 'about:blank';
  /** The status in words. */
  readonly title: string;
  readonly status: number;
  /** A sentence for people: what is wrong, and what to do. */
  readonly detail: string;
  /** For programs; stable. */
  readonly code: string;
  /** What is wrong where, for requests that are not right. */
  readonly errors?: readonly Fault[];
  /** Further facts for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The log has the error under this number. */
  readonly incident?: string;
}

/** The schema of a {@link Problem}. */
export const PROBLEM: Schema = object(
  {
    type: choice(['about:blank']),
    title: text(100),
    status: integer(400, 599),
    detail: { type: 'string' },
    code: text(100, { pattern: '^E_[A-Z0-9_]+$', description: 'Stable; for programs.' }),
  },
  {
    errors: list(
      object(
        { detail: { type: 'string' } },
        {
          pointer: { type: 'string', description: 'JSON Pointer into the body, such as `#/audience/include/0`.' },
          parameter: { type: 'string', description: 'Name of the parameter or header.' },
        },
      ),
    ),
    details: map(true, { description: 'Further facts for programs.' }),
    incident: text(64, {
      description: 'Tell it to whoever runs this service: the log has the error under this number.',
    }),
  },
  { description: 'An error (RFC 9457).' },
);

/** A refusal of the API itself, with the status that HTTP has for it. */
export class Refusal extends MarketingError {
  constructor(
    readonly status: number,
    code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(code, message, { details });
    this.name = 'Refusal';
  }
}

/** Codes of {@link InputError} that are about the form of a request rather than what it says. */
const MALFORMED = new Set([
  'E_PARAMETER',
  'E_CURSOR',
  'E_LIMIT',
  'E_PAGE',
  'E_JSON',
  'E_HEADER',
  'E_SORT',
  'E_QUERY',
  'E_SEARCH',
]);

/** The status for an error, or undefined for one that nobody foresaw. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof Refusal) return error.status;
  if (error instanceof InputError) return MALFORMED.has(error.code) ? 400 : 422;
  if (error instanceof NotFoundError) return 404;
  if (error instanceof ForbiddenError) return 403;
  if (error instanceof ConflictError) return 409;
  // What somebody saved earlier cannot be used any more: its state, not this request, is wrong.
  if (error instanceof MarketingError && error.code.endsWith('_BROKEN')) return 409;
  if (error instanceof MarketingError && error.retryable) return 503;
  return undefined;
}

/** The problem for an error of ours. An error that nobody foresaw is told as a number only: see {@link incidentProblem}. */
export function problemOf(error: MarketingError, status: number): Problem {
  const { problems, errors, ...details } = error.details;
  const faults = Array.isArray(errors) ? (errors as Fault[]) : faultsOf(problems);
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: error.message,
    code: error.code,
    ...(faults.length > 0 ? { errors: faults } : {}),
    ...(Object.keys(details).length > 0 ? { details } : {}),
  };
}

/** What anybody learns of an error that nobody foresaw. */
export function incidentProblem(incident: string): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[500] ?? 'Error',
    status: 500,
    detail: `That went wrong. Whoever runs this service finds the cause in its log under ${incident}.`,
    code: 'E_UNEXPECTED',
    incident,
  };
}

/** Problems with paths, as the services list them. */
function faultsOf(problems: unknown): Fault[] {
  if (!Array.isArray(problems)) return [];
  return problems.map((problem: { path?: unknown; message?: unknown }) => ({
    pointer: `#${typeof problem.path === 'string' ? problem.path : ''}`,
    detail: String(problem.message),
  }));
}
