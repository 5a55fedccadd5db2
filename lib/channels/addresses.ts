import { domainToASCII } from 'node:url';

// RFC 5322 atext plus everything beyond ASCII (RFC 6531). Quoted local parts are left out on purpose: nobody's
// real address needs one, and quoting is how extra recipients and headers are smuggled in.
const LOCAL = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const LABEL = /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/;

/**
 * The address as it goes into an SMTP envelope (domain in ASCII), or undefined when it is not exactly one plain
 * address. Refuses anything with spaces, control characters, brackets, commas, quotes or a second `@`, so
 * nothing that passes can add a recipient, a header or an SMTP command. Limits of RFC 5321 4.5.3.1.
 */
export function envelopeAddress(address: unknown): string | undefined {
  if (typeof address !== 'string' || address.length > 254) return undefined;
  const at = address.lastIndexOf('@');
  if (at < 1) return undefined;
  const local = address.slice(0, at);
  if (Buffer.byteLength(local) > 64 || !LOCAL.test(local)) return undefined;
  const given = address.slice(at + 1);
  // domainToASCII also turns "127.1" into an address, drops soft hyphens and tabs: compare before trusting it.
  // eslint's no-control-regex is why this is not a character class.
  for (const char of given) if (char <= ' ' || char === '\u007f') return undefined;
  const domain = isAscii(given) ? given : domainToASCII(given);
  const labels = domain.split('.');
  if (domain === '' || domain.length > 253 || !labels.every((label) => LABEL.test(label))) return undefined;
  if (/^\d+$/.test(labels.at(-1) ?? '')) return undefined;
  return `${local}@${domain}`;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
