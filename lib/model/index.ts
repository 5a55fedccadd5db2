/** Models: campaigns of any class of the program, with or without a database. The only file of this folder that others import. */
export {
  HasMarketing,
  HasSalesMarketing,
  useMarketing,
  type Marketed,
  type ModelClass,
  type SalesMarketed,
} from './mixin';
export { MarketingManager } from './manager';
export { SalesMarketingManager } from './sales';
export type { ModelStore } from './in-store';
export type {
  CampaignDeclaration,
  GuardContext,
  MarketingDeclaration,
  ModelCampaign,
  ModelGuard,
  ModelHistoryEntry,
  ModelHook,
  ModelOptions,
  SalesMarketingDeclaration,
} from './types';
