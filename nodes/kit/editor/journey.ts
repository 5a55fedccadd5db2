import { definitionKey as definitionKeyOf, type Named, slug, STATION_KINDS, stepName as stepNameOf } from '../names';
import { current } from './dialog';

export { slug };

/** The step name that a station has when the runtime reads it. */
export function stepName(node: RedNode): string {
  return stepNameOf(shown(node));
}

/** The definition key that a trigger has when the runtime reads it. */
export function definitionKey(node: RedNode): string {
  return definitionKeyOf(shown(node));
}

/** Whether a node of this type takes custody of people, so that it needs a step name of its own. */
export function isStation(node: RedNode): boolean {
  return node.type in STATION_KINDS;
}

function shown(node: RedNode): Named {
  return {
    type: node.type,
    name: current(node, 'name'),
    step: current(node, 'step'),
    definition: current(node, 'definition'),
  };
}

/** Another station with the same step name behind one of the triggers that lead to this one, on the same workspace. */
export function stationOfSameName(node: RedNode): RedNode | undefined {
  const name = stepName(node);
  for (const trigger of triggersOf(node)) {
    for (const other of reachable(trigger)) {
      if (other.id !== node.id && other.z === node.z && isStation(other) && stepName(other) === name) return other;
    }
  }
  return undefined;
}

/** Another trigger that would use the same definition key for the same store. */
export function triggerOfSameKey(node: RedNode): RedNode | undefined {
  const key = definitionKey(node);
  let found: RedNode | undefined;
  RED.nodes.eachNode((other) => {
    if (other.type !== 'marketing-trigger' || other.id === node.id || other.d === true) return true;
    if (current(other, 'store') !== current(node, 'store') || definitionKey(other) !== key) return true;
    found = other;
    return false;
  });
  return found;
}

/** `wanted`, or `wanted-2`, `wanted-3` …: the first that is not taken. */
export function firstFree(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number += 1) {
    const candidate = `${wanted}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The keys of the definitions that a node belongs to: of the triggers that lead to it. */
export function definitionsOf(node: RedNode): string[] {
  return triggersOf(node).map(definitionKey);
}

function triggersOf(node: RedNode): RedNode[] {
  return RED.nodes
    .filterNodes({ z: node.z, type: 'marketing-trigger' })
    .filter((trigger) => trigger.id === node.id || reachable(trigger).some((other) => other.id === node.id));
}

/** The trigger and everything that its messages can reach by wires and links. */
function reachable(start: RedNode): RedNode[] {
  const seen = new Map<string, RedNode>([[start.id, start]]);
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of successors(node)) {
      if (seen.has(next.id)) continue;
      seen.set(next.id, next);
      open.push(next);
    }
  }
  return [...seen.values()];
}

function successors(node: RedNode): RedNode[] {
  const wired = RED.nodes.getNodeLinks(node).map((link) => link.target);
  const links: unknown = node.type === 'link out' ? node.links : undefined;
  if (!Array.isArray(links)) return wired;
  const linked = links.map((id) => RED.nodes.node(String(id))).filter((target) => target !== null);
  return [...wired, ...linked];
}
