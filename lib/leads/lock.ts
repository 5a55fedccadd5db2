import type { Scope } from '../store';

/**
 * Locks leads until the transaction ends. Who begins to wait for what a lead does and what the lead does must not miss each
 * other: both lock the lead first. In the order of ids, so that two such transactions do not wait for each other.
 */
export async function lockLeads(tx: Scope, leads: Iterable<number>): Promise<void> {
  const { dialect } = tx;
  if (dialect.name === 'sqlite') return;
  const ids = [...new Set(leads)].sort((a, b) => a - b).map((id) => [id]);
  if (ids.length === 0) return;
  await tx.all(
    `SELECT l.id FROM ${dialect.rows('ids', { lead: 'int' }, 'r')} ${dialect.join} marketing_leads l ON l.id = r.lead
     WHERE l.tenant_id = :tenant ORDER BY l.id ${dialect.name === 'postgres' ? 'FOR UPDATE OF l' : dialect.forUpdate}`,
    { ids: JSON.stringify(ids) },
  );
}
