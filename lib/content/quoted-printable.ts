/**
 * Transfer encodings of a text body (RFC 2045 6.7). The encoder works on strings: its result is ASCII, so that a whole message
 * stays one flat string of one byte per character.
 */

const LINE = 76;
const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
);

/** `literal[c]` is 1 for the characters that stand for themselves. Space and tab are looked at separately. */
const LITERAL = new Uint8Array(128);
for (let code = 33; code < 127; code++) LITERAL[code] = code === 0x3d ? 0 : 1;

function hexOf(byte: number): string {
  return HEX[byte & 0xff] as string;
}

/** A code point as `=XX` of its UTF-8 bytes; a lone surrogate as those of U+FFFD. */
function encodeCodePoint(code: number): string {
  if (code < 0x80) return hexOf(code);
  if (code < 0x800) return hexOf(0xc0 | (code >> 6)) + hexOf(0x80 | (code & 0x3f));
  if (code >= 0xd800 && code <= 0xdfff) return '=EF=BF=BD';
  if (code < 0x10000)
    return hexOf(0xe0 | (code >> 12)) + hexOf(0x80 | ((code >> 6) & 0x3f)) + hexOf(0x80 | (code & 0x3f));
  const head = hexOf(0xf0 | (code >> 18)) + hexOf(0x80 | ((code >> 12) & 0x3f));
  return head + hexOf(0x80 | ((code >> 6) & 0x3f)) + hexOf(0x80 | (code & 0x3f));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** True when the line from `start` to `end` may be written as it is. */
function isLiteralLine(text: string, start: number, end: number): boolean {
  if (end - start > LINE) return false;
  if (end === start) return true;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code > 126 || (LITERAL[code] === 0 && !isBlank(code))) return false;
  }
  // A dot that begins a line, and "From ", have been spoilt by too many relays to be trusted to them.
  const first = text.charCodeAt(start);
  return !isBlank(text.charCodeAt(end - 1)) && first !== 0x2e && !(first === 0x46 && text.startsWith('From ', start));
}

function encodeLine(text: string, start: number, end: number): string {
  let out = '';
  let column = 0;
  // [from, index) is a run of literals that has not been copied yet.
  let from = start;
  for (let index = start; index < end;) {
    const code = text.charCodeAt(index);
    const atStart = column === 0 && index - from === 0;
    const spoilt = atStart && (code === 0x2e || (code === 0x46 && text.startsWith('From ', index)));
    const literal = !spoilt && ((code < 128 && LITERAL[code] === 1) || (isBlank(code) && index + 1 < end));
    if (literal) {
      if (column + (index - from) + 1 >= LINE) {
        out += `${text.slice(from, index)}=\n`;
        from = index;
        column = 0;
        continue;
      }
      index += 1;
      continue;
    }
    const point = text.codePointAt(index) ?? 0;
    const size = point > 0xffff && index + 1 < end ? 2 : 1;
    const unit = encodeCodePoint(size === 1 && point > 0xffff ? code : point);
    column += index - from;
    out += text.slice(from, index);
    if (column + unit.length >= LINE) {
      out += '=\n';
      column = 0;
    }
    out += unit;
    column += unit.length;
    index += size;
    from = index;
  }
  return out + text.slice(from, end);
}

/**
 * Quoted-printable of a text whose lines end with `\n`; lines of the result end with CRLF and have at most 76 characters.
 * Soft line breaks never part the bytes of one character.
 */
export function encodeQuotedPrintable(text: string): string {
  let out = '';
  let copied = 0;
  let start = 0;
  // Literal lines are copied with their `\n` in whole blocks and get their CRLF at the end.
  for (;;) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    if (!isLiteralLine(text, start, end)) {
      out += text.slice(copied, start) + encodeLine(text, start, end);
      copied = end;
    }
    if (found < 0) break;
    start = found + 1;
  }
  return toCrLf(out + text.slice(copied));
}

/** A text whose lines end with `\n`, with CRLF. */
export function toCrLf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}

/**
 * True when a text (lines end with `\n`) may be sent as it is (`7bit`): printable ASCII and tabs, no line above 998
 * characters and none that ends with a blank, which relays like to remove.
 */
export function isSevenBit(text: string): boolean {
  let column = 0;
  let previous = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a) {
      if (isBlank(previous)) return false;
      column = 0;
    } else {
      if (code > 126 || (code < 32 && code !== 0x09)) return false;
      if (++column > 998) return false;
    }
    previous = code;
  }
  return !isBlank(previous);
}
