import { record } from '../../history';
import { parseJson, storable, type Scope } from '../../store';
import { isOver, lockCampaigns } from './campaign-locks';
import { CounterDeltas } from './counters';
import type { ArrivedStep } from '../types';
import { isReached } from './end-branches';
import { endEnrollments } from './enrollments';

/** A person whom a station takes over from the step `parent`. */
export interface TakeOver {
  kind: 'arrive';
  parent: number;
  station: number;
  dueAt: number | undefined;
  port: number | undefined;
  note: unknown;
  trail: string | undefined;
}

/** A person whose way ends behind the step `parent`, without another station. */
export interface WayOut {
  kind: 'end';
  parent: number;
  reason: string;
  outcome: string | undefined;
  /** Where it ended: of a fork, each place counts as a branch. */
  place: string | undefined;
}

export type HandOver = TakeOver | WayOut;

/** Told in the transaction who has arrived at a station for the first time. */
export type Arrived = (tx: Scope, station: number, steps: readonly ArrivedStep[]) => Promise<void> | undefined;

/** What a hand-over did. */
export interface HandOverOutcome {
  /** False when nobody was there to be handed over (unknown step, or one of another tenant). */
  known: boolean;
  /** Of whom it was. */
  enrollment?: number;
  /** Where the person came from. */
  station?: number;
}

interface ParentRow {
  id: number;
  campaign_id: number;
  enrollment_id: number;
  lead_id: number;
  station_id: number;
  state: string;
  forks: number;
  port: number | null;
  config: unknown;
  exits: string | null;
  enrollment_state: string;
  enrollment_reason: string | null;
}

/**
 * Hands people over from released steps: to the stations they arrived at, or out of the flow. One transaction for
 * everybody of the moment: the new steps are inserted and their parents marked, or neither.
 * Doing it twice does it once: a step is unique by enrollment, parent and station.
 */
export async function handOver(
  scope: Scope,
  items: readonly HandOver[],
  now: number,
  arrived: Arrived = () => undefined,
): Promise<HandOverOutcome[]> {
  return scope.transaction(async (tx) => {
    const parents = await readParents(tx, items);
    const campaigns = await lockCampaigns(
      tx,
      [...parents.values()].map(({ campaign_id }) => campaign_id),
    );
    await reopenForLateComers(tx, items, parents, campaigns);
    const counters = new CounterDeltas();
    const arrivals: unknown[][] = [];
    const ends: { enrollment: number; reason: string }[] = [];
    const handed = new Map<number, ParentRow>();
    const exits: Exit[] = [];
    const seen = new Set<string>();
    const reopened: number[] = [];
    const notes = new Map<string, unknown>();
    const outcomes = items.map((item): HandOverOutcome => {
      const parent = parents.get(item.parent);
      if (!parent) return { known: false };
      const outcome = { known: true, enrollment: parent.enrollment_id, station: parent.station_id };
      const key = item.kind === 'arrive' ? `${item.parent} ${item.station}` : `${item.parent} end ${placeOf(item)}`;
      if (seen.has(key)) return outcome;
      seen.add(key);
      const open = parent.state === 'released' || parent.state === 'branching';
      if (item.kind === 'arrive') {
        const campaign = campaigns.get(parent.campaign_id);
        const reached = isReached(parent.enrollment_reason) ? parent.enrollment_reason : undefined;
        const over = isOver(campaign) || parent.state === 'cancelled' || reached !== undefined;
        const state = over ? 'cancelled' : 'waiting';
        arrivals.push([
          parent.campaign_id,
          parent.enrollment_id,
          parent.lead_id,
          item.station,
          parent.id,
          state,
          item.dueAt ?? now,
          item.trail ?? null,
          item.port ?? null,
        ]);
        if (item.note !== undefined) notes.set(key, item.note);
        // Whoever was given up as having left the flow, and turns up all the same, is back in it.
        if (parent.enrollment_state === 'ended' && state === 'waiting') reopened.push(parent.enrollment_id);
        if (state === 'cancelled')
          ends.push({ enrollment: parent.enrollment_id, reason: reached ?? `the campaign was ${campaign}` });
        if (open) handed.set(parent.id, parent);
      } else if (open) {
        handed.set(parent.id, parent);
        // Of a fork that is sent on once more, the branches that have ended do so again.
        if (!exitsOf(parent).includes(placeOf(item))) {
          exits.push({ parent, reason: item.reason, outcome: item.outcome, place: placeOf(item) });
          counters.add(parent.campaign_id, parent.station_id, 'exited');
        }
        if (!parent.forks) ends.push({ enrollment: parent.enrollment_id, reason: item.reason });
      }
      return outcome;
    });
    const fresh = await insertArrivals(tx, arrivals, now, counters);
    await tellArrived(tx, fresh, notes, arrived);
    const entered = new Set(fresh.map(({ enrollment_id }) => enrollment_id));
    const complete = await completeForks(tx, [...handed.values()], exits);
    for (const { enrollment_id: enrollment } of complete.values()) {
      const last = exits.findLast(({ parent }) => parent.enrollment_id === enrollment);
      ends.push({ enrollment, reason: last?.reason ?? 'completed' });
    }
    await markHandedOver(tx, [...handed.values()], complete, now);
    await noteExits(tx, exits, now);
    // Not those who only arrived once more: they were here before they ended.
    const back = reopened.filter((enrollment) => entered.has(enrollment));
    if (back.length > 0) await reopen(tx, back);
    await endEnrollments(tx, ends, now);
    await counters.write(tx);
    return outcomes;
  });
}

