import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Router, type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { authorise } from '../../access';
import { InputError, MarketingError } from '../../errors';
import { answerOf, answerOfProblem, send, versionOf, type Place } from './answer';
import { readJson } from './body';
import { docsPage } from './docs-page';
import { admit, admitStranger } from './door';
import { checkKey, fingerprintOf, once, type Answer } from './idempotency';
import { writeOpenApi } from './openapi';
import { OPERATIONS, SHARED } from './operations';
import { incidentProblem, problemOf, Refusal, statusOf } from './problem';
import type { ApiDeps, Call, Caller, Method, Operation } from './types';
import { createValidator } from './validate';

/** One for all routers: schemas are compiled once per process, each when it is first needed. */
const validator = createValidator(SHARED);

/**
 * The REST API: mount it at `…/api/v1`. Answers everything below its root, errors included.
 * `GET /openapi.json` and `GET /docs` describe it; they are the same for everybody and need no token.
 */
export function apiRouter(deps: ApiDeps): Router {
  const router = Router({ caseSensitive: true });
  const described = remembered((root) => {
    const document = writeOpenApi(OPERATIONS, SHARED, root);
    return { document, json: JSON.stringify(document) };
  });
  const open: RequestHandler = async (request, response, next) => {
    await admitStranger(request, deps, (headers) => setAll(response, headers));
    next();
  };
  router.get('/openapi.json', open, (request, response) => {
    const { json: body } = described(placeOf(request).root);
    send(request, response, { status: 200, headers: { 'Content-Type': 'application/json' }, body });
  });
  router.get('/docs', open, (request, response) => {
    const { headers, body } = docsPage(described(placeOf(request).root).document);
    send(request, response, { status: 200, headers, body });
  });
  for (const [path, operations] of byPath(OPERATIONS)) {
    const route = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const one of operations) route[lower(one.method)](handle(one, deps));
    route.all(otherMethod(operations.map(({ method }) => method)));
  }
  router.route(['/openapi.json', '/docs']).all(otherMethod(['GET']));
  router.use(() => {
    throw new Refusal(
      404,
      'E_NO_ROUTE',
      'There is nothing here. See /docs below the root of the API for what there is.',
    );
  });
  const failed: ErrorRequestHandler = (error: unknown, request, response, _next) =>
    fail(request, response, asRefusal(error), deps);
  router.use(failed);
  return router;
}

function handle(one: Operation, deps: ApiDeps): RequestHandler {
  return async (request, response) => {
    const caller = await admit(request, deps, (headers) => setAll(response, headers));
    authorise(caller.principal, one.permission);
    const place = placeOf(request);
    const params = validator.parameters(one.params, checkTexts(request.params));
    const query = validator.parameters(one.query, checkTexts(valuesOf(place.query)));
    const version = versionOf(matchOf(request, one));
    const body = one.body ? checked(one, await readJson(request, one.maxBody)) : await noBody(request);
    const call: Call = {
      services: caller.services,
      actor: caller.principal,
      params,
      query,
      body,
      version,
      clock: deps.clock,
    };
    const work = async (): Promise<Answer> => answerOf(await one.handler(call), usualStatus(one), place);
    send(request, response, await withKey(request, one, { caller, place, body }, work));
  };
}

/** A condition that nobody would look at is not taken in silence. @throws InputError `E_HEADER` */
function matchOf({ headers }: Request, one: Operation): string | undefined {
  const match = headers['if-match'];
  if (match === undefined || one.versioned) return match;
  throw new InputError('E_HEADER', 'What this is about has no version: leave If-Match out.', {
    details: { errors: [{ parameter: 'If-Match', detail: 'Not taken here.' }] },
  });
}

/** The last result is kept: the same is asked for again and again, by anybody. */
function remembered<T>(make: (root: string) => T): (root: string) => T {
  let last: { readonly root: string; readonly made: T } | undefined;
  return (root) => {
    if (last?.root !== root) last = { root, made: make(root) };
    return last.made;
  };
}

