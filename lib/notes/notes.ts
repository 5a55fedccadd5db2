import { createHash } from 'node:crypto';
import { authorise, nameOf, type Actor, type Permission } from '../access';
import { ConflictError, InputError, NotFoundError } from '../errors';
import { record } from '../history';
import { announce } from '../outbox';
import type { Scope } from '../store';
import { safeFileName } from './file-name';
import {
  LARGEST_ATTACHMENT,
  LONGEST_COMMENT,
  MEDIA_TYPES,
  MOST_ATTACHMENTS,
  type Attachment,
  type Comment,
  type Entity,
  type NewAttachment,
} from './types';

/** Who does it. */
export interface NoteOptions {
  actor?: Actor;
}

interface CommentRow {
  id: number;
  entity: Entity['kind'];
  entity_id: number;
  author: string;
  body: string;
  created_at: number;
}

interface AttachmentRow {
  id: number;
  entity: Entity['kind'];
  entity_id: number;
  name: string;
  media_type: string;
  size: number;
  sha256: string;
  created_by: string;
  created_at: number;
}

const COMMENT = 'id, entity, entity_id, author, body, created_at';
const ATTACHMENT = 'id, entity, entity_id, name, media_type, size, sha256, created_by, created_at';

/** PostgreSQL stores neither NUL nor half a character. */
const UNSTORABLE = /\0|\p{Cs}/u;

/**
 * Comments and attachments on campaigns and engagements. The history tells that there are some, never what they say: they can
 * be removed, it cannot.
 */
export class Notes {
  constructor(private readonly scope: Scope) {}

  /** @throws InputError `E_COMMENT`; NotFoundError `E_UNKNOWN_CAMPAIGN`, `E_UNKNOWN_ENGAGEMENT`; ForbiddenError `E_FORBIDDEN` */
  async comment(entity: Entity, body: string, { actor }: NoteOptions = {}): Promise<Comment> {
    authorise(actor, permission(entity, 'write'));
    const text = checkComment(body);
    const author = nameOf(actor).slice(0, 128);
    return this.scope.transaction(async (tx) => {
      const campaign = await campaignOf(tx, entity);
      const at = tx.clock.now();
      const id = await tx.insert(
        `INSERT INTO marketing_comments (tenant_id, entity, entity_id, author, body, created_at)
         VALUES (:tenant, :kind, :of, :author, :text, :at)`,
        { kind: entity.kind, of: entity.id, author, text, at },
      );
      await tell(tx, entity, { event: 'commented', actor, campaign, payload: { comment: id } });
      if (entity.kind === 'campaign') {
        await announce(tx, [
          { type: 'marketing.campaign.commented', data: { campaign: entity.id, comment: id, author } },
        ]);
      }
      return { id, entity: { kind: entity.kind, id: entity.id }, author, body: text, at };
    });
  }

