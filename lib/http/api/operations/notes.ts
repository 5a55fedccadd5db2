import { InputError } from '../../../errors';
import type { Attachment, Comment, Entity } from '../../../notes';
import { iso } from '../present';
import { created, gone, ok, paged } from '../replies';
import { integer, list, moment, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Call, type Operation } from '../types';

const NOTE_ID = object({ id: integer(1) });
/** A file of the largest size, in base64, and some words around it. */
const ATTACHMENT_BODY = 1_500_000;

export const NOTE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Comment: object({ id: integer(1), author: text(128), body: text(10_000), at: moment() }),
  Attachment: object({
    id: integer(1),
    name: text(255),
    mediaType: text(127),
    size: integer(0, Number.MAX_SAFE_INTEGER, { description: 'Bytes.' }),
    sha256: text(64),
    author: text(128),
    at: moment(),
  }),
};

function commentOut({ id, author, body, at }: Comment): object {
  return { id, author, body, at: iso(at) };
}
function attachmentOut({ id, name, mediaType, size, sha256, author, at }: Attachment): object {
  return { id, name, mediaType, size, sha256, author, at: iso(at) };
}

/** @throws InputError `E_ATTACHMENT_CONTENT` */
function bytesOf(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  // What is no base64 is skipped in reading; writing it again shows that something was.
  if (bytes.toString('base64') === base64) return bytes;
  throw new InputError('E_ATTACHMENT_CONTENT', 'The content of an attachment is written in base64.', {
    details: { problems: [{ path: '/content', message: 'This is not base64.' }] },
  });
}

interface Of {
  params: { id: string };
}

/** What notes may be on. */
export interface Notable {
  readonly kind: Entity['kind'];
  readonly path: string;
  readonly tag: string;
  readonly params: Schema;
  readonly read: Operation['permission'];
  readonly write: Operation['permission'];
  /** @throws NotFoundError when there is no such thing */
  idOf(call: Pick<Call<Of>, 'services' | 'params'>): Promise<number>;
}

/** Comments and attachments of one kind of thing: listed and added. */
export function notesOn({ kind, path, tag, params, read, write, idOf }: Notable): Operation[] {
  const name = path.slice(1);
  const entity = async (call: Pick<Call<Of>, 'services' | 'params'>): Promise<Entity> => ({
    kind,
    id: await idOf(call),
  });
  return [
    operation<Of & { query: { limit: number; cursor?: string } }>({
      id: `${name}.comments`,
      method: 'GET',
      path: `${path}/{id}/comments`,
      tag,
      summary: `List the comments on one of the ${name}`,
      description: 'The oldest first.',
      permission: read,
      params,
      query: object({}, PAGING),
      responses: ok('A page of comments.', page(ref('Comment'))),
      async handler(call) {
        const found = await call.services.notes.comments(await entity(call), { ...call.query, actor: call.actor });
        return paged(found, commentOut, call.query);
      },
    }),
    operation<Of & { body: { body: string } }>({
      id: `${name}.comment`,
      method: 'POST',
      path: `${path}/{id}/comments`,
      tag,
      summary: `Comment on one of the ${name}`,
      permission: write,
      params,
      body: object({ body: text(10_000) }),
      responses: created('The comment.', ref('Comment')),
      async handler(call) {
        const made = await call.services.notes.comment(await entity(call), call.body.body, { actor: call.actor });
        return { body: commentOut(made) };
      },
    }),
    operation<Of>({
      id: `${name}.attachments`,
      method: 'GET',
      path: `${path}/{id}/attachments`,
      tag,
      summary: `List the attachments of one of the ${name}`,
      permission: read,
      params,
      responses: ok('The attachments, the oldest first.', object({ items: list(ref('Attachment')) })),
      async handler(call) {
        const items = await call.services.notes.attachments(await entity(call), { actor: call.actor });
        return { body: { items: items.map(attachmentOut) } };
      },
    }),
    operation<Of & { body: { name: string; mediaType: string; content: string } }>({
      id: `${name}.attach`,
      method: 'POST',
      path: `${path}/{id}/attachments`,
      tag,
      summary: `Attach a file to one of the ${name}`,
      permission: write,
      params,
      maxBody: ATTACHMENT_BODY,
      body: object({
        name: text(255),
        mediaType: text(127, { examples: ['application/pdf'] }),
        content: text(ATTACHMENT_BODY, { description: 'Base64; at most 1 MiB before that.', examples: ['JVBERi0='] }),
      }),
      responses: created('The attachment.', ref('Attachment')),
      async handler(call) {
        const { content, ...file } = call.body;
        const kept = { ...file, content: bytesOf(content) };
        const made = await call.services.notes.attach(await entity(call), kept, { actor: call.actor });
        return { body: attachmentOut(made) };
      },
    }),
  ];
}

type NoteId = { params: { id: number } };

// Notes are on campaigns or engagements; which permission that takes, the service finds out and checks.
export const noteOperations: readonly Operation[] = [
  operation<NoteId>({
    id: 'comments.remove',
    method: 'DELETE',
    path: '/comments/{id}',
    tag: 'Notes',
    summary: 'Remove a comment',
    permission: 'campaign:read',
    params: NOTE_ID,
    responses: gone('The comment is gone.'),
    async handler({ services: { notes }, params, actor }) {
      await notes.removeComment(params.id, { actor });
      return {};
    },
  }),
  operation<NoteId>({
    id: 'attachments.download',
    method: 'GET',
    path: '/attachments/{id}',
    tag: 'Notes',
    summary: 'Download an attachment',
    permission: 'campaign:read',
    params: NOTE_ID,
    responses: {
      200: {
        description: 'The file, to be saved, never shown.',
        media: { 'application/octet-stream': { type: 'string' } },
      },
    },
    async handler({ services: { notes }, params, actor }) {
      const { content, name } = await notes.attachment(params.id, { actor });
      return { raw: { type: 'application/octet-stream', text: content, name } };
    },
  }),
  operation<NoteId>({
    id: 'attachments.remove',
    method: 'DELETE',
    path: '/attachments/{id}',
    tag: 'Notes',
    summary: 'Remove an attachment',
    permission: 'campaign:read',
    params: NOTE_ID,
    responses: gone('The attachment is gone.'),
    async handler({ services: { notes }, params, actor }) {
      await notes.removeAttachment(params.id, { actor });
      return {};
    },
  }),
];
