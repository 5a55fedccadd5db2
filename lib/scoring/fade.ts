import type { Scope } from '../store';
import { standing, type Decay } from './decay';
import { lockScores } from './move';

/** Rows of one transaction: a few milliseconds. */
const SLICE = 500;

interface DueRow {
  id: number;
  lead_id: number;
  given: number;
  live: number;
  at: number;
  decay: string | null;
  decay_ms: number | null;
}

/** What one slice did. */
export interface Faded {
  readonly scores: ReadonlyMap<number, number>;
  readonly deltas: ReadonlyMap<number, number>;
  /** True when there may be more that is due. */
  readonly more: boolean;
}

/**
 * Lets points that are due become fewer, the oldest first, one slice. In one transaction with the scores: a crash loses
 * nothing and does nothing twice, because what is done is no longer due.
 */
export async function fadeSlice(tx: Scope): Promise<Faded> {
  const now = tx.clock.now();
  const found = await tx.all<{ id: number; lead_id: number }>(
    `SELECT id, lead_id FROM marketing_score_points WHERE tenant_id = :tenant AND due_at <= :now ORDER BY due_at, id LIMIT ${SLICE}`,
    { now },
  );
  const scores = await lockScores(
    tx,
    found.map(({ lead_id }) => lead_id),
  );
  // Looked at once more under the lock of the leads: another runtime may have come first, or somebody has set the score.
  const rows = await tx.all<DueRow>(
    `SELECT p.id, p.lead_id, p.given, p.live, p.at, p.decay, p.decay_ms
     FROM ${tx.dialect.rows('rows', { point: 'int' }, 'r')}
     ${tx.dialect.join} marketing_score_points p ON p.id = r.point AND p.tenant_id = :tenant WHERE p.due_at <= :now`,
    { now, rows: JSON.stringify(found.map(({ id }) => [id])) },
  );
  const deltas = new Map<number, number>();
  const changed = rows.map((row) => {
    const { live, dueAt } = standing(Number(row.given), row.at, decayIn(row), now);
    deltas.set(row.lead_id, (deltas.get(row.lead_id) ?? 0) + live - Number(row.live));
    return [row.id, live, dueAt];
  });
  if (changed.length > 0) {
    await tx.run(
      tx.dialect.updateFrom(
        'marketing_score_points',
        tx.dialect.rows('rows', { point: 'int', left_over: 'real', due_next: 'int' }, 'r'),
        'live = left_over, due_at = due_next',
        'marketing_score_points.id = r.point AND tenant_id = :tenant',
      ),
      { rows: JSON.stringify(changed) },
    );
  }
  return { scores, deltas, more: found.length === SLICE };
}

/** How the points of a row decay. */
export function decayIn({ decay, decay_ms: ms }: Pick<DueRow, 'decay' | 'decay_ms'>): Decay | undefined {
  return (decay === 'expire' || decay === 'halve') && ms !== null ? { kind: decay, ms } : undefined;
}

/** When the next points become fewer; undefined: none do. */
export async function nextFading(scope: Scope): Promise<number | undefined> {
  const row = await scope.get<{ due: number | null }>(
    'SELECT MIN(due_at) AS due FROM marketing_score_points WHERE tenant_id = :tenant AND due_at IS NOT NULL',
  );
  return row?.due === null || row?.due === undefined ? undefined : Number(row.due);
}
