/*
 * Words of this folder
 *   entity       what a note is on: a campaign or an engagement
 *   comment      words that somebody wrote about it
 *   attachment   a file that somebody put to it; kept and given back as it is, never looked into
 */

/** What a note is on. */
export interface Entity {
  readonly kind: 'campaign' | 'engagement';
  readonly id: number;
}

/** Words about a campaign or an engagement. */
export interface Comment {
  readonly id: number;
  readonly entity: Entity;
  readonly author: string;
  /** Plain text. Whoever shows it as HTML escapes it. */
  readonly body: string;
  /** Ms since 1970. */
  readonly at: number;
}

/** A file, without what is in it. */
export interface Attachment {
  readonly id: number;
  readonly entity: Entity;
  /** Safe as the name of a file on every system. */
  readonly name: string;
  /** One of {@link MEDIA_TYPES}. What somebody said it is: serve it as a download, with `nosniff`. */
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** Of the content, hexadecimal. */
  readonly sha256: string;
  readonly author: string;
  /** Ms since 1970. */
  readonly at: number;
}

/** A file to be kept. */
export interface NewAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** What files may be: pictures, texts, tables and documents. Nothing that a browser would run. */
export const MEDIA_TYPES: readonly string[] = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'application/pdf',
  'text/plain',
  'text/csv',
  'text/markdown',
  'application/json',
  'application/zip',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
];

/** Bytes of one attachment. */
export const LARGEST_ATTACHMENT = 1_048_576;
/** Attachments of one campaign or engagement. */
export const MOST_ATTACHMENTS = 50;
/** Characters of one comment. */
export const LONGEST_COMMENT = 10_000;
