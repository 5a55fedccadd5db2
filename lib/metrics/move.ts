import type { Scope } from '../store';
import type { MetricDelta } from './types';

const HOUR = 3_600_000;

/** The hour that a moment lies in. */
export function hourOf(at: number): number {
  return Math.floor(at / HOUR) * HOUR;
}

/**
 * Moves counters, in the transaction of what is counted: one statement, in a fixed order (no dead-locks).
 */
export async function moveMetrics(tx: Scope, deltas: readonly MetricDelta[]): Promise<void> {
  const sums = new Map<string, { row: [number, string, string, number, string]; amount: number }>();
  for (const { campaign, variant = '', channel, at, name, amount = 1 } of deltas) {
    const row: [number, string, string, number, string] = [campaign, variant, channel, hourOf(at), name];
    const key = JSON.stringify(row);
    const known = sums.get(key);
    if (known) known.amount += amount;
    else sums.set(key, { row, amount });
  }
  const rows = [...sums.entries()]
    .filter(([, { amount }]) => amount !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { row, amount }]) => [...row, amount]);
  if (rows.length === 0) return;
  const { dialect } = tx;
  await tx.run(
    `INSERT INTO marketing_metrics (tenant_id, campaign_id, variant, channel, hour, name, amount)
     SELECT :tenant, r.campaign, r.of_variant, r.on_channel, r.at_hour, r.metric, r.delta
     FROM ${dialect.rows(
       'rows',
       { campaign: 'int', of_variant: 'text', on_channel: 'text', at_hour: 'int', metric: 'text', delta: 'real' },
       'r',
     )} WHERE 1 = 1
     ${dialect.upsertTail(['campaign_id', 'hour', 'name', 'variant', 'channel'], {
       amount: `marketing_metrics.amount + ${dialect.excluded('amount')}`,
     })}`,
    { rows: JSON.stringify(rows) },
  );
}
