import type { Scope } from '../store';
import type { SendContent } from './types';

/** A content as it is kept: the words, and the language of what is added to them. */
export interface KeptContent {
  readonly content: SendContent;
  readonly language: 'en' | 'de';
}

/** A content to be kept, under its hash. */
export interface ContentToKeep extends KeptContent {
  readonly hash: string;
  /** The template version that the words came from. */
  readonly template?: { readonly key: string; readonly version: number };
}

/** Contents written in one statement at most: each may be half a megabyte. */
const GROUP = 16;

/** Keeps contents, so that a later try of a message is filled from the words of the first; their ids by hash. */
export async function keepContents(scope: Scope, contents: readonly ContentToKeep[]): Promise<Map<string, number>> {
  const ids = await idsOf(
    scope,
    contents.map(({ hash }) => hash),
  );
  const fresh = contents.filter(({ hash }) => !ids.has(hash));
  for (let from = 0; from < fresh.length; from += GROUP) {
    const group = fresh.slice(from, from + GROUP);
    const rows = group.map(({ hash, content, language, template }) => [
      hash,
      JSON.stringify({ content, language }),
      template?.key ?? null,
      template?.version ?? null,
    ]);
    await scope.run(
      `${scope.dialect.insertIgnore} INTO marketing_contents (tenant_id, hash, body, template_key, template_version, created_at)
       SELECT :tenant, r.of_hash, r.words, r.of_template, r.of_version, :now
       FROM ${scope.dialect.rows('rows', { of_hash: 'text', words: 'text', of_template: 'text', of_version: 'int' }, 'r')} WHERE 1 = 1
       ${scope.dialect.ignoreTail}`,
      { rows: JSON.stringify(rows), now: scope.clock.now() },
    );
  }
  // Another runtime may have kept the same: asked again, not guessed.
  if (fresh.length > 0) {
    const hashes = fresh.map(({ hash }) => hash);
    for (const [hash, id] of await idsOf(scope, hashes)) ids.set(hash, id);
  }
  return ids;
}

async function idsOf(scope: Scope, hashes: readonly string[]): Promise<Map<string, number>> {
  if (hashes.length === 0) return new Map();
  const rows = await scope.all<{ id: number; hash: string }>(
    `SELECT c.id, c.hash FROM ${scope.dialect.rows('rows', { of_hash: 'text' }, 'r')}
     ${scope.dialect.join} marketing_contents c ON c.hash = r.of_hash AND c.tenant_id = :tenant`,
    { rows: JSON.stringify(hashes.map((hash) => [hash])) },
  );
  return new Map(rows.map(({ id, hash }) => [hash, id]));
}

/** Kept contents by id, in one statement. */
export async function loadContents(scope: Scope, ids: readonly number[]): Promise<Map<number, KeptContent>> {
  if (ids.length === 0) return new Map();
  const rows = await scope.all<{ id: number; body: string }>(
    `SELECT c.id, c.body FROM ${scope.dialect.rows('rows', { content: 'int' }, 'r')}
     ${scope.dialect.join} marketing_contents c ON c.id = r.content AND c.tenant_id = :tenant`,
    { rows: JSON.stringify(ids.map((id) => [id])) },
  );
  return new Map(rows.map(({ id, body }) => [id, JSON.parse(body) as KeptContent]));
}
