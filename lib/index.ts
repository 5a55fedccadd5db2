/** `@nexus/node-red-marketing` for programs: open the data, then everything hangs on {@link Marketing}. */
export { openMarketing, ConditionService, CampaignService } from './marketing';
export type { Marketing, MarketingHealth, MarketingOptions, UnsubscribeLinks } from './marketing';
export { SystemClock, VirtualClock, type Clock } from './clock';
export { ConflictError, ForbiddenError, InputError, MarketingError, NotFoundError, codeOf, messageOf } from './errors';
export type { CampaignView, Decision, Journey, JourneyMessage, LeadView, UnknownPolicy } from './types';
export {
  channels,
  createContractAccount,
  createSmtpAccount,
  createWebhookAccount,
  registerChannel,
  type Account,
  type ChannelContract,
} from './channels';
export { registerConditionEvaluator, type ConditionEvaluator } from './conditions';
