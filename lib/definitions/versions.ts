import { authorise, type Actor } from '../access';
import { ConflictError, NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';
import { diffOf, type Change } from './diff';
import { isObject } from './plain';
import { bodyOf, type DefinitionRow } from './rows';
import type { DefinitionDetails, DefinitionVersion } from './types';

interface VersionRow extends Omit<DefinitionRow, 'body'> {
  created_at: number;
  updated_at: number;
}
interface DetailsRow extends VersionRow {
  body: string;
  drawing: string | null;
}

const COLUMNS = 'definition_key, version, name, hash, deployed, source, created_at, updated_at';
/** The largest version that the column holds. */
const LAST = 2_147_483_647;
type Named = Readonly<Record<string, unknown>>;

/** The versions of deployed definitions: every one is kept. */
export class Versions {
  constructor(private readonly scope: Scope) {}

  /** See `Definitions.versions`. */
  async list(key: string, actor: Actor | undefined): Promise<DefinitionVersion[]> {
    authorise(actor, 'definition:read');
    const rows = await this.scope.all<VersionRow>(
      `SELECT ${COLUMNS} FROM marketing_definitions WHERE tenant_id = :tenant AND definition_key = :key ORDER BY version DESC`,
      { key },
    );
    return rows.map(versionOf);
  }

  /** See `Definitions.version`. */
  async get(key: string, version: number, actor: Actor | undefined): Promise<DefinitionDetails> {
    const row = await this.row(key, version, actor);
    const { head, stations, body } = bodyOf(row);
    const nodes = Array.isArray(body) ? body.filter(isObject) : [];
    return { ...versionOf(row), ...head, stations, nodes, drawn: row.drawing !== null };
  }

  /** See `Definitions.diff`. */
  async diff(key: string, a: number, b: number, actor: Actor | undefined): Promise<Change[]> {
    const [before, after] = [await this.get(key, a, actor), await this.get(key, b, actor)];
    return diffOf(comparable(before), comparable(after));
  }

  /** See `Definitions.asFlow`. */
  async asFlow(key: string, version: number, actor: Actor | undefined): Promise<readonly Named[]> {
    const { drawing } = await this.row(key, version, actor);
    if (drawing !== null) return parseJson<Named[]>(drawing, []);
    throw new ConflictError(
      'E_NO_DRAWING',
      `Version ${version} of the definition "${key}" was deployed by a release that did not keep the drawing. Restore its flow from your backup of the flow file.`,
      { details: { definition: key, version } },
    );
  }

  private async row(key: string, version: number, actor: Actor | undefined): Promise<DetailsRow> {
    authorise(actor, 'definition:read');
    const known = Number.isInteger(version) && version > 0 && version <= LAST;
    const row =
      known &&
      (await this.scope.get<DetailsRow>(
        `SELECT ${COLUMNS}, body, drawing FROM marketing_definitions
       WHERE tenant_id = :tenant AND definition_key = :key AND version = :version`,
        { key, version },
      ));
    if (row) return row;
    throw new NotFoundError(
      'E_UNKNOWN_DEFINITION',
      `There is no version ${version} of a deployed definition "${key.slice(0, 128)}".`,
      {
        details: { definition: key, version },
      },
    );
  }
}

function versionOf(row: VersionRow): DefinitionVersion {
  return {
    key: row.definition_key,
    version: row.version,
    name: row.name,
    hash: row.hash,
    deployed: row.deployed === 1,
    source: row.source,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Stations and nodes by their names: what is compared with its former self, not with its neighbour in the list. */
function comparable({
  entry,
  entryMode,
  event,
  listens,
  segment,
  onUnknown,
  stations,
  nodes,
}: DefinitionDetails): unknown {
  const head = Object.entries({ entry, entryMode, event, listens, segment, onUnknown }).filter(
    ([, value]) => value !== undefined,
  );
  const by = (list: readonly Named[], name: string): Named =>
    Object.fromEntries(list.map((entry) => [String(entry[name]), entry]));
  return { head: Object.fromEntries(head), stations: by(stations, 'step'), nodes: by(nodes, 'id') };
}
