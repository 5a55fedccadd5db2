/** Channels and sending accounts; start reading at `types.ts`. */
export { createAccount, type AccountOptions, type Send, type Transport } from './account';
export { envelopeAddress } from './addresses';
export { backoff, type BackoffOptions } from './backoff';
export { Breaker, type BreakerEvent, type BreakerOptions, type BreakerState, type Ticket } from './breaker';
export { type Grant, Pacer, type Rate } from './pacer';
export {
  ChannelRegistry,
  channels,
  type ContractAccountOptions,
  createContractAccount,
  registerChannel,
} from './registry';
export { createSmtpAccount } from './smtp/account';
export { emailChannel } from './smtp/contract';
export type { SmtpOptions } from './smtp/options';
export type {
  Account,
  AccountSettings,
  AccountStats,
  ChannelCapabilities,
  ChannelContext,
  ChannelContract,
  CompensationResult,
  DeliveryResult,
  OutgoingMessage,
  RejectionKind,
  WebhookRequest,
} from './types';
export { createWebhookAccount, type WebhookOptions } from './webhook/account';
export { webhookChannel } from './webhook/contract';
export { checkUrl, ForbiddenTarget, guardedLookup, type GuardOptions, isPublicAddress } from './webhook/guard';
export { retryTime } from './webhook/outcome';
export { httpCall, type HttpAnswer } from './webhook/request';
export { signWebhook, webhookKey } from './webhook/signature';
