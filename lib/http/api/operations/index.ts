import { CAMPAIGN_ID, campaignNamed } from '../campaign-parts';
import { PROBLEM } from '../problem';
import { integer, object, type Schema } from '../schema';
import type { Operation } from '../types';
import { ANALYTICS_SCHEMAS, analyticsOperations } from './analytics';
import { APPROVAL_SCHEMAS, approvalOperations } from './approvals';
import { CAMPAIGN_ACTION_SCHEMAS, campaignActionOperations } from './campaign-actions';
import { CAMPAIGN_PEOPLE_SCHEMAS, campaignPeopleOperations } from './campaign-people';
import { CAMPAIGN_SCHEMAS, campaignOperations } from './campaigns';
import { CONVERSION_SCHEMAS, conversionOperations } from './conversions';
import { CUSTOM_METRIC_SCHEMAS, customMetricOperations } from './custom-metrics';
import { COMPENSATION_SCHEMAS, compensationOperations } from './compensation';
import { DASHBOARD_SCHEMAS, dashboardOperations } from './dashboard';
import { DEFINITION_SCHEMAS, definitionOperations } from './definitions';
import { DELEGATION_SCHEMAS, delegationOperations } from './delegations';
import { ESCALATION_SCHEMAS, escalationOperations } from './escalations';
import { eventOperations } from './events';
import { EXPERIMENT_SCHEMAS, experimentOperations } from './experiments';
import { HISTORY_SCHEMAS, historyOperations } from './history';
import { LEAD_SCHEMAS, leadOperations } from './leads';
import { MONEY_SCHEMAS, moneyOperations } from './money';
import { NOTE_SCHEMAS, noteOperations, notesOn } from './notes';
import { PROMOTION_SCHEMAS, promotionOperations } from './promotions';
import { SCORING_SCHEMAS, scoringOperations } from './scoring';
import { SEGMENT_SCHEMAS, segmentOperations } from './segments';
import { SEND_RULE_SCHEMAS, sendRuleOperations } from './send-rules';
import { SETTINGS_SCHEMAS, settingsOperations } from './settings';
import { TEMPLATE_SCHEMAS, templateOperations } from './templates';
import { TOKEN_SCHEMAS, tokenOperations } from './tokens';
import { TRIGGER_SCHEMAS, triggerOperations } from './triggers';
import { WEBHOOK_SCHEMAS, webhookOperations } from './webhooks';

const campaignNotes = notesOn({
  kind: 'campaign',
  path: '/campaigns',
  tag: 'Campaigns',
  params: CAMPAIGN_ID,
  read: 'campaign:read',
  write: 'campaign:write',
  idOf: async (call) => (await campaignNamed(call)).id,
});
const engagementNotes = notesOn({
  kind: 'engagement',
  path: '/engagements',
  tag: 'Notes',
  params: object({ id: integer(1) }),
  read: 'lead:read',
  write: 'lead:write',
  idOf: ({ params: { id } }) => Promise.resolve(Number(id)),
});

/** Everything that the API can do. */
export const OPERATIONS: readonly Operation[] = [
  ...campaignOperations,
  ...campaignActionOperations,
  ...campaignPeopleOperations,
  ...campaignNotes,
  ...leadOperations,
  ...segmentOperations,
  ...templateOperations,
  ...analyticsOperations,
  ...conversionOperations,
  ...scoringOperations,
  ...customMetricOperations,
  ...moneyOperations,
  ...dashboardOperations,
  ...definitionOperations,
  ...promotionOperations,
  ...approvalOperations,
  ...delegationOperations,
  ...escalationOperations,
  ...experimentOperations,
  ...compensationOperations,
  ...eventOperations,
  ...triggerOperations,
  ...engagementNotes,
  ...noteOperations,
  ...webhookOperations,
  ...tokenOperations,
  ...settingsOperations,
  ...sendRuleOperations,
  ...historyOperations,
];

/** Schemas that others refer to, by their names in the OpenAPI document. */
export const SHARED: Readonly<Record<string, Schema>> = {
  ...CAMPAIGN_SCHEMAS,
  ...CAMPAIGN_ACTION_SCHEMAS,
  ...CAMPAIGN_PEOPLE_SCHEMAS,
  ...LEAD_SCHEMAS,
  ...SEGMENT_SCHEMAS,
  ...TEMPLATE_SCHEMAS,
  ...ANALYTICS_SCHEMAS,
  ...CONVERSION_SCHEMAS,
  ...SCORING_SCHEMAS,
  ...CUSTOM_METRIC_SCHEMAS,
  ...MONEY_SCHEMAS,
  ...DASHBOARD_SCHEMAS,
  ...DEFINITION_SCHEMAS,
  ...PROMOTION_SCHEMAS,
  ...APPROVAL_SCHEMAS,
  ...DELEGATION_SCHEMAS,
  ...ESCALATION_SCHEMAS,
  ...EXPERIMENT_SCHEMAS,
  ...COMPENSATION_SCHEMAS,
  ...NOTE_SCHEMAS,
  ...WEBHOOK_SCHEMAS,
  ...TOKEN_SCHEMAS,
  ...TRIGGER_SCHEMAS,
  ...SETTINGS_SCHEMAS,
  ...SEND_RULE_SCHEMAS,
  ...HISTORY_SCHEMAS,
  Problem: PROBLEM,
};
