/** `@nexus/node-red-marketing` for programs: open the data, then everything hangs on {@link Marketing}. */
export { openMarketing, ConditionService, CampaignService } from './marketing';
export type { Marketing, MarketingHealth, MarketingOptions, UnsubscribeLinks } from './marketing';
export { SystemClock, VirtualClock, type Clock } from './clock';
export { HasMarketing, HasSalesMarketing, MarketingManager, SalesMarketingManager, useMarketing } from './model';
export type {
  CampaignDeclaration,
  MarketingDeclaration,
  ModelCampaign,
  ModelGuard,
  ModelHistoryEntry,
  ModelHook,
  ModelOptions,
  SalesMarketingDeclaration,
} from './model';
export type { Actor, Permission, Principal, Role } from './access';
export type { Campaign, CampaignFields, CampaignQuery, NewCampaign, Schedule } from './campaigns';
export { compileDefinition, readDocument, type DefinitionDocument } from './definitions';
export { ANNOUNCEMENTS, verifyWebhook, type Announced, type AnnouncementType } from './outbox';
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
export {
  registerTrigger,
  type EntryCause,
  type EntryOutcome,
  type TriggerContext,
  type TriggerContract,
  type TriggerHandle,
} from './triggers';
export { registerConditionEvaluator, type ConditionEvaluator } from './conditions';
export { registerMetric, type MetricCalculator } from './metrics';
