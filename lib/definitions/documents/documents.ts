import { createHash } from 'node:crypto';
import { authorise, nameOf } from '../../access';
import { ConflictError, InputError, NotFoundError } from '../../errors';
import { record } from '../../history';
import type { Scope } from '../../store';
import { canonical, diffOf, type Change } from '../diff';
import { readDocument, type ReadDefinition } from '../read';
import { markTurn, revisionOf, takeTurn } from '../turn';
import {
  newestRow,
  newestRows,
  savedOf,
  summaryOf,
  versionOf,
  versionRow,
  versionRows,
  type DocumentRow,
} from './rows';
import type {
  ChangeBy,
  DocumentsDeps,
  DocumentSummary,
  DocumentVersion,
  ReadBy,
  SavedDocument,
  SaveResult,
} from './types';

const LONGEST_NOTE = 255;
/** The largest version that the column holds. */
const LAST = 2_147_483_647;

/** Definitions as JSON documents, kept in the database with all their versions. */
export class Documents {
  constructor(
    private readonly scope: Scope,
    private readonly deps: DocumentsDeps = {},
  ) {}

  /**
   * Saves a document under its `id`: a new version, unless the newest one says the same (the order of names does not matter).
   * A document that was not there before is in force from now on.
   * @throws InputError `E_DEFINITION` with the problems and their paths, `E_NOTE`; ConflictError `E_CONFLICT`
   */
  async save(document: unknown, options: ChangeBy = {}): Promise<SaveResult> {
    authorise(options.actor, 'definition:write');
    checkNote(options.note);
    const read = readDocument(document, await this.readOptions());
    return this.scope.transaction(async (tx) => {
      await takeTurn(tx, 'documents');
      return this.add(tx, read, options, 'definition.saved');
    });
  }

  /** All documents, newest versions, by key. */
  async list({ actor, active }: ReadBy & { readonly active?: boolean } = {}): Promise<DocumentSummary[]> {
    authorise(actor, 'definition:read');
    const saved = (await newestRows(this.scope)).map(summaryOf);
    return active === undefined ? saved : saved.filter((document) => document.active === active);
  }

  /** A document: its newest version, or the one that is asked for. @throws NotFoundError `E_UNKNOWN_DEFINITION` */
  async get(key: string, version?: number, { actor }: ReadBy = {}): Promise<SavedDocument> {
    authorise(actor, 'definition:read');
    const newest = await mustFind(this.scope, key);
    if (version === undefined || version === newest.version) return savedOf(newest);
    return savedOf(await mustFindVersion(this.scope, key, version), newest.active === 1);
  }

  /**
   * A document's newest version, or undefined: for the engine, which asks often.
   * @param sql the transaction to read in
   */
  async find(key: string, sql: Scope = this.scope): Promise<SavedDocument | undefined> {
    const row = await newestRow(sql, key);
    return row && savedOf(row);
  }

  /** All versions, newest first. @throws NotFoundError `E_UNKNOWN_DEFINITION` */
  async versions(key: string, { actor }: ReadBy = {}): Promise<DocumentVersion[]> {
    authorise(actor, 'definition:read');
    const rows = await versionRows(this.scope, key);
    if (rows.length === 0) throw unknown(key);
    return rows.map(versionOf);
  }

  /** What is different in version `b` from version `a`. @throws NotFoundError `E_UNKNOWN_DEFINITION` */
  async diff(key: string, a: number, b: number, { actor }: ReadBy = {}): Promise<Change[]> {
    authorise(actor, 'definition:read');
    const [before, after] = [await mustFindVersion(this.scope, key, a), await mustFindVersion(this.scope, key, b)];
    return diffOf(savedOf(before).document, savedOf(after).document);
  }

  /**
   * Brings a former version back: a new version with its content.
   * @throws NotFoundError `E_UNKNOWN_DEFINITION`; ConflictError `E_CONFLICT`; InputError `E_DEFINITION` when this release does not
   *   take it any more, `E_NOTE`
   */
  async restore(key: string, version: number, options: ChangeBy = {}): Promise<SaveResult> {
    authorise(options.actor, 'definition:write');
    checkNote(options.note);
    const readOptions = await this.readOptions();
    return this.scope.transaction(async (tx) => {
      await takeTurn(tx, 'documents');
      const { document } = savedOf(await mustFindVersion(tx, key, version));
      const note = options.note ?? `Restored from version ${version}`;
      return this.add(tx, readDocument(document, readOptions), { ...options, note }, 'definition.restored', version);
    });
  }

  /** Puts a document into force. @throws NotFoundError `E_UNKNOWN_DEFINITION`; ConflictError `E_CONFLICT` */
  activate(key: string, options: ChangeBy = {}): Promise<SavedDocument> {
    return this.turn(key, true, options);
  }

  /** Takes a document out of force; it is kept. @throws NotFoundError `E_UNKNOWN_DEFINITION`; ConflictError `E_CONFLICT` */
  deactivate(key: string, options: ChangeBy = {}): Promise<SavedDocument> {
    return this.turn(key, false, options);
  }

  /**
   * Removes a document with all its versions. What was done with it stays in the history.
   * @throws NotFoundError `E_UNKNOWN_DEFINITION`; ConflictError `E_DEFINITION_IN_USE`, `E_CONFLICT`
   */
  async remove(key: string, options: ChangeBy = {}): Promise<void> {
    authorise(options.actor, 'definition:write');
    await this.scope.transaction(async (tx) => {
      await takeTurn(tx, 'documents');
      const row = await mustFind(tx, key);
      mustBeSeen(key, row.version, options.version);
      await mustBeUnused(tx, key);
      await tx.run(`DELETE FROM marketing_documents WHERE tenant_id = :tenant AND definition_key = :key`, { key });
      await this.note(tx, 'definition.removed', key, options, { version: row.version });
    });
  }

