import { createHash } from 'node:crypto';
import { InputError } from '../errors';
import type { DefinitionDeclaration, StationDeclaration } from '../ledger';
import type { Scope } from '../store';
import type { DefinitionRow, Head } from './rows';

/*
 * What a deploy writes: versions of definitions, and their stations. People are taken care of after it (people.ts).
 */

interface StationRow {
  id: number;
  definition_key: string;
  step: string;
  hash: string;
  state: string;
}

/** A station that people wait at and whose declaration now says when they go on. */
export interface Recomputed {
  id: number;
  station: StationDeclaration;
}

/** @throws InputError `E_DUPLICATE_DEFINITION`, `E_DUPLICATE_STEP` */
export function checkDeclarations(declarations: readonly DefinitionDeclaration[]): void {
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

/** Registers a new version where the content changed; whether it has. How it is drawn is kept up to date, and no content. */
export async function registerVersion(
  tx: Scope,
  source: string,
  declaration: DefinitionDeclaration,
  known: DefinitionRow | undefined,
): Promise<boolean> {
  const { stations, body, key, name, drawing, ...rest } = declaration;
  const head: Head = {
    entry: rest.entry,
    entryMode: rest.entryMode,
    onUnknown: rest.onUnknown,
    ...(rest.event === undefined ? {} : { event: rest.event }),
    ...(rest.listens === undefined ? {} : { listens: rest.listens }),
    ...(rest.segment === undefined ? {} : { segment: rest.segment }),
  };
  const text = JSON.stringify({ head, stations, body });
  const drawn = drawing === undefined ? null : JSON.stringify(drawing);
  const hash = createHash('sha256').update(text).digest('hex');
  const now = tx.clock.now();
  if (known?.hash === hash) {
    await tx.run(
      `UPDATE marketing_definitions SET deployed = 1, source = :source, name = :name, drawing = COALESCE(:drawn, drawing), updated_at = :now
       WHERE tenant_id = :tenant AND definition_key = :key AND version = :version`,
      { source, name, drawn, now, key, version: known.version },
    );
    return false;
  }
  await tx.run(`UPDATE marketing_definitions SET deployed = 0 WHERE tenant_id = :tenant AND definition_key = :key`, {
    key,
  });
  await tx.run(
    `INSERT INTO marketing_definitions
       (tenant_id, definition_key, name, source, hash, version, deployed, body, drawing, created_at, updated_at)
     VALUES (:tenant, :key, :name, :source, :hash, :version, 1, :text, :drawn, :now, :now)`,
    { key, name, source, hash, version: (known?.version ?? 0) + 1, text, drawn, now },
  );
  return true;
}

/** Registers a definition's stations; those at which people wait and whose due times are to be worked out again. */
export async function registerStations(tx: Scope, declaration: DefinitionDeclaration): Promise<Recomputed[]> {
  const now = tx.clock.now();
  const known = await tx.all<StationRow>(
    `SELECT id, definition_key, step, hash, state FROM marketing_stations WHERE tenant_id = :tenant AND definition_key = :key`,
    { key: declaration.key },
  );
  const recomputed: Recomputed[] = [];
  const json = tx.dialect.name === 'postgres' ? 'CAST(:config AS jsonb)' : ':config';
  for (const station of declaration.stations) {
    const former = known.find(({ step }) => step === station.step);
    const recomputes = [station.recomputeMs, station.recomputeAt, station.recomputeBy].some((how) => how !== undefined);
    const pending = former !== undefined && former.hash !== station.hash && recomputes;
    if (pending) recomputed.push({ id: former.id, station });
    await tx.run(
      `INSERT INTO marketing_stations
         (tenant_id, definition_key, step, kind, node, hash, forks, on_unknown, entry_event, entry_on, entry_what, config, state, created_at, updated_at)
       VALUES (:tenant, :key, :step, :kind, :node, :hash, :forks, :onUnknown, :event, :entryOn, :entryWhat, ${json}, 'active', :now, :now)
       ${tx.dialect.upsertTail(
         ['tenant_id', 'definition_key', 'step'],
         [
           'kind',
           'node',
           'hash',
           'forks',
           'on_unknown',
           'entry_event',
           'entry_on',
           'entry_what',
           'config',
           'state',
           'updated_at',
         ],
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
        config: station.config === undefined ? null : JSON.stringify(station.config),
        ...entranceOf(declaration, station),
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

/** How people enter at a station by themselves, as its columns say it. */
function entranceOf(
  { entryMode, entry, event, listens }: DefinitionDeclaration,
  { step }: StationDeclaration,
): Record<'event' | 'entryOn' | 'entryWhat', string | null> {
  if (entryMode !== 'event' || step !== entry) return { event: null, entryOn: null, entryWhat: null };
  return { event: event ?? null, entryOn: listens?.on ?? null, entryWhat: listens?.what ?? null };
}

/** Marks a definition and its stations as no longer in any flow. */
export async function undeploy(tx: Scope, key: string): Promise<void> {
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
