/** Notes: comments and attachments on campaigns and engagements. The only file of this folder that others import. */
export { createNotes, Notes, removeNotes, type NoteOptions } from './notes';
export {
  LARGEST_ATTACHMENT,
  LONGEST_COMMENT,
  MEDIA_TYPES,
  MOST_ATTACHMENTS,
  type Attachment,
  type Comment,
  type Entity,
  type NewAttachment,
} from './types';
