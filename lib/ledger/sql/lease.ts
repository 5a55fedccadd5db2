import type { Scope } from '../../store';
import type { LeasedStep } from '../types';

interface StepRow {
  id: number;
  campaign_id: number;
  enrollment_id: number;
  lead_id: number;
  attempt: number;
  crashes: number;
  due_at: number;
  created_at: number;
  port: number | null;
  outcome: string | null;
}

/** A step that was released by a pass station, or is to be sent on once more. */
export interface ReleasedStep extends LeasedStep {
  port: number;
  /** JSON of what was noted about it. */
  outcome?: string | null;
}

const COLUMNS = 'id, campaign_id, enrollment_id, lead_id, attempt, crashes, due_at, created_at, port, outcome';

/**
 * Deaths of its runtime from which a step is a suspect. Everybody whom a runtime held when it died is charged, the one who
 * killed it and all who were there by chance; suspects are therefore worked in small groups, later alone, so that the
 * next death finds fewer of them. Five deaths single one out of several hundred.
 */
const SUSPECT_AFTER = 2;
const ALONE_AFTER = 3;
/** Suspects worked together as long as none of them has to be alone: the square root of what a station holds, roughly. */
const SUSPECTS = 12;

/** Due people of a station whose campaign is active, the longest due first. */
const due = (which = ''): string => `SELECT s.id FROM marketing_steps s
  WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'waiting' AND s.due_at <= :now ${which}
    AND EXISTS (SELECT 1 FROM marketing_campaigns c
                WHERE c.id = s.campaign_id AND c.tenant_id = :tenant AND c.state = 'active')
  ORDER BY s.due_at, s.id LIMIT :limit`;

/**
 * People that were sent on by a runtime that died (or whose wire was cut by a deploy) before anybody took them over. Also
 * those of a campaign that is over: what they arrive at ends them.
 */
const ADRIFT = `SELECT s.id FROM marketing_steps s
  WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = :adrift AND s.lease_owner IS NULL
    AND EXISTS (SELECT 1 FROM marketing_campaigns c
                WHERE c.id = s.campaign_id AND c.tenant_id = :tenant AND c.state <> 'paused')
  ORDER BY s.due_at, s.id LIMIT :limit`;

async function claim(
  scope: Scope,
  which: string,
  set: string,
  values: Record<string, string | number>,
): Promise<StepRow[]> {
  const { dialect } = scope;
  if (dialect.updateReturning) {
    // Chosen once: PostgreSQL may run a sub-query again for each row, and would then take more than the limit.
    return scope.all<StepRow>(
      `WITH chosen AS MATERIALIZED (${which} ${dialect.skipLocked})
       UPDATE marketing_steps SET ${set} WHERE tenant_id = :tenant AND id IN (SELECT id FROM chosen) RETURNING ${COLUMNS}`,
      values,
    );
  }
  // A locking read would lock (or skip) the campaigns of the sub-query as well. So: look first, then lock the steps alone.
  return scope.transaction(async (tx) => {
    const seen = await tx.all<{ id: number }>(which, values);
    const free = await lockFree(tx, seen, 'adrift' in values ? 'lease_owner IS NULL' : `state = 'waiting'`);
    if (free.length === 0) return [];
    const rows = JSON.stringify(free.map(({ id }) => [id]));
    const chosen = `(SELECT r.step FROM ${dialect.rows('rows', { step: 'int' }, 'r')})`;
    await tx.run(`UPDATE marketing_steps SET ${set} WHERE tenant_id = :tenant AND id IN ${chosen}`, {
      ...values,
      rows,
    });
    return tx.all<StepRow>(`SELECT ${COLUMNS} FROM marketing_steps WHERE tenant_id = :tenant AND id IN ${chosen}`, {
      rows,
    });
  });
}

