import { ConflictError } from '../errors';
import type { Scope } from '../store';
import type { Checked } from './checks';
import { templateRow, type TemplateRow } from './rows';

/** A new template at version 1, under the first of the keys that nobody has. @throws ConflictError `E_TEMPLATE_EXISTS` */
export async function insertTemplate(
  tx: Scope,
  { name, type, keys, by, ...rest }: Checked & { keys: Iterable<string>; by: string },
): Promise<TemplateRow> {
  const now = tx.clock.now();
  let last = '';
  for (const key of keys) {
    last = key;
    // Tried, not asked for first: two who create at the same time get different keys, or a conflict.
    await tx.run(
      `${tx.dialect.insertIgnore} INTO marketing_templates
         (tenant_id, template_key, name, search_name, type, version, content_version, created_by, created_at, updated_at)
       VALUES (:tenant, :key, :name, :searched, :type, 1, 0, :by, :now, :now) ${tx.dialect.ignoreTail}`,
      { key, name, searched: searchedName(name), type, by: by.slice(0, 128), now },
    );
    const row = await templateRow(tx, key);
    // Only a row of this very transaction has no content yet; how many rows were inserted, MariaDB does not say reliably.
    if (row.content_version !== 0) continue;
    await tx.run('UPDATE marketing_templates SET content_version = 1 WHERE tenant_id = :tenant AND id = :id', {
      id: row.id,
    });
    await insertVersion(tx, { ...rest, template: row.id, version: 1, by });
    return { ...row, content_version: 1 };
  }
  throw new ConflictError('E_TEMPLATE_EXISTS', `There is already a template "${last}": choose another key.`, {
    details: { key: last },
  });
}

/** A name as searches look at it. */
export function searchedName(name: string): string {
  return name.toLowerCase().slice(0, 255);
}

/** Keeps a content as a version. It is never changed. */
export async function insertVersion(
  tx: Scope,
  {
    template,
    version,
    content,
    compiled,
    by,
  }: Pick<Checked, 'content' | 'compiled'> & { template: number; version: number; by: string },
): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_template_versions (tenant_id, template_id, version, hash, content, variables, created_by, created_at)
     VALUES (:tenant, :template, :version, :hash, :content, :variables, :by, :now)`,
    {
      template,
      version,
      hash: compiled.hash,
      content: JSON.stringify(content),
      variables: JSON.stringify(compiled.variables),
      by: by.slice(0, 128),
      now: tx.clock.now(),
    },
  );
}
