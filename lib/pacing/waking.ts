import type { Scope } from '../store';
import { WAITS } from './gate';
import { forgetLines } from './pace-rows';

/** People who are asked again in one transaction. */
const CHUNK = 2_000;

/**
 * Has everybody who waits because of send rules asked again: those of one campaign, or of all. Called when the rules have
 * changed; a crash in between leaves the rest with the times they had.
 * @returns the stations to be woken
 */
export async function askAgain(scope: Scope, campaign?: number): Promise<Set<number>> {
  const stations = new Set<number>();
  await forgetLines(scope, campaign);
  for (let after = 0; ;) {
    const asked = await scope.transaction((tx) => askSome(tx, campaign, after));
    for (const { station_id } of asked) stations.add(station_id);
    const last = asked.at(-1);
    if (!last || asked.length < CHUNK) return stations;
    after = last.id;
  }
}

async function askSome(
  tx: Scope,
  campaign: number | undefined,
  after: number,
): Promise<{ id: number; station_id: number }[]> {
  const now = tx.clock.now();
  const { dialect } = tx;
  const found = await tx.all<{ id: number; station_id: number }>(
    `SELECT s.id, s.station_id FROM marketing_stations t
     ${dialect.join} marketing_steps s ON s.tenant_id = :tenant AND s.station_id = t.id AND s.state IN ('waiting', 'paused')
       AND s.due_at > :now AND s.id > :after AND s.reason IN (${Object.values(WAITS)
         .map((word) => `'${word}'`)
         .join(', ')}) ${campaign === undefined ? '' : 'AND s.campaign_id = :campaign'}
     WHERE t.tenant_id = :tenant AND t.kind = 'send' ORDER BY s.id LIMIT ${CHUNK}`,
    { now, after, ...(campaign === undefined ? {} : { campaign }) },
  );
  if (found.length === 0) return found;
  await tx.run(
    dialect.updateFrom(
      'marketing_steps',
      dialect.rows('rows', { step: 'int' }, 'r'),
      'due_at = :now, updated_at = :now',
      `marketing_steps.id = r.step AND tenant_id = :tenant AND state IN ('waiting', 'paused')`,
    ),
    { now, rows: JSON.stringify(found.map(({ id }) => [id])) },
  );
  return found;
}
