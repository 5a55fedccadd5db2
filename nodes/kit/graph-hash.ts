import { createHash } from 'node:crypto';
import type { FlowConfig, FlowNode } from './flow-expand';

/** Properties that say where and how a node is drawn, or what it belongs to, and not what it does. */
const NOT_HASHED: ReadonlySet<string> = new Set([
  ...['id', 'z', 'g', 'x', 'y', 'w', 'h', 'l', 'd', 'wires', 'name', 'info', 'icon', 'inputLabels', 'outputLabels'],
  ...['store', 'step', 'configVersion', 'credentials'],
]);

/** Properties that are left out of a definition's body: drawing, and secrets. */
const NOT_IN_BODY: ReadonlySet<string> = new Set(['x', 'y', 'w', 'h', 'l', 'g', 'info', 'icon', 'credentials']);

/** Changes when what a station does changes, and not when it is moved, renamed or wired otherwise. */
export function stationHash(config: FlowConfig): string {
  return hash(Object.fromEntries(Object.entries(config).filter(([property]) => !NOT_HASHED.has(property))));
}

/** A node as it is kept in a definition's version: without drawing and secrets, the same for the same contents. */
export function bodyOf({ id, config, outputs, instances }: FlowNode): unknown {
  const kept = Object.entries(config).filter(([property]) => !NOT_IN_BODY.has(property));
  return sorted({
    ...Object.fromEntries(kept),
    id,
    wires: outputs.map((ids) => [...ids].sort()),
    ...(instances.length > 0 ? { instances } : {}),
  });
}

function hash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 32);
}

/** The same value with the keys of all objects in order, so that equal contents give equal text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
