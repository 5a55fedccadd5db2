import { ConflictError, NotFoundError } from '../errors';
import type { DialectName, Scope } from '../store';
import { checkName, checkType, isName } from './names';
import type { Attribute, AttributeType } from './types';

/** The tenant's declared attributes, by name. */
export async function readAttributes(scope: Scope): Promise<Map<string, AttributeType>> {
  const rows = await scope.all<{ name: string; type: AttributeType }>(
    'SELECT name, type FROM marketing_attributes WHERE tenant_id = :tenant ORDER BY name',
  );
  return new Map(rows.map((row) => [row.name, row.type]));
}

/**
 * Declares attributes; those that exist with the same type stay as they are.
 * @throws InputError `E_ATTRIBUTE_NAME`, `E_ATTRIBUTE_TYPE`; ConflictError `E_ATTRIBUTE_EXISTS` when the type differs
 */
export async function declareAttributes(scope: Scope, attributes: readonly Attribute[]): Promise<void> {
  for (const { name, type } of attributes) {
    checkName(name);
    checkType(type);
  }
  if (attributes.length === 0) return;
  const { dialect } = scope;
  await scope.transaction(async (tx) => {
    await tx.run(
      `${dialect.insertIgnore} INTO marketing_attributes (tenant_id, name, type, created_at)
       SELECT :tenant, r.name, r.type, :at FROM ${dialect.rows('items', { name: 'text', type: 'text' }, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
      { items: JSON.stringify(attributes.map(({ name, type }) => [name, type])), at: tx.clock.now() },
    );
    const existing = await readAttributes(tx);
    for (const { name, type } of attributes) {
      const other = existing.get(name);
      if (other !== type) {
        throw new ConflictError(
          'E_ATTRIBUTE_EXISTS',
          `The attribute "${name}" is declared as ${other}, not as ${type}. Undeclare it first, or use another name.`,
          { details: { name, type: other } },
        );
      }
    }
  });
}

/** Declares what can be declared, quietly: a name that cannot be an attribute's is left for the caller to report. */
export async function declareGuessed(scope: Scope, guesses: ReadonlyMap<string, AttributeType>): Promise<void> {
  const possible = [...guesses].filter(([name]) => isName(name));
  if (possible.length === 0) return;
  const { dialect } = scope;
  // Two imports may guess at the same time: the first one's type holds, and the other's values are coerced to it.
  await scope.run(
    `${dialect.insertIgnore} INTO marketing_attributes (tenant_id, name, type, created_at)
     SELECT :tenant, r.name, r.type, :at FROM ${dialect.rows('items', { name: 'text', type: 'text' }, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
    { items: JSON.stringify(possible), at: scope.clock.now() },
  );
}

/**
 * Takes a declaration back and removes the attribute's values from all leads.
 * @param usedBy names what still reads it (segments); any name refuses the removal
 * @throws NotFoundError `E_UNKNOWN_ATTRIBUTE`; ConflictError `E_ATTRIBUTE_IN_USE`
 */
export async function undeclareAttribute(
  scope: Scope,
  name: string,
  usedBy: (name: string) => Promise<readonly string[]>,
): Promise<void> {
  const users = await usedBy(name);
  if (users.length > 0) {
    throw new ConflictError(
      'E_ATTRIBUTE_IN_USE',
      `The attribute "${name}" is read by ${users.slice(0, 5).join(', ')}: change those first.`,
      {
        details: { name, usedBy: users },
      },
    );
  }
  if (!(await readAttributes(scope)).has(name)) {
    throw new NotFoundError('E_UNKNOWN_ATTRIBUTE', `No attribute is declared as "${name.slice(0, 80)}".`);
  }
  await scope.background(async (db) => {
    await removeValues(db, name);
    await db.run('DELETE FROM marketing_attributes WHERE tenant_id = :tenant AND name = :name', { name });
  });
}

/** Leads per transaction: short enough that other writers hardly wait. */
const PAGE = 5_000;

async function removeValues(db: Scope, name: string): Promise<void> {
  const { without, has } = jsonKey(db.dialect.name);
  // PostgreSQL takes the name itself, the others a path; names hold neither quotes nor backslashes.
  const key = db.dialect.name === 'postgres' ? name : `$."${name}"`;
  for (let last = 0; ;) {
    const end = await db.get<{ id: number | null }>(
      `SELECT MAX(p.id) AS id FROM (SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id > :last ORDER BY id LIMIT ${PAGE}) p`,
      { last },
    );
    if (!end?.id) return;
    await db.run(
      `UPDATE marketing_leads SET attributes = ${without}
        WHERE tenant_id = :tenant AND id > :last AND id <= :end AND ${has}`,
      { last, end: end.id, key },
    );
    last = end.id;
  }
}

/** How the key `:key` of `attributes` is removed and looked for. */
function jsonKey(dialect: DialectName): { without: string; has: string } {
  switch (dialect) {
    case 'sqlite':
      return { without: 'json_remove(attributes, :key)', has: 'json_type(attributes, :key) IS NOT NULL' };
    case 'postgres':
      return { without: 'attributes - (:key)::text', has: 'attributes -> (:key)::text IS NOT NULL' };
    case 'mysql':
      return { without: 'JSON_REMOVE(attributes, :key)', has: "JSON_CONTAINS_PATH(attributes, 'one', :key)" };
  }
}
