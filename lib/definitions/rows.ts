import { parseJson } from '../store';
import type { Definition } from './types';

/** A row of `marketing_definitions`, without its drawing. */
export interface DefinitionRow {
  definition_key: string;
  name: string;
  version: number;
  hash: string;
  deployed: number;
  source: string;
  body: string;
}

/** What a definition's body holds beside its stations and nodes. */
export type Head = Pick<Definition, 'entry' | 'entryMode' | 'event' | 'listens' | 'segment' | 'onUnknown'>;

/** What is kept of a version. */
export interface KeptBody {
  readonly head: Head;
  readonly stations: readonly Readonly<Record<string, unknown>>[];
  readonly body: unknown;
}

/** Definitions, newest versions. */
export const NEWEST = `SELECT d.definition_key, d.name, d.version, d.hash, d.deployed, d.source, d.body FROM marketing_definitions d
  WHERE d.tenant_id = :tenant AND d.version = (SELECT MAX(v.version) FROM marketing_definitions v
    WHERE v.tenant_id = :tenant AND v.definition_key = d.definition_key)`;

/** What a row's body holds. */
export function bodyOf({ body }: Pick<DefinitionRow, 'body'>): KeptBody {
  return parseJson<KeptBody>(body, {
    head: { entry: '', entryMode: 'launch', onUnknown: 'hold' },
    stations: [],
    body: [],
  });
}

/** A row as the definition that it is. */
export function definitionOf(row: DefinitionRow): Definition {
  return {
    key: row.definition_key,
    name: row.name,
    version: row.version,
    hash: row.hash,
    deployed: row.deployed === 1,
    ...bodyOf(row).head,
  };
}
