import { CounterDeltas } from '../ledger';
import { parseJson, type Scope } from '../store';
import type { Entrance, RefusalReason } from './types';

/** Somebody who was not let in. */
export interface Refused {
  readonly entrance: Entrance;
  readonly lead: number;
  readonly cause: string;
  readonly reason: RefusalReason;
  readonly saw?: Readonly<Record<string, unknown>>;
}

/** What a trigger's counter of refusals is called. */
export function counterOf(reason: RefusalReason): string {
  return `refused: ${reason}`;
}

const ROW = {
  campaign: 'int',
  station: 'int',
  lead: 'int',
  why: 'text',
  times: 'int',
  cause: 'text',
  seen: 'text',
} as const;

/** Counts refusals, and keeps the last one of each person and reason. */
export async function writeRefusals(tx: Scope, list: readonly Refused[], now: number): Promise<void> {
  if (list.length === 0) return;
  const { dialect } = tx;
  const counters = new CounterDeltas();
  const rows = new Map<string, { row: Refused; times: number }>();
  for (const row of list) {
    const { campaign, station } = row.entrance;
    counters.add(campaign, station, counterOf(row.reason));
    const name = `${campaign} ${row.lead} ${station} ${row.reason}`;
    rows.set(name, { row, times: (rows.get(name)?.times ?? 0) + 1 });
  }
  const { excluded } = dialect;
  await tx.run(
    `INSERT INTO marketing_trigger_refusals
       (tenant_id, campaign_id, station_id, lead_id, reason, times, cause, saw, first_at, last_at)
     SELECT :tenant, r.campaign, r.station, r.lead, r.why, r.times, r.cause, r.seen, :now, :now
     FROM ${dialect.rows('rows', ROW, 'r')} WHERE 1 = 1
     ${dialect.upsertTail(['campaign_id', 'lead_id', 'station_id', 'reason'], {
       times: `marketing_trigger_refusals.times + ${excluded('times')}`,
       cause: excluded('cause'),
       saw: excluded('saw'),
       last_at: excluded('last_at'),
     })}`,
    {
      now,
      // In one order for everybody, so that two such transactions do not wait for each other.
      rows: JSON.stringify(
        [...rows.values()]
          .sort((a, b) => a.row.entrance.campaign - b.row.entrance.campaign || a.row.lead - b.row.lead)
          .map(({ row: { entrance, lead, reason, cause, saw }, times }) => [
            ...[entrance.campaign, entrance.station, lead, reason, times, cause],
            saw === undefined ? null : JSON.stringify(saw),
          ]),
      ),
    },
  );
  await counters.write(tx);
}

/** Why somebody was not let in. Times in ms since 1970. */
export interface Refusal {
  readonly campaign: number;
  readonly lead: number;
  readonly step: string;
  readonly reason: RefusalReason;
  readonly times: number;
  /** What would have let them in the last time. */
  readonly cause: string;
  /** The values that the condition looked at the last time. */
  readonly saw?: Readonly<Record<string, unknown>>;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Refusals of a campaign, or of one lead in it; the latest first, a hundred at most. */
export async function readRefusals(
  scope: Scope,
  { campaign, lead, limit = 100 }: { campaign: number; lead?: number; limit?: number },
): Promise<Refusal[]> {
  const rows = await scope.all<{
    campaign: number;
    lead: number;
    step: string;
    reason: RefusalReason;
    times: number;
    cause: string;
    saw: string | null;
    first_at: number;
    last_at: number;
  }>(
    `SELECT f.campaign_id AS campaign, f.lead_id AS lead, t.step, f.reason, f.times, f.cause, f.saw, f.first_at, f.last_at
     FROM marketing_trigger_refusals f JOIN marketing_stations t ON t.id = f.station_id AND t.tenant_id = :tenant
     WHERE f.tenant_id = :tenant AND f.campaign_id = :campaign ${lead === undefined ? '' : 'AND f.lead_id = :lead'}
     ORDER BY f.last_at DESC, f.lead_id, f.reason LIMIT :limit`,
    { campaign, limit, ...(lead === undefined ? {} : { lead }) },
  );
  return rows.map(({ saw, first_at, last_at, ...row }) => ({
    ...row,
    times: Number(row.times),
    ...(saw === null ? {} : { saw: parseJson<Record<string, unknown>>(saw, {}) }),
    firstAt: Number(first_at),
    lastAt: Number(last_at),
  }));
}

/** Takes a lead that is removed out of it. */
export async function forgetRefusals(tx: Scope, lead: number): Promise<void> {
  await tx.run('DELETE FROM marketing_trigger_refusals WHERE tenant_id = :tenant AND lead_id = :lead', { lead });
}
