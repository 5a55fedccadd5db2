import type { Scope } from '../../store';

/** A process that works on this tenant's ledger. */
export interface RuntimeRow {
  id: string;
  host: string;
  pid: number;
  lease_until: number;
  stopped_at: number | null;
  expired: number;
}

/** Announces a runtime; its lease covers every step that it holds. */
export async function announceRuntime(
  scope: Scope,
  runtime: { id: string; host: string; pid: number; leaseMs: number },
): Promise<void> {
  await scope.run(
    `INSERT INTO marketing_runtimes (id, tenant_id, host, pid, started_at, lease_until)
     VALUES (:id, :tenant, :host, :pid, ${scope.dialect.nowMs}, ${scope.dialect.nowMs} + :leaseMs)`,
    runtime,
  );
}

/**
 * Renews the lease; false when it is gone. A lease that has run out without anybody taking it is simply renewed: whoever
 * takes our people deletes the row in the same transaction, so as long as it is there they are ours (think of a laptop
 * that slept, or a clock that was put forward).
 */
export async function renewRuntime(scope: Scope, id: string, leaseMs: number): Promise<boolean> {
  const changed = await scope.run(
    `UPDATE marketing_runtimes SET lease_until = ${scope.dialect.nowMs} + :leaseMs
     WHERE tenant_id = :tenant AND id = :id AND stopped_at IS NULL`,
    { id, leaseMs },
  );
  return changed > 0;
}

/** Says that a runtime has ended; whatever it still holds may be taken at once. */
export async function stopRuntime(scope: Scope, id: string): Promise<void> {
  await scope.run(
    `UPDATE marketing_runtimes SET stopped_at = ${scope.dialect.nowMs} WHERE tenant_id = :tenant AND id = :id`,
    { id },
  );
}

/** All runtimes that are known, with whether their lease has run out by the database's clock. */
export async function listRuntimes(scope: Scope): Promise<RuntimeRow[]> {
  return scope.all<RuntimeRow>(
    `SELECT id, host, pid, lease_until, stopped_at,
            CASE WHEN stopped_at IS NOT NULL OR lease_until < ${scope.dialect.nowMs} THEN 1 ELSE 0 END AS expired
     FROM marketing_runtimes WHERE tenant_id = :tenant`,
  );
}
