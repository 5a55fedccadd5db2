import type { DeliveryResult, RejectionKind } from '../types';

/** What an HTTP answer means for the message. `now`: ms since 1970, to read `Retry-After`. */
export function httpOutcome(
  answer: { status: number; retryAfter?: string; requestId?: string },
  messageId: string,
  now: number,
): DeliveryResult {
  const { status: code } = answer;
  if (code >= 200 && code < 300) {
    return { status: 'sent', providerId: answer.requestId ?? messageId, response: `HTTP ${code}` };
  }
  if (code === 408 || code === 425 || code === 429 || code >= 500) {
    const retryAt = retryTime(answer.retryAfter, now);
    const reason = `The receiver answered HTTP ${code}.`;
    return { status: 'deferred', code, reason, ...(retryAt === undefined ? {} : { retryAt }) };
  }
  const redirect = code >= 300 && code < 400;
  const reason = redirect
    ? `The receiver answered HTTP ${code}; redirects are not followed, give the final URL.`
    : `The receiver answered HTTP ${code}.`;
  return { status: 'rejected', kind: kindOf(code), code, reason };
}

/**
 * `Retry-After` as a time (ms since 1970); both forms, seconds and HTTP date (RFC 9110 10.2.3). Undefined when it is
 * absent, cannot be read, or lies in the past.
 */
export function retryTime(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const time = /^\d{1,9}$/.test(text) ? now + Number(text) * 1000 : /[A-Za-z]/.test(text) ? Date.parse(text) : NaN;
  return time > now ? time : undefined;
}

/** Never `address`: the URL is the account's, so its failing says nothing about the person. */
function kindOf(code: number): RejectionKind {
  switch (code) {
    case 401:
    case 403:
    case 407:
      return 'policy';
    case 400:
    case 413:
    case 415:
    case 422:
      return 'content';
    default:
      return 'other';
  }
}
