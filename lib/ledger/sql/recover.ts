import { moveMetrics, settledOf, type MetricDelta } from '../../metrics';
import type { Scope } from '../../store';
import { isOver, lockCampaigns } from './campaign-locks';
import { CounterDeltas } from './counters';
import { reachedOf } from './end-branches';
import { endEnrollments } from './enrollments';

interface HeldRow {
  id: number;
  campaign_id: number;
  enrollment_id: number;
  station_id: number;
  crashes: number;
  policy: string;
}

interface SendingRow {
  id: number;
  step_id: number;
  variant: string;
  channel: string;
}

/** Deaths of its runtime after which a step is taken for the cause of them. */
export const MAX_CRASHES = 5;

/** What was found in the hands of a runtime that is gone. */
export interface Recovered {
  /** Back in the queue. */
  returned: number;
  /** Messages of which nobody knows whether they went out. */
  inDoubt: number;
  /** Put into the dead-letter list because their runtime died with them too often. */
  poisonous: number;
  /** Sent on, but not taken over: will be sent on again. */
  adrift: number;
}

/**
 * Takes everything out of the hands of a runtime that is gone, in one transaction. Whoever deletes the runtime's row
 * first does it; another rescuer finds nothing. From here on, the dead runtime's late completions are refused,
 * because their lease is no longer there.
 */
export async function recoverRuntime(
  scope: Scope,
  { id, now, force }: { id: string; now: number; force: boolean },
): Promise<Recovered | undefined> {
  return scope.transaction(async (tx) => {
    const mine = await tx.run(
      `DELETE FROM marketing_runtimes WHERE tenant_id = :tenant AND id = :id
       ${force ? '' : `AND (stopped_at IS NOT NULL OR lease_until < ${tx.dialect.nowMs})`}`,
      { id },
    );
    if (mine === 0) return undefined;
    const stations = `(SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant)`;
    const seen = await tx.all<HeldRow>(
      `SELECT s.id, s.campaign_id, s.enrollment_id, s.station_id, s.crashes, COALESCE(t.on_unknown, c.on_unknown) AS policy
       FROM marketing_steps s
       JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
       JOIN marketing_campaigns c ON c.id = s.campaign_id AND c.tenant_id = :tenant
       WHERE s.tenant_id = :tenant AND s.station_id IN ${stations} AND s.state = 'working' AND s.lease_owner = :id`,
      { id },
    );
    const campaigns = await lockCampaigns(
      tx,
      seen.map(({ campaign_id }) => campaign_id),
    );
    const held = await stillHeld(tx, id, seen);
    const sending = await beingSent(tx, held);
    const reached = await reachedOf(
      tx,
      held.map(({ enrollment_id }) => enrollment_id),
    );
    const ends: { enrollment: number; reason: string }[] = [];
    const rows: unknown[][] = [];
    const doubtful: number[] = [];
    const moved: MetricDelta[] = [];
    const counters = new CounterDeltas();
    let poisonous = 0;
    for (const step of held) {
      const message = sending.get(step.id);
      if (message) {
        doubtful.push(message.id);
        const { campaign_id: campaign } = step;
        const { variant, channel } = message;
        moved.push(...settledOf({ campaign, variant, channel, state: 'unknown', settledAt: now, costMicros: 0 }));
      }
      if (step.crashes + 1 >= MAX_CRASHES) {
        poisonous++;
        counters.add(step.campaign_id, step.station_id, 'dead');
        rows.push([step.id, 'failed', step.crashes + 1, 'E_POISON: its runtime died with it again and again']);
        continue;
      }
      if (message && step.policy !== 'resend') {
        counters.add(step.campaign_id, step.station_id, 'unknown');
        rows.push([step.id, 'unknown', step.crashes + 1, 'the sender stopped while it was under way']);
        continue;
      }
      const campaign = campaigns.get(step.campaign_id);
      const reason = isOver(campaign) ? `the campaign was ${campaign}` : reached.get(step.enrollment_id);
      if (reason !== undefined) {
        ends.push({ enrollment: step.enrollment_id, reason });
        rows.push([step.id, 'cancelled', step.crashes + 1, reason]);
      } else rows.push([step.id, 'waiting', step.crashes + 1, null]);
    }
    if (rows.length > 0) {
      await tx.run(
        tx.dialect.updateFrom(
          'marketing_steps',
          tx.dialect.rows('rows', { step: 'int', to_state: 'text', deaths: 'int', to_reason: 'text' }, 'r'),
          'state = to_state, crashes = deaths, reason = to_reason, lease_owner = NULL, updated_at = :now',
          'marketing_steps.id = r.step AND tenant_id = :tenant',
        ),
        { now, rows: JSON.stringify(rows) },
      );
    }
    // All steps before the counters, as everywhere.
    let adrift = 0;
    for (const state of ['released', 'branching']) {
      adrift += await tx.run(
        `UPDATE marketing_steps SET lease_owner = NULL
         WHERE tenant_id = :tenant AND station_id IN ${stations} AND state = :state AND lease_owner = :id`,
        { state, id },
      );
    }
    if (doubtful.length > 0) {
      await tx.run(
        `UPDATE marketing_messages SET state = 'unknown', in_doubt = 1, settled_at = :now,
                reason = 'the sender stopped while it was under way'
         WHERE tenant_id = :tenant AND id IN (SELECT r.message FROM ${tx.dialect.rows('rows', { message: 'int' }, 'r')})`,
        { now, rows: JSON.stringify(doubtful.map((message) => [message])) },
      );
      await moveMetrics(tx, moved);
    }
    await endEnrollments(tx, ends, now);
    await counters.write(tx);
    const unknown = rows.filter(([, state]) => state === 'unknown').length;
    return { returned: rows.length - unknown - poisonous - ends.length, inDoubt: doubtful.length, poisonous, adrift };
  });
}

