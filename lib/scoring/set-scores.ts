import { randomUUID } from 'node:crypto';
import type { LeadChange } from '../leads';
import type { Scope } from '../store';
import { writePoints } from './points';

/**
 * Somebody has said what scores are. All points of these leads become part of the base: they decay no more, and nothing
 * takes back what a person has said. What it was is kept for explanations.
 */
export async function scoresWereSet(
  tx: Scope,
  changes: readonly Pick<LeadChange, 'lead' | 'score' | 'formerScore'>[],
): Promise<void> {
  if (changes.length === 0) return;
  const now = tx.clock.now();
  await settlePoints(
    tx,
    changes.map(({ lead }) => lead),
  );
  await writePoints(
    tx,
    changes.map(({ lead, score, formerScore }) => ({
      lead,
      rule: 0,
      version: 0,
      eventId: `set:${randomUUID()}`,
      event: 'set',
      given: score - formerScore,
      at: now,
      live: false,
    })),
  );
}

/** Makes all points of these leads part of their base. */
export async function settlePoints(tx: Scope, leads: readonly number[]): Promise<void> {
  // Looked up first: most leads have none, and an UPDATE that finds nothing still locks on some databases.
  const rows = await tx.all<{ id: number }>(
    `SELECT p.id FROM ${tx.dialect.rows('rows', { lead: 'int' }, 'r')}
     ${tx.dialect.join} marketing_score_points p ON p.lead_id = r.lead AND p.tenant_id = :tenant AND p.live <> 0`,
    { rows: JSON.stringify([...new Set(leads)].map((lead) => [lead])) },
  );
  if (rows.length === 0) return;
  await tx.run(
    tx.dialect.updateFrom(
      'marketing_score_points',
      tx.dialect.rows('rows', { settled: 'int' }, 'r'),
      'live = 0, due_at = NULL',
      'marketing_score_points.id = r.settled AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(rows.map(({ id }) => [id])) },
  );
}
