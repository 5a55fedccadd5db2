import type { Marketing } from '..';
import type { Account } from '../channels';
import type { Clock } from '../clock';
import type { TenantFigures } from '../http';

/** Counts the figures of `/metrics` for each open store. Reads on a connection of its own: counting must not hold up anybody. */
export async function readFigures(
  stores: readonly Marketing[],
  accounts: ReadonlyMap<string, Account>,
  clock: Clock,
): Promise<TenantFigures[]> {
  const breakers = Object.fromEntries([...accounts].map(([name, account]) => [name, account.stats().breaker]));
  // Two store nodes may share a tenant: its people are counted once.
  const tenants = new Map(stores.map((marketing) => [marketing.tenant, marketing]));
  return Promise.all(
    [...tenants.values()].map(async (marketing) => ({ ...(await count(marketing, clock)), breakers })),
  );
}

async function count(marketing: Marketing, clock: Clock): Promise<Omit<TenantFigures, 'breakers'>> {
  const { people, messages } = await marketing.scope.background(async (db) => ({
    people: await db.all<{ state: string; people: number }>(
      `SELECT s.state, COUNT(*) AS people FROM marketing_steps s
       WHERE s.tenant_id = :tenant AND s.station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant)
         AND s.state IN ('waiting', 'working', 'released', 'branching', 'failed', 'unknown', 'orphaned', 'paused')
       GROUP BY s.state`,
    ),
    messages: await db.all<{ name: string; total: number }>(
      `SELECT name, SUM(count) AS total FROM marketing_counters
       WHERE tenant_id = :tenant AND name IN ('sent', 'failed', 'suppressed', 'unknown') GROUP BY name`,
    ),
  }));
  const due = (await marketing.timers.list()).filter((timer) => !timer.ringing).map((timer) => timer.at);
  return {
    tenant: marketing.tenant,
    people: Object.fromEntries(people.map((row) => [row.state, Number(row.people)])),
    messages: Object.fromEntries(messages.map((row) => [row.name, Number(row.total)])),
    timerLatenessMs: Math.max(0, clock.now() - Math.min(clock.now(), ...due)),
  };
}
