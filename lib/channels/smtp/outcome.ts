/**
 * What a failed SMTP conversation means for the message. Decided by the phase first (could content have
 * arrived?), then by the reply code, then by the command; never by the library's error code alone, which is the
 * same for a drop before DATA and one after.
 */
import type { DeliveryResult, RejectionKind } from '../types';

/** The facts of a failure, as nodemailer's errors carry them. */
export interface SmtpFailure {
  readonly message: string;
  /** Nodemailer's error class (`EENVELOPE`, `EMESSAGE`, `EAUTH` …). */
  readonly code?: string;
  /** First number of the server's answer, when there was one. */
  readonly responseCode?: number;
  /** The server's answer. */
  readonly response?: string;
  /** The command that was answered (`MAIL FROM`, `RCPT TO`, `DATA` …). */
  readonly command?: string;
}

/**
 * Result of a failure while a message was on a connection.
 * @param contentBegun whether a byte of the message may have been written to the connection
 */
export function messageOutcome(failure: SmtpFailure, contentBegun: boolean): DeliveryResult {
  const reason = failure.response ?? failure.message;
  const code = replyCode(failure);
  if (failure.code === 'EMESSAGE' && failure.command === 'MAIL FROM' && code === undefined) {
    return { status: 'rejected', kind: 'content', reason };
  }
  if (code === undefined) {
    return contentBegun
      ? { status: 'unknown', reason: `No clear answer after the content had begun to leave: ${reason}` }
      : { status: 'unavailable', reason };
  }
  if (code < 500) return { status: 'deferred', code, reason };
  // 503: this session lost step. 530, 534, 535, 538: about our login. Neither is about the message.
  if (!contentBegun && [503, 530, 534, 535, 538].includes(code)) return { status: 'unavailable', reason };
  return { status: 'rejected', kind: rejectionKind(code, reason, failure.command ?? ''), code, reason };
}

/** Why a connection could not be set up, as a sentence. */
export function connectionTrouble(failure: SmtpFailure, server: string): string {
  const { code = '', response, message } = failure;
  const said = response ?? message;
  switch (code) {
    case 'EAUTH':
    case 'ENOAUTH':
      return `The mail server ${server} did not accept the login: ${said}`;
    case 'ETLS':
      return `No secure connection to the mail server ${server}: ${said}`;
    case 'EDNS':
      return `The mail server's name ${server} was not found: ${said}`;
    default:
      return response === undefined
        ? `No connection to the mail server ${server}: ${said}`
        : `The mail server ${server} refused the session: ${said}`;
  }
}

/** A three-digit 4xx or 5xx; anything else is not an answer. */
function replyCode(failure: SmtpFailure): number | undefined {
  const match = /^([45]\d\d)(?:[ -]|$)/.exec(failure.response ?? '');
  return match ? Number(match[1]) : undefined;
}

const REPUTATION =
  /spam|reputation|block\s?list|black\s?list|blocked|listed (?:at|by|in|on)|dnsbl|\brbl\b|spamhaus|\bspf\b|\bdkim\b|\bdmarc\b|too many complaints|bulk/i;
const NOBODY_THERE =
  /(?:user|recipient|mailbox|address|account)\b.{0,40}\b(?:unknown|not found|does not exist|doesn't exist|invalid|disabled)|(?:no such|unknown|invalid|unrouteable|nonexistent) (?:user|recipient|mailbox|address|account|person)/i;

/** Enhanced status codes: RFC 3463, RFC 7372, RFC 7505 and the IANA registry. */
function rejectionKind(code: number, answer: string, command: string): RejectionKind {
  const enhanced = /^5\d\d[ -]5\.(\d{1,3})\.(\d{1,3})\b/.exec(answer);
  const [subject, detail] = [Number(enhanced?.[1]), Number(enhanced?.[2])];
  const aboutSender = command === 'MAIL FROM' || (subject === 1 && [7, 8, 9].includes(detail));
  switch (subject) {
    case 1:
      if (aboutSender) return 'policy';
      return 'address';
    case 2:
      return detail === 3 ? 'content' : 'other';
    case 3:
      return detail === 4 ? 'content' : 'other';
    case 6:
      // 7: the server takes no addresses beyond ASCII.
      return detail === 7 ? 'other' : 'content';
    case 7:
      // 20–27: DKIM, SPF, reverse DNS; 28: flood; 500 and up: mail services' own reputation codes.
      return (detail >= 20 && detail <= 28) || detail >= 500 || REPUTATION.test(answer) ? 'reputation' : 'policy';
  }
  if (REPUTATION.test(answer)) return 'reputation';
  if (code === 552) return 'content';
  if (aboutSender) return 'policy';
  if (code === 556) return 'address';
  if (command === 'RCPT TO' && (code === 553 || NOBODY_THERE.test(answer))) return 'address';
  if (command === 'DATA' && code === 554) return 'content';
  return 'other';
}
