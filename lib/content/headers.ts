import { ContentError, type ContentPart } from './errors';

/**
 * Header fields of a message: RFC 5322 (fields, folding) and RFC 2047 (words that are not ASCII).
 * Whatever comes from data is either refused or made harmless here; nothing downstream has to look again.
 */

/** What must never stand in a header: C0 and C1 controls, DEL, and the Unicode line separators. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROL_RUNS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** Longest line that we write without being forced to (RFC 5322 2.1.1 recommends 78, RFC 2047 demands 76). */
const FOLD_AT = 76;
/** Longest line that RFC 5322 2.1.1 allows. */
export const MAX_LINE = 998;
const ENCODED_WORD = 75;
const MAX_UNFOLDED_WORD = 400;

/** True for text without control characters and line separators. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Text with every run of control characters as one space: a subject with a line break in it stays one line. */
export function withoutControls(text: string): string {
  return CONTROL.test(text) ? text.replace(CONTROL_RUNS, ' ').trim() : text.trim();
}

/** Lone surrogates cannot be written as UTF-8: they become U+FFFD. */
export function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}

function hex(byte: number): string {
  return `=${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`;
}

// RFC 2047 5 (3): the characters that may stand for themselves even within a display name.
const Q_LITERAL = /[A-Za-z0-9!*+\-/]/;

function qEncode(character: string): string {
  if (character === ' ') return '_';
  if (character.length === 1 && Q_LITERAL.test(character)) return character;
  let encoded = '';
  for (const byte of Buffer.from(character, 'utf8')) encoded += hex(byte);
  return encoded;
}

/**
 * Text as encoded words (RFC 2047), each at most 75 characters and holding whole characters, separated by folds.
 * `used` is the length of what already stands on the first line.
 */
export function encodeWords(text: string, used: number): string {
  const clean = wellFormed(text);
  const bytes = Buffer.byteLength(clean);
  let quoted = 0;
  for (const character of clean) quoted += qEncode(character).length;
  const base64 = quoted > Math.ceil(bytes / 3) * 4;
  const open = base64 ? '=?UTF-8?B?' : '=?UTF-8?Q?';
  const room = ENCODED_WORD - open.length - 2;
  const words: string[] = [];
  let left = Math.min(room, FOLD_AT - used - open.length - 2);
  let word = '';
  let size = 0;
  const flush = (): void => {
    words.push(`${open}${base64 ? Buffer.from(word, 'utf8').toString('base64') : word}?=`);
    word = '';
    size = 0;
    left = room;
  };
  for (const character of clean) {
    const unit = base64 ? character : qEncode(character);
    const unitSize = base64 ? Buffer.byteLength(character) : unit.length;
    const grown = base64 ? Math.ceil((size + unitSize) / 3) * 4 : size + unitSize;
    if (grown > left && word !== '') flush();
    word += unit;
    size += unitSize;
  }
  if (word !== '') flush();
  return words.join('\r\n ');
}

/** Printable ASCII folded before words, or undefined when that is not possible without changing a space. */
function foldAscii(text: string, used: number): string | undefined {
  if (used + text.length <= FOLD_AT) return text;
  const words = text.split(' ');
  let folded = '';
  let column = used;
  for (const [index, word] of words.entries()) {
    // Two spaces in a row would leave a line of blanks behind; such a text is encoded instead.
    if (word === '' || word.length > MAX_UNFOLDED_WORD) return undefined;
    if (index === 0) folded = word;
    else if (column + 1 + word.length > FOLD_AT) {
      folded += `\r\n ${word}`;
      column = 0;
    } else folded += ` ${word}`;
    column += 1 + word.length;
  }
  return folded;
}

/**
 * Unstructured text (a subject) as a header's value: as it is when it is short ASCII, folded, or as encoded words.
 * `used` is the length of the field's name with its colon and space. The text must be free of control characters.
 */
export function encodeText(text: string, used: number): string {
  if (PRINTABLE.test(text) && !text.includes('=?') && !text.startsWith(' ') && !text.endsWith(' ')) {
    const folded = foldAscii(text, used);
    if (folded !== undefined) return folded;
  }
  return encodeWords(text, used);
}

/** A display name as a phrase: a quoted string when it is short ASCII, else encoded words. */
export function encodePhrase(name: string, used: number): string {
  if (PRINTABLE.test(name) && used + name.length < FOLD_AT - 4 && !name.includes('=?')) {
    return `"${name.replace(/["\\]/g, '\\$&')}"`;
  }
  return encodeWords(name, used);
}

const FIELD_NAME = /^[A-Za-z][A-Za-z0-9-]{0,75}$/;

/** Fields that the message itself writes, or that would add recipients or break its structure. Lower case. */
const RESERVED: ReadonlySet<string> = new Set([
  ...[
    'from',
    'to',
    'cc',
    'bcc',
    'sender',
    'reply-to',
    'subject',
    'date',
    'message-id',
    'mime-version',
    'return-path',
    'received',
  ],
  ...['content-type', 'content-transfer-encoding', 'content-disposition', 'list-unsubscribe', 'list-unsubscribe-post'],
  ...['feedback-id', 'dkim-signature'],
]);

/**
 * One further header field, ready to be written (with CRLF). Throws {@link ContentError} (`E_HEADER`) for a name that is no field
 * name or is reserved, and for a value with line breaks or other control characters.
 */
export function extraField(name: string, value: string): string {
  if (!FIELD_NAME.test(name)) {
    throw headerError(
      `${JSON.stringify(name.slice(0, 40))} is not the name of a header. Use letters, digits and hyphens.`,
    );
  }
  if (RESERVED.has(name.toLowerCase())) {
    throw headerError(`The header ${name} is written by the message itself. Remove it from the extra headers.`);
  }
  return `${name}: ${fieldValue(name, value)}\r\n`;
}

/** A value checked and encoded for the field `name`. */
export function fieldValue(name: string, value: string): string {
  if (typeof value !== 'string' || hasControl(value)) {
    throw headerError(
      `The value of the header ${name} must be a text of one line. Remove line breaks and control characters.`,
    );
  }
  if (value.length > 5 * MAX_LINE) throw headerError(`The value of the header ${name} is too long. Shorten it.`);
  return encodeText(value, name.length + 2);
}

/** A {@link ContentError} about a header. */
export function headerError(message: string, part: ContentPart = 'headers'): ContentError {
  return new ContentError(part, message, { code: 'E_HEADER' });
}
