import { randomUUID } from 'node:crypto';
import { Router, type ErrorRequestHandler } from 'express';
import type { DocumentNode, ExecutionArgs, GraphQLError, GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { InputError, MarketingError, messageOf } from '../../errors';
import { admit, fail, readJson, Refusal, send, statusOf, type ApiDeps } from '../api';
import { checkLimits, LIMITS } from './limits';
import { createLoaders } from './loaders';
import { RESOLVERS, type GraphqlContext } from './resolvers';
import { SCHEMA } from './schema';

/** What a GraphQL request is made of. */
interface Asked {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

interface Outcome {
  readonly status: number;
  readonly body: string;
}

type Engine = (asked: Asked, context: GraphqlContext) => Promise<Outcome>;

/**
 * GraphQL over HTTP: `POST` only, one operation per request, with the same tokens, limits and services as the REST API.
 * Mount it at `…/graphql`. The engine is loaded with the first request that got in.
 */
export function graphqlRouter(deps: ApiDeps): Router {
  let engine: Promise<Engine> | undefined;
  const router = Router();
  router.post('/', async (request, response) => {
    const caller = await admit(request, deps, (headers) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    });
    const asked = askedOf(await readJson(request, LIMITS.body));
    const { services, principal: actor } = caller;
    const run = await (engine ??= createEngine(deps));
    const { status, body } = await run(asked, { services, actor, loaders: createLoaders(services) });
    send(request, response, { status, headers: { 'Content-Type': 'application/json' }, body });
  });
  router.all('/', (request, response) => {
    if (request.method !== 'OPTIONS') throw new Refusal(405, 'E_METHOD', 'Use POST here.', { Allow: 'OPTIONS, POST' });
    send(request, response, { status: 204, headers: { Allow: 'OPTIONS, POST' }, body: '' });
  });
  const failed: ErrorRequestHandler = (error: unknown, request, response, _next) =>
    fail(request, response, error, deps);
  router.use(failed);
  return router;
}

/** @throws InputError `E_JSON`, `E_BODY` */
function askedOf(body: unknown): Asked {
  if (body === undefined) throw new InputError('E_JSON', 'Send a JSON body: {"query": …, "variables": …}.');
  if (Array.isArray(body)) throw new InputError('E_BODY', 'Send one operation at a time.');
  const { query, operationName, variables } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof query !== 'string') throw new InputError('E_BODY', '#/query: This is missing, or no text.');
  if (operationName != null && typeof operationName !== 'string')
    throw new InputError('E_BODY', '#/operationName: This is no text.');
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables)))
    throw new InputError('E_BODY', '#/variables: This is no object.');
  return { query, operationName: operationName ?? null, variables: (variables ?? {}) as Record<string, unknown> };
}

/** Schema, parser, validation and execution: graphql-yoga, without its pages, its logs and its batches. */
async function createEngine(deps: Pick<ApiDeps, 'onError'>): Promise<Engine> {
  const { createSchema, createYoga, createGraphQLError } = await import('graphql-yoga');
  const { parse } = await import('graphql');
  const schema: GraphQLSchema = createSchema<GraphqlContext>({ typeDefs: SCHEMA, resolvers: RESOLVERS });
  const told = (error: unknown): unknown => {
    const { originalError, nodes, path, extensions } = error as GraphQLError;
    const cause = originalError ?? error;
    const where = { nodes: nodes ?? null, path: path ?? null };
    if (cause instanceof MarketingError && statusOf(cause) !== undefined)
      return createGraphQLError(cause.message, { ...where, extensions: { code: cause.code, status: statusOf(cause) } });
    // What graphql-js itself says about a query has no cause behind it.
    if (originalError === undefined && isGraphqlError(error))
      return createGraphQLError(messageOf(error), { ...where, extensions: { code: 'E_GRAPHQL', ...extensions } });
    const incident = randomUUID();
    deps.onError(cause, incident);
    const text = `That went wrong. Whoever runs this service finds the cause in its log under ${incident}.`;
    return createGraphQLError(text, { ...where, extensions: { code: 'E_UNEXPECTED', incident } });
  };
  const limits: Plugin<GraphqlContext> = {
    onParse: ({ setParseFn }) =>
      setParseFn((source: string): DocumentNode => parse(source, { maxTokens: LIMITS.tokens })),
    onExecute({ args, setResultAndStopExecution }) {
      const { document, operationName, variableValues } = args as ExecutionArgs;
      const variables = variableValues ?? {};
      try {
        checkLimits(document, operationName, variables);
      } catch (error) {
        setResultAndStopExecution({ errors: [told(error) as GraphQLError] });
      }
    },
  };
  const yoga = createYoga<GraphqlContext>({
    schema,
    graphqlEndpoint: '/',
    graphiql: false,
    landingPage: false,
    logging: false,
    batching: false,
    multipart: false,
    cors: false,
    maskedErrors: { maskError: (error) => told(error) as Error },
    plugins: [limits],
  });
  return async (asked, context) => {
    const response = await yoga.fetch(
      'http://localhost/',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(asked),
      },
      context,
    );
    return { status: response.status, body: await response.text() };
  };
}

function isGraphqlError(error: unknown): boolean {
  return error instanceof Error && error.name === 'GraphQLError';
}
