import type { Scope } from '../../store';

interface Place {
  station: number;
  owner: string;
  /** Only what was written before this moment, ms. */
  before: number;
}

/** Steps that a runtime has leased for work at a station. */
export async function heldUnknowingly(scope: Scope, { station, owner, before }: Place): Promise<number[]> {
  const rows = await scope.all<{ id: number }>(
    `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'working'
       AND s.lease_owner = :owner AND s.updated_at < :before`,
    { station, owner, before },
  );
  return rows.map(({ id }) => id);
}

/** Steps that a runtime has released at a station between two moments and that nobody has taken over. */
export async function releasedUnknowingly(
  scope: Scope,
  { station, owner, before, after }: Place & { after: number },
): Promise<number[]> {
  const rows = await scope.all<{ id: number }>(
    `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'released'
       AND s.lease_owner = :owner AND s.released_at < :before AND s.released_at > :after`,
    { station, owner, before, after },
  );
  return rows.map(({ id }) => id);
}

/**
 * Puts leased steps that nobody works for back into the queue. Not those whose message is marked `sending`: somebody may
 * well be handing it over, and if nobody is, it is in doubt and comes to light when this runtime ends.
 */
export async function putBack(
  scope: Scope,
  { owner, steps, now }: { owner: string; steps: readonly number[]; now: number },
): Promise<number> {
  return scope.run(
    `UPDATE marketing_steps SET state = 'waiting', lease_owner = NULL, updated_at = :now
     WHERE tenant_id = :tenant AND state = 'working' AND lease_owner = :owner
       AND id IN (SELECT r.step FROM ${scope.dialect.rows('rows', { step: 'int' }, 'r')})
       AND NOT EXISTS (SELECT 1 FROM marketing_messages m
                       WHERE m.tenant_id = :tenant AND m.step_id = marketing_steps.id AND m.state = 'sending')`,
    { owner, now, rows: JSON.stringify(steps.map((id) => [id])) },
  );
}

/**
 * Names that hold steps and that no runtime has: it lost its lease, leased some more before it noticed, and died.
 * Looks at everybody under way, therefore in the background.
 */
export async function unknownOwners(scope: Scope): Promise<string[]> {
  const rows = await scope.background((db) =>
    db.all<{ lease_owner: string }>(
      `SELECT DISTINCT s.lease_owner FROM marketing_steps s
       WHERE s.tenant_id = :tenant AND s.state IN ('working', 'released', 'branching') AND s.lease_owner IS NOT NULL
         AND s.station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant)
         AND NOT EXISTS (SELECT 1 FROM marketing_runtimes r WHERE r.tenant_id = :tenant AND r.id = s.lease_owner)`,
    ),
  );
  return rows.map(({ lease_owner }) => lease_owner);
}
