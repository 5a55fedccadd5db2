import { parseJson, type Scope } from '../store';
import type { WaitFor, WaitSpec } from './types';

/** A wait as it is kept. */
export interface Wait {
  readonly step: number;
  readonly station: number;
  readonly campaign: number;
  readonly lead: number;
  readonly since: number;
  readonly spec: WaitSpec;
  /** The spec as text: those who wait for the same are decided together. */
  readonly key: string;
  /** Whether the step still stands where the wait began, and has not gone on. */
  readonly stands: boolean;
}

interface WaitRow {
  step_id: number;
  station_id: number;
  campaign_id: number;
  lead_id: number;
  since: number;
  spec: string;
  at_station: number | null;
  state: string | null;
}

/** States in which somebody still waits. */
const ASLEEP: readonly string[] = ['waiting', 'paused', 'orphaned'];

const COLUMNS =
  'w.step_id, w.station_id, w.campaign_id, w.lead_id, w.since, w.spec, s.station_id AS at_station, s.state';

/** The waits of leads: all, or those of some kinds. */
export async function waitsOf(tx: Scope, leads: Iterable<number>, kinds: readonly WaitFor['kind'][]): Promise<Wait[]> {
  const ids = [...new Set(leads)].map((lead) => [lead]);
  if (ids.length === 0) return [];
  const named = kinds.map((kind) => `'${kind}'`).join(', ');
  const rows = await tx.all<WaitRow>(
    `SELECT ${COLUMNS} FROM ${tx.dialect.rows('leads', { lead: 'int' }, 'r')}
     ${tx.dialect.join} marketing_waits w ON w.lead_id = r.lead AND w.tenant_id = :tenant AND w.kind IN (${named})
     LEFT JOIN marketing_steps s ON s.id = w.step_id AND s.tenant_id = :tenant`,
    { leads: JSON.stringify(ids) },
  );
  return rows.map(waitOf);
}

/** Waits of people at a station whose time is up and of whom it is still to be said where they go. */
export async function overdueWaits(
  tx: Scope,
  { station, now, limit }: { station: number; now: number; limit: number },
): Promise<{ step: number; wait: Wait | undefined }[]> {
  const rows = await tx.all<WaitRow & { id: number; wait_id: number | null }>(
    `SELECT s.id, w.id AS wait_id, w.step_id, w.campaign_id, w.lead_id, w.since, w.spec,
            s.station_id, s.station_id AS at_station, s.state
     FROM marketing_steps s
     LEFT JOIN marketing_waits w ON w.step_id = s.id AND w.tenant_id = :tenant
     WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'waiting' AND s.due_at <= :now AND s.port < 0
       AND EXISTS (SELECT 1 FROM marketing_campaigns c WHERE c.id = s.campaign_id AND c.tenant_id = :tenant AND c.state = 'active')
     ORDER BY s.due_at, s.id LIMIT :limit`,
    { station, now, limit },
  );
  return rows.map((row) => ({ step: row.id, wait: row.wait_id === null ? undefined : waitOf(row) }));
}

function waitOf(row: WaitRow): Wait {
  return {
    step: row.step_id,
    station: row.station_id,
    campaign: row.campaign_id,
    lead: row.lead_id,
    since: row.since,
    spec: parseJson<WaitSpec>(row.spec, { for: { kind: 'segment', segment: '' } }),
    key: row.spec,
    stands: row.at_station === row.station_id && ASLEEP.includes(row.state ?? ''),
  };
}

/** Somebody who begins to wait. */
export type NewWait = Omit<Wait, 'stands' | 'spec'> & { readonly kind: string; readonly event: string | undefined };

const ROW = {
  step: 'int',
  station: 'int',
  campaign: 'int',
  lead: 'int',
  what: 'text',
  named: 'text',
  from_when: 'int',
  said: 'text',
} as const;