async function readParents(tx: Scope, items: readonly HandOver[]): Promise<Map<number, ParentRow>> {
  const ids = [...new Set(items.map(({ parent }) => parent))].sort((a, b) => a - b);
  const rows = await tx.all<ParentRow>(
    `SELECT s.id, s.campaign_id, s.enrollment_id, s.lead_id, s.station_id, s.state, s.port, s.exits, t.forks,
            CASE WHEN t.forks = 1 THEN t.config END AS config, e.state AS enrollment_state, e.reason AS enrollment_reason
     FROM ${tx.dialect.rows('rows', { parent: 'int' }, 'r')}
     ${tx.dialect.join} marketing_steps s ON s.id = r.parent AND s.tenant_id = :tenant
     ${tx.dialect.join} marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
     ${tx.dialect.join} marketing_enrollments e ON e.id = s.enrollment_id AND e.tenant_id = :tenant`,
    { rows: JSON.stringify(ids.map((id) => [id])) },
  );
  return new Map(rows.map((row) => [row.id, row]));
}

const ARRIVAL = {
  campaign: 'int',
  enrollment: 'int',
  lead: 'int',
  station: 'int',
  parent: 'int',
  step_state: 'text',
  due: 'int',
  step_trail: 'text',
  to_port: 'int',
} as const;

/** A step that was inserted. */
interface FreshRow {
  id: number;
  campaign_id: number;
  enrollment_id: number;
  lead_id: number;
  station_id: number;
  parent_id: number;
  state: string;
  due_at: number;
}
const FRESH = ['id', 'campaign_id', 'enrollment_id', 'lead_id', 'station_id', 'parent_id', 'state', 'due_at'];

async function tellArrived(
  tx: Scope,
  fresh: readonly FreshRow[],
  notes: ReadonlyMap<string, unknown>,
  arrived: Arrived,
): Promise<void> {
  const byStation = new Map<number, ArrivedStep[]>();
  for (const row of fresh) {
    if (row.state !== 'waiting') continue;
    const note = notes.get(`${row.parent_id} ${row.station_id}`);
    const step: ArrivedStep = {
      id: row.id,
      campaign: row.campaign_id,
      enrollment: row.enrollment_id,
      lead: row.lead_id,
      parent: row.parent_id,
      dueAt: row.due_at,
      ...(note === undefined ? {} : { note }),
    };
    byStation.set(row.station_id, [...(byStation.get(row.station_id) ?? []), step]);
  }
  for (const [station, steps] of byStation) await arrived(tx, station, steps);
}

