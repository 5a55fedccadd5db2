import { noteSent } from '../leads';
import { CounterDeltas } from '../ledger';
import { moveMetrics, settledOf, type MetricDelta } from '../metrics';
import type { Scope } from '../store';

interface InDoubt {
  step: number;
  lead: number;
  campaign: number;
  station: number;
  message: number | null;
  variant: string;
  channel: string;
  settled_at: number | null;
  cost_micros: number;
}

/** A message that is taken as sent. */
export interface TakenAsSent {
  readonly step: number;
  readonly campaign: number;
  readonly costMicros: number;
}

/** Told in the transaction that takes messages as sent, before that is written. */
export type OnTaken = (tx: Scope, messages: readonly TakenAsSent[]) => Promise<void>;

/**
 * Takes the messages of these steps, which are in doubt, as sent: their people go on through "sent", and the figures move.
 * Steps that somebody else has decided about meanwhile are left alone.
 * @returns how many were taken
 */
export async function takeAsSent(tx: Scope, steps: readonly number[], onTaken?: OnTaken): Promise<number> {
  const { dialect } = tx;
  const now = tx.clock.now();
  const rows = await tx.all<InDoubt>(
    `SELECT s.id AS step, s.lead_id AS lead, s.campaign_id AS campaign, s.station_id AS station, m.id AS message, m.variant, m.channel,
            m.settled_at, m.cost_micros
     FROM ${dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${dialect.join} marketing_steps s ON s.id = r.wanted AND s.tenant_id = :tenant
     LEFT JOIN marketing_messages m ON m.step_id = s.id AND m.tenant_id = :tenant AND m.state = 'unknown'
     WHERE s.state = 'unknown' ${dialect.name === 'postgres' ? 'ORDER BY s.id FOR UPDATE OF s' : dialect.forUpdate}`,
    { rows: JSON.stringify([...new Set(steps)].map((step) => [step])) },
  );
  if (rows.length === 0) return 0;
  await onTaken?.(
    tx,
    rows.flatMap(({ message, step, campaign, cost_micros }) =>
      message === null ? [] : [{ step, campaign, costMicros: Number(cost_micros) }],
    ),
  );
  const bound = JSON.stringify(rows.map(({ step }) => [step]));
  const chosen = `(SELECT r.step FROM ${dialect.rows('rows', { step: 'int' }, 'r')})`;
  await tx.run(
    `UPDATE marketing_messages SET state = 'sent', reason = 'taken as sent', settled_at = :now
     WHERE tenant_id = :tenant AND state = 'unknown' AND step_id IN ${chosen}`,
    { now, rows: bound },
  );
  // Released without an owner: the station sends them on through "sent".
  await tx.run(
    `UPDATE marketing_steps SET state = 'released', port = 0, lease_owner = NULL, reason = 'taken as sent',
            released_at = :now, updated_at = :now
     WHERE tenant_id = :tenant AND state = 'unknown' AND id IN ${chosen}`,
    { now, rows: bound },
  );
  await moveMetrics(
    tx,
    rows.flatMap((row) => movedBy(row, now)),
  );
  await noteSent(
    tx,
    rows.filter(({ message }) => message !== null),
  );
  const counters = new CounterDeltas();
  for (const { campaign, station } of rows) counters.add(campaign, station, 'sent');
  await counters.write(tx);
  return rows.length;
}

/** From unknown to sent. */
function movedBy(row: InDoubt, now: number): MetricDelta[] {
  if (row.message === null) return [];
  const { campaign, variant, channel } = row;
  const base = { campaign, variant, channel, costMicros: Number(row.cost_micros) };
  return [
    ...settledOf({ ...base, state: 'unknown', settledAt: row.settled_at }, -1),
    ...settledOf({ ...base, state: 'sent', settledAt: now }),
  ];
}