/**
 * Of these steps, those that the runtime has in its hands at this moment, locked: it may not be dead after all, and be writing
 * what became of some of them.
 */
async function stillHeld(tx: Scope, owner: string, seen: readonly HeldRow[]): Promise<HeldRow[]> {
  if (seen.length === 0) return [];
  const { dialect } = tx;
  const rows = await tx.all<{ id: number }>(
    `SELECT s.id FROM ${dialect.rows('rows', { step: 'int' }, 'r')}
     ${dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
     WHERE s.state = 'working' AND s.lease_owner = :owner
     ${dialect.name === 'postgres' ? 'ORDER BY s.id FOR UPDATE OF s' : dialect.forUpdate}`,
    { owner, rows: JSON.stringify(seen.map(({ id }) => [id]).sort(([a = 0], [b = 0]) => a - b)) },
  );
  const held = new Set(rows.map(({ id }) => id));
  return seen.filter(({ id }) => held.has(id));
}

/** The messages of these steps that are marked `sending`. A statement after their lock: it sees what was marked until then. */
async function beingSent(tx: Scope, steps: readonly HeldRow[]): Promise<Map<number, SendingRow>> {
  if (steps.length === 0) return new Map();
  const { dialect } = tx;
  const rows = await tx.all<SendingRow>(
    `SELECT m.id, m.step_id, m.variant, m.channel FROM ${dialect.rows('rows', { step: 'int' }, 'r')}
     ${dialect.join} marketing_messages m ON m.step_id = r.step AND m.tenant_id = :tenant
     WHERE m.state = 'sending' ${dialect.name === 'postgres' ? 'FOR UPDATE OF m' : dialect.forUpdate}`,
    { rows: JSON.stringify(steps.map(({ id }) => [id])) },
  );
  return new Map(rows.map((row) => [row.step_id, row]));
}

/**
 * Lets go of everybody this runtime sent on before `before` who has not been taken over: after a deploy, when messages
 * on wires may have been lost. Sending on again is harmless where the first message still arrives.
 */
export async function setAdrift(scope: Scope, owner: string, before: number): Promise<number> {
  let count = 0;
  for (const state of ['released', 'branching']) {
    count += await scope.run(
      `UPDATE marketing_steps SET lease_owner = NULL
       WHERE tenant_id = :tenant AND state = :state AND lease_owner = :owner AND released_at < :before
         AND station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant)`,
      { owner, before, state },
    );
  }
  return count;
}

/** Lets go of these people, whom this runtime sent on (or meant to), so that they are sent on again. */
export async function setStepsAdrift(scope: Scope, owner: string, steps: readonly number[]): Promise<void> {
  await scope.run(
    `UPDATE marketing_steps SET lease_owner = NULL
     WHERE tenant_id = :tenant AND state IN ('released', 'branching') AND lease_owner = :owner
       AND id IN (SELECT r.step FROM ${scope.dialect.rows('rows', { step: 'int' }, 'r')})`,
    { owner, rows: JSON.stringify(steps.map((id) => [id])) },
  );
}
