import { createHmac } from 'node:crypto';
import { InputError } from '../../errors';

/** What is signed. */
export interface SignedContent {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly body: string | Buffer;
}

/**
 * The `webhook-signature` header of the Standard Webhooks specification (standardwebhooks.com): `v1,` and the base64
 * HMAC-SHA-256 over `id.timestamp.body`.
 * @param secret `whsec_` followed by base64; a secret without the prefix is taken as base64 too
 * @throws InputError E_WEBHOOK_SECRET when the secret is not base64 or shorter than 16 bytes
 */
export function signWebhook({ id, timestamp, body }: SignedContent, secret: string): string {
  const digest = createHmac('sha256', webhookKey(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return `v1,${digest}`;
}

/** The secret's bytes. @throws InputError E_WEBHOOK_SECRET */
export function webhookKey(secret: string): Buffer {
  const text = secret.replace(/^whsec_/, '');
  const key = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || key.length < 16) {
    throw new InputError(
      'E_WEBHOOK_SECRET',
      'The webhook’s signing secret must be "whsec_" followed by base64 of at least 16 bytes.',
    );
  }
  return key;
}