/** Inserts who was not there yet; the steps of those. */
async function insertArrivals(tx: Scope, rows: unknown[][], now: number, counters: CounterDeltas): Promise<FreshRow[]> {
  if (rows.length === 0) return [];
  const { dialect } = tx;
  const insert = `${dialect.insertIgnore} INTO marketing_steps
      (tenant_id, campaign_id, enrollment_id, lead_id, station_id, parent_id, state, due_at, trail, port, created_at, updated_at)
    SELECT :tenant, r.campaign, r.enrollment, r.lead, r.station, r.parent, r.step_state, r.due, r.step_trail, r.to_port, :now, :now
    FROM ${dialect.rows('rows', ARRIVAL, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`;
  // Counting needs to know which rows were new: a repeated arrival must not be counted twice.
  if (dialect.updateReturning) {
    const fresh = await tx.all<FreshRow>(`${insert} RETURNING ${FRESH.join(', ')}`, {
      now,
      rows: JSON.stringify(rows),
    });
    return counted(fresh, counters);
  }
  const rowsThere = `SELECT ${FRESH.map((column) => `s.${column}`).join(', ')} FROM ${dialect.rows('rows', ARRIVAL, 'r')}
     ${dialect.join} marketing_steps s ON s.enrollment_id = r.enrollment AND s.parent_id = r.parent AND s.station_id = r.station
       AND s.tenant_id = :tenant`;
  const before = await tx.all<FreshRow>(rowsThere, { rows: JSON.stringify(rows) });
  const known = new Set(before.map(({ id }) => id));
  await tx.run(insert, { now, rows: JSON.stringify(rows) });
  const after = await tx.all<FreshRow>(rowsThere, { rows: JSON.stringify(rows) });
  return counted(
    after.filter(({ id }) => !known.has(id)),
    counters,
  );
}

function counted(fresh: FreshRow[], counters: CounterDeltas): FreshRow[] {
  for (const { campaign_id, station_id } of fresh) counters.add(campaign_id, station_id, 'entered');
  return fresh;
}

/** A way that ends. */
interface Exit {
  readonly parent: ParentRow;
  readonly reason: string;
  readonly outcome: string | undefined;
  readonly place: string;
}

function placeOf({ place = '' }: WayOut): string {
  return place;
}

function exitsOf({ exits }: ParentRow): string[] {
  return parseJson<string[]>(exits, []);
}

/** How many branches a step was sent on into at most, as the deploy has worked it out; undefined: it cannot be known. */
function expectedOf({ forks, config, port }: ParentRow): number | undefined {
  if (!forks) return undefined;
  const { branches } = parseJson<{ branches?: { expected?: readonly (number | null)[] } }>(config, {});
  return branches?.expected?.[port ?? 0] ?? undefined;
}

/** Of these forks, those of which every branch that there can be has arrived somewhere or ended. */
async function completeForks(
  tx: Scope,
  parents: readonly ParentRow[],
  exits: readonly Exit[],
): Promise<Map<number, ParentRow>> {
  const forks = parents.filter((parent) => expectedOf(parent) !== undefined);
  if (forks.length === 0) return new Map();
  const rows = await tx.all<{ parent_id: number; arrived: number }>(
    `SELECT s.parent_id, COUNT(*) AS arrived FROM ${tx.dialect.rows('rows', { enrollment: 'int', parent: 'int' }, 'r')}
     ${tx.dialect.join} marketing_steps s ON s.enrollment_id = r.enrollment AND s.parent_id = r.parent AND s.tenant_id = :tenant
     GROUP BY s.parent_id`,
    { rows: JSON.stringify(forks.map(({ id, enrollment_id }) => [enrollment_id, id])) },
  );
  const arrived = new Map(rows.map(({ parent_id, arrived: count }) => [parent_id, Number(count)]));
  const ended = (parent: ParentRow): number =>
    exitsOf(parent).length + exits.filter((exit) => exit.parent.id === parent.id).length;
  return new Map(
    forks.flatMap((parent) => {
      const came = (arrived.get(parent.id) ?? 0) + ended(parent);
      return came >= (expectedOf(parent) ?? Infinity) ? [[parent.id, parent]] : [];
    }),
  );
}

async function markHandedOver(
  tx: Scope,
  parents: readonly ParentRow[],
  complete: ReadonlyMap<number, ParentRow>,
  now: number,
): Promise<void> {
  const open = ({ id, forks }: ParentRow): boolean => forks === 1 && !complete.has(id);
  const groups = { done: parents.filter((parent) => !open(parent)), branching: parents.filter(open) };
  for (const [state, group] of Object.entries(groups)) {
    if (group.length === 0) continue;
    await tx.run(
      `UPDATE marketing_steps SET state = :state, updated_at = :now
       WHERE tenant_id = :tenant AND state IN ('released', 'branching')
         AND id IN (SELECT r.parent FROM ${tx.dialect.rows('rows', { parent: 'int' }, 'r')})`,
      { state, now, rows: JSON.stringify(group.map(({ id }) => [id])) },
    );
  }
}

