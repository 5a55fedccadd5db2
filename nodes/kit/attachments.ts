import type { StationHandle } from '../../lib/ledger/types';
import type { PlannedDefinition } from './plan';

interface Attached {
  readonly handle: StationHandle;
  /** The running node that it belongs to. A node that is restarted has the same id and is another owner. */
  readonly owner: object;
}

/** Stations at work: which running node is which station of which definition. A node may be a step of several. */
export class Attachments {
  private readonly nodes = new Map<string, Map<string, Attached>>();

  get(node: string, definition: string, owner?: object): StationHandle | undefined {
    const attached = this.nodes.get(node)?.get(definition);
    return owner === undefined || attached?.owner === owner ? attached?.handle : undefined;
  }

  add(node: string, handle: StationHandle, owner: object): void {
    const own = this.nodes.get(node) ?? new Map<string, Attached>();
    this.nodes.set(node, own.set(handle.spec.definition, { handle, owner }));
  }

  /** Closes the stations that these definitions no longer have: their people are orphans now. */
  async keepOnly(definitions: readonly PlannedDefinition[]): Promise<void> {
    const wanted = new Set(
      definitions.flatMap(({ declaration: { key }, stations }) =>
        stations.map(({ node, declaration: { step } }) => keyOf(node, key, step)),
      ),
    );
    await this.closeWhere((node, { handle: { spec } }) => !wanted.has(keyOf(node, spec.definition, spec.step)));
  }

  /** Closes all stations of a node that has ended. */
  async detach(node: string, owner: object): Promise<void> {
    await this.closeWhere((id, attached) => id === node && attached.owner === owner);
  }

  async detachAll(): Promise<void> {
    await this.closeWhere(() => true);
  }

  private async closeWhere(unwanted: (node: string, attached: Attached) => boolean): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const [node, own] of this.nodes) {
      for (const [definition, attached] of own) {
        if (!unwanted(node, attached)) continue;
        // Out of the list first: whoever arrives now waits for the next station.
        own.delete(definition);
        closing.push(attached.handle.close());
      }
      if (own.size === 0) this.nodes.delete(node);
    }
    await Promise.all(closing);
  }
}

function keyOf(node: string, definition: string, step: string): string {
  return [node, definition, step].join('\n');
}
