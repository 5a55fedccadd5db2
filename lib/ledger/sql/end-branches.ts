import { storable, type Scope } from '../../store';
import { lockCampaigns } from './campaign-locks';
import { endEnrollments, OPEN } from './enrollments';

/** What the reason of an enrollment begins with that a goal has ended: nobody comes back into it. */
export const GOAL = 'goal: ';

/** Who has reached a goal. */
export interface Reached {
  readonly campaign: number;
  readonly enrollment: number;
  /** The step that led to the goal: it is left alone. */
  readonly except: number | undefined;
  readonly reason: string;
}

/** Whether an enrollment is over because its goal was reached; who still arrives goes no further. */
export function isReached(reason: string | null): reason is string {
  return reason?.startsWith(GOAL) === true;
}

/**
 * Of these enrollments, those whose goal was reached, with the reason: whoever would go back into the queue is not begun with again.
 * Ask with the steps locked: {@link endBranches} writes the reason before it looks at the steps.
 */
export async function reachedOf(tx: Scope, enrollments: readonly number[]): Promise<Map<number, string>> {
  if (enrollments.length === 0) return new Map();
  const rows = await tx.all<{ id: number; reason: string }>(
    `SELECT e.id, e.reason FROM ${tx.dialect.rows('rows', { enrollment: 'int' }, 'r')}
     ${tx.dialect.join} marketing_enrollments e ON e.id = r.enrollment AND e.tenant_id = :tenant
     WHERE e.reason IS NOT NULL`,
    { rows: JSON.stringify([...new Set(enrollments)].map((id) => [id])) },
  );
  return new Map(rows.filter(({ reason }) => isReached(reason)).map(({ id, reason }) => [id, reason]));
}

/**
 * Ends the other branches of an enrollment whose goal was reached. What a station works on at this moment is finished, and what
 * somebody has to decide about stays; both go no further after that: the reason stands on the enrollment from now on.
 * Doing it twice does it once.
 */
export async function endBranches(scope: Scope, { campaign, enrollment, except, reason }: Reached): Promise<void> {
  for (let cancelled = 1; cancelled > 0;) {
    // Once more when there was somebody: a step that was handed over meanwhile has its successor behind our back.
    cancelled = await scope.transaction(async (tx) => {
      await lockCampaigns(tx, [campaign]);
      await lockOpenSteps(tx, enrollment);
      const now = tx.clock.now();
      const said = storable(reason, 191);
      await tx.run(
        `UPDATE marketing_enrollments SET reason = :said WHERE tenant_id = :tenant AND id = :enrollment AND state = 'active'`,
        { enrollment, said },
      );
      const ended = await tx.run(
        `UPDATE marketing_steps SET state = 'cancelled', reason = :said, updated_at = :now
         WHERE tenant_id = :tenant AND enrollment_id = :enrollment AND id <> :except
           AND state IN ('waiting', 'released', 'branching', 'paused', 'orphaned', 'failed')`,
        { enrollment, except: except ?? 0, said, now },
      );
      await endEnrollments(tx, [{ enrollment, reason }], now);
      return ended;
    });
  }
}

/**
 * Waits for whoever is writing what became of one of these steps, so that the statements that follow see it: somebody who is put
 * back into the queue at this moment would otherwise be overlooked, and be begun with again.
 */
async function lockOpenSteps(tx: Scope, enrollment: number): Promise<void> {
  const { dialect } = tx;
  if (dialect.name === 'sqlite') return;
  await tx.all(
    `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.enrollment_id = :enrollment AND s.state IN ${OPEN}
     ORDER BY s.id FOR UPDATE`,
    { enrollment },
  );
}