  /**
   * Changes whenever any document of the tenant does, whichever process changed it: a cheap thing to ask for before everything is
   * read again.
   */
  revision(): Promise<string> {
    return revisionOf(this.scope, 'documents');
  }

  private async readOptions(): Promise<Parameters<typeof readDocument>[1]> {
    const attributes = await this.deps.attributes?.();
    return attributes ? { attributes } : {};
  }

  private async add(
    tx: Scope,
    { key, document }: ReadDefinition,
    options: ChangeBy,
    event: string,
    from?: number,
  ): Promise<SaveResult> {
    const known = await newestRow(tx, key);
    mustBeSeen(key, known?.version ?? 0, options.version);
    const hash = createHash('sha256').update(canonical(document)).digest('hex');
    if (known?.hash === hash) return { ...savedOf(known), changed: false };
    const row: DocumentRow = {
      definition_key: key,
      version: (known?.version ?? 0) + 1,
      hash,
      active: known?.active ?? 1,
      body: JSON.stringify(document),
      note: options.note ?? null,
      created_by: nameOf(options.actor).slice(0, 128),
      created_at: tx.clock.now(),
    };
    // One row of a document says that it is in force: the newest.
    await tx.run(
      `UPDATE marketing_documents SET active = 0 WHERE tenant_id = :tenant AND definition_key = :definition_key`,
      {
        definition_key: key,
      },
    );
    await tx.run(
      `INSERT INTO marketing_documents (tenant_id, definition_key, version, hash, active, body, note, created_by, created_at)
       VALUES (:tenant, :definition_key, :version, :hash, :active, :body, :note, :created_by, :created_at)`,
      { ...row },
    );
    const more = { version: row.version, hash, ...(from === undefined ? {} : { from }) };
    await this.note(tx, event, key, options, more);
    return { ...savedOf(row), changed: true };
  }

  private async turn(key: string, active: boolean, options: ChangeBy): Promise<SavedDocument> {
    authorise(options.actor, 'definition:write');
    return this.scope.transaction(async (tx) => {
      await takeTurn(tx, 'documents');
      const row = await mustFind(tx, key);
      mustBeSeen(key, row.version, options.version);
      if ((row.active === 1) === active) return savedOf(row);
      await tx.run(
        `UPDATE marketing_documents SET active = :active WHERE tenant_id = :tenant AND definition_key = :key AND version = :version`,
        { active: active ? 1 : 0, key, version: row.version },
      );
      await this.note(tx, active ? 'definition.activated' : 'definition.deactivated', key, options, {
        version: row.version,
      });
      return savedOf(row, active);
    });
  }

  /** Writes the history, and tells this process once it is certain. */
  private async note(tx: Scope, event: string, key: string, { actor, note }: ChangeBy, more: object): Promise<void> {
    const payload = { definition: key, ...more, ...(note === undefined ? {} : { note }) };
    await record(tx, { event, actor: nameOf(actor), payload });
    await markTurn(tx, 'documents');
    tx.afterCommit(() => this.deps.changed?.(key));
  }
}

function checkNote(note: string | undefined): void {
  if (note !== undefined && note.length > LONGEST_NOTE)
    throw new InputError(
      'E_NOTE',
      `A note may have ${LONGEST_NOTE} characters; this one has ${note.length}. Shorten it.`,
    );
}

function unknown(key: string, version?: number): NotFoundError {
  const which = version === undefined ? 'definition' : `version ${version} of a definition`;
  return new NotFoundError('E_UNKNOWN_DEFINITION', `No ${which} "${key.slice(0, 128)}" is saved.`, {
    details: { definition: key, ...(version === undefined ? {} : { version }) },
  });
}

async function mustFind(sql: Scope, key: string): Promise<DocumentRow> {
  const row = await newestRow(sql, key);
  if (!row) throw unknown(key);
  return row;
}

async function mustFindVersion(sql: Scope, key: string, version: number): Promise<DocumentRow> {
  const possible = Number.isInteger(version) && version > 0 && version <= LAST;
  const row = possible ? await versionRow(sql, key, version) : undefined;
  if (!row) throw unknown(key, version);
  return row;
}

function mustBeSeen(key: string, current: number, seen: number | undefined): void {
  if (seen === undefined || seen === current) return;
  throw new ConflictError(
    'E_CONFLICT',
    `The definition "${key}" is at version ${current}, and you have seen version ${seen}. Look at it again, then decide.`,
    { retryable: true, details: { definition: key, version: current } },
  );
}

async function mustBeUnused(tx: Scope, key: string): Promise<void> {
  const used = await tx.get<{ campaigns: number }>(
    `SELECT COUNT(*) AS campaigns FROM marketing_campaigns WHERE tenant_id = :tenant AND definition_key = :key`,
    { key },
  );
  const campaigns = Number(used?.campaigns ?? 0);
  if (campaigns === 0) return;
  throw new ConflictError(
    'E_DEFINITION_IN_USE',
    `${campaigns} campaign${campaigns === 1 ? ' uses' : 's use'} the definition "${key}", deleted ones included. Deactivate it instead.`,
    { details: { definition: key, campaigns } },
  );
}
