import { domainToASCII } from 'node:url';

// RFC 5321 dot-string plus letters beyond ASCII (RFC 6531). Quoted local parts are refused on purpose: they are how a
// second recipient or a header is smuggled in, and no lead of a real list has one.
const LOCAL = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const PLAIN =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 5321 4.5.3.1: 64 octets before the @, 254 for the address (a path of 256 with its angle brackets). */
const LONGEST_LOCAL = 64;
const LONGEST_ADDRESS = 254;

/** A normalised address, or the reason why it is none. */
export type EmailCheck = { readonly address: string } | { readonly problem: string };

/**
 * Checks one e-mail address and brings it into the form in which addresses are compared: trimmed, lower case,
 * NFC, domain in ASCII (IDNA). The local part is case-insensitive with every provider that matters, so two spellings
 * are one lead.
 */
export function normaliseEmail(given: string): EmailCheck {
  const text = given.trim().toLowerCase();
  // The common case costs one regular expression (linear: no ambiguity between its parts).
  if (
    text.length <= LONGEST_ADDRESS &&
    text.indexOf('@') <= LONGEST_LOCAL &&
    PLAIN.test(text) &&
    !text.includes('xn--')
  ) {
    return { address: text };
  }
  return checkSlowly(text.normalize('NFC'));
}

function checkSlowly(text: string): EmailCheck {
  if (text === '') return { problem: 'it is empty' };
  if (text.length > 1_000) return { problem: `it has more than ${LONGEST_ADDRESS} characters` };
  if (/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text)) return { problem: 'it contains a control character' };
  if (/[\s<>()[\]\\,;:"]/.test(text))
    return { problem: 'it must be one plain address, without names, spaces, quotes or lists' };
  const at = text.indexOf('@');
  if (at < 0) return { problem: 'it has no "@"' };
  if (text.indexOf('@', at + 1) >= 0) return { problem: 'it has more than one "@"' };
  const local = text.slice(0, at);
  if (local === '') return { problem: 'nothing stands before the "@"' };
  if (Buffer.byteLength(local) > LONGEST_LOCAL)
    return { problem: `the part before the "@" has more than ${LONGEST_LOCAL} bytes` };
  if (!LOCAL.test(local))
    return {
      problem: 'the part before the "@" is not valid (dots, for example, may not stand at its ends or together)',
    };
  const domain = asciiDomain(text.slice(at + 1));
  if (domain === undefined) return { problem: 'the part after the "@" is no domain' };
  const address = `${local}@${domain}`;
  if (Buffer.byteLength(address) > LONGEST_ADDRESS)
    return { problem: `it has more than ${LONGEST_ADDRESS} characters` };
  return { address };
}

function asciiDomain(given: string): string | undefined {
  if (!/^[\p{L}\p{N}\p{M}.-]+$/u.test(given)) return undefined;
  const domain = domainToASCII(given);
  const labels = domain.split('.');
  if (domain.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label))) return undefined;
  // domainToASCII reads "127.1" as an address of the Internet protocol; no mail domain ends in digits only.
  return /^\d+$/.test(labels.at(-1) ?? '') ? undefined : domain;
}
