/** Send rules: how fast and when messages leave, and how many one lead gets. The only file of this folder that others import. */
export type { CappedPerson } from './capped-people';
export { completionOf, lastOf, type Completion, type ZoneGroup } from './completion';
export { checkSendRules, checkTenantSendRules } from './check';
export { effectiveRules, intervalOf } from './effective';
export { PacingGate, WAITS } from './gate';
export { heldUntil } from './holding';
export { CATCH_UP_MS, Pace, TICK_MS } from './pace';
export { readTenantRules, rulesOf } from './read';
export { SendRulesService, type SendRulesDeps } from './service';
export {
  DEFAULT_AGAIN_AFTER_HOURS,
  DEFAULT_CAPS,
  DEFAULT_RELEASE_MINUTES,
  MARKETING,
  TRANSACTIONAL,
  type Cap,
  type EffectiveRules,
  type SendRules,
  type TenantSendRules,
  type Throttle,
  type WhenCapped,
} from './types';
