import { createHash } from 'node:crypto';
import { InputError } from '../errors';
import type { DefinitionDeclaration, Orphans, StationDeclaration } from '../ledger';
import { parseJson, type Scope } from '../store';

/** A definition as it stands in the database: its newest version. */
export interface Definition {
  key: string;
  name: string;
  version: number;
  hash: string;
  /** False when the last deploy of its source no longer contained it. */
  deployed: boolean;
  entry: string;
  entryMode: 'launch' | 'event';
  event?: string;
  segment?: string;
  onUnknown: 'hold' | 'resend';
}

/** What a deploy meant for people under way. */
export interface DeployReport {
  /** People at stations that are no longer in the flow. */
  orphaned: Orphans[];
  /** Definitions of which a new version was registered. */
  changed: string[];
}

interface DefinitionRow {
  definition_key: string;
  name: string;
  version: number;
  hash: string;
  deployed: number;
  source: string;
  body: string;
}

interface StationRow {
  id: number;
  definition_key: string;
  step: string;
  hash: string;
  state: string;
}

type Head = Pick<Definition, 'entry' | 'entryMode' | 'event' | 'segment' | 'onUnknown'>;

const NEWEST = `SELECT d.definition_key, d.name, d.version, d.hash, d.deployed, d.source, d.body FROM marketing_definitions d
  WHERE d.tenant_id = :tenant AND d.version = (SELECT MAX(v.version) FROM marketing_definitions v
    WHERE v.tenant_id = :tenant AND v.definition_key = d.definition_key)`;

/** People moved in one statement while stations are orphaned or adopted. */
const CHUNK = 5_000;

/** Registers the definitions of deployed flows, and takes care of people whose station vanished. */
export class Definitions {
  constructor(private readonly scope: Scope) {}

  /** All definitions, newest versions. */
  async list(): Promise<Definition[]> {
    const rows = await this.scope.all<DefinitionRow>(`${NEWEST} ORDER BY d.definition_key`);
    return rows.map(definitionOf);
  }

  /** The newest version of a definition, or undefined. */
  async get(key: string): Promise<Definition | undefined> {
    const row = await this.scope.get<DefinitionRow>(`${NEWEST} AND d.definition_key = :key`, { key });
    return row && definitionOf(row);
  }

  /** Definitions that people enter by this event. */
  async enteredBy(event: string): Promise<Definition[]> {
    return (await this.list()).filter((definition) => definition.entryMode === 'event' && definition.event === event);
  }

