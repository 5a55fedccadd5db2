import { createHash } from 'node:crypto';
import { formatMailbox } from './address';
import type { EncodedBody } from './body';
import { encodeText, extraField, fieldValue, headerError, MAX_LINE, withoutControls } from './headers';
import type { Mailbox } from './types';

/** What belongs to one message and not to its content. */
export interface MessageHeaders {
  readonly to: Mailbox;
  /** Milliseconds since 1970; the message's `Date`. A retry passes the same. */
  readonly date: number;
  /** `<left@right>` (the brackets may be left out). The same for every attempt, so that a retry sends the same bytes. */
  readonly messageId: string;
  /** The one-click address (RFC 8058), http or https. When absent, the context's `unsubscribe_url` is taken. `false`: none. */
  readonly listUnsubscribe?: string | false;
  /** An address that unsubscribes whoever writes to it (RFC 2369), in addition. */
  readonly unsubscribeMailto?: string;
  /** `Feedback-ID` for the complaint reports of large mailbox providers. */
  readonly feedbackId?: string;
  /** Further header fields. What the message writes itself is refused. */
  readonly extra?: Readonly<Record<string, string>>;
}

/**
 * Header fields that a DKIM signature must cover (lower case). RFC 8058 section 4 demands both List-Unsubscribe fields; signers do not
 * cover them unless told. For nodemailer: `headerFieldNames: DKIM_HEADERS.join(':')`.
 */
export const DKIM_HEADERS: readonly string[] = [
  ...[
    'from',
    'to',
    'reply-to',
    'subject',
    'date',
    'message-id',
    'mime-version',
    'content-type',
    'content-transfer-encoding',
  ],
  ...['list-unsubscribe', 'list-unsubscribe-post', 'feedback-id'],
];

const MESSAGE_ID = /^<?([!-;=?A-~]+@[!-;=?A-~]+)>?$/;
const MAX_MESSAGE_ID = 250;
const MAX_DATE = Date.UTC(9999, 11, 31);

/** `<left@right>`. Throws {@link ContentError} (`E_HEADER`). */
export function formatMessageId(messageId: string): string {
  const match = typeof messageId === 'string' && messageId.length <= MAX_MESSAGE_ID ? MESSAGE_ID.exec(messageId) : null;
  const id = match?.[1];
  if (id === undefined || id.indexOf('@') !== id.lastIndexOf('@')) {
    throw headerError(
      'The Message-ID must look like <left@right>, in ASCII, without blanks and with at most 250 characters.',
    );
  }
  return `<${id}>`;
}

/** RFC 5322 3.3 date and time, in UTC. */
export function formatDate(time: number): string {
  if (!Number.isFinite(time) || time < 0 || time > MAX_DATE) {
    throw headerError('The date of a message must be milliseconds since 1970.');
  }
  return new Date(time).toUTCString().replace('GMT', '+0000');
}

