import { domainToASCII } from 'node:url';
import { ContentError, type ContentPart } from './errors';
import { encodePhrase, hasControl } from './headers';
import type { Mailbox } from './types';

// RFC 5322 dot-atom; quoted local parts are legal and in practice only ever an attack or a typing error.
const LOCAL = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
const DOMAIN = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const MAX_ADDRESS = 254;
const MAX_LOCAL = 64;
const MAX_NAME = 500;

function addressError(part: ContentPart, message: string): ContentError {
  return new ContentError(part, message, { code: 'E_ADDRESS' });
}

/**
 * Exactly one e-mail address, its domain in ASCII (punycode). Throws {@link ContentError} (`E_ADDRESS`) for anything else:
 * lists, names, control characters, quoted local parts, addresses that need SMTPUTF8. The sentence never repeats the address.
 */
export function checkAddress(address: string, part: ContentPart): string {
  const at = typeof address === 'string' ? address.lastIndexOf('@') : -1;
  if (at < 1) throw addressError(part, `The ${part} address must be one e-mail address like name@example.com.`);
  const local = address.slice(0, at);
  const given = address.slice(at + 1);
  const domain = DOMAIN.test(given) || hasControl(given) ? given : domainToASCII(given);
  if (local.length > MAX_LOCAL || local.length + 1 + domain.length > MAX_ADDRESS) {
    throw addressError(part, `The ${part} address is too long: at most 64 characters before the @ and 254 in all.`);
  }
  if (!LOCAL.test(local) || !DOMAIN.test(domain)) {
    throw addressError(
      part,
      `The ${part} address must be exactly one plain e-mail address like name@example.com, without names, lists, quotes or line breaks.`,
    );
  }
  return `${local}@${domain}`;
}

/** A display name without control characters. Throws {@link ContentError} (`E_ADDRESS`). */
function checkName(name: string, part: ContentPart): string {
  if (typeof name !== 'string' || hasControl(name) || name.length > MAX_NAME) {
    throw addressError(
      part,
      `The ${part} name must be a text of one line of at most ${MAX_NAME} characters. Remove line breaks.`,
    );
  }
  return name.trim();
}

/** One mailbox of a header and its bare address for the envelope. `used` is the length of the field's name, colon and space. */
export function formatMailbox(
  mailbox: Mailbox | undefined,
  part: ContentPart,
  used: number,
): { address: string; value: string } {
  const { address: given, name: givenName } = mailbox ?? {};
  const address = checkAddress(given ?? '', part);
  const name = givenName === undefined || givenName === null ? '' : checkName(givenName, part);
  if (name === '') return { address, value: address };
  const phrase = encodePhrase(name, used);
  const lastLine = phrase.slice(phrase.lastIndexOf('\n') + 1);
  const fits = lastLine.length + address.length + 3 + (lastLine === phrase ? used : 0) <= 76;
  return { address, value: `${phrase}${fits ? ' ' : '\r\n '}<${address}>` };
}
