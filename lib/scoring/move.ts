import { announceScores, type LeadChange } from '../leads';
import type { Scope } from '../store';

/** Scores of leads, locked until the transaction ends; leads that are gone are left out. In the order of ids: no dead-locks. */
export async function lockScores(tx: Scope, leads: Iterable<number>): Promise<Map<number, number>> {
  const ids = [...new Set(leads)].sort((a, b) => a - b);
  if (ids.length === 0) return new Map();
  const { dialect } = tx;
  const lock = dialect.name === 'postgres' ? 'FOR UPDATE OF l' : dialect.forUpdate;
  const rows = await tx.all<{ id: number; score: number }>(
    `SELECT l.id, l.score FROM ${dialect.rows('ids', { lead: 'int' }, 'r')} ${dialect.join} marketing_leads l ON l.id = r.lead
     WHERE l.tenant_id = :tenant ORDER BY l.id ${lock}`,
    { ids: JSON.stringify(ids.map((id) => [id])) },
  );
  return new Map(rows.map(({ id, score }) => [id, Number(score)]));
}

/**
 * Adds to scores, and announces it. @returns what changed, for {@link Reactions.changed}
 * @param scores from {@link lockScores}
 */
export async function moveScores(
  tx: Scope,
  scores: ReadonlyMap<number, number>,
  deltas: ReadonlyMap<number, number>,
): Promise<LeadChange[]> {
  const changes = [...deltas].flatMap(([lead, delta]): LeadChange[] => {
    const formerScore = scores.get(lead);
    if (formerScore === undefined || delta === 0) return [];
    return [{ lead, created: false, fields: ['score'], score: formerScore + delta, formerScore }];
  });
  if (changes.length === 0) return [];
  const { dialect } = tx;
  await tx.run(
    dialect.updateFrom(
      'marketing_leads',
      dialect.rows('rows', { lead: 'int', new_score: 'real' }, 'r'),
      'score = new_score, updated_at = :now',
      'marketing_leads.id = r.lead AND tenant_id = :tenant',
    ),
    { now: tx.clock.now(), rows: JSON.stringify(changes.map(({ lead, score }) => [lead, score])) },
  );
  await announceScores(tx, changes);
  return changes;
}
