import { storable, type Scope } from '../../store';

/** States of a step in which its branch may still go on, as SQL. */
export const OPEN = `('waiting', 'working', 'released', 'branching', 'failed', 'unknown', 'orphaned', 'paused')`;

/**
 * Ends enrollments whose last branch has ended. An enrollment with another branch under way stays active;
 * the branch that ends last gives the reason.
 */
export async function endEnrollments(
  tx: Scope,
  ends: readonly { enrollment: number; reason: string }[],
  now: number,
): Promise<void> {
  const byReason = new Map<string, number[]>();
  for (const { enrollment, reason } of ends) {
    const group = byReason.get(reason);
    if (group) group.push(enrollment);
    else byReason.set(reason, [enrollment]);
  }
  await lockEnrollments(
    tx,
    ends.map(({ enrollment }) => enrollment),
  );
  for (const [reason, enrollments] of [...byReason].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await tx.run(
      // A reason that stands there already was the first one: a goal that was reached (see end-branches.ts).
      `UPDATE marketing_enrollments SET state = 'ended', reason = COALESCE(reason, :reason), ended_at = :now
       WHERE tenant_id = :tenant AND state = 'active'
         AND id IN (SELECT r.enrollment FROM ${tx.dialect.rows('rows', { enrollment: 'int' }, 'r')})
         AND NOT EXISTS (SELECT 1 FROM marketing_steps s
                         WHERE s.tenant_id = :tenant AND s.enrollment_id = marketing_enrollments.id AND s.state IN ${OPEN})`,
      { reason: storable(reason, 191), now, rows: JSON.stringify(enrollments.map((id) => [id])) },
    );
  }
}

/**
 * Two branches that end in the same moment, each in a transaction of its own, would each see the other as still open, and
 * neither would end the enrollment. So they take turns: the second one sees what the first has committed. (SQLite has one
 * writer at a time anyway.)
 */
export async function lockEnrollments(tx: Scope, ids: readonly number[]): Promise<void> {
  const { dialect } = tx;
  if (dialect.name === 'sqlite' || ids.length === 0) return;
  const enrollments = [...new Set(ids)].sort((a, b) => a - b);
  await tx.all(
    `SELECT e.id FROM ${dialect.rows('rows', { enrollment: 'int' }, 'r')}
     ${dialect.join} marketing_enrollments e ON e.id = r.enrollment AND e.tenant_id = :tenant
     ${dialect.name === 'postgres' ? 'ORDER BY e.id FOR UPDATE OF e' : 'FOR UPDATE'}`,
    { rows: JSON.stringify(enrollments.map((id) => [id])) },
  );
}
