import type { Scope } from '../../store';
import { isReached } from './end-branches';

/** One way of somebody through a campaign. */
export interface Way {
  readonly id: number;
  readonly campaign: number;
  readonly reason: string | null;
}

/** The enrollments of a lead. */
export async function enrollmentsOf(tx: Scope, lead: number): Promise<Way[]> {
  return tx.all<{ id: number; campaign: number; reason: string | null }>(
    `SELECT e.id, e.campaign_id AS campaign, e.reason FROM marketing_enrollments e WHERE e.tenant_id = :tenant AND e.lead_id = :lead`,
    { lead },
  );
}

/**
 * Takes out of somebody's ways what may say who they are, when their lead is removed: the values that decisions have seen, what was
 * noted about steps, answers of servers (which like to repeat addresses), and the ids of the events by which they came in, which come
 * from others. That somebody was there, and what became of them, stays: campaigns count it.
 */
export async function forgetPerson(tx: Scope, lead: number): Promise<void> {
  const { dialect } = tx;
  const ways = await enrollmentsOf(tx, lead);
  if (ways.length === 0) return;
  // Steps have no index by lead.
  await tx.run(
    dialect.updateFrom(
      'marketing_steps',
      dialect.rows('rows', { enrollment: 'int' }, 'r'),
      `trail = NULL, outcome = NULL, reason = CASE WHEN state IN ('failed', 'unknown') THEN NULL ELSE reason END`,
      'marketing_steps.enrollment_id = r.enrollment AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(ways.map(({ id }) => [id])) },
  );
  await tx.run(
    dialect.updateFrom(
      'marketing_enrollments',
      dialect.rows('rows', { enrollment: 'int', to_key: 'text', to_reason: 'text' }, 'r'),
      `reason = to_reason, entry_key = CASE WHEN entry_key LIKE 'run:%' THEN entry_key ELSE to_key END`,
      'marketing_enrollments.id = r.enrollment AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(ways.map(({ id, reason }) => [id, `forgotten:${id}`, withoutDetail(reason)])) },
  );
}

/** Why it ended, without what others have said about it: `failed: 550 <somebody> is unknown` becomes `failed`. Our own words stay. */
function withoutDetail(reason: string | null): string | null {
  if (reason === null || isReached(reason)) return reason;
  const [, kind = '', detail = ''] = /^([^:]*): (.*)$/s.exec(reason) ?? [];
  return kind === '' || /^[a-z_ ]*$/.test(detail) ? reason : kind;
}
