import type { Scope } from '../../store';

/** Somebody who waits, and who is to go on now. */
export interface WokenStep {
  readonly step: number;
  /** Output through which they go. Default 0. */
  readonly port?: number;
  /** Noted about the step; people go on with it where the station `carries`. */
  readonly outcome?: unknown;
  /** When, ms. Default now. */
  readonly dueAt?: number;
}

/**
 * Has people go on who wait at stations without work (an event they waited for has come, an approval was decided), in the
 * caller's transaction. Who is not waiting any more is left alone, so that of two reasons to go on the first one counts:
 * the rows are locked and only those that are not yet due are changed. Paused and orphaned people keep it for later.
 * Call `Ledger.wakeStation` for the stations after the commit (a sweep does so within seconds anyway).
 * @returns the steps that were woken, and their stations
 */
export async function wakeSteps(
  tx: Scope,
  woken: readonly WokenStep[],
): Promise<{ steps: Set<number>; stations: Set<number> }> {
  if (woken.length === 0) return { steps: new Set(), stations: new Set() };
  const now = tx.clock.now();
  const { dialect } = tx;
  const asleep = await tx.all<{ id: number; station_id: number }>(
    `SELECT s.id, s.station_id FROM ${dialect.rows('rows', { step: 'int' }, 'r')}
     ${dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
     WHERE s.state IN ('waiting', 'paused', 'orphaned') AND s.due_at > :now
     ${dialect.name === 'postgres' ? 'ORDER BY s.id FOR UPDATE OF s' : dialect.forUpdate}`,
    { now, rows: JSON.stringify(woken.map(({ step }) => [step])) },
  );
  const steps = new Set(asleep.map(({ id }) => id));
  const rows = woken
    .filter(({ step }) => steps.has(step))
    .map(({ step, port = 0, outcome, dueAt = now }) => [
      step,
      port,
      outcome === undefined ? null : JSON.stringify(outcome),
      dueAt,
    ]);
  if (rows.length > 0) {
    await tx.run(
      dialect.updateFrom(
        'marketing_steps',
        dialect.rows('rows', { step: 'int', to_port: 'int', to_outcome: 'text', to_due: 'int' }, 'r'),
        'port = to_port, outcome = COALESCE(to_outcome, outcome), due_at = to_due, updated_at = :now',
        'marketing_steps.id = r.step AND tenant_id = :tenant',
      ),
      { now, rows: JSON.stringify(rows) },
    );
  }
  return { steps, stations: new Set(asleep.map(({ station_id }) => station_id)) };
}
