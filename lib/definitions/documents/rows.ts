import type { Scope } from '../../store';
import type { DefinitionDocument } from '../document';
import type { DocumentSummary, DocumentVersion, SavedDocument } from './types';

/** A row of `marketing_documents`. */
export interface DocumentRow {
  definition_key: string;
  version: number;
  hash: string;
  active: number;
  body: string;
  note: string | null;
  created_by: string;
  created_at: number;
}

const COLUMNS = 'd.definition_key, d.version, d.hash, d.active, d.body, d.note, d.created_by, d.created_at';
/** Newest versions; whether a document is in force stands at its newest version. */
const NEWEST = `SELECT ${COLUMNS} FROM marketing_documents d WHERE d.tenant_id = :tenant AND d.version =
  (SELECT MAX(v.version) FROM marketing_documents v WHERE v.tenant_id = :tenant AND v.definition_key = d.definition_key)`;

/** The newest versions of all documents, by key. */
export function newestRows(sql: Scope): Promise<DocumentRow[]> {
  return sql.all<DocumentRow>(`${NEWEST} ORDER BY d.definition_key`);
}

/** The newest version of a document. */
export function newestRow(sql: Scope, key: string): Promise<DocumentRow | undefined> {
  return sql.get<DocumentRow>(`${NEWEST} AND d.definition_key = :key`, { key });
}

/** One version of a document. */
export function versionRow(sql: Scope, key: string, version: number): Promise<DocumentRow | undefined> {
  return sql.get<DocumentRow>(
    `SELECT ${COLUMNS} FROM marketing_documents d WHERE d.tenant_id = :tenant AND d.definition_key = :key AND d.version = :version`,
    { key, version },
  );
}

/** All versions of a document, newest first, without their content. */
export function versionRows(sql: Scope, key: string): Promise<Omit<DocumentRow, 'body' | 'active'>[]> {
  return sql.all<Omit<DocumentRow, 'body' | 'active'>>(
    `SELECT definition_key, version, hash, note, created_by, created_at FROM marketing_documents
     WHERE tenant_id = :tenant AND definition_key = :key ORDER BY version DESC`,
    { key },
  );
}

/** A version without its content. */
export function versionOf(row: Omit<DocumentRow, 'body' | 'active'>): DocumentVersion {
  return {
    key: row.definition_key,
    version: row.version,
    hash: row.hash,
    ...(row.note === null ? {} : { note: row.note }),
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}

/** A document with its content. @param active whether the document is in force, which its newest version says */
export function savedOf(row: DocumentRow, active = row.active === 1): SavedDocument {
  const document = JSON.parse(row.body) as DefinitionDocument;
  const { name, label, description, version } = document;
  return {
    ...versionOf(row),
    name: name ?? label ?? row.definition_key,
    ...(description === undefined ? {} : { description }),
    ...(version === undefined ? {} : { authorVersion: String(version) }),
    active,
    document,
  };
}

/** A document without its content. */
export function summaryOf(row: DocumentRow): DocumentSummary {
  const { document: _, ...summary } = savedOf(row);
  return summary;
}
