import type { Marketing } from '../../marketing';

/** What the API works with: one tenant's services. */
export type ApiServices = Pick<
  Marketing,
  | 'scope'
  | 'campaigns'
  | 'schedules'
  | 'leads'
  | 'engagements'
  | 'segments'
  | 'events'
  | 'templates'
  | 'definitions'
  | 'documents'
  | 'promotions'
  | 'metrics'
  | 'dashboards'
  | 'notes'
  | 'history'
  | 'tokens'
  | 'webhooks'
>;
