import type { ChannelParts } from './channel-forms';
import { ContentError, type ContentPart } from './errors';
import type { EmailContent, Mailbox } from './types';
import type { WebhookContent } from './webhook';

/** Who sends where a content names nobody: the account, or the node. */
export interface DefaultSender {
  readonly from?: Mailbox;
  readonly replyTo?: string | Mailbox;
}

/** The e-mail that these parts are. @throws ContentError `E_TEMPLATE`, `E_ADDRESS` when a part has another shape, or nobody is the sender */
export function emailContentOf(parts: ChannelParts, sender: DefaultSender = {}): EmailContent {
  const from = mailboxOf(parts, 'from') ?? sender.from;
  if (!from) {
    throw new ContentError(
      'from',
      'Nobody is named as the sender. Fill in the from address of the account, of the send node or of the content.',
      { code: 'E_ADDRESS' },
    );
  }
  const replyTo = mailboxOf(parts, 'replyTo') ?? sender.replyTo;
  const html = textOf(parts, 'html');
  const text = textOf(parts, 'text');
  const preheader = textOf(parts, 'preheader');
  return {
    subject: textOf(parts, 'subject') ?? '',
    from,
    ...(html === undefined ? {} : { html }),
    ...(text === undefined ? {} : { text }),
    ...(preheader === undefined ? {} : { preheader }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

/** The request that these parts are. A payload that is no text is written as JSON. @throws ContentError when a part has another shape */
export function webhookContentOf(parts: ChannelParts): WebhookContent {
  const method = textOf(parts, 'method');
  const headers = headersOf(parts);
  const { payload: given } = parts;
  const payload = typeof given === 'object' && given !== null ? JSON.stringify(given) : textOf(parts, 'payload');
  return {
    url: textOf(parts, 'url') ?? '',
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(payload === undefined ? {} : { payload }),
  };
}

/** A part that is a text; undefined when it is absent or blank. @throws ContentError */
export function textOf(parts: ChannelParts, part: ContentPart): string | undefined {
  const value = parts[part];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new ContentError(part, `The ${part} must be a text.`);
  return value.trim() === '' ? undefined : value;
}

/** A part that is an address, or `{ name?, address }`. @throws ContentError */
export function mailboxOf(parts: ChannelParts, part: 'from' | 'replyTo'): Mailbox | undefined {
  const value = parts[part];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return { address: value.trim() };
  const { name, address } = value as Readonly<Record<string, unknown>>;
  if (typeof address !== 'string' || (name !== undefined && name !== null && typeof name !== 'string')) {
    throw new ContentError(part, `The ${part} must be an e-mail address, or { "name": …, "address": … }.`, {
      code: 'E_ADDRESS',
    });
  }
  return { address: address.trim(), ...(name ? { name } : {}) };
}

/** Header values by name. @throws ContentError */
export function headersOf({ headers }: ChannelParts): Record<string, string> | undefined {
  if (headers === undefined || headers === null) return undefined;
  const entries = typeof headers === 'object' && !Array.isArray(headers) ? Object.entries(headers) : undefined;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw new ContentError('headers', 'The headers must be an object of texts: { "X-Name": "value" }.', {
      code: 'E_HEADER',
    });
  }
  return Object.fromEntries(entries);
}
