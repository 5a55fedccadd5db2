import { record } from '../../history';
import { wakeSteps, type ArrivedStep } from '../../ledger';
import { announce } from '../../outbox';
import { storable, type Scope } from '../../store';
import type { Compensation, CompensationEntry, UndoCause } from './types';

/** A run in this process's hands. `fence` names the lease: who writes under an older one writes nothing. */
export interface Run {
  readonly id: number;
  readonly campaign: number;
  readonly enrollment: number;
  readonly lead: number;
  readonly step: number;
  readonly cause: UndoCause;
  readonly state: 'spreading' | 'running';
  readonly fence: number;
  readonly owner: string;
}

interface RunRow {
  id: number;
  campaign_id: number;
  enrollment_id: number;
  lead_id: number;
  step_id: number;
  cause: UndoCause;
  state: 'spreading' | 'running';
  fence: number;
}

/** Enrollments for which runs are opened in one transaction. */
const SPREAD = 500;

/** Opens a run for each person who has arrived at a compensate station; once for each arrival. */
export async function openForSteps(
  tx: Scope,
  steps: readonly Pick<ArrivedStep, 'id' | 'campaign' | 'enrollment' | 'lead'>[],
): Promise<void> {
  await openRuns(
    tx,
    steps.map(({ id, campaign, enrollment, lead }) => ({
      campaign,
      enrollment,
      lead,
      step: id,
      key: `step:${id}`,
      cause: 'node',
      actor: 'system',
      state: 'running',
    })),
  );
}

/** Opens a run that opens one for each person of a campaign, and then undoes what was done for the campaign as a whole. */
export async function openForCampaign(
  tx: Scope,
  { campaign, key, cause, actor }: { campaign: number; key: string; cause: UndoCause; actor: string },
): Promise<void> {
  await openRuns(tx, [{ campaign, enrollment: 0, lead: 0, step: 0, key, cause, actor, state: 'spreading' }]);
  await record(tx, { event: 'compensation.started', campaign, actor, payload: { cause } });
}

interface NewRun {
  campaign: number;
  enrollment: number;
  lead: number;
  step: number;
  key: string;
  cause: UndoCause;
  actor: string;
  state: 'spreading' | 'running';
}