export async function insertWaits(tx: Scope, waits: readonly NewWait[]): Promise<void> {
  if (waits.length === 0) return;
  await tx.run(
    `INSERT INTO marketing_waits (tenant_id, step_id, station_id, campaign_id, lead_id, kind, event, since, spec, created_at)
     SELECT :tenant, r.step, r.station, r.campaign, r.lead, r.what, r.named, r.from_when, r.said, :now
       FROM ${tx.dialect.rows('rows', ROW, 'r')}`,
    {
      now: tx.clock.now(),
      rows: JSON.stringify(
        waits.map((wait) => [
          wait.step,
          wait.station,
          wait.campaign,
          wait.lead,
          wait.kind,
          wait.event ?? null,
          wait.since,
          wait.key,
        ]),
      ),
    },
  );
}

export async function deleteWaits(tx: Scope, steps: Iterable<number>): Promise<void> {
  const ids = [...steps].map((step) => [step]);
  if (ids.length === 0) return;
  await tx.run(
    `DELETE FROM marketing_waits WHERE tenant_id = :tenant
       AND step_id IN (SELECT r.step FROM ${tx.dialect.rows('steps', { step: 'int' }, 'r')})`,
    { steps: JSON.stringify(ids) },
  );
}

export async function deleteWaitsOfLead(tx: Scope, lead: number): Promise<void> {
  await tx.run('DELETE FROM marketing_waits WHERE tenant_id = :tenant AND lead_id = :lead', { lead });
}

/**
 * Gives steps that have not gone on yet their output, and when they go.
 * @param unsaid only those of which it is still to be said: whom another transaction has woken at this moment keeps what it has said
 */
export async function direct(
  tx: Scope,
  steps: readonly { step: number; port: number; dueAt: number; outcome?: unknown }[],
  { unsaid = false }: { unsaid?: boolean } = {},
): Promise<void> {
  if (steps.length === 0) return;
  await tx.run(
    tx.dialect.updateFrom(
      'marketing_steps',
      tx.dialect.rows('rows', { step: 'int', to_port: 'int', to_due: 'int', to_outcome: 'text' }, 'r'),
      'port = to_port, due_at = to_due, outcome = COALESCE(to_outcome, outcome), updated_at = :now',
      `marketing_steps.id = r.step AND tenant_id = :tenant AND state IN ('waiting', 'paused')
         ${unsaid ? 'AND port < 0' : ''}`,
    ),
    {
      now: tx.clock.now(),
      rows: JSON.stringify(
        steps.map(({ step, port, dueAt, outcome }) => [
          step,
          port,
          dueAt,
          outcome === undefined ? null : JSON.stringify(outcome),
        ]),
      ),
    },
  );
}

/** Where steps stand, and when their people entered the journey. */
export async function placesOf(
  tx: Scope,
  steps: readonly number[],
): Promise<Map<number, { station: number; enteredAt: number }>> {
  const rows = await tx.all<{ id: number; station_id: number; entered_at: number }>(
    `SELECT s.id, s.station_id, e.entered_at FROM ${tx.dialect.rows('steps', { step: 'int' }, 'r')}
     ${tx.dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
     ${tx.dialect.join} marketing_enrollments e ON e.id = s.enrollment_id AND e.tenant_id = :tenant`,
    { steps: JSON.stringify(steps.map((step) => [step])) },
  );
  return new Map(rows.map((row) => [row.id, { station: row.station_id, enteredAt: row.entered_at }]));
}

/** A page of waits in the order of their ids; those whose step has gone on, or is elsewhere, are told apart. */
export async function lookThrough(
  scope: Scope,
  after: number,
  limit: number,
): Promise<{ last: number | undefined; gone: number[] }> {
  const rows = await scope.all<WaitRow & { id: number }>(
    `SELECT w.id, ${COLUMNS} FROM marketing_waits w
     LEFT JOIN marketing_steps s ON s.id = w.step_id AND s.tenant_id = :tenant
     WHERE w.tenant_id = :tenant AND w.id > :after ORDER BY w.id LIMIT :limit`,
    { after, limit },
  );
  const gone = rows.filter((row) => !waitOf(row).stands).map((row) => row.step_id);
  return { last: rows.length < limit ? undefined : rows.at(-1)?.id, gone };
}
