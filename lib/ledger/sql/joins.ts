import { parseJson, type Scope } from '../../store';
import { judgeJoin, type BranchResult, type JoinPlace, type JoinStation, type JoinStep } from '../join-rules';
import { CounterDeltas } from './counters';
import { endEnrollments } from './enrollments';

/** A station of a definition that has a join. */
export interface StationRow {
  id: number;
  definition_key: string;
  step: string;
  kind: string;
  state: string;
  config: unknown;
}

interface StepRow {
  id: number;
  enrollment_id: number;
  campaign_id: number;
  parent_id: number;
  station_id: number;
  state: string;
  port: number | null;
  reason: string | null;
}

/** Why a branch that comes after its join has fired ends there. */
const TOO_LATE = 'came too late for the join';

/** All stations of the definitions that have a join. */
export async function stationsWithJoins(scope: Scope): Promise<StationRow[]> {
  return scope.all<StationRow>(
    `SELECT t.id, t.definition_key, t.step, t.kind, t.state, t.config FROM marketing_stations t
     WHERE t.tenant_id = :tenant AND t.definition_key IN
       (SELECT j.definition_key FROM marketing_stations j WHERE j.tenant_id = :tenant AND j.kind = 'join')`,
  );
}

/**
 * Steps that wait at a join and have not been looked at since `after`, in the order of their ids: what a crash between an
 * arrival and what should have followed from it has left.
 */
export async function waitingAt(
  scope: Scope,
  station: number,
  after: number,
  limit: number,
): Promise<{ id: number; enrollment_id: number }[]> {
  return scope.all<{ id: number; enrollment_id: number }>(
    `SELECT s.id, s.enrollment_id FROM marketing_steps s
     WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'waiting' AND s.port IS NULL AND s.id > :after
     ORDER BY s.id LIMIT ${limit}`,
    { station, after },
  );
}

/** Steps at a join whose time is up, of active campaigns. */
export async function timedOutAt(
  scope: Scope,
  station: number,
  now: number,
  limit: number,
): Promise<{ id: number; enrollment_id: number }[]> {
  return scope.all<{ id: number; enrollment_id: number }>(
    `SELECT s.id, s.enrollment_id FROM marketing_steps s
     WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'waiting' AND s.due_at <= :now AND s.port IS NULL
       AND EXISTS (SELECT 1 FROM marketing_campaigns c
                   WHERE c.id = s.campaign_id AND c.tenant_id = :tenant AND c.state = 'active')
     ORDER BY s.due_at, s.id LIMIT ${limit}`,
    { station, now },
  );
}

/**
 * Has those go on for whom all branches have come, in one transaction; the rows of those who wait are locked first, so that of two
 * who look at the same moment the second one sees what the first one did.
 *
 * Called after the commit of what may have changed something, not in it. Two branches that arrive in two transactions do not see
 * each other before they are committed; whoever looks after the later commit sees both.
 * @returns the joins at which somebody goes on
 */
export async function fireJoins(
  scope: Scope,
  enrollments: readonly number[],
  timedOut: ReadonlySet<number> = new Set(),
): Promise<Set<number>> {
  const before = await waitingOf(scope, enrollments);
  if (before.length === 0) return new Set();
  return scope.transaction(async (tx) => {
    await lockSteps(
      tx,
      before.map(({ id }) => id),
    );
    const stations = await stationsWithJoins(tx);
    const steps = await stepsOf(
      tx,
      before.map(({ enrollment_id }) => enrollment_id),
    );
    const firings: { step: StepRow; port: number; branches: readonly BranchResult[] }[] = [];
    const over: { step: StepRow; reason: string }[] = [];
    const counters = new CounterDeltas();
    for (const own of byEnrollment(steps).values()) {
      const byId = new Map(own.map((step) => [step.id, step]));
      const tree = own.map(treeStep);
      for (const place of joinsAmong(stations, own)) {
        const { late, firing } = judgeJoin(tree, place.join, place.stations, timedOut);
        const row = (id: number): StepRow[] => [byId.get(id)].filter((found) => found !== undefined);
        for (const step of late.flatMap(row)) {
          over.push({ step, reason: TOO_LATE });
          counters.add(step.campaign_id, step.station_id, 'too late');
        }
        if (!firing) continue;
        over.push(...firing.merged.flatMap(row).map((step) => ({ step, reason: 'joined' })));
        for (const step of row(firing.step)) {
          firings.push({ step, port: firing.port, branches: firing.branches });
          counters.add(step.campaign_id, step.station_id, firing.port === 0 ? 'joined' : 'timed out');
        }
      }
    }
    await write(tx, firings, over);
    await endEnrollments(
      tx,
      over.map(({ step, reason }) => ({ enrollment: step.enrollment_id, reason })),
      tx.clock.now(),
    );
    await counters.write(tx);
    return new Set(firings.map(({ step }) => step.station_id));
  });
}

