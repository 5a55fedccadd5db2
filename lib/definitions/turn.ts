import { randomUUID } from 'node:crypto';
import type { Scope } from '../store';

/**
 * Lets the changes of one kind happen one after another in a tenant, until the end of the transaction: two runtimes that start
 * together, or two people who save together, would give two versions the same number.
 */
export async function takeTurn(tx: Scope, kind: 'deploys' | 'documents'): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :kind, '', :now)
     ${tx.dialect.upsertTail(['tenant_id', 'name'], ['updated_at'])}`,
    { kind, now: tx.clock.now() },
  );
}

/** Marks that something was changed in this turn, for {@link revisionOf}. */
export async function markTurn(tx: Scope, kind: 'documents'): Promise<void> {
  await tx.run(`UPDATE marketing_settings SET value = :value WHERE tenant_id = :tenant AND name = :kind`, {
    kind,
    value: randomUUID(),
  });
}

/** Another text after each {@link markTurn}, whichever process made it; empty before the first. */
export async function revisionOf(sql: Scope, kind: 'documents'): Promise<string> {
  const row = await sql.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :kind`,
    { kind },
  );
  return row?.value ?? '';
}
