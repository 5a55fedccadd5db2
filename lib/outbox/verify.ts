import { timingSafeEqual } from 'node:crypto';
import { signWebhook } from '../channels';
import { InputError } from '../errors';

/** An incoming webhook that is what it says. */
export interface VerifiedWebhook {
  /** The sender's id of the event, the same on every try: what makes a repeated delivery recognisable. */
  readonly id: string;
  /** When it was sent, milliseconds since 1970. */
  readonly sentAt: number;
}

/** Header values as Node gives them. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How old or how far ahead an incoming webhook may be: Standard Webhooks' five minutes. */
const TOLERANCE_MS = 5 * 60 * 1000;

/**
 * Checks an incoming webhook against the Standard Webhooks specification (standardwebhooks.com) before anything of it is
 * read. Give the body as it came: parsed and printed again, it would not be what was signed.
 * @param secrets keys that may have signed it, `whsec_…`: several while a sender changes over
 * @throws InputError `E_WEBHOOK_SIGNATURE`
 */
export function verifyWebhook(
  headers: WebhookHeaders,
  body: string | Buffer,
  secrets: readonly string[],
  { now, toleranceMs = TOLERANCE_MS }: { now: number; toleranceMs?: number },
): VerifiedWebhook {
  const id = headerOf(headers, 'webhook-id');
  const written = headerOf(headers, 'webhook-timestamp');
  const given = headerOf(headers, 'webhook-signature');
  if (id === '' || given === '' || !/^\d{1,12}$/.test(written)) {
    throw refused('The headers webhook-id, webhook-timestamp and webhook-signature are needed.');
  }
  const timestamp = Number(written);
  if (Math.abs(now - timestamp * 1000) > toleranceMs) {
    throw refused('It was sent too long ago, or the clocks differ.');
  }
  const presented = given
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one));
  // Every pair is compared, in time that tells nothing about where they differ.
  let found = false;
  for (const secret of secrets) {
    const expected = Buffer.from(signWebhook({ id, timestamp, body }, secret));
    for (const one of presented) {
      if (one.length === expected.length && timingSafeEqual(one, expected)) found = true;
    }
  }
  if (!found) throw refused('None of its signatures fits.');
  return { id, sentAt: timestamp * 1000 };
}

function headerOf(headers: WebhookHeaders, name: string): string {
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value.trim() : '';
}

function refused(why: string): InputError {
  return new InputError('E_WEBHOOK_SIGNATURE', `The webhook is not accepted. ${why}`);
}
