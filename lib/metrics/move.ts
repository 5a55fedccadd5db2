import type { Scope } from '../store';
import type { MetricDelta } from './types';

const HOUR = 3_600_000;

/** What stands in the place of the hour where all hours are counted together: no hour begins there. */
export const TOTAL = -1;

/** The hour that a moment lies in. */
export function hourOf(at: number): number {
  return Math.floor(at / HOUR) * HOUR;
}

/** The counter of one campaign, variant, channel, hour and name. */
export type CounterKey = readonly [campaign: number, variant: string, channel: string, hour: number, name: string];

/**
 * Moves counters, in the transaction of what is counted: the hour's and the total, in one statement and in a fixed order.
 * Whoever moves {@link CounterDeltas} of the ledger in the same transaction does so after this: no dead-locks.
 */
export async function moveMetrics(tx: Scope, deltas: readonly MetricDelta[]): Promise<void> {
  const rows = sumsOf(deltas);
  await addToCounters(
    tx,
    rows.map(({ key, amount }) => [...key, amount]),
  );
}

/** What deltas come to per counter, totals included, in a fixed order; counters that do not move are left out. */
export function sumsOf(deltas: readonly MetricDelta[]): { key: CounterKey; amount: number }[] {
  const sums = new Map<string, { key: CounterKey; amount: number }>();
  for (const { campaign, variant = '', channel, at, name, amount = 1 } of deltas) {
    for (const hour of [hourOf(at), TOTAL]) {
      const key: CounterKey = [campaign, variant, channel, hour, name];
      const text = JSON.stringify(key);
      const known = sums.get(text);
      if (known) known.amount += amount;
      else sums.set(text, { key, amount });
    }
  }
  return [...sums.entries()]
    .filter(([, { amount }]) => amount !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, sum]) => sum);
}

/** Adds amounts to counters: rows of campaign, variant, channel, hour, name, amount. */
export async function addToCounters(tx: Scope, rows: readonly (readonly (string | number)[])[]): Promise<void> {
  if (rows.length === 0) return;
  const { dialect } = tx;
  await tx.run(
    `INSERT INTO marketing_metrics (tenant_id, campaign_id, variant, channel, hour, name, amount, updated_at)
     SELECT :tenant, r.campaign, r.of_variant, r.on_channel, r.at_hour, r.metric, r.delta, :now
     FROM ${dialect.rows(
       'rows',
       { campaign: 'int', of_variant: 'text', on_channel: 'text', at_hour: 'int', metric: 'text', delta: 'int' },
       'r',
     )} WHERE 1 = 1
     ${dialect.upsertTail(['tenant_id', 'campaign_id', 'hour', 'name', 'variant', 'channel'], {
       amount: `marketing_metrics.amount + ${dialect.excluded('amount')}`,
       updated_at: dialect.excluded('updated_at'),
     })}`,
    { rows: JSON.stringify(rows), now: tx.clock.now() },
  );
}