  /**
   * Comments, the oldest first.
   * @throws InputError `E_LIMIT`, `E_CURSOR`; NotFoundError `E_UNKNOWN_…`; ForbiddenError `E_FORBIDDEN`
   */
  async comments(
    entity: Entity,
    { actor, limit = 20, cursor }: NoteOptions & { limit?: number; cursor?: string } = {},
  ): Promise<{ items: Comment[]; cursor?: string }> {
    authorise(actor, permission(entity, 'read'));
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new InputError('E_LIMIT', `A page has 1 to 100 comments, not ${limit}.`);
    }
    if (cursor !== undefined && !/^\d{1,16}$/.test(cursor)) {
      throw new InputError(
        'E_CURSOR',
        'This cursor is not one that a list of comments has given out: start without one.',
      );
    }
    await campaignOf(this.scope, entity);
    const rows = await this.scope.all<CommentRow>(
      `SELECT ${COMMENT} FROM marketing_comments
       WHERE tenant_id = :tenant AND entity = :kind AND entity_id = :of AND id > :after ORDER BY id LIMIT ${limit + 1}`,
      { kind: entity.kind, of: entity.id, after: Number(cursor ?? 0) },
    );
    const items = rows.slice(0, limit).map(commentOf);
    const last = items.at(-1);
    return rows.length > limit && last ? { items, cursor: String(last.id) } : { items };
  }

  /** @throws NotFoundError `E_UNKNOWN_COMMENT`; ForbiddenError `E_FORBIDDEN` */
  async removeComment(id: number, { actor }: NoteOptions = {}): Promise<void> {
    await this.scope.transaction(async (tx) => {
      const row = await tx.get<CommentRow>(
        `SELECT ${COMMENT} FROM marketing_comments WHERE tenant_id = :tenant AND id = :id`,
        { id },
      );
      if (!row) throw new NotFoundError('E_UNKNOWN_COMMENT', `There is no comment ${id}.`);
      const entity: Entity = { kind: row.entity, id: row.entity_id };
      authorise(actor, permission(entity, 'write'));
      await tx.run(`DELETE FROM marketing_comments WHERE tenant_id = :tenant AND id = :id`, { id });
      await tell(tx, entity, { event: 'comment_removed', actor, payload: { comment: id } });
    });
  }

  /**
   * Keeps a file of at most {@link LARGEST_ATTACHMENT} bytes. Its name is made safe.
   * @throws InputError `E_ATTACHMENT_NAME`, `E_ATTACHMENT_TYPE`, `E_ATTACHMENT_SIZE`; ConflictError `E_ATTACHMENTS_FULL`;
   *   NotFoundError `E_UNKNOWN_CAMPAIGN`, `E_UNKNOWN_ENGAGEMENT`; ForbiddenError `E_FORBIDDEN`
   */
  async attach(entity: Entity, file: NewAttachment, { actor }: NoteOptions = {}): Promise<Attachment> {
    authorise(actor, permission(entity, 'write'));
    const { name, mediaType, content } = checkFile(file);
    const author = nameOf(actor).slice(0, 128);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return this.scope.transaction(async (tx) => {
      const campaign = await campaignOf(tx, entity);
      const values = { kind: entity.kind, of: entity.id };
      const there = await tx.get<{ files: number }>(
        `SELECT COUNT(*) AS files FROM marketing_attachments WHERE tenant_id = :tenant AND entity = :kind AND entity_id = :of`,
        values,
      );
      if (Number(there?.files ?? 0) >= MOST_ATTACHMENTS) {
        throw new ConflictError(
          'E_ATTACHMENTS_FULL',
          `There are ${MOST_ATTACHMENTS} attachments already: remove one before adding another.`,
        );
      }
      const at = tx.clock.now();
      const size = content.byteLength;
      const id = await tx.insert(
        `INSERT INTO marketing_attachments (tenant_id, entity, entity_id, name, media_type, size, sha256, body, created_by, created_at)
         VALUES (:tenant, :kind, :of, :name, :mediaType, :size, :sha256, :body, :author, :at)`,
        { ...values, name, mediaType, size, sha256, body: Buffer.from(content).toString('base64'), author, at },
      );
      await tell(tx, entity, { event: 'attached', actor, campaign, payload: { attachment: id, size, sha256 } });
      return { id, entity: { kind: entity.kind, id: entity.id }, name, mediaType, size, sha256, author, at };
    });
  }

  /** The attachments of a campaign or an engagement, the oldest first, without what is in them. Throws as {@link comments}. */
  async attachments(entity: Entity, { actor }: NoteOptions = {}): Promise<Attachment[]> {
    authorise(actor, permission(entity, 'read'));
    await campaignOf(this.scope, entity);
    const rows = await this.scope.all<AttachmentRow>(
      `SELECT ${ATTACHMENT} FROM marketing_attachments
       WHERE tenant_id = :tenant AND entity = :kind AND entity_id = :of ORDER BY id`,
      { kind: entity.kind, of: entity.id },
    );
    return rows.map(attachmentOf);
  }

  /** One attachment with what is in it. @throws NotFoundError `E_UNKNOWN_ATTACHMENT`; ForbiddenError `E_FORBIDDEN` */
  async attachment(id: number, { actor }: NoteOptions = {}): Promise<Attachment & { content: Buffer }> {
    const row = await this.scope.get<AttachmentRow & { body: string }>(
      `SELECT ${ATTACHMENT}, body FROM marketing_attachments WHERE tenant_id = :tenant AND id = :id`,
      { id },
    );
    if (!row) throw new NotFoundError('E_UNKNOWN_ATTACHMENT', `There is no attachment ${id}.`);
    const attachment = attachmentOf(row);
    authorise(actor, permission(attachment.entity, 'read'));
    return { ...attachment, content: Buffer.from(row.body, 'base64') };
  }

  /** @throws NotFoundError `E_UNKNOWN_ATTACHMENT`; ForbiddenError `E_FORBIDDEN` */
  async removeAttachment(id: number, { actor }: NoteOptions = {}): Promise<void> {
    await this.scope.transaction(async (tx) => {
      const row = await tx.get<AttachmentRow>(
        `SELECT ${ATTACHMENT} FROM marketing_attachments WHERE tenant_id = :tenant AND id = :id`,
        { id },
      );
      if (!row) throw new NotFoundError('E_UNKNOWN_ATTACHMENT', `There is no attachment ${id}.`);
      const { entity, sha256 } = attachmentOf(row);
      authorise(actor, permission(entity, 'write'));
      await tx.run(`DELETE FROM marketing_attachments WHERE tenant_id = :tenant AND id = :id`, { id });
      await tell(tx, entity, { event: 'attachment_removed', actor, payload: { attachment: id, sha256 } });
    });
  }
}

