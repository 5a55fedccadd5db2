/** Leads: people, what they allow, what they did. The only file of this folder that others import. */
export { createLeads, type Leads, type LeadsDeps } from './leads';
export { leadColumns, leadView, leadViews, type LeadRow } from './view';
export { addressColumn, sendability, type BlockReason, type Sendability, type SendabilityRules } from './sendability';
export { setConsents, type Consent, type ConsentChange, type ConsentOptions, type ConsentState } from './consents';
export { normaliseAddress, suppressAll, type Suppression } from './suppressions';
export { checkEngagement, valueOf, type Engagement, type RecordedEngagement } from './engagements';
export { announceScores } from './announce';
export { announceEngagements, type EngagementFacts } from './engagement-announcements';
export { noteSent, type SentMessage } from './sent-engagements';
export { createEngagements, Engagements, type EngagementQuery, type EngagementView } from './engagement-list';
export { Reactions, type LeadChange, type LeadReaction, type NewEngagement } from './reactions';
export { lockLeads } from './lock';
export type { LeadKey } from './read';
export { normaliseEmail } from './email';
export { normalisePhone } from './phone';
export { normaliseCountry } from './country';
export {
  ATTRIBUTE_TYPES,
  type Attribute,
  type AttributeType,
  type AttributeValue,
  type LeadInput,
  type LeadPage,
  type LeadQuery,
  type LeadView,
  type OnLeadsChanged,
  type Rejection,
  type UndeclaredPolicy,
  type UpsertOptions,
  type UpsertResult,
} from './types';
export { importCsv, type ImportOptions, type ImportProgress, type ImportReport } from './import';