function withKey(
  request: Request,
  one: Operation,
  { caller, place, body }: { caller: Caller; place: Place; body: unknown },
  work: () => Promise<Answer>,
): Promise<Answer> {
  const key = request.get('idempotency-key');
  // What only reads is read again: nothing is done twice by that, and nobody's data lies about in old answers.
  if (key === undefined || one.method !== 'POST' || one.permission.endsWith(':read')) return work();
  const { query } = place;
  const repeatable = {
    key: checkKey(key),
    actor: caller.principal.id,
    fingerprint: fingerprintOf(one.method, `${place.path}?${query.toString()}`, body),
    confidential: one.confidential ?? false,
  };
  return once(caller.services.scope, repeatable, work);
}

function checked(one: Operation, body: unknown): unknown {
  if (body === undefined && one.bodyOptional) return {};
  if (body === undefined) throw new InputError('E_JSON', 'Send a JSON body.');
  const errors = validator.body(one.body ?? {}, body);
  const [first] = errors;
  if (!first) return body;
  throw new InputError('E_BODY', `${first.pointer ?? '#'}: ${first.detail}`, { details: { errors } });
}

/** An operation without a body says so, rather than leave out what somebody meant. An empty object is nothing, too. */
async function noBody(request: IncomingMessage): Promise<undefined> {
  const body = await readJson(request);
  if (body === undefined || (typeof body === 'object' && body !== null && Object.keys(body).length === 0)) return;
  throw new InputError('E_BODY', 'This takes no body.');
}

function otherMethod(methods: readonly Method[]): RequestHandler {
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort().join(', ');
  return (request, response) => {
    if (request.method !== 'OPTIONS') throw new Refusal(405, 'E_METHOD', `Use ${allowed} here.`, { Allow: allowed });
    send(request, response, { status: 204, headers: { Allow: allowed }, body: '' });
  };
}

/** Tells what went wrong: fully when it is the caller's to mend, as a number when nobody foresaw it. */
export function fail(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  deps: Pick<ApiDeps, 'onError'>,
): void {
  const status = statusOf(error);
  if (response.headersSent) return void response.end();
  if (status === undefined || !(error instanceof MarketingError)) {
    const incident = randomUUID();
    deps.onError(error, incident);
    return send(request, response, answerOfProblem(incidentProblem(incident)));
  }
  const headers = error instanceof Refusal ? error.headers : status === 503 ? { 'Retry-After': '1' } : {};
  send(request, response, answerOfProblem(problemOf(error, status), headers));
}

/** Errors of Express itself (an address that cannot be decoded) are the caller's. */
function asRefusal(error: unknown): unknown {
  if (error instanceof URIError) return new Refusal(400, 'E_PARAMETER', 'The address is not written as addresses are.');
  return error;
}

/** Fixed words before parameters, so that `/segments/preview` is not taken for a segment's key. */
function byPath(operations: readonly Operation[]): Map<string, Operation[]> {
  const paths = new Map<string, Operation[]>();
  const rank = ({ path }: Operation): string => path.replaceAll('{', '\u{10FFFF}');
  for (const one of [...operations].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)))
    paths.set(one.path, [...(paths.get(one.path) ?? []), one]);
  return paths;
}

function placeOf(request: Request): Place {
  const { pathname: path, searchParams: query } = new URL(request.url, 'http://localhost');
  const whole = request.originalUrl;
  return { root: whole.slice(0, whole.length - request.url.length), path, query };
}

/** Each parameter's value; a list of them when it was given several times. */
function valuesOf(query: URLSearchParams): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const all = query.getAll(name);
    // Defined, not assigned: nobody's "__proto__" means anything here.
    Object.defineProperty(values, name, { value: all.length > 1 ? all : all[0], enumerable: true, configurable: true });
  }
  return values;
}

/** NUL is a character of an address like any other, and of no database's texts. */
function checkTexts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  for (const [name, value] of Object.entries(values)) {
    if (/\0/.test(name + String(value))) throw new InputError('E_PARAMETER', 'A parameter cannot hold NUL.');
  }
  return values;
}

function usualStatus(one: Operation): number {
  return Number(Object.keys(one.responses)[0]);
}

function lower(method: Method): 'get' | 'post' | 'patch' | 'put' | 'delete' {
  return method.toLowerCase() as Lowercase<Method>;
}

function setAll(response: Response, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
