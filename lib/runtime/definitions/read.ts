import type { Marketing } from '../..';
import type { Documents } from '../../definitions';
import type { Reading, SavedDefinition } from './types';

/** The saved definitions of one tenant, as far as deploying needs them. */
export type SavedDefinitions = Pick<Documents, 'revision' | 'list' | 'get'>;

interface Known {
  readonly revision: string;
  readonly definitions: readonly SavedDefinition[];
}

/**
 * Reads what the databases of the open stores say. Stores that share a database and a tenant have the same definitions: the
 * first of them gets them. Documents are read again only when one of them has changed.
 * @param stores the open ones, by the ids of their nodes, in the order of the flows
 */
export function readDefinitions(
  stores: () => ReadonlyMap<string, Marketing>,
  saved: (marketing: Marketing) => SavedDefinitions,
): () => Promise<Reading[]> {
  const known = new Map<string, Known>();
  return async () => {
    const readings: Reading[] = [];
    for (const [store, marketing] of distinct(stores())) {
      const definitions = await current(known, store, saved(marketing));
      readings.push({ store, definitions, ...(readings.length > 0 ? { space: store } : {}) });
    }
    return readings;
  };
}

async function current(
  known: Map<string, Known>,
  store: string,
  saved: SavedDefinitions,
): Promise<readonly SavedDefinition[]> {
  const revision = await saved.revision();
  const before = known.get(store);
  if (before?.revision === revision) return before.definitions;
  const definitions: SavedDefinition[] = [];
  for (const { key, version, hash } of await saved.list({ active: true })) {
    const same = before?.definitions.find((one) => one.key === key && one.version === version && one.hash === hash);
    definitions.push(same ?? { key, version, hash, document: (await saved.get(key, version)).document });
  }
  known.set(store, { revision, definitions });
  return definitions;
}

function distinct(stores: ReadonlyMap<string, Marketing>): [store: string, marketing: Marketing][] {
  const seen = new Set<string>();
  return [...stores].filter(([, { store, tenant }]) => {
    const place = `${store.url}\n${tenant}`;
    if (seen.has(place)) return false;
    seen.add(place);
    return true;
  });
}
