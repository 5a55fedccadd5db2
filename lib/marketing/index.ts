/** Everything put together: one tenant's marketing in one process. */
export { openMarketing } from './open';
export { CampaignService } from './campaign-service';
export { ConditionService } from './condition-service';
export type { Marketing, MarketingHealth, MarketingOptions, UnsubscribeLinks } from './types';
