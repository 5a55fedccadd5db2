import type { Actor } from '../access';
import type { DefinitionDeclaration, Orphans } from '../ledger';
import type { Scope } from '../store';
import { checkDeclarations, registerStations, registerVersion, undeploy, type Recomputed } from './deploy';
import type { Change } from './diff';
import { WaitingPeople, type DefinitionsDeps } from './people';
import { definitionOf, NEWEST, type DefinitionRow } from './rows';
import type { Definition, DefinitionDetails, DefinitionVersion, DeployReport } from './types';
import { takeTurn } from './turn';
import { Versions } from './versions';

/** Who reads. */
interface ReadBy {
  readonly actor?: Actor;
}

/** Registers the definitions of deployed flows, and takes care of people whose station vanished. */
export class Definitions {
  private readonly people: WaitingPeople;
  private readonly kept: Versions;

  constructor(
    private readonly scope: Scope,
    deps: DefinitionsDeps = {},
  ) {
    this.people = new WaitingPeople(scope, deps);
    this.kept = new Versions(scope);
  }

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
      await takeTurn(tx, 'deploys');
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
    for (const station of moved) await this.people.recompute(station);
    await this.people.settle();
    return { orphaned: await this.orphans(), changed };
  }

  /** People at stations that are no longer in any flow. */
  orphans(): Promise<Orphans[]> {
    return this.people.orphans();
  }

  /**
   * Moves orphaned people to another station of the same definition, where they are worked at once when due.
   * @returns how many were moved
   * @throws InputError `E_UNKNOWN_STATION`
   */
  move(args: { definition: string; from: string; to: string }): Promise<number> {
    return this.people.move(args);
  }

  /** All versions of a definition, newest first; none for a key that was never deployed. */
  versions(key: string, { actor }: ReadBy = {}): Promise<DefinitionVersion[]> {
    return this.kept.list(key, actor);
  }

  /** One version. @throws NotFoundError `E_UNKNOWN_DEFINITION` */
  version(key: string, version: number, { actor }: ReadBy = {}): Promise<DefinitionDetails> {
    return this.kept.get(key, version, actor);
  }

  /**
   * What is different in version `b` from version `a`. Paths begin with `/head` (how people enter), `/stations/<step>` or
   * `/nodes/<id>`.
   * @throws NotFoundError `E_UNKNOWN_DEFINITION`
   */
  diff(key: string, a: number, b: number, { actor }: ReadBy = {}): Promise<Change[]> {
    return this.kept.diff(key, a, b, actor);
  }

  /**
   * A version as it was drawn: a flow to be imported. Nodes keep their ids, so that importing with "replace" restores it; config
   * nodes (stores, accounts) are not in it and are found by their ids.
   * @throws NotFoundError `E_UNKNOWN_DEFINITION`; ConflictError `E_NO_DRAWING` for a version of a release that kept none
   */
  asFlow(key: string, version: number, { actor }: ReadBy = {}): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return this.kept.asFlow(key, version, actor);
  }
}
