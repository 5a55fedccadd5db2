import { enrollmentsOf } from '../../ledger';
import type { Scope } from '../../store';

/**
 * Takes a lead that is removed out of what was undone for them: answers of servers and notes of people may say who they were, and what
 * handlers needed is not needed any more where it is settled. What is still to be undone keeps its parameters, which are not
 * personal (see `NewUndo`).
 */
export async function forgetUndos(tx: Scope, lead: number): Promise<void> {
  const ways = await enrollmentsOf(tx, lead);
  if (ways.length === 0) return;
  await tx.run(
    tx.dialect.updateFrom(
      'marketing_undos',
      tx.dialect.rows('rows', { campaign: 'int', enrollment: 'int' }, 'r'),
      `reason = NULL, note = NULL, params = CASE WHEN state IN ('registered', 'failed') THEN params ELSE NULL END`,
      'marketing_undos.campaign_id = r.campaign AND marketing_undos.enrollment_id = r.enrollment AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(ways.map(({ id, campaign }) => [campaign, id])) },
  );
}
