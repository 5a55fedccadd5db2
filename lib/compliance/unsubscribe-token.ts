import { InputError } from '../errors';
import { createSealer, type SealSecrets } from './sealed-token';

/**
 * Unsubscribe tokens: what stands in the link of every mail. RFC 8058 wants the URL alone to say who unsubscribes from what,
 * and mail lies around for years, so a token never expires and holds all that is needed, but shows none of it.
 */

/** Who unsubscribes from what. Ids only, no personal data. */
export interface UnsubscribePayload {
  readonly tenant: string;
  readonly lead: number;
  readonly campaign?: number;
  /** The step whose message carries the link. */
  readonly message?: number;
  /** `email`, `sms` … */
  readonly channel: string;
}

/** See {@link SealSecrets}. */
export type UnsubscribeSecrets = SealSecrets;

/** Makes and checks tokens. */
export interface UnsubscribeSigner {
  /** A token: base64url, 30 to 60 characters for short names. Throws {@link InputError} (`E_TOKEN_PAYLOAD`) for what is no payload. */
  sign(payload: UnsubscribePayload): string;
  /** What was signed, or undefined for anything that was not signed with one of the secrets. */
  verify(token: string): UnsubscribePayload | undefined;
}

const VERSION = 1;
const HAS_CAMPAIGN = 0x10;
const HAS_MESSAGE = 0x20;

/** Room for the flags, three numbers of up to eight groups, and two names with their lengths. */
const MAX_PAYLOAD = 1 + 3 * 8 + 2 * 256;
const MAX_NAME = 255;

/** A number in groups of seven bits, lowest first. Up to 2^53. Returns where the next thing goes. */
function writeNumber(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    bytes[next++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[next++] = rest;
  return next;
}

function writeName(bytes: Buffer, at: number, name: string): number {
  const length = bytes.write(name, at + 1, 'utf8');
  bytes[at] = length;
  return at + 1 + length;
}

function isId(id: number | undefined): boolean {
  return id === undefined || (Number.isSafeInteger(id) && id >= 0);
}

function isName(name: string): boolean {
  return typeof name === 'string' && name !== '' && name.length <= MAX_NAME && Buffer.byteLength(name) <= MAX_NAME;
}

function encode(payload: UnsubscribePayload): Buffer {
  const { tenant, lead, campaign, message, channel } = payload;
  if (lead === undefined || !isId(lead) || !isId(campaign) || !isId(message) || !isName(tenant) || !isName(channel)) {
    throw new InputError(
      'E_TOKEN_PAYLOAD',
      'An unsubscribe link needs a tenant, a channel and ids that are whole numbers. Check what is signed.',
    );
  }
  const bytes = Buffer.allocUnsafe(MAX_PAYLOAD);
  bytes[0] = VERSION | (campaign === undefined ? 0 : HAS_CAMPAIGN) | (message === undefined ? 0 : HAS_MESSAGE);
  let end = writeNumber(bytes, 1, lead);
  if (campaign !== undefined) end = writeNumber(bytes, end, campaign);
  if (message !== undefined) end = writeNumber(bytes, end, message);
  end = writeName(bytes, end, tenant);
  end = writeName(bytes, end, channel);
  return bytes.subarray(0, end);
}

/** Reads what {@link encode} wrote. The tag has been checked before, so the bytes are ours. */
function decode(bytes: Buffer): UnsubscribePayload {
  let at = 1;
  const flags = bytes[0] ?? 0;
  const next = (): number => bytes[at++] ?? 0;
  const readNumber = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = next();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const readName = (): string => {
    const length = next();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const lead = readNumber();
  const campaign = flags & HAS_CAMPAIGN ? { campaign: readNumber() } : {};
  const message = flags & HAS_MESSAGE ? { message: readNumber() } : {};
  const tenant = readName();
  return { tenant, lead, ...campaign, ...message, channel: readName() };
}

/** A signer for one set of secrets. Throws {@link InputError} (`E_SECRET`) for a secret that is too short. */
export function createUnsubscribeSigner(secrets: UnsubscribeSecrets): UnsubscribeSigner {
  const sealer = createSealer('unsubscribe/v1', secrets);
  return {
    sign: (payload) => sealer.seal(encode(payload)),
    verify(token) {
      const bytes = sealer.open(token);
      return bytes && decode(bytes);
    },
  };
}
