import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { InputError } from '../../errors';
import type { Answer } from './idempotency';
import type { Problem } from './problem';
import type { Reply } from './types';

/** On every answer: it is data, for this caller, now. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Where an answer is made: what links in it begin with, and what they repeat. */
export interface Place {
  /** The API's root as the caller sees it: `/marketing/api/v1`. */
  readonly root: string;
  /** The request's path below the root, and its query. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** What an operation says, as it goes over the wire. */
export function answerOf(reply: Reply, usualStatus: number, place: Place): Answer {
  const status = reply.status ?? usualStatus;
  const headers: Record<string, string> = {};
  if (reply.location !== undefined) headers['Location'] = place.root + reply.location;
  if (reply.next) headers['Link'] = linkTo(reply.next, place);
  if (reply.version !== undefined) headers['ETag'] = `"${reply.version}"`;
  if (reply.raw) {
    headers['Content-Type'] = reply.raw.type;
    if (reply.raw.name !== undefined) headers['Content-Disposition'] = dispositionOf(reply.raw.name);
    return { status, headers, body: reply.raw.text };
  }
  if (reply.body === undefined) return { status, headers, body: '' };
  return { status, headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(reply.body) };
}

/** A problem, as it goes over the wire. */
export function answerOfProblem(problem: Problem, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status: problem.status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
    body: JSON.stringify(problem),
  };
}

/** Ends a response; what the caller has already, by its `ETag`, is not sent again. */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const reading = request.method === 'GET' || request.method === 'HEAD';
  const headers: Record<string, string | number> = { ...SECURITY_HEADERS, ...answer.headers };
  let { status, body } = answer;
  if (reading && status === 200) {
    headers['ETag'] ??= `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    if (knows(request.headers['if-none-match'], String(headers['ETag']))) {
      status = 304;
      body = '';
      delete headers['Content-Type'];
    }
  }
  const bytes = Buffer.from(body);
  if (bytes.length > 0 || (status !== 204 && status !== 304)) headers['Content-Length'] = bytes.length;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  response.end(bytes);
}

function knows(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const bare = tag.replace(/^W\//, '');
  return header.split(',').some((known) => known.trim() === '*' || known.trim().replace(/^W\//, '') === bare);
}

/**
 * The version that `If-Match` asks for.
 * @returns undefined when any will do
 * @throws InputError `E_HEADER`
 */
export function versionOf(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const version = /^\s*(?:W\/)?"(\d{1,15})"\s*$/.exec(header)?.[1];
  if (version !== undefined) return Number(version);
  throw new InputError('E_HEADER', 'If-Match takes the ETag of the version that you saw, such as "3".', {
    details: { errors: [{ parameter: 'If-Match', detail: 'One ETag, as an earlier answer gave it.' }] },
  });
}

function linkTo(next: Readonly<Record<string, string | number>>, { root, path, query }: Place): string {
  const wanted = new URLSearchParams(query);
  for (const name of ['cursor', 'page']) wanted.delete(name);
  for (const [name, value] of Object.entries(next)) wanted.set(name, String(value));
  // A header line ends where somebody's text would like it to, unless every such character is escaped; here they are.
  return `<${root}${path}?${wanted.toString()}>; rel="next"`;
}

/** RFC 6266: the name for old browsers in plain ASCII, the real one beside it. */
function dispositionOf(name: string): string {
  const plain = name.replace(/[^\w. -]/g, '_');
  const full = encodeURIComponent(name).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`;
}
