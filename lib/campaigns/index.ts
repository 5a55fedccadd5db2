/** Campaigns: instances of definitions, as data. The only file of this folder that others import. */
export type { Along } from './actions';
export {
  AudienceReader,
  isHeldOut,
  type AudienceDeps,
  type AudienceEstimate,
  type AudiencePredicate,
} from './audience';
export { Campaigns } from './campaigns';
export type { CampaignDefinition, CampaignDeps } from './deps';
export { CampaignDesk, type DeadCause, type DeadLetter, type UnknownMessage } from './desk';
export type { StoryLine, StoryOf, StorySource, Why } from './why';
export { releaseCampaigns } from './holds';
export type { ActionGuard, ActionHook } from './hooks';
export { Lifecycle, type LifecycleEffect, type LifecycleStep } from './lifecycle';
export { parkUnfinished } from './people';
export { isRecord, Problems } from './problems';
export { KEPT_MS } from './removal';
export { campaignViews, readCampaign } from './rows';
export type { LifecycleSource } from './stages';
export { ATTRIBUTION_MODELS, CAMPAIGN_TYPES } from './types';
export { campaignsUsing } from './usage';
export type {
  ActionOptions,
  ActOptions,
  Assignee,
  Assignment,
  Audience,
  AttributionModel,
  Campaign,
  CampaignAction,
  CampaignFields,
  CampaignLimits,
  CampaignQuery,
  CampaignReport,
  CampaignState,
  CampaignType,
  Conversion,
  Kpi,
  NewCampaign,
  Page,
  Schedule,
} from './types';
