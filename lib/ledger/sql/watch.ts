import type { Scope } from '../../store';
import { endEnrollments, OPEN } from './enrollments';

interface Lost {
  id: number;
  enrollment_id: number;
  step: string;
}

/**
 * People who were sent on longer than the transit time ago and whom no station has received: a node in between dropped
 * them, an output leads nowhere, or the station that would send them on again is no longer in the flow. Recorded as having left the flow, with where.
 * @returns their enrollments
 */
export async function recordLeftTheFlow(scope: Scope, before: number, now: number): Promise<number[]> {
  return scope.transaction(async (tx) => {
    const lost = await tx.all<Lost>(
      `SELECT s.id, s.enrollment_id, t.step FROM marketing_steps s
       JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
       WHERE s.tenant_id = :tenant AND s.state = 'released' AND s.released_at < :before
         AND (s.lease_owner IS NOT NULL OR t.state = 'missing')
         AND s.station_id IN (SELECT x.id FROM marketing_stations x WHERE x.tenant_id = :tenant)
       ORDER BY s.id LIMIT 500 ${ofSteps(tx)}`,
      { before },
    );
    if (lost.length === 0) return [];
    await tx.run(
      tx.dialect.updateFrom(
        'marketing_steps',
        tx.dialect.rows('rows', { step_id: 'int', exit_reason: 'text' }, 'r'),
        `state = 'done', reason = exit_reason, updated_at = :now`,
        `marketing_steps.id = r.step_id AND tenant_id = :tenant AND state = 'released'`,
      ),
      { now, rows: JSON.stringify(lost.map(({ id, step }) => [id, leftAfter(step)])) },
    );
    await endEnrollments(
      tx,
      lost.map(({ enrollment_id, step }) => ({ enrollment: enrollment_id, reason: leftAfter(step) })),
      now,
    );
    return lost.map(({ enrollment_id }) => enrollment_id);
  });
}

/**
 * Locks the steps alone. MySQL would lock (or skip) the joined stations too; there the UPDATE that follows asks for the
 * state once more, and ending an enrollment twice ends it once.
 */
function ofSteps({ dialect }: Scope): string {
  return dialect.name === 'postgres' ? 'FOR UPDATE OF s SKIP LOCKED' : '';
}

function leftAfter(step: string): string {
  return `left the flow after ${step}`;
}

/**
 * Closes forks whose branches have had time to arrive; ends enrollments in which nothing is open any more.
 * @param quiet forks behind which nothing lets people wait are closed when the last of their branches arrived before it
 * @returns their enrollments
 */
export async function settleForks(
  scope: Scope,
  { before, quiet, now }: { before: number; quiet: number; now: number },
): Promise<number[]> {
  const prompt = scope.dialect.jsonText('t.config', 'prompt');
  return scope.transaction(async (tx) => {
    const settled = await tx.all<{ id: number; enrollment_id: number; reason: string | null }>(
      `SELECT s.id, s.enrollment_id, s.reason FROM marketing_steps s
       JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
       WHERE s.tenant_id = :tenant AND s.state = 'branching'
         AND (s.released_at < :before OR (s.updated_at < :quiet AND s.released_at < :quiet AND ${prompt} = 'yes'))
         AND (s.lease_owner IS NOT NULL OR t.state = 'missing')
         AND s.station_id IN (SELECT x.id FROM marketing_stations x WHERE x.tenant_id = :tenant)
       ORDER BY s.id LIMIT 500 ${ofSteps(tx)}`,
      { before, quiet },
    );
    if (settled.length === 0) return [];
    await tx.run(
      `UPDATE marketing_steps SET state = 'done', updated_at = :now WHERE tenant_id = :tenant AND state = 'branching'
         AND id IN (SELECT r.step FROM ${tx.dialect.rows('rows', { step: 'int' }, 'r')})`,
      { now, rows: JSON.stringify(settled.map(({ id }) => [id])) },
    );
    await endEnrollments(
      tx,
      settled.map(({ enrollment_id, reason }) => ({ enrollment: enrollment_id, reason: reason ?? 'completed' })),
      now,
    );
    return settled.map(({ enrollment_id }) => enrollment_id);
  });
}

