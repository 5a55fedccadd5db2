import type { Scope } from '../../store';

/** What is to be added to which counter. Gathered per transaction, written once, in a fixed order (no dead-locks). */
export class CounterDeltas {
  private readonly deltas = new Map<string, { campaign: number; station: number; name: string; delta: number }>();

  add(campaign: number, station: number, name: string, delta = 1): void {
    const key = `${campaign} ${station} ${name}`;
    const known = this.deltas.get(key);
    if (known) known.delta += delta;
    else this.deltas.set(key, { campaign, station, name, delta });
  }

  async write(tx: Scope): Promise<void> {
    if (this.deltas.size === 0) return;
    const rows = [...this.deltas.values()]
      .sort((a, b) => a.campaign - b.campaign || a.station - b.station || (a.name < b.name ? -1 : 1))
      .map(({ campaign, station, name, delta }) => [campaign, station, name, delta]);
    const { dialect } = tx;
    await tx.run(
      `INSERT INTO marketing_counters (tenant_id, campaign_id, station_id, name, count)
       SELECT :tenant, r.campaign, r.station, r.counter, r.delta
       FROM ${dialect.rows('rows', { campaign: 'int', station: 'int', counter: 'text', delta: 'int' }, 'r')} WHERE 1 = 1
       ${dialect.upsertTail(['campaign_id', 'station_id', 'name'], {
         count: `marketing_counters.count + ${dialect.excluded('count')}`,
       })}`,
      { rows: JSON.stringify(rows) },
    );
  }
}

/** The counters of one station, over all campaigns or one. */
export async function readStationCounters(scope: Scope, station: number): Promise<Record<string, number>> {
  const rows = await scope.all<{ name: string; total: number }>(
    `SELECT name, SUM(count) AS total FROM marketing_counters
     WHERE tenant_id = :tenant AND station_id = :station GROUP BY name`,
    { station },
  );
  return Object.fromEntries(rows.map(({ name, total }) => [name, Number(total)]));
}
