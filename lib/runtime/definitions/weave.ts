import { createHash } from 'node:crypto';
import { compileDefinition, ownerOf, type FlowNode, type KnownAccount } from '../../definitions';
import { InputError } from '../../errors';
import type { BrokenDefinition, Reading, SavedDefinition } from './types';

/** The flows as they should be. */
export interface Woven {
  readonly nodes: readonly FlowNode[];
  /** For each tab of the database a fingerprint of what is drawn on it. */
  readonly tabs: ReadonlyMap<string, string>;
  readonly deployed: readonly SavedDefinition[];
  readonly broken: readonly BrokenDefinition[];
  /** What the deployed definitions need of somebody, by their key. */
  readonly warnings: ReadonlyMap<string, readonly string[]>;
}

/**
 * Puts the definitions of the database among the flows: one tab each. Tabs of definitions that are gone leave; those of a
 * store that could not be read, and of a definition whose new version is broken, stay as they are. Accounts that are there
 * are never touched: somebody has filled them in.
 */
export function weave(running: readonly FlowNode[], readings: readonly Reading[]): Woven {
  const loom = new Loom(running);
  for (const reading of readings) {
    for (const saved of [...reading.definitions].sort((a, b) => (a.key < b.key ? -1 : 1))) loom.add(reading, saved);
  }
  return loom.result(new Set(readings.map(({ store }) => store)));
}

/** What is drawn on a tab, as one short text: the same whatever order a node's properties are in. */
export function fingerprint(nodes: readonly FlowNode[], tab: string): string {
  const drawn = nodes.filter(({ id, z }) => id === tab || z === tab).map((node) => JSON.stringify(sorted(node)));
  return createHash('sha256').update(drawn.sort().join('\n')).digest('hex');
}

class Loom {
  private readonly accounts: readonly KnownAccount[];
  /** Journeys that are drawn by hand, by store. */
  private readonly taken = new Map<string, Set<string>>();
  private readonly fresh: FlowNode[] = [];
  private readonly kept = new Set<string>();
  private readonly deployed: SavedDefinition[] = [];
  private readonly broken: BrokenDefinition[] = [];
  private readonly warnings = new Map<string, readonly string[]>();

  constructor(private readonly running: readonly FlowNode[]) {
    const off = new Set(running.filter((node) => node.type === 'tab' && node['disabled'] === true).map(({ id }) => id));
    const owned = new Set(running.filter(ownerOf).map(({ id }) => id));
    this.accounts = running
      .filter(({ type }) => type === 'marketing-account')
      .map((node) => ({ id: node.id, name: textOf(node, 'name'), channel: textOf(node, 'channel') }));
    for (const node of running) {
      const tab = textOf(node, 'z');
      if (node.type !== 'marketing-trigger' || node['d'] === true || off.has(tab) || owned.has(tab)) continue;
      this.takenIn(textOf(node, 'store')).add(textOf(node, 'definition'));
    }
  }

  add({ store, space }: Reading, saved: SavedDefinition): void {
    const { key, version, document } = saved;
    try {
      const compiled = compileDefinition(document, {
        store: { id: store },
        accounts: this.accounts,
        owned: true,
        ...(space === undefined ? {} : { space }),
      });
      const taken = this.takenIn(store);
      const twice = compiled.definitions.find((definition) => taken.has(definition));
      if (twice !== undefined) {
        throw new InputError(
          'E_DUPLICATE_DEFINITION',
          `The flows have a journey "${twice}" already. Give the definition or the trigger node another key.`,
        );
      }
      for (const definition of compiled.definitions) taken.add(definition);
      this.fresh.push(...compiled.flow);
      this.deployed.push(saved);
      this.warnings.set(key, compiled.warnings);
    } catch (error) {
      this.broken.push({ key, version, error: error instanceof Error ? error : new Error(String(error)) });
      this.kept.add(`${store}\n${key}`);
    }
  }

  result(read: ReadonlySet<string>): Woven {
    const leaving = new Set(
      this.running
        .filter((node) => {
          const owner = ownerOf(node);
          return owner && read.has(owner.store) && !this.kept.has(`${owner.store}\n${owner.definition}`);
        })
        .map(({ id }) => id),
    );
    const staying = this.running.filter((node) => !leaving.has(node.id) && !leaving.has(textOf(node, 'z')));
    const there = new Set(staying.map(({ id }) => id));
    const nodes = [...staying, ...this.fresh.filter(({ id }) => !there.has(id))];
    const tabs = nodes.filter(ownerOf).map(({ id }) => [id, fingerprint(nodes, id)] as const);
    return { nodes, tabs: new Map(tabs), deployed: this.deployed, broken: this.broken, warnings: this.warnings };
  }

  private takenIn(store: string): Set<string> {
    const known = this.taken.get(store) ?? new Set();
    this.taken.set(store, known);
    return known;
  }
}

function textOf(node: FlowNode, property: string): string {
  const value = node[property];
  return typeof value === 'string' ? value : '';
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