/** Who of these enrollments waits at a join. */
async function waitingOf(scope: Scope, enrollments: readonly number[]): Promise<StepRow[]> {
  if (enrollments.length === 0) return [];
  return scope.all<StepRow>(
    `SELECT s.id, s.enrollment_id FROM ${scope.dialect.rows('rows', { enrollment: 'int' }, 'r')}
     ${scope.dialect.join} marketing_steps s ON s.enrollment_id = r.enrollment AND s.tenant_id = :tenant
     ${scope.dialect.join} marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
     WHERE t.kind = 'join' AND s.port IS NULL AND s.state IN ('waiting', 'paused')`,
    { rows: JSON.stringify([...new Set(enrollments)].map((id) => [id])) },
  );
}

async function lockSteps(tx: Scope, ids: readonly number[]): Promise<void> {
  const { dialect } = tx;
  if (dialect.name === 'sqlite') return;
  await tx.all(
    `SELECT s.id FROM ${dialect.rows('rows', { step: 'int' }, 'r')}
     ${dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
     ${dialect.name === 'postgres' ? 'ORDER BY s.id FOR UPDATE OF s' : 'FOR UPDATE'}`,
    { rows: JSON.stringify([...ids].sort((a, b) => a - b).map((id) => [id])) },
  );
}

async function stepsOf(tx: Scope, enrollments: readonly number[]): Promise<StepRow[]> {
  return tx.all<StepRow>(
    `SELECT s.id, s.enrollment_id, s.campaign_id, s.parent_id, s.station_id, s.state, s.port, s.reason
     FROM ${tx.dialect.rows('rows', { enrollment: 'int' }, 'r')}
     ${tx.dialect.join} marketing_steps s ON s.enrollment_id = r.enrollment AND s.tenant_id = :tenant ORDER BY s.id`,
    { rows: JSON.stringify([...new Set(enrollments)].map((id) => [id])) },
  );
}

function byEnrollment(steps: readonly StepRow[]): Map<number, StepRow[]> {
  const groups = new Map<number, StepRow[]>();
  for (const step of steps) {
    const group = groups.get(step.enrollment_id);
    if (group) group.push(step);
    else groups.set(step.enrollment_id, [step]);
  }
  return groups;
}

function treeStep({ id, parent_id, station_id, state, port, reason }: StepRow): JoinStep {
  return { id, parent: parent_id, station: station_id, state, port, reason };
}

/** The joins at which one of these steps is, with what is to be known of their definition. */
function joinsAmong(
  rows: readonly StationRow[],
  steps: readonly StepRow[],
): { join: JoinPlace; stations: ReadonlyMap<number, JoinStation> }[] {
  const visited = new Set(steps.map(({ station_id }) => station_id));
  return rows
    .filter(({ id, kind, state }) => kind === 'join' && state === 'active' && visited.has(id))
    .map((row) => {
      const around = rows.filter(({ definition_key }) => definition_key === row.definition_key);
      const names = upstreamOf(row);
      return {
        join: { station: row.id, upstream: new Set(around.flatMap(({ id, step }) => (names.has(step) ? [id] : []))) },
        stations: new Map(
          around.map(({ id, step, kind, state }) => [id, { step, kind, missing: state === 'missing' }]),
        ),
      };
    });
}

/** Step names from which the join can be reached, as the deploy has worked them out. */
function upstreamOf({ config }: StationRow): Set<string> {
  const { join } = parseJson<{ join?: { upstream?: readonly string[] } }>(config, {});
  return new Set(join?.upstream ?? []);
}

async function write(
  tx: Scope,
  firings: readonly { step: StepRow; port: number; branches: readonly BranchResult[] }[],
  over: readonly { step: StepRow; reason: string }[],
): Promise<void> {
  const now = tx.clock.now();
  const { dialect } = tx;
  const still = `marketing_steps.id = r.step AND tenant_id = :tenant AND state IN ('waiting', 'paused') AND port IS NULL`;
  if (firings.length > 0) {
    await tx.run(
      dialect.updateFrom(
        'marketing_steps',
        dialect.rows('rows', { step: 'int', to_port: 'int', to_outcome: 'text' }, 'r'),
        'port = to_port, outcome = to_outcome, due_at = :now, updated_at = :now',
        still,
      ),
      {
        now,
        rows: JSON.stringify(firings.map(({ step, port, branches }) => [step.id, port, JSON.stringify({ branches })])),
      },
    );
  }
  if (over.length === 0) return;
  await tx.run(
    dialect.updateFrom(
      'marketing_steps',
      dialect.rows('rows', { step: 'int', to_reason: 'text' }, 'r'),
      `state = 'done', reason = to_reason, updated_at = :now`,
      still,
    ),
    { now, rows: JSON.stringify(over.map(({ step, reason }) => [step.id, reason])) },
  );
}
