import type { Scope } from '../store';

/** A runtime whose lease runs. */
export interface WorkingRuntime {
  id: string;
  host: string;
  pid: number;
  since: number;
}

/** The runtimes that work on this tenant at the moment. */
export async function workingRuntimes(scope: Scope): Promise<WorkingRuntime[]> {
  const rows = await scope.all<{ id: string; host: string; pid: number; started_at: number }>(
    `SELECT id, host, pid, started_at FROM marketing_runtimes
     WHERE tenant_id = :tenant AND stopped_at IS NULL AND lease_until > ${scope.dialect.nowMs} ORDER BY started_at`,
  );
  return rows.map(({ id, host, pid, started_at }) => ({
    id,
    host: host.split('/')[0] ?? host,
    pid,
    since: Number(started_at),
  }));
}

/** True when a runtime works on this tenant. */
export async function isSomebodyAtWork(scope: Scope): Promise<boolean> {
  return (await workingRuntimes(scope)).length > 0;
}
