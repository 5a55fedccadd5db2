import type { ChannelParts } from '../content';
import type { Scope } from '../store';

/** A template that is asked about, and what the caller has of it already. */
export interface WantedTemplate {
  readonly key: string;
  readonly known?: { readonly id: number; readonly version: number };
}

/** A template's newest content. */
export interface NewestTemplate {
  readonly id: number;
  readonly type: string;
  /** The version that the content came with. */
  readonly version: number;
  /** Absent when it is what the caller has. */
  readonly content?: ChannelParts;
}

/**
 * The newest content of templates by key, in one statement; those that do not exist are absent. Words travel only where
 * they have changed. For the engine: whoever sends has been authorised long before.
 */
export async function newestTemplates(
  scope: Scope,
  wanted: readonly WantedTemplate[],
): Promise<Map<string, NewestTemplate>> {
  if (wanted.length === 0) return new Map();
  const rows = await scope.all<{ k: string; id: number; type: string; version: number; content: string | null }>(
    `SELECT r.k, t.id, t.type, t.content_version AS version, v.content
       FROM ${scope.dialect.rows('rows', { k: 'text', known_id: 'int', known_version: 'int' }, 'r')}
       ${scope.dialect.join} marketing_templates t ON t.template_key = r.k AND t.tenant_id = :tenant
       LEFT JOIN marketing_template_versions v ON v.template_id = t.id AND v.version = t.content_version
        AND v.tenant_id = :tenant AND (t.id <> r.known_id OR t.content_version <> r.known_version)`,
    { rows: JSON.stringify(wanted.map(({ key, known }) => [key, known?.id ?? 0, known?.version ?? 0])) },
  );
  return new Map(
    rows.map(({ k, content, ...row }) => [
      k,
      { ...row, ...(content === null ? {} : { content: JSON.parse(content) as ChannelParts }) },
    ]),
  );
}