/** Of a fork the places are kept, and what it was sent on with: it may have to be sent on once more. */
async function noteExits(tx: Scope, exits: readonly Exit[], now: number): Promise<void> {
  if (exits.length === 0) return;
  const byParent = new Map<ParentRow, Exit[]>();
  for (const exit of exits) byParent.set(exit.parent, [...(byParent.get(exit.parent) ?? []), exit]);
  const rows = [...byParent].map(([parent, own]) => {
    const last = own.at(-1);
    const places = parent.forks ? JSON.stringify([...exitsOf(parent), ...own.map(({ place }) => place)]) : null;
    return [parent.id, storable(last?.reason ?? '', 191), last?.outcome ?? null, places, parent.forks];
  });
  await tx.run(
    tx.dialect.updateFrom(
      'marketing_steps',
      tx.dialect.rows(
        'rows',
        { step: 'int', exit_reason: 'text', exit_outcome: 'text', places: 'text', forked: 'int' },
        'r',
      ),
      `reason = exit_reason, exits = COALESCE(places, exits), updated_at = :now,
       outcome = CASE WHEN forked = 1 THEN COALESCE(outcome, exit_outcome) ELSE COALESCE(exit_outcome, outcome) END`,
      'marketing_steps.id = r.step AND tenant_id = :tenant',
    ),
    { now, rows: JSON.stringify(rows) },
  );
}

/** Where a campaign comes to when everybody is through: its end, or its rest until the next run. */
const RESTING: readonly string[] = ['completed', 'scheduled'];

/**
 * A campaign completes by itself once nobody is under way. People who were given up as having left the flow may still
 * turn up (an ordinary node in between was slow): then it was not over after all.
 */
async function reopenForLateComers(
  tx: Scope,
  items: readonly HandOver[],
  parents: ReadonlyMap<number, ParentRow>,
  campaigns: Map<number, string>,
): Promise<void> {
  const late = new Set<number>();
  for (const { kind, parent: id } of items) {
    const parent = parents.get(id);
    if (kind !== 'arrive' || !parent || !RESTING.includes(campaigns.get(parent.campaign_id) ?? '')) continue;
    if (parent.enrollment_reason?.startsWith('left the flow')) late.add(parent.campaign_id);
  }
  for (const campaign of late) {
    const last = await tx.get<{ event: string; actor: string }>(
      `SELECT event, actor FROM marketing_history WHERE tenant_id = :tenant AND campaign_id = :campaign
          AND event IN ('campaign.launched', 'campaign.completed', 'campaign.cancelled', 'campaign.reopened') ORDER BY id DESC LIMIT 1`,
      { campaign },
    );
    if (last?.event !== 'campaign.completed' || last.actor !== 'system') continue;
    const former = campaigns.get(campaign) ?? '';
    // Without a stage it stands at the first one of its state.
    const changed = await tx.run(
      `UPDATE marketing_campaigns SET state = 'active', stage = NULL, ended_at = NULL, version = version + 1, updated_at = :now
       WHERE tenant_id = :tenant AND id = :campaign AND state = :former AND deleted_at IS NULL`,
      { campaign, former, now: tx.clock.now() },
    );
    if (changed === 0) continue;
    campaigns.set(campaign, 'active');
    await record(tx, {
      event: 'campaign.reopened',
      campaign,
      actor: 'system',
      before: { state: former },
      after: { state: 'active' },
      payload: { reason: 'people who had left the flow turned up' },
    });
  }
}

async function reopen(tx: Scope, enrollments: readonly number[]): Promise<void> {
  await tx.run(
    `UPDATE marketing_enrollments SET state = 'active', reason = NULL, ended_at = NULL
     WHERE tenant_id = :tenant AND state = 'ended'
       AND id IN (SELECT r.enrollment FROM ${tx.dialect.rows('rows', { enrollment: 'int' }, 'r')})`,
    { rows: JSON.stringify(enrollments.map((id) => [id])) },
  );
}
