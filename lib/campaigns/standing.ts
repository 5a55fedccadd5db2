import type { Scope } from '../store';
import type { Campaign } from './types';

/** Where a campaign's people stand. */
export interface Standing {
  readonly endedBy: Record<string, number>;
  /** All who have not ended; those who are stuck are among them. */
  readonly under: number;
  readonly stuckBy: Record<'unknown' | 'dead' | 'orphaned', number>;
}

/** Counts everybody in one statement: people go on meanwhile, and nobody must be missed or counted twice. */
export async function standingOf(
  db: Scope,
  { id, definition }: Pick<Campaign, 'id' | 'definition'>,
): Promise<Standing> {
  // One enrollment may have several open steps (a fork): it counts once, for the one that needs somebody most.
  const rows = await db.all<{ standing: string; reason: string | null; people: number }>(
    `SELECT e.state AS standing, e.reason, COUNT(*) AS people FROM marketing_enrollments e
     WHERE e.tenant_id = :tenant AND e.campaign_id = :id GROUP BY e.state, e.reason
     UNION ALL
     SELECT w.worst, NULL, COUNT(*) FROM (
       SELECT s.enrollment_id, MIN(CASE s.state WHEN 'unknown' THEN 'a unknown' WHEN 'failed' THEN 'b dead' ELSE 'c orphaned' END) AS worst
       FROM marketing_steps s
       WHERE s.tenant_id = :tenant AND s.campaign_id = :id AND s.state IN ('unknown', 'failed', 'orphaned')
         AND s.station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.definition_key = :definition)
       GROUP BY s.enrollment_id) AS w GROUP BY w.worst`,
    { id, definition },
  );
  const sumOf = (standing: string): number =>
    rows.reduce((sum, row) => (row.standing === standing ? sum + Number(row.people) : sum), 0);
  const endedBy: Record<string, number> = {};
  for (const { standing, reason, people } of rows.toSorted((a, b) => Number(b.people) - Number(a.people))) {
    if (standing !== 'ended') continue;
    const because = reason ?? 'completed';
    endedBy[because] = (endedBy[because] ?? 0) + Number(people);
  }
  return {
    endedBy,
    under: sumOf('active'),
    stuckBy: { unknown: sumOf('a unknown'), dead: sumOf('b dead'), orphaned: sumOf('c orphaned') },
  };
}
