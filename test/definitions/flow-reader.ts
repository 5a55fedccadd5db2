import assert from 'node:assert/strict';
import { compileDefinition, type DefinitionDocument, type FlowNode } from '../../lib/definitions';

/** What a flow looks like to somebody who follows its wires. */
export class Reader {
  readonly nodes: readonly FlowNode[];
  private readonly byId: ReadonlyMap<string, FlowNode>;

  constructor(readonly flow: readonly FlowNode[]) {
    this.nodes = flow.filter(({ z }) => z !== undefined);
    this.byId = new Map(flow.map((node) => [node.id, node]));
  }
  of(type: string): FlowNode[] {
    return this.flow.filter((node) => node.type === `marketing-${type}`);
  }
  named(name: string): FlowNode {
    const found = this.nodes.find((node) => node['name'] === name && node.type !== 'comment');
    assert.ok(found, `there is no node "${name}" among ${this.nodes.map((node) => String(node['name'])).join(', ')}`);
    return found;
  }
  /** Names of what stands behind an output. */
  behind(name: string, output = 0): string[] {
    const wires = this.named(name)['wires'] as string[][];
    return (wires[output] ?? []).map((id) => String(this.byId.get(id)?.['name']));
  }
  account(name: string): FlowNode {
    const account = this.byId.get(String(this.named(name)['account']));
    assert.ok(account);
    return account;
  }
}

/** Compiles a document, to be read. */
export function read(document: DefinitionDocument, options?: Parameters<typeof compileDefinition>[1]): Reader {
  return new Reader(compileDefinition(document, options).flow);
}

/** A definition of nothing but a sequence. */
export function drip(...sequence: object[]): DefinitionDocument {
  return { id: 'drip', automation: { sequence: sequence as never } };
}
