import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { InputError } from '../errors';

/**
 * Sealed tokens for links: what stands in them can be neither read nor changed, nor made up, by who has no secret.
 *
 * The construction is deterministic authenticated encryption in the manner of SIV (RFC 5297), with HMAC-SHA256 in place of CMAC and
 * of AES-CTR: `tag = HMAC(macKey, payload)[0..16]`, `token = tag ‖ payload ⊕ HMAC(encKey, tag ‖ block)`.
 * Deterministic, because a retry must send the same bytes. Both keys are derived from the secret for one purpose only: a token for
 * one purpose is none for another.
 */
export interface Sealer {
  /** A token: base64url. */
  seal(payload: Buffer): string;
  /** What was sealed, or undefined for anything that was not sealed with one of the secrets for this purpose. */
  open(token: string): Buffer | undefined;
}

/** Secrets of at least 16 characters. Tokens of `previous` ones stay valid, so that a secret can be changed. */
export interface SealSecrets {
  readonly current: string;
  readonly previous?: readonly string[];
}

const TAG = 16;
const BLOCK = 32;
const MAX_TOKEN = 800;
const MIN_SECRET = 16;

interface Keys {
  readonly mac: KeyObject;
  readonly enc: KeyObject;
}

function deriveKeys(secret: string, purpose: string): Keys {
  if (typeof secret !== 'string' || secret.length < MIN_SECRET) {
    throw new InputError(
      'E_SECRET',
      `The secret for unsubscribe links must have at least ${MIN_SECRET} characters. Set a longer one.`,
    );
  }
  const derive = (use: string): KeyObject =>
    createSecretKey(createHmac('sha256', secret).update(`nexus-marketing/${purpose}/${use}`).digest());
  return { mac: derive('mac'), enc: derive('enc') };
}

function tagOf(keys: Keys, payload: Buffer): Buffer {
  return createHmac('sha256', keys.mac).update(payload).digest().subarray(0, TAG);
}

/** Encrypts and decrypts in place. */
function mask(keys: Keys, tag: Buffer, payload: Buffer): void {
  for (let block = 0; block * BLOCK < payload.length; block++) {
    const stream = createHmac('sha256', keys.enc).update(tag).update(Buffer.of(block)).digest();
    const start = block * BLOCK;
    for (let index = start; index < payload.length && index < start + BLOCK; index++) {
      payload[index] = (payload[index] ?? 0) ^ (stream[index - start] ?? 0);
    }
  }
}

/** A sealer for one purpose. @throws InputError `E_SECRET` for a secret that is too short */
export function createSealer(purpose: string, secrets: SealSecrets): Sealer {
  const current = deriveKeys(secrets.current, purpose);
  const all = [current, ...(secrets.previous ?? []).map((secret) => deriveKeys(secret, purpose))];
  return {
    seal(payload) {
      const bytes = Buffer.from(payload);
      const tag = tagOf(current, bytes);
      mask(current, tag, bytes);
      return Buffer.concat([tag, bytes]).toString('base64url');
    },
    open(token) {
      if (typeof token !== 'string' || token.length > MAX_TOKEN || !/^[\w-]+$/.test(token)) return undefined;
      const raw = Buffer.from(token, 'base64url');
      // One token, one spelling: base64 has spare bits at its end.
      if (raw.length <= TAG || raw.toString('base64url') !== token) return undefined;
      const tag = raw.subarray(0, TAG);
      for (const keys of all) {
        const payload = Buffer.from(raw.subarray(TAG));
        mask(keys, tag, payload);
        if (timingSafeEqual(tagOf(keys, payload), tag)) return payload;
      }
      return undefined;
    },
  };
}