async function openRuns(tx: Scope, runs: readonly NewRun[]): Promise<void> {
  if (runs.length === 0) return;
  const { dialect } = tx;
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_undo_runs
       (tenant_id, campaign_id, enrollment_id, lead_id, step_id, run_key, cause, actor, state, due_at, opened_at)
     SELECT :tenant, r.campaign, r.enrollment, r.lead, r.step, r.of_key, r.of_cause, r.by_actor, r.to_state, :now, :now
     FROM ${dialect.rows(
       'rows',
       {
         campaign: 'int',
         enrollment: 'int',
         lead: 'int',
         step: 'int',
         of_key: 'text',
         of_cause: 'text',
         by_actor: 'text',
         to_state: 'text',
       },
       'r',
     )} WHERE 1 = 1 ${dialect.ignoreTail}`,
    {
      now: tx.clock.now(),
      rows: JSON.stringify(
        runs.map((run) => [
          run.campaign,
          run.enrollment,
          run.lead,
          run.step,
          run.key,
          run.cause,
          storable(run.actor, 128),
          run.state,
        ]),
      ),
    },
  );
}

/**
 * Leases due runs: of each person (and each campaign as a whole) the oldest one only, so that never two undo for the same person at
 * once. The owner is a runtime; what one held that is gone is free again.
 * @param held runs that this process has in its hands
 */
export async function claimRuns(
  scope: Scope,
  { owner, limit, held }: { owner: string; limit: number; held: ReadonlySet<number> },
): Promise<Run[]> {
  const rows: RunRow[] = [];
  for (const state of ['spreading', 'running'] as const) {
    const wanted = limit + held.size - rows.length;
    // Of one state, in the order of the index: a cancelled campaign has a run for each of its people.
    if (wanted > 0) {
      rows.push(
        ...(await scope.all<RunRow>(
          `SELECT u.id, u.campaign_id, u.enrollment_id, u.lead_id, u.step_id, u.cause, u.state, u.fence FROM marketing_undo_runs u
           WHERE u.tenant_id = :tenant AND u.state = :state AND u.due_at <= :now
             AND (u.lease_owner IS NULL OR u.lease_owner = :owner
                  OR NOT EXISTS (SELECT 1 FROM marketing_runtimes r WHERE r.tenant_id = :tenant AND r.id = u.lease_owner))
             AND (SELECT o.id FROM marketing_undo_runs o WHERE o.tenant_id = :tenant AND o.campaign_id = u.campaign_id
                  AND o.enrollment_id = u.enrollment_id AND o.id < u.id AND o.state IN ('spreading', 'running') LIMIT 1) IS NULL
           ORDER BY u.due_at LIMIT ${wanted}`,
          { owner, state, now: scope.clock.now() },
        )),
      );
    }
  }
  const runs: Run[] = [];
  for (const row of rows) {
    if (held.has(row.id) || runs.length === limit) continue;
    const taken = await scope.run(
      `UPDATE marketing_undo_runs SET lease_owner = :owner, fence = fence + 1
       WHERE tenant_id = :tenant AND id = :id AND fence = :fence AND state IN ('spreading', 'running')`,
      { owner, id: row.id, fence: row.fence },
    );
    if (taken === 1) runs.push(runOf(row, owner));
  }
  return runs;
}

function runOf(row: RunRow, owner: string): Run {
  return {
    id: row.id,
    campaign: row.campaign_id,
    enrollment: row.enrollment_id,
    lead: row.lead_id,
    step: row.step_id,
    cause: row.cause,
    state: row.state,
    fence: row.fence + 1,
    owner,
  };
}

/** Whether the run is still in our hands; it is locked until the transaction ends. */
export async function stillOurs(tx: Scope, { id, owner, fence }: Run): Promise<boolean> {
  const row = await tx.get(
    `SELECT u.id FROM marketing_undo_runs u
     WHERE u.tenant_id = :tenant AND u.id = :id AND u.lease_owner = :owner AND u.fence = :fence ${tx.dialect.forUpdate}`,
    { id, owner, fence },
  );
  return row !== undefined;
}

/** Lets go of a run until `dueAt` (ms). */
export async function parkRun(scope: Scope, { id, owner, fence }: Run, dueAt: number): Promise<void> {
  await scope.run(
    `UPDATE marketing_undo_runs SET lease_owner = NULL, due_at = :dueAt
     WHERE tenant_id = :tenant AND id = :id AND lease_owner = :owner AND fence = :fence`,
    { id, owner, fence, dueAt },
  );
}

/** Opens the runs of the next people; false when it is through (or somebody else's). */
export async function spread(scope: Scope, run: Run): Promise<boolean> {
  return scope.transaction(async (tx) => {
    if (!(await stillOurs(tx, run))) return false;
    const people = await tx.all<{ enrollment_id: number; lead_id: number }>(
      `SELECT DISTINCT n.enrollment_id, n.lead_id FROM marketing_undos n
       WHERE n.tenant_id = :tenant AND n.campaign_id = :campaign AND n.state = 'registered'
         AND n.enrollment_id > (SELECT u.spread_after FROM marketing_undo_runs u WHERE u.tenant_id = :tenant AND u.id = :id)
       ORDER BY n.enrollment_id LIMIT ${SPREAD}`,
      { campaign: run.campaign, id: run.id },
    );
    await openRuns(
      tx,
      people.map(({ enrollment_id, lead_id }) => ({
        campaign: run.campaign,
        enrollment: enrollment_id,
        lead: lead_id,
        step: 0,
        key: `run:${run.id}:${enrollment_id}`,
        cause: run.cause,
        actor: 'system',
        state: 'running',
      })),
    );
    const last = people.at(-1);
    const more = people.length === SPREAD && last !== undefined;
    await tx.run(
      `UPDATE marketing_undo_runs SET state = :state, spread_after = :after WHERE tenant_id = :tenant AND id = :id`,
      { state: more ? 'spreading' : 'running', after: last?.enrollment_id ?? 0, id: run.id },
    );
    return more;
  });
}

/**
 * Closes a run: rolled back only when every undo succeeded. Whoever waits for it at a compensate station goes on with what was
 * undone in which order.
 * @returns stations to wake; `more` when something has been registered meanwhile, `lost` when the run is somebody else's
 */
export async function closeRun(scope: Scope, run: Run): Promise<Set<number> | 'more' | 'lost'> {
  return scope.transaction(async (tx) => {
    if (!(await stillOurs(tx, run))) return 'lost';
    if (await nextUndo(tx, run)) return 'more';
    const found = await compensationOf(tx, run.id);
    const partly = found.failed.length > 0;
    await tx.run(
      `UPDATE marketing_undo_runs SET state = :state, lease_owner = NULL, closed_at = :now WHERE tenant_id = :tenant AND id = :id`,
      { state: partly ? 'partly' : 'undone', now: tx.clock.now(), id: run.id },
    );
    const data = { campaign: run.campaign, enrollment: run.enrollment, lead: run.lead, cause: run.cause };
    // A campaign that is cancelled is written down once, and not for each of its people.
    if (run.step > 0 || run.enrollment === 0 || partly) {
      await record(tx, {
        event: partly ? 'compensation.partly_undone' : 'compensation.undone',
        campaign: run.campaign,
        actor: 'system',
        payload: { ...data, undone: found.undone.length, failed: found.failed },
      });
    }
    await announce(tx, [
      {
        type: partly ? 'marketing.compensation.partly_undone' : 'marketing.compensation.undone',
        data: { ...data, undone: found.undone, failed: found.failed },
      },
    ]);
    if (run.step === 0) return new Set();
    const { stations } = await wakeSteps(tx, [{ step: run.step, port: partly ? 1 : 0, outcome: found }]);
    return stations;
  });
}

/** What is to be undone next: of what is left, what was begun last. */
export async function nextUndo(
  db: Scope,
  { campaign, enrollment }: Pick<Run, 'campaign' | 'enrollment'>,
): Promise<UndoRow | undefined> {
  return db.get<UndoRow>(
    `SELECT n.id, n.campaign_id, n.enrollment_id, n.lead_id, n.step_id, n.seq, n.kind, n.undo_key, n.params, n.attempt, n.due_at
     FROM marketing_undos n WHERE n.tenant_id = :tenant AND n.campaign_id = :campaign AND n.enrollment_id = :enrollment
       AND n.state = 'registered' ORDER BY n.seq DESC LIMIT 1`,
    { campaign, enrollment },
  );
}

/** An undo that waits for its turn. */
export interface UndoRow {
  id: number;
  campaign_id: number;
  enrollment_id: number;
  lead_id: number;
  step_id: number;
  seq: number;
  kind: string;
  undo_key: string;
  params: string | null;
  attempt: number;
  due_at: number;
}

/** What a run has undone, the last effect first. */
export async function compensationOf(db: Scope, run: number): Promise<Compensation> {
  const rows = await db.all<{
    kind: string;
    step: string | null;
    seq: number;
    state: string;
    reason: string | null;
    note: string | null;
    message: string | null;
  }>(
    `SELECT n.kind, t.step, n.seq, n.state, n.reason, n.note, m.state AS message FROM marketing_undos n
     LEFT JOIN marketing_steps s ON s.id = n.step_id AND s.tenant_id = :tenant
     LEFT JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
     LEFT JOIN marketing_messages m ON m.step_id = n.step_id AND m.tenant_id = :tenant
     WHERE n.tenant_id = :tenant AND n.run_id = :run ORDER BY n.seq DESC`,
    { run },
  );
  const entry = ({ kind, step, seq, note, reason }: (typeof rows)[number]): CompensationEntry => ({
    kind,
    step: step ?? '',
    seq,
    ...(note === null ? {} : { note }),
    ...(reason === null ? {} : { reason }),
  });
  const failed = rows.filter(({ state }) => state === 'failed');
  const undone = rows.filter(({ state }) => state !== 'failed' && state !== 'registered');
  return {
    state: failed.length > 0 ? 'partly undone' : 'undone',
    undone: undone.map(entry),
    failed: failed.map(entry),
    sent: rows.filter(({ message }) => message === 'sent' || message === 'unknown').length,
  };
}
