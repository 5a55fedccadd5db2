import { InputError } from '../errors';
import type { Orphans, StationDeclaration } from '../ledger';
import type { Scope } from '../store';
import type { Recomputed } from './deploy';

/** People moved in one statement while stations are orphaned or adopted. */
const CHUNK = 5_000;

/** Somebody who waits at a changed station. */
export interface Detained {
  readonly step: number;
  readonly lead: number;
  /** Ms. */
  readonly arrivedAt: number;
}

/** What definitions need from others. */
export interface DefinitionsDeps {
  /** The due times (ms) of people, by step, as their station's `recomputeBy` says. Who is not in the answer keeps theirs. */
  recompute?(by: Readonly<Record<string, unknown>>, people: readonly Detained[]): Promise<ReadonlyMap<number, number>>;
}

/** Takes care of people who wait at stations that a deploy has changed, removed or brought back. */
export class WaitingPeople {
  constructor(
    private readonly scope: Scope,
    private readonly deps: DefinitionsDeps = {},
  ) {}

  /** People at stations that are no longer in any flow. */
  async orphans(): Promise<Orphans[]> {
    return this.scope.all<Orphans & object>(
      `SELECT t.definition_key AS definition, t.step, COUNT(*) AS people FROM marketing_stations t
       JOIN marketing_steps s ON s.station_id = t.id AND s.tenant_id = :tenant AND s.state = 'orphaned'
       WHERE t.tenant_id = :tenant GROUP BY t.definition_key, t.step ORDER BY t.definition_key, t.step`,
    );
  }

  /**
   * Moves orphaned people to another station of the same definition, where they are worked at once when due.
   * @returns how many were moved
   * @throws InputError `E_UNKNOWN_STATION`
   */
  async move({ definition, from, to }: { definition: string; from: string; to: string }): Promise<number> {
    const find = (step: string): Promise<{ id: number; state: string } | undefined> =>
      this.scope.get<{ id: number; state: string }>(
        `SELECT id, state FROM marketing_stations WHERE tenant_id = :tenant AND definition_key = :definition AND step = :step`,
        { definition, step },
      );
    const [origin, target] = [await find(from), await find(to)];
    if (!origin) throw unknownStation(definition, from);
    if (!target || target.state !== 'active') throw unknownStation(definition, to);
    let moved = 0;
    for (;;) {
      const count = await this.chunk(
        `station_id = :from AND state = 'orphaned' AND NOT EXISTS (SELECT 1 FROM marketing_steps x
           WHERE x.tenant_id = :tenant AND x.enrollment_id = s.enrollment_id AND x.parent_id = s.parent_id AND x.station_id = :to)`,
        `station_id = :to, state = 'waiting', port = NULL`,
        { from: origin.id, to: target.id },
      );
      moved += count;
      if (count === 0) return moved;
    }
  }

  /** Makes the states of waiting people agree with their stations: orphans at missing ones, waiting at those that are back. */
  async settle(): Promise<void> {
    const at = (state: string): string =>
      `station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.state = '${state}')`;
    while ((await this.chunk(`${at('missing')} AND state IN ('waiting', 'paused')`, `state = 'orphaned'`, {})) > 0);
    while ((await this.chunk(`${at('active')} AND state = 'orphaned'`, `state = 'waiting'`, {})) > 0);
  }

  /** Gives whoever waits at a changed station the new due time. The station is registered as changed only after that. */
  async recompute({ id, station }: Recomputed): Promise<void> {
    for (let after = 0; ;) {
      const from = after;
      // Who has been woken, or goes through the first output for another reason, has their time.
      const rows = await this.scope.background((db) =>
        db.all<{ id: number; lead_id: number; created_at: number }>(
          `SELECT s.id, s.lead_id, s.created_at FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.station_id = :station
             AND s.state IN ('waiting', 'paused') AND s.id > :from AND (s.port IS NULL OR s.port <> 0)
           ORDER BY s.id LIMIT ${CHUNK}`,
          { station: id, from },
        ),
      );
      const last = rows.at(-1);
      if (!last) break;
      after = last.id;
      await this.setDue(
        await this.dueTimes(
          station,
          rows.map((row) => ({ step: row.id, lead: row.lead_id, arrivedAt: row.created_at })),
        ),
      );
    }
    await this.scope.run(`UPDATE marketing_stations SET hash = :hash WHERE tenant_id = :tenant AND id = :id`, {
      hash: station.hash,
      id,
    });
  }

  private async dueTimes(
    station: StationDeclaration,
    people: readonly Detained[],
  ): Promise<ReadonlyMap<number, number>> {
    const { recomputeMs, recomputeAt, recomputeBy } = station;
    if (recomputeBy) return (await this.deps.recompute?.(recomputeBy, people)) ?? new Map();
    return new Map(
      people.map(({ step, arrivedAt }) => [
        step,
        recomputeMs === undefined ? (recomputeAt ?? 0) : arrivedAt + recomputeMs,
      ]),
    );
  }

  private async setDue(due: ReadonlyMap<number, number>): Promise<void> {
    if (due.size === 0) return;
    await this.scope.run(
      this.scope.dialect.updateFrom(
        'marketing_steps',
        this.scope.dialect.rows('rows', { step: 'int', to_due: 'int' }, 'r'),
        'due_at = to_due, updated_at = :now',
        `marketing_steps.id = r.step AND tenant_id = :tenant AND state IN ('waiting', 'paused') AND (port IS NULL OR port <> 0)`,
      ),
      { now: this.scope.clock.now(), rows: JSON.stringify([...due]) },
    );
  }

  private async chunk(where: string, set: string, values: Record<string, number>): Promise<number> {
    return this.scope.transaction(async (tx) => {
      const rows = await tx.all<{ id: number }>(
        `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.${where} LIMIT ${CHUNK}`,
        values,
      );
      if (rows.length === 0) return 0;
      const ids = JSON.stringify(rows.map(({ id }) => [id]));
      const chosen = `(SELECT r.step FROM ${tx.dialect.rows('ids', { step: 'int' }, 'r')})`;
      const bound: Record<string, number | string> = set.includes(':to') ? { to: values['to'] ?? 0, ids } : { ids };
      return tx.run(`UPDATE marketing_steps SET ${set} WHERE tenant_id = :tenant AND id IN ${chosen}`, bound);
    });
  }
}

function unknownStation(definition: string, step: string): InputError {
  return new InputError(
    'E_UNKNOWN_STATION',
    `There is no step "${step}" in the deployed definition "${definition}". List them with "nexus-marketing campaign orphans".`,
  );
}
