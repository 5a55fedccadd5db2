import { createHash } from 'node:crypto';
import {
  compileEmail,
  compileWebhook,
  emailContentOf,
  render,
  webhookContentOf,
  type ChannelParts,
  type DefaultSender,
  type Plain,
  type RenderContext,
} from '../content';
import { InputError } from '../errors';
import type { CompiledContent, MessageContext, SendContent } from './types';

function contextOf({ lead, campaign, unsubscribeUrl, date }: MessageContext): RenderContext {
  return {
    lead: lead as unknown as { [key: string]: Plain },
    campaign: campaign as unknown as { [key: string]: Plain },
    unsubscribe_url: unsubscribeUrl,
    now: date,
  };
}

/** Reads and checks a content version. @throws ContentError naming part, line and column */
export function compileContent(content: SendContent, language: 'en' | 'de' = 'en'): CompiledContent {
  switch (content.channel) {
    case 'email': {
      const compiled = compileEmail(content.email, { language });
      return {
        channel: 'email',
        fill: (context) => {
          const { lead, step, messageKey, date } = context;
          const to = { ...(lead.name === undefined ? {} : { name: lead.name }), address: lead.email ?? '' };
          const mail = render(compiled, contextOf(context), { to, date, messageId: messageKey });
          return { id: String(step), idempotencyKey: messageKey, to, envelope: mail.envelope, raw: mail.raw };
        },
      };
    }
    case 'webhook': {
      const compiled = compileWebhook(content.webhook);
      return {
        channel: 'webhook',
        fill: (context) => {
          const { url, method, headers, body } = compiled.render(contextOf(context));
          return {
            id: String(context.step),
            idempotencyKey: context.messageKey,
            to: { address: url },
            request: { url, method, headers, ...(body === undefined ? {} : { body }) },
          };
        },
      };
    }
  }
}

/** The content that a channel's parts are, with the sender where they name none. @throws ContentError; InputError `E_CHANNEL` */
export function contentOfParts(channel: string, parts: ChannelParts, sender?: DefaultSender): SendContent {
  switch (channel) {
    case 'email':
      return { channel, email: emailContentOf(parts, sender) };
    case 'webhook':
      return { channel, webhook: webhookContentOf(parts) };
    default:
      throw new InputError('E_CHANNEL', `Nothing can be sent on the channel "${channel}" yet. Choose another account.`);
  }
}

/** Stable over all tries of a step, and never the same for two: what a receiver recognises a repeated message by. */
export function messageKeyOf(tenant: string, step: number, domain: string): string {
  const digest = createHash('sha256').update(`${tenant}/${step}`).digest('hex').slice(0, 24);
  return `<${step.toString(36)}.${digest}@${domain}>`;
}