/** The notes of a scope's tenant. */
export function createNotes(scope: Scope): Notes {
  return new Notes(scope);
}

/** Removes all notes of something that is deleted for good, in the transaction that deletes it. */
export async function removeNotes(tx: Scope, { kind, id }: Entity): Promise<void> {
  for (const table of ['marketing_comments', 'marketing_attachments']) {
    await tx.run(`DELETE FROM ${table} WHERE tenant_id = :tenant AND entity = :kind AND entity_id = :id`, { kind, id });
  }
}

/** Engagements tell of leads: who may see or change those may see or write what is noted on them. */
function permission({ kind }: Entity, what: 'read' | 'write'): Permission {
  return kind === 'campaign' ? `campaign:${what}` : `lead:${what}`;
}

/** The campaign that an entity is, or belongs to. Throws when there is no such entity. */
async function campaignOf(tx: Scope, { kind, id }: Entity): Promise<number | undefined> {
  const row = await tx.get<{ campaign: number | null }>(
    kind === 'campaign'
      ? `SELECT id AS campaign FROM marketing_campaigns WHERE tenant_id = :tenant AND id = :id`
      : `SELECT campaign_id AS campaign FROM marketing_engagements WHERE tenant_id = :tenant AND id = :id`,
    { id },
  );
  if (!row) {
    throw new NotFoundError(
      kind === 'campaign' ? 'E_UNKNOWN_CAMPAIGN' : 'E_UNKNOWN_ENGAGEMENT',
      `There is no ${kind} ${id}.`,
    );
  }
  return row.campaign ?? undefined;
}

async function tell(
  tx: Scope,
  entity: Entity,
  entry: { event: string; actor: Actor | undefined; campaign?: number | undefined; payload: object },
): Promise<void> {
  const campaign = entity.kind === 'campaign' ? entity.id : entry.campaign;
  await record(tx, {
    event: `${entity.kind}.${entry.event}`,
    actor: nameOf(entry.actor),
    ...(campaign === undefined ? {} : { campaign }),
    payload: { ...entry.payload, ...(entity.kind === 'engagement' ? { engagement: entity.id } : {}) },
  });
}

function checkComment(body: unknown): string {
  const text = typeof body === 'string' ? body.trim() : '';
  if (text === '' || text.length > LONGEST_COMMENT || UNSTORABLE.test(text)) {
    throw new InputError('E_COMMENT', `A comment is a text of 1 to ${LONGEST_COMMENT} characters, without NUL.`);
  }
  return text;
}

function checkFile({ name, mediaType, content }: NewAttachment): NewAttachment {
  const type = String(mediaType).split(';')[0]?.trim().toLowerCase() ?? '';
  if (!MEDIA_TYPES.includes(type)) {
    throw new InputError(
      'E_ATTACHMENT_TYPE',
      `Files of the type "${type.slice(0, 100)}" are not kept. Allowed are: ${MEDIA_TYPES.join(', ')}.`,
    );
  }
  if (!(content instanceof Uint8Array) || content.byteLength === 0 || content.byteLength > LARGEST_ATTACHMENT) {
    throw new InputError('E_ATTACHMENT_SIZE', `An attachment has 1 to ${LARGEST_ATTACHMENT} bytes.`);
  }
  return { name: safeFileName(String(name)), mediaType: type, content };
}

function commentOf({ id, entity, entity_id, author, body, created_at }: CommentRow): Comment {
  return { id, entity: { kind: entity, id: entity_id }, author, body, at: created_at };
}

function attachmentOf(row: AttachmentRow): Attachment {
  return {
    id: row.id,
    entity: { kind: row.entity, id: row.entity_id },
    name: row.name,
    mediaType: row.media_type,
    size: row.size,
    sha256: row.sha256,
    author: row.created_by,
    at: row.created_at,
  };
}
