import type { ChannelParts } from '../content';
import { ConflictError, NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';
import type { Template, TemplateSummary } from './types';

/** A row of marketing_templates. */
export interface TemplateRow {
  readonly id: number;
  readonly template_key: string;
  readonly name: string;
  readonly search_name: string;
  readonly type: string;
  readonly version: number;
  readonly content_version: number;
  readonly created_by: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export const TEMPLATE_COLUMNS =
  't.id, t.template_key, t.name, t.search_name, t.type, t.version, t.content_version, t.created_by, t.created_at, t.updated_at';

/** The template of a row. */
export function summaryOf(row: TemplateRow): TemplateSummary {
  return {
    id: row.id,
    key: row.template_key,
    name: row.name,
    type: row.type,
    version: row.version,
    contentVersion: row.content_version,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/**
 * A template by key or id, with the content of its newest version or of another one: a version in which only the name changed has
 * the content of the one before.
 * @throws NotFoundError `E_UNKNOWN_TEMPLATE`, `E_UNKNOWN_TEMPLATE_VERSION`
 */
export async function readTemplate(scope: Scope, key: string | number, version?: number): Promise<Template> {
  const row = await templateRow(scope, key);
  if (version !== undefined && version > row.version) throw unknownVersion(row.template_key, version);
  const words = await scope.get<{ version: number; content: string; variables: unknown }>(
    `SELECT v.version, v.content, v.variables FROM marketing_template_versions v
      WHERE v.tenant_id = :tenant AND v.template_id = :id AND v.version <= :version ORDER BY v.version DESC LIMIT 1`,
    { id: row.id, version: version ?? row.content_version },
  );
  if (!words) throw unknownVersion(row.template_key, version ?? row.content_version);
  return {
    ...summaryOf(row),
    contentVersion: words.version,
    content: JSON.parse(words.content) as ChannelParts,
    variables: parseJson<string[]>(words.variables, []),
  };
}

/** A template's row by key or id; inside a transaction, `lock` keeps others from changing it. @throws NotFoundError `E_UNKNOWN_TEMPLATE` */
export async function templateRow(
  scope: Scope,
  key: string | number,
  options: { lock?: boolean } = {},
): Promise<TemplateRow> {
  const column = typeof key === 'number' ? 'id' : 'template_key';
  const row = await scope.get<TemplateRow>(
    `SELECT ${TEMPLATE_COLUMNS} FROM marketing_templates t WHERE t.tenant_id = :tenant AND t.${column} = :key
     ${options.lock ? scope.dialect.forUpdate : ''}`,
    { key },
  );
  if (!row) throw new NotFoundError('E_UNKNOWN_TEMPLATE', `There is no template "${key}".`);
  return row;
}

function unknownVersion(key: string, version: number): NotFoundError {
  return new NotFoundError('E_UNKNOWN_TEMPLATE_VERSION', `The template "${key}" has no version ${version}.`);
}

/** Somebody else changed it first. */
export function outdated({ template_key: key, version }: TemplateRow, seen: number): ConflictError {
  return new ConflictError(
    'E_CONFLICT',
    `The template "${key}" was changed by somebody else (it is at version ${version}, you saw version ${seen}): look at it again.`,
    { retryable: true, details: { key, version } },
  );
}
