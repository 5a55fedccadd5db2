/** HTTP: the only folder that knows Express. REST, GraphQL, unsubscribe pages, health, metrics, the mailbox, the runtime's server. */
export { unsubscribeRouter, type UnsubscribeRouterOptions } from './unsubscribe';
export { inboundRouter, type InboundAuth, type InboundEndpoint, type InboundRouterOptions } from './inbound';
export { approvalRouter, type ApprovalRouterOptions } from './approvals';
export { optOut } from './opt-out';
export { healthRouter, type HealthReport } from './health';
export { metricsRouter, type MetricsOptions, type TenantFigures } from './metrics';
export { mailboxRouter, type MailboxSource, type MailSummary, type MailView } from './mailbox';
export { createHostServer, type Fallback, type HostServer } from './app';
export { apiDepsOf, apiRouter, assertGuarded, type ApiDeps, type ApiServices, type ApiSources } from './api';
export { graphqlRouter } from './graphql';
export { marketingApi, ratesFrom, type MarketingApi } from './marketing-api';
