/** Definition documents in the database. */
export { Documents } from './documents';
export type { ChangeBy, DocumentsDeps, DocumentSummary, DocumentVersion, SavedDocument, SaveResult } from './types';
