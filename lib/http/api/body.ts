import type { IncomingMessage } from 'node:http';
import { InputError } from '../../errors';
import { Refusal } from './problem';

/** Largest body, bytes, where an operation does not say otherwise. */
export const MAX_BODY = 1024 * 1024;
const MAX_DEPTH = 64;
/** What some database cannot store: NUL, and half a character. */
const UNSTORABLE = /\0|\p{Cs}/u;

/**
 * Reads a JSON body to its end.
 * @returns undefined when there is none
 * @throws Refusal `E_MEDIA_TYPE` (415), `E_TOO_LARGE` (413); InputError `E_JSON` (400), `E_BODY` (422)
 */
export async function readJson(request: IncomingMessage, most = MAX_BODY): Promise<unknown> {
  const bytes = await readBody(request, most);
  if (bytes.length === 0) return undefined;
  checkType(request);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new InputError('E_JSON', 'The body is not JSON in UTF-8.', { cause: error });
  }
  checkJson(value);
  return value;
}

function checkType(request: IncomingMessage): void {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  const plain = (request.headers['content-encoding'] ?? 'identity') === 'identity';
  if (type.trim() === 'application/json' && plain && (!charset || /=\s*"?utf-8"?\s*$/.test(charset))) return;
  throw new Refusal(415, 'E_MEDIA_TYPE', 'Send JSON: Content-Type: application/json, in UTF-8, not compressed.', {
    Accept: 'application/json',
  });
}

async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > most) throw tooLarge(most);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw tooLarge(most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(most: number): Refusal {
  return new Refusal(413, 'E_TOO_LARGE', `This body may have ${most} bytes.`, { Connection: 'close' });
}

/**
 * Refuses what JSON can say but nothing behind the API can keep: half characters, NUL, numbers without end, names that
 * mean something to JavaScript, and nesting that only a program would write to do harm.
 * @throws InputError `E_BODY` with the pointer
 */
export function checkJson(root: unknown): void {
  const open: { value: unknown; pointer: string; depth: number }[] = [{ value: root, pointer: '#', depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, pointer, depth } = next;
    if (typeof value === 'string' && UNSTORABLE.test(value)) refuse(pointer, 'A text without NUL and half characters.');
    if (typeof value === 'number' && !Number.isFinite(value)) refuse(pointer, 'This number is too large.');
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) refuse(pointer.slice(0, 200), `At most ${MAX_DEPTH} levels of nesting.`);
    for (const [name, part] of Object.entries(value)) {
      if (name === '__proto__' || UNSTORABLE.test(name)) refuse(pointer, 'A field cannot have this name.');
      open.push({ value: part, pointer: `${pointer}/${name.slice(0, 100)}`, depth: depth + 1 });
    }
  }
}

function refuse(pointer: string, detail: string): never {
  throw new InputError('E_BODY', `${pointer}: ${detail}`, { details: { errors: [{ pointer, detail }] } });
}