  /**
   * Registers what a source (one flow file's store node) has deployed: a new version where the content changed, all its
   * stations, and orphans: people at stations which this source had and has no longer. People who wait keep their due
   * time, unless the station's declaration says recompute.
   * @param keep keys of definitions that the source still has, but that cannot be deployed as they are (an error in the
   *   flow): their people stay where they are
   * @throws InputError `E_DUPLICATE_STEP`, `E_DUPLICATE_DEFINITION`; nothing is changed then
   */
  async deploy(
    source: string,
    declarations: readonly DefinitionDeclaration[],
    keep: readonly string[] = [],
  ): Promise<DeployReport> {
    checkDeclarations(declarations);
    const { changed, moved } = await this.scope.transaction(async (tx) => {
      await takeTurn(tx);
      const former = await tx.all<DefinitionRow>(NEWEST);
      const changes: string[] = [];
      const recomputed: Recomputed[] = [];
      for (const declaration of declarations) {
        const known = former.find(({ definition_key }) => definition_key === declaration.key);
        if (await registerVersion(tx, source, declaration, known)) changes.push(declaration.key);
        recomputed.push(...(await registerStations(tx, declaration)));
      }
      const gone = former.filter(
        ({ source: from, deployed, definition_key: key }) =>
          from === source && deployed && !keep.includes(key) && !declarations.some((declared) => declared.key === key),
      );
      for (const { definition_key } of gone) await undeploy(tx, definition_key);
      return { changed: changes, moved: recomputed };
    });
    for (const station of moved) await this.recompute(station);
    await this.settlePeople();
    return { orphaned: await this.orphans(), changed };
  }

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
        `station_id = :to, state = 'waiting'`,
        { from: origin.id, to: target.id },
      );
      moved += count;
      if (count === 0) return moved;
    }
  }

  /** Makes the states of waiting people agree with their stations: orphans at missing ones, waiting at those that are back. */
  private async settlePeople(): Promise<void> {
    const at = (state: string): string =>
      `station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.state = '${state}')`;
    while ((await this.chunk(`${at('missing')} AND state IN ('waiting', 'paused')`, `state = 'orphaned'`, {})) > 0);
    while ((await this.chunk(`${at('active')} AND state = 'orphaned'`, `state = 'waiting'`, {})) > 0);
  }

  /** Gives whoever waits at a changed station the new due time. The station is registered as changed only after that. */
  private async recompute({ id, station }: Recomputed): Promise<void> {
    const due = station.recomputeMs === undefined ? ':value' : 'created_at + :value';
    const value = station.recomputeMs ?? station.recomputeAt ?? 0;
    for (let after = 0; ;) {
      const from = after;
      const rows = await this.scope.background((db) =>
        db.all<{ id: number }>(
          `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.station_id = :station
             AND s.state IN ('waiting', 'paused') AND s.id > :from ORDER BY s.id LIMIT ${CHUNK}`,
          { station: id, from },
        ),
      );
      const last = rows.at(-1);
      if (!last) break;
      after = last.id;
      await this.scope.run(
        this.scope.dialect.updateFrom(
          'marketing_steps',
          this.scope.dialect.rows('ids', { step: 'int' }, 'r'),
          `due_at = ${due}, updated_at = :now`,
          `marketing_steps.id = r.step AND tenant_id = :tenant AND state IN ('waiting', 'paused')`,
        ),
        { now: this.scope.clock.now(), value, ids: JSON.stringify(rows.map((row) => [row.id])) },
      );
    }
    await this.scope.run(`UPDATE marketing_stations SET hash = :hash WHERE tenant_id = :tenant AND id = :id`, {
      hash: station.hash,
      id,
    });
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

function definitionOf(row: DefinitionRow): Definition {
  const { head } = parseJson<{ head: Head }>(row.body, { head: { entry: '', entryMode: 'launch', onUnknown: 'hold' } });
  return {
    key: row.definition_key,
    name: row.name,
    version: row.version,
    hash: row.hash,
    deployed: row.deployed === 1,
    ...head,
  };
}

function checkDeclarations(declarations: readonly DefinitionDeclaration[]): void {
  const keys = new Set<string>();
  for (const { key, stations } of declarations) {
    if (keys.has(key)) {
      throw new InputError(
        'E_DUPLICATE_DEFINITION',
        `Two trigger nodes use the definition key "${key}". Give one of them another key.`,
        { details: { definition: key } },
      );
    }
    keys.add(key);
    const steps = new Map<string, StationDeclaration>();
    for (const station of stations) {
      const twin = steps.get(station.step);
      if (twin) {
        throw new InputError(
          'E_DUPLICATE_STEP',
          `Two nodes of the definition "${key}" use the step name "${station.step}" (${twin.node} and ${station.node}). Give one of them another step name.`,
          { details: { definition: key, step: station.step, nodes: [twin.node, station.node] } },
        );
      }
      steps.set(station.step, station);
    }
  }
}

/** Deploys of a tenant happen one after another: two runtimes that start together would register the same version twice. */
async function takeTurn(tx: Scope): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, 'deploys', '', :now)
     ${tx.dialect.upsertTail(['tenant_id', 'name'], ['updated_at'])}`,
    { now: tx.clock.now() },
  );
}

async function registerVersion(
  tx: Scope,
  source: string,
  declaration: DefinitionDeclaration,
  known: DefinitionRow | undefined,
): Promise<boolean> {
  const { stations, body, key, name, ...rest } = declaration;
  const head: Head = {
    entry: rest.entry,
    entryMode: rest.entryMode,
    onUnknown: rest.onUnknown,
    ...(rest.event === undefined ? {} : { event: rest.event }),
    ...(rest.segment === undefined ? {} : { segment: rest.segment }),
  };
  const text = JSON.stringify({ head, stations, body });
  const hash = createHash('sha256').update(text).digest('hex');
  const now = tx.clock.now();
  if (known?.hash === hash) {
    await tx.run(
      `UPDATE marketing_definitions SET deployed = 1, source = :source, name = :name, updated_at = :now
       WHERE tenant_id = :tenant AND definition_key = :key AND version = :version`,
      { source, name, now, key, version: known.version },
    );
    return false;
  }
  await tx.run(`UPDATE marketing_definitions SET deployed = 0 WHERE tenant_id = :tenant AND definition_key = :key`, {
    key,
  });
  await tx.run(
    `INSERT INTO marketing_definitions
       (tenant_id, definition_key, name, source, hash, version, deployed, body, created_at, updated_at)
     VALUES (:tenant, :key, :name, :source, :hash, :version, 1, :text, :now, :now)`,
    { key, name, source, hash, version: (known?.version ?? 0) + 1, text, now },
  );
  return true;
}

/** A station that people wait at and whose declaration now says when they go on. */
interface Recomputed {
  id: number;
  station: StationDeclaration;
}

async function registerStations(tx: Scope, declaration: DefinitionDeclaration): Promise<Recomputed[]> {
  const now = tx.clock.now();
  const known = await tx.all<StationRow>(
    `SELECT id, definition_key, step, hash, state FROM marketing_stations WHERE tenant_id = :tenant AND definition_key = :key`,
    { key: declaration.key },
  );
  const recomputed: Recomputed[] = [];
  for (const station of declaration.stations) {
    const former = known.find(({ step }) => step === station.step);
    const recomputes = station.recomputeMs !== undefined || station.recomputeAt !== undefined;
    const pending = former !== undefined && former.hash !== station.hash && recomputes;
    if (pending) recomputed.push({ id: former.id, station });
    await tx.run(
      `INSERT INTO marketing_stations
         (tenant_id, definition_key, step, kind, node, hash, forks, on_unknown, entry_event, state, created_at, updated_at)
       VALUES (:tenant, :key, :step, :kind, :node, :hash, :forks, :onUnknown, :event, 'active', :now, :now)
       ${tx.dialect.upsertTail(
         ['tenant_id', 'definition_key', 'step'],
         ['kind', 'node', 'hash', 'forks', 'on_unknown', 'entry_event', 'state', 'updated_at'],
       )}`,
      {
        key: declaration.key,
        step: station.step,
        kind: station.kind,
        node: station.node,
        // The former one until everybody has the new due time: after a crash, the next deploy does it.
        hash: pending ? former.hash : station.hash,
        forks: station.forks ? 1 : 0,
        onUnknown: station.onUnknown ?? null,
        event:
          declaration.entryMode === 'event' && station.step === declaration.entry ? (declaration.event ?? null) : null,
        now,
      },
    );
  }
  const missing = known.filter(({ step }) => !declaration.stations.some((station) => station.step === step));
  for (const { id } of missing)
    await tx.run(
      `UPDATE marketing_stations SET state = 'missing', updated_at = :now WHERE tenant_id = :tenant AND id = :id`,
      { id, now },
    );
  return recomputed;
}

async function undeploy(tx: Scope, key: string): Promise<void> {
  const now = tx.clock.now();
  await tx.run(
    `UPDATE marketing_definitions SET deployed = 0, updated_at = :now WHERE tenant_id = :tenant AND definition_key = :key`,
    { key, now },
  );
  await tx.run(
    `UPDATE marketing_stations SET state = 'missing', updated_at = :now WHERE tenant_id = :tenant AND definition_key = :key`,
    { key, now },
  );
}

function unknownStation(definition: string, step: string): InputError {
  return new InputError(
    'E_UNKNOWN_STATION',
    `There is no step "${step}" in the deployed definition "${definition}". List them with "nexus-marketing campaign orphans".`,
  );
}