/** Active campaigns that are looked at in one go: a few milliseconds, however many there are. */
const LOOKED_AT = 5_000;
/** Those found that are dealt with in one go. */
const FOUND = 500;

/** Where a search through the active campaigns has come to, in the order of their age. */
export interface SearchPlace {
  readonly at: number;
  readonly id: number;
}

/**
 * Launched campaigns that are through: their audience is written, and nobody is under way any more. Looks at a part of the active
 * ones, after a place; `next` says where to go on, and is absent when the search is at its end.
 */
export async function findFinishedCampaigns(
  scope: Scope,
  { at, id }: SearchPlace = { at: -1, id: 0 },
): Promise<{ finished: number[]; next?: SearchPlace }> {
  // Read from the index alone, and only then looked up: most of a large tenant's campaigns are not active.
  const active = `SELECT c.created_at AS at, c.id FROM marketing_campaigns c
     WHERE c.tenant_id = :tenant AND c.state = 'active' AND c.created_at >= :at AND (c.created_at > :at OR c.id > :id)
     ORDER BY c.created_at, c.id`;
  // (A subquery with a LIMIT stays a look into the index per campaign; PostgreSQL joins NOT EXISTS as it likes.)
  const end = await scope.get<SearchPlace>(`${active} LIMIT 1 OFFSET ${LOOKED_AT - 1}`, { at, id });
  const found = await scope.all<SearchPlace>(
    `SELECT p.at, p.id FROM (${active} LIMIT ${LOOKED_AT}) AS p
     ${scope.dialect.join} marketing_campaigns f ON f.id = p.id AND f.tenant_id = :tenant
     WHERE f.expand_station_id IS NOT NULL AND f.expanding_from IS NULL
       AND (SELECT e.id FROM marketing_enrollments e
            WHERE e.tenant_id = :tenant AND e.campaign_id = p.id AND e.state = 'active' LIMIT 1) IS NULL
     ORDER BY p.at, p.id LIMIT ${FOUND}`,
    { at, id },
  );
  const next = found.length < FOUND ? end : found.at(-1);
  return { finished: found.map((one) => one.id), ...(next ? { next } : {}) };
}

/**
 * Enrollments that are active although nothing of them is open: should never be; healed when found. The search runs in
 * the background, because it looks at everybody who is under way.
 */
export async function healEnrollments(scope: Scope, now: number): Promise<number> {
  const idle = await scope.background((db) =>
    db.all<{ id: number }>(
      `SELECT e.id FROM marketing_enrollments e
       WHERE e.tenant_id = :tenant AND e.state = 'active' AND e.entered_at < :before
         AND NOT EXISTS (SELECT 1 FROM marketing_steps s
                         WHERE s.tenant_id = :tenant AND s.enrollment_id = e.id AND s.state IN ${OPEN})
       LIMIT 500`,
      { before: now - 60_000 },
    ),
  );
  if (idle.length === 0) return 0;
  await endEnrollments(
    scope,
    idle.map(({ id }) => ({ enrollment: id, reason: 'completed' })),
    now,
  );
  return idle.length;
}

/** People by state at one station. */
export async function countByState(scope: Scope, station: number): Promise<Record<string, number>> {
  const rows = await scope.all<{ state: string; people: number }>(
    `SELECT state, COUNT(*) AS people FROM marketing_steps
     WHERE tenant_id = :tenant AND station_id = :station
       AND state IN ('waiting', 'working', 'paused', 'failed', 'unknown', 'orphaned') GROUP BY state`,
    { station },
  );
  return Object.fromEntries(rows.map(({ state, people }) => [state, people]));
}
