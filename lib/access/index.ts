/** Access: who may do what, bearer tokens, rate limits. The only file of this folder that others import. */
export {
  allows,
  authorise,
  nameOf,
  permissionsOf,
  PERMISSIONS,
  ROLES,
  type Actor,
  type Permission,
  type Principal,
  type Role,
} from './principal';
export { heldTo, type Permits } from './held';
export {
  createRateLimits,
  type RateLimitOptions,
  type RateLimits,
  type RateRule,
  type RateRules,
  type RateVerdict,
} from './rate-limits';
export { Tokens, type Authenticated, type NewToken, type Token } from './tokens';
export type { TokenInput } from './token-input';
