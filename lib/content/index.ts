/** Content: what is sent, compiled once per version and filled per lead. The only file of this folder that others import. */
export { checkAddress } from './address';
export { contentHash } from './canonical';
export {
  compileParts,
  partsProblems,
  type CompiledParts,
  type ContentProblem,
  type FilledContent,
  type PartsOptions,
} from './channel-content';
export type { ChannelParts } from './channel-forms';
export { emailContentOf, webhookContentOf, type DefaultSender } from './channel-parts';
export { compileEmail, render, type CompiledEmail, type FilledEmail } from './email';
export { ALLOWED_TAGS, MAX_OUTPUT, MAX_TEMPLATE } from './engine';
export { ContentError, type ContentErrorCode, type ContentPart } from './errors';
export { ALLOWED_FILTERS } from './filters';
export { DKIM_HEADERS, formatMessageId, type MessageHeaders, type RenderedEmail } from './message';
export { htmlToText, type TextOrigin } from './plain-text';
export { previewContext, SAMPLE_LEAD, type PreviewData } from './sample';
export { smsSize, type SmsSize } from './sms';
export type { ContentLanguage, EmailContent, EmailOptions, Mailbox, Plain, RenderContext } from './types';
export { UNSUBSCRIBE_VARIABLE } from './unsubscribe-link';
export { compileWebhook, type CompiledWebhook, type RenderedWebhook, type WebhookContent } from './webhook';
