/**
 * Reads a mail for display: header fields, and the text and HTML parts decoded. Enough of RFC 5322, 2045–2047 and 2231 for
 * what mail programs write; a mail it cannot make sense of is shown as it is, never refused.
 */

/** One header field, decoded for people. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** A mail taken apart. */
export interface ParsedMail {
  readonly headers: readonly HeaderField[];
  readonly text?: string;
  readonly html?: string;
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly bytes: number }[];
}

interface Part {
  headers: HeaderField[];
  body: Buffer;
}

const MAX_DEPTH = 10;

/** Takes a mail apart. Never throws. */
export function parseMail(raw: Buffer): ParsedMail {
  const part = splitPart(raw);
  const found: { text?: string; html?: string; attachments: { name: string; type: string; bytes: number }[] } = {
    attachments: [],
  };
  collect(part, found, 0);
  return { headers: part.headers, ...found };
}

/** The header fields only: cheap enough for every mail that arrives. */
export function parseHeaders(raw: Buffer): HeaderField[] {
  return splitPart(raw).headers;
}

/** The first field of that name, or ''. */
export function headerValue(headers: readonly HeaderField[], name: string): string {
  return headers.find((field) => field.name.toLowerCase() === name)?.value ?? '';
}

function splitPart(raw: Buffer): Part {
  const end = endOfHeaders(raw);
  const head = raw.subarray(0, end.at).toString('latin1');
  const headers: HeaderField[] = [];
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    headers.push({ name: line.slice(0, colon).trim(), value: decodeWords(utf8(line.slice(colon + 1).trim())) });
  }
  return { headers, body: raw.subarray(end.body) };
}

function endOfHeaders(raw: Buffer): { at: number; body: number } {
  if (raw[0] === 10) return { at: 0, body: 1 };
  if (raw[0] === 13 && raw[1] === 10) return { at: 0, body: 2 };
  const crlf = raw.indexOf('\r\n\r\n');
  const lf = raw.indexOf('\n\n');
  if (crlf >= 0 && (lf < 0 || crlf < lf)) return { at: crlf, body: crlf + 4 };
  if (lf >= 0) return { at: lf, body: lf + 2 };
  return { at: raw.length, body: raw.length };
}

function collect(
  part: Part,
  found: { text?: string; html?: string; attachments: { name: string; type: string; bytes: number }[] },
  depth: number,
): void {
  const { type, parameters } = contentType(headerValue(part.headers, 'content-type') || 'text/plain');
  const boundary = parameters.get('boundary');
  if (type.startsWith('multipart/') && boundary && depth < MAX_DEPTH) {
    for (const inner of splitMultipart(part.body, boundary)) collect(splitPart(inner), found, depth + 1);
    return;
  }
  const disposition = contentType(headerValue(part.headers, 'content-disposition'));
  const bytes = decodeBody(part.body, headerValue(part.headers, 'content-transfer-encoding'));
  const isAttachment = disposition.type === 'attachment';
  if (!isAttachment && type === 'text/plain' && found.text === undefined)
    found.text = toText(bytes, parameters.get('charset'));
  else if (!isAttachment && type === 'text/html' && found.html === undefined)
    found.html = toText(bytes, parameters.get('charset'));
  else {
    const name = disposition.parameters.get('filename') ?? parameters.get('name') ?? 'unnamed';
    found.attachments.push({ name, type, bytes: bytes.length });
  }
}

function contentType(value: string): { type: string; parameters: Map<string, string> } {
  const parameters = new Map<string, string>();
  for (const match of value.matchAll(/;\s*([\w!#$&^.+-]+)\*?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g)) {
    parameters.set((match[1] ?? '').toLowerCase(), (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'));
  }
  return { type: (value.split(';', 1)[0] ?? '').trim().toLowerCase(), parameters };
}

function splitMultipart(body: Buffer, boundary: string): Buffer[] {
  const text = body.toString('latin1');
  const escaped = boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const marks = [...text.matchAll(new RegExp(`(?:^|\\r?\\n)--${escaped}(--)?[ \\t]*(?:\\r?\\n|$)`, 'g'))];
  const parts: Buffer[] = [];
  for (const [index, mark] of marks.entries()) {
    if (mark[1] !== undefined) break;
    const from = mark.index + mark[0].length;
    parts.push(body.subarray(from, Math.max(from, marks[index + 1]?.index ?? body.length)));
  }
  return parts;
}

function decodeBody(body: Buffer, encoding: string): Buffer {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body.toString('latin1'), 'base64');
    case 'quoted-printable':
      return unquote(body.toString('latin1').replace(/=[ \t]*\r?\n/g, ''));
    default:
      return body;
  }
}

function unquote(text: string): Buffer {
  return Buffer.from(
    text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
}

function toText(bytes: Buffer, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('utf8'); // a character set that nobody knows
  }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/** RFC 2047: `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=`; blanks between two such words belong to the encoding. */
function decodeWords(value: string): string {
  return value
    .replace(/(\?=)\s+(?==\?)/g, '$1')
    .replace(/=\?([\w-]+)(?:\*[\w-]+)?\?([bq])\?([^?]*)\?=/gi, (_, charset: string, kind: string, text: string) =>
      toText(kind.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : unquote(text.replaceAll('_', ' ')), charset),
    );
}
