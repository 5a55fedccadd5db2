/** The outbox: what happened, told to others. The only file of this folder that others import; start reading at `types.ts`. */
export { announce, wanted } from './announce';
export type { Delivery, DeliveryPage, DeliveryQuery, DeliveryState } from './delivery-log';
export { Dispatcher, type DispatcherDeps } from './dispatcher';
export type { EndpointOptions } from './endpoint';
export { listenersOf, type Listeners } from './listeners';
export { Outbox } from './outbox';
export { checkPatterns } from './patterns';
export type { FlowReader, FlowSubscription } from './reader';
export type { Webhook } from './subscription-rows';
export { ANNOUNCEMENTS, type Announced, type Announcement, type AnnouncementType, type Listener } from './types';
export { verifyWebhook, type VerifiedWebhook, type WebhookHeaders } from './verify';
export { Webhooks, type WebhookChange, type WebhookInput, type WebhookWithSecret } from './webhooks';