const LINK = /^https?:\/\/[!#-;=?-\]_a-z~]+$/i;

function unsubscribeFields(url: string | undefined, mailto: string | undefined): string {
  const targets: string[] = [];
  if (url !== undefined) {
    if (url.length > MAX_LINE - 30 || !LINK.test(url)) {
      throw headerError('The unsubscribe address must be an http or https URL in ASCII of at most 968 characters.');
    }
    targets.push(`<${url}>`);
  }
  if (mailto !== undefined) {
    const { address } = formatMailbox({ address: mailto }, 'headers', 0);
    targets.push(`<mailto:${encodeURIComponent(address).replace('%40', '@')}>`);
  }
  if (targets.length === 0) return '';
  const list = `List-Unsubscribe: ${targets.join(',\r\n ')}\r\n`;
  // RFC 8058 3.1: only together with a URL, and with exactly this value.
  return url === undefined ? list : `${list}List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n`;
}

/** The From and Reply-To fields, written once per content version, and the envelope's sender. */
export interface SenderFields {
  readonly from: string;
  readonly replyTo: string;
  readonly address: string;
}

/** Checks and formats the sender. Throws {@link ContentError} (`E_ADDRESS`). */
export function senderFields(from: Mailbox, replyTo: string | Mailbox | undefined): SenderFields {
  const sender = formatMailbox(from, 'from', 'From: '.length);
  const reply = typeof replyTo === 'string' ? { address: replyTo } : replyTo;
  return {
    address: sender.address,
    from: `From: ${sender.value}\r\n`,
    replyTo: reply === undefined ? '' : `Reply-To: ${formatMailbox(reply, 'replyTo', 'Reply-To: '.length).value}\r\n`,
  };
}

/** A finished message. */
export interface RenderedEmail {
  /** The whole message (RFC 5322). ASCII only, so one character is one byte; every line ends with CRLF. */
  readonly raw: string;
  /** The filled subject, in Unicode. */
  readonly subject: string;
  /** With brackets. */
  readonly messageId: string;
  /** One sender, one recipient: pass these to the transport, never the header's text. */
  readonly envelope: { readonly from: string; readonly to: string };
}

/** What {@link writeMessage} puts together. */
export interface MessageInput {
  readonly sender: SenderFields;
  readonly headers: MessageHeaders;
  /** Used when `headers.listUnsubscribe` is absent. */
  readonly unsubscribeUrl: string | undefined;
  readonly subject: string;
  readonly text: EncodedBody;
  readonly html: EncodedBody | undefined;
}

function partHeader(type: 'plain' | 'html', body: EncodedBody): string {
  return `Content-Type: text/${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${body.encoding}\r\n\r\n`;
}

/** A boundary that follows from the Message-ID and occurs in none of the bodies. */
function boundaryFor(messageId: string, bodies: readonly string[]): string {
  for (let attempt = 0; ; attempt++) {
    const digest = createHash('sha256')
      .update(attempt === 0 ? messageId : `${attempt} ${messageId}`)
      .digest('hex');
    // "=_" cannot occur in quoted-printable (RFC 2045 6.7).
    const boundary = `=_${digest.slice(0, 32)}`;
    if (!bodies.some((body) => body.includes(boundary))) return boundary;
  }
}

/** Puts a message together: text alone, or text and HTML as multipart/alternative. Throws {@link ContentError}. */
export function writeMessage(input: MessageInput): RenderedEmail {
  const { sender, headers, text, html } = input;
  const to = formatMailbox(headers.to, 'to', 'To: '.length);
  const messageId = formatMessageId(headers.messageId);
  const subject = withoutControls(input.subject);
  const url = headers.listUnsubscribe === false ? undefined : (headers.listUnsubscribe ?? input.unsubscribeUrl);
  let head =
    `${sender.from}To: ${to.value}\r\n${sender.replyTo}Subject: ${encodeText(subject, 'Subject: '.length)}\r\n` +
    `Date: ${formatDate(headers.date)}\r\nMessage-ID: ${messageId}\r\n` +
    unsubscribeFields(url, headers.unsubscribeMailto);
  if (headers.feedbackId !== undefined) head += `Feedback-ID: ${fieldValue('Feedback-ID', headers.feedbackId)}\r\n`;
  if (headers.extra) for (const [name, value] of Object.entries(headers.extra)) head += extraField(name, value);
  head += 'MIME-Version: 1.0\r\n';
  const result = { subject, messageId, envelope: { from: sender.address, to: to.address } };
  if (!html)
    return {
      raw: `${head}${partHeader('plain', text)}${text.text}${text.text.endsWith('\n') ? '' : '\r\n'}`,
      ...result,
    };
  const boundary = boundaryFor(messageId, [text.text, html.text]);
  const raw =
    `${head}Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n` +
    `--${boundary}\r\n${partHeader('plain', text)}${text.text}\r\n` +
    `--${boundary}\r\n${partHeader('html', html)}${html.text}\r\n--${boundary}--\r\n`;
  return { raw, ...result };
}
