import { Router } from 'express';
import { createRateLimits, type RateLimitOptions } from '../access';
import { InputError } from '../errors';
import { apiDepsOf, apiRouter, assertGuarded, type ApiSources } from './api';
import { graphqlRouter } from './graphql';

/** REST and GraphQL over whatever data a process has open. */
export interface MarketingApi {
  /** Answers `/api/v1/…` and `/graphql` below wherever it is mounted. */
  readonly router: Router;
  /**
   * Whether the API may be reached from outside.
   * @throws InputError `E_API_UNGUARDED`
   */
  assertGuarded(host: string): Promise<void>;
  close(): Promise<void>;
}

/** Both doors, with one set of rate limits. @throws InputError `E_RATE_LIMITS` and as `createRateLimits` */
export function marketingApi(sources: Omit<ApiSources, 'limits'>, rates: RateLimitOptions = {}): MarketingApi {
  const limits = createRateLimits(rates);
  const deps = apiDepsOf({ ...sources, limits });
  const router = Router().use('/api/v1', apiRouter(deps)).use('/graphql', graphqlRouter(deps));
  return {
    router,
    assertGuarded: async (host) => assertGuarded({ host, tokensExist: await deps.tokensExist() }),
    close: () => limits.close(),
  };
}

/**
 * The rate limits that a settings file sets: `marketingApi: { rates: { token: { limit, perSeconds }, tenant: false }, redisUrl }`.
 * With `redisUrl`, all processes of a cluster count together.
 * @throws InputError `E_RATE_LIMITS`
 */
export function ratesFrom(settings: unknown): RateLimitOptions {
  const api = isRecord(settings) ? settings['marketingApi'] : undefined;
  if (api === undefined) return {};
  const { rates, redisUrl } = isRecord(api) ? api : { rates: 0, redisUrl: undefined };
  if ((rates !== undefined && !isRecord(rates)) || (redisUrl !== undefined && typeof redisUrl !== 'string')) {
    const advice = 'Write marketingApi: { rates: { token: { limit: 600, perSeconds: 60 } }, redisUrl: "redis://…" }.';
    throw new InputError('E_RATE_LIMITS', `The settings of the API cannot be used. ${advice}`);
  }
  return {
    ...(rates === undefined ? {} : { rules: rates }),
    ...(redisUrl === undefined ? {} : { backend: { redisUrl } }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