async function lockFree(tx: Scope, steps: readonly { id: number }[], still: string): Promise<{ id: number }[]> {
  if (steps.length === 0) return [];
  return tx.all<{ id: number }>(
    `SELECT s.id FROM ${tx.dialect.rows('rows', { step: 'int' }, 'r')}
     ${tx.dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
     WHERE s.${still} ${tx.dialect.skipLocked}`,
    { rows: JSON.stringify(steps.map(({ id }) => [id])) },
  );
}

function leased(rows: StepRow[], owner: string): ReleasedStep[] {
  return rows
    .map((row) => ({
      id: row.id,
      campaign: row.campaign_id,
      enrollment: row.enrollment_id,
      lead: row.lead_id,
      attempt: row.attempt,
      crashes: row.crashes,
      dueAt: row.due_at,
      createdAt: row.created_at,
      owner,
      port: row.port ?? 0,
      outcome: row.outcome,
    }))
    .sort((a, b) => a.dueAt - b.dueAt || a.id - b.id);
}

interface Claim {
  station: number;
  owner: string;
  limit: number;
  now: number;
}

const WORK = `state = 'working', lease_owner = :owner, attempt = attempt + 1, updated_at = :now`;

/**
 * Leases due people for work, without suspects. The attempt counts before the work begins, so that a step that kills
 * its worker is noticed.
 */
export async function leaseForWork(scope: Scope, { station, owner, limit, now }: Claim): Promise<LeasedStep[]> {
  const rows = await claim(scope, due(`AND s.crashes < ${SUSPECT_AFTER}`), WORK, { station, owner, limit, now });
  return leased(rows, owner);
}

/** Leases due suspects: one that has to be alone, or a small group of the others. */
export async function leaseSuspects(scope: Scope, { station, owner, limit, now }: Claim): Promise<LeasedStep[]> {
  const alone = await claim(scope, due(`AND s.crashes >= ${ALONE_AFTER}`), WORK, { station, owner, limit: 1, now });
  if (alone.length > 0) return leased(alone, owner);
  const few = Math.min(limit, SUSPECTS);
  return leased(
    await claim(scope, due(`AND s.crashes = ${SUSPECT_AFTER}`), WORK, { station, owner, limit: few, now }),
    owner,
  );
}

/**
 * Releases due people of a station that has no work of its own (trigger, delay): leased and decided in one statement. They go
 * through the output that their row names, or the first one.
 * @param asks whether those whose output is still to be said stay
 */
export async function releaseDue(
  scope: Scope,
  { station, owner, limit, now, asks, join }: Claim & { asks: boolean; join: boolean },
): Promise<ReleasedStep[]> {
  const rows = await claim(
    scope,
    // At a join only those who go on for all of their branches; the others wait for them.
    due(join ? 'AND s.port IS NOT NULL' : asks ? 'AND (s.port IS NULL OR s.port >= 0)' : ''),
    `state = 'released', port = CASE WHEN port < 0 THEN 1 ELSE COALESCE(port, 0) END, lease_owner = :owner, attempt = attempt + 1, released_at = :now, updated_at = :now`,
    { station, owner, limit, now },
  );
  return leased(rows, owner);
}

/** Takes up people that are adrift, to send them on once more. */
export async function claimAdrift(
  scope: Scope,
  { station, owner, limit, now, state }: Claim & { state: string },
): Promise<ReleasedStep[]> {
  const rows = await claim(scope, ADRIFT, 'lease_owner = :owner, released_at = :now, updated_at = :now', {
    station,
    owner,
    limit,
    now,
    adrift: state,
  });
  return leased(rows, owner);
}

/** When somebody at this station is next due, or undefined when nobody waits. */
export async function nextDue(scope: Scope, station: number): Promise<number | undefined> {
  const row = await scope.get<{ due_at: number }>(
    `SELECT due_at FROM marketing_steps
     WHERE tenant_id = :tenant AND station_id = :station AND state = 'waiting' ORDER BY due_at LIMIT 1`,
    { station },
  );
  return row?.due_at;
}
