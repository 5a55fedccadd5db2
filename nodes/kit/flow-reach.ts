import type { ExpandedFlow, FlowNode } from './flow-expand';
import { STATION_KINDS, SWITCH_TYPES } from './names';

/** What a person can come to from one output, without passing a station. */
export interface Reach {
  /** Stations, in the order in which they are found. */
  readonly stations: readonly string[];
  /** All nodes on the way, stations included. */
  readonly passed: ReadonlySet<string>;
  /** True when one message may become several arrivals. */
  readonly forks: boolean;
  /** True when a message may go where no wire shows (a link call whose target comes from the message). */
  readonly unseen: boolean;
}

/** A node that is reached, and the link calls that a return would go back to. */
export interface Place {
  readonly id: string;
  readonly calls: readonly string[];
}

export const STOPS: ReadonlySet<string> = new Set(Object.keys(STATION_KINDS));

/** Follows wires, links, link calls and their returns from one output of a node. */
export function reachFrom(flow: ExpandedFlow, node: FlowNode, port: number): Reach {
  const starts = placesOf(node.outputs[port] ?? [], []);
  const places = new Map<string, Place>();
  const stations = new Set<string>();
  const passed = new Set<string>();
  let unseen = false;
  const open = [...starts];
  for (let place = open.shift(); place !== undefined; place = open.shift()) {
    const next = flow.nodes.get(place.id);
    if (!next || places.has(keyOf(place))) continue;
    places.set(keyOf(place), place);
    passed.add(next.id);
    if (STOPS.has(next.type)) {
      // A trigger starts a journey of its own: whoever comes to it does not go on in this one.
      if (next.type !== 'marketing-trigger') stations.add(next.id);
      continue;
    }
    if (isDynamicCall(next)) unseen = true;
    open.push(...successors(flow, next, place.calls).flat());
  }
  return { stations: [...stations], passed, unseen, forks: arrivals(flow, starts) > 1 };
}

/**
 * Whether an error of a node would come to a catch node: one in the same flow, or around the subflow instance that the
 * node is in; for all nodes, or for this one, or for those of its group.
 */
export function catches(flow: ExpandedFlow, node: FlowNode, guard: FlowNode): boolean {
  if (guard.path.some((container, depth) => node.path[depth] !== container)) return false;
  const { scope } = guard.config;
  const around = node.path.slice(guard.path.length);
  if (Array.isArray(scope)) {
    const prefix = guard.id.slice(0, guard.id.length - guard.config.id.length);
    return scope.some((id) => prefix + String(id) === node.id || around.includes(prefix + String(id)));
  }
  if (scope !== 'group') return true;
  const reporting = flow.nodes.get(around[0] ?? node.id);
  return guard.config['g'] === undefined || reporting?.config['g'] !== undefined;
}

/** How many arrivals one message may become; 2 stands for more. */
function arrivals(flow: ExpandedFlow, starts: readonly Place[]): number {
  const known = new Map<string, number>();
  const under = new Set<string>();
  let looped = false;
  const count = (place: Place): number => {
    const node = flow.nodes.get(place.id);
    if (!node) return 0;
    if (STOPS.has(node.type)) return node.type === 'marketing-trigger' ? 0 : 1;
    const key = keyOf(place);
    const before = known.get(key);
    if (before !== undefined) return before;
    if (under.has(key)) {
      looped = true;
      return 0;
    }
    under.add(key);
    const outputs = successors(flow, node, place.calls).map((places) => sum(places.map(count)));
    // Where each message takes one of the outputs, only the widest counts.
    const result = isExclusive(node) ? Math.max(0, ...outputs) : sum(outputs);
    under.delete(key);
    known.set(key, result);
    return result;
  };
  const total = sum(starts.map(count));
  // With a loop among ordinary nodes the count is not exact: several stations are then taken for a fork.
  return looped && known.size > 0 ? Math.max(total, distinctStations(flow, starts)) : total;
}

function distinctStations(flow: ExpandedFlow, starts: readonly Place[]): number {
  const seen = new Set<string>();
  const found = new Set<string>();
  const open = [...starts];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const node = flow.nodes.get(place.id);
    if (!node || seen.has(keyOf(place))) continue;
    seen.add(keyOf(place));
    if (!STOPS.has(node.type)) open.push(...successors(flow, node, place.calls).flat());
    else if (node.type !== 'marketing-trigger') found.add(node.id);
  }
  return found.size;
}

/** What follows a node, per output. A link call leads into what it calls; what it is wired to follows the return. */
export function successors(flow: ExpandedFlow, node: FlowNode, calls: readonly string[]): Place[][] {
  if (node.type === 'link call') {
    const target = callTarget(flow, node);
    // A routine that calls itself is followed once.
    return target === undefined || calls.includes(node.id) ? [] : [[{ id: target, calls: [...calls, node.id] }]];
  }
  if (node.type === 'link out' && node.config['mode'] === 'return') {
    const caller = flow.nodes.get(calls.at(-1) ?? '');
    return caller ? caller.outputs.map((ids) => placesOf(ids, calls.slice(0, -1))) : [];
  }
  return node.outputs.map((ids) => placesOf(ids, calls));
}

function callTarget(flow: ExpandedFlow, node: FlowNode): string | undefined {
  if (isDynamicCall(node)) return undefined;
  const { links } = node.config;
  const drawn: unknown = Array.isArray(links) ? links[0] : links;
  if (typeof drawn !== 'string') return undefined;
  // Inside a subflow instance the target is the one of the same instance.
  const prefix = node.id.slice(0, node.id.length - node.config.id.length);
  return [prefix + drawn, drawn].find((id) => flow.nodes.has(id));
}

export function isDynamicCall({ type, config }: FlowNode): boolean {
  return type === 'link call' && config['linkType'] === 'dynamic';
}

export function isExclusive({ type, config }: FlowNode): boolean {
  if (SWITCH_TYPES.has(type)) return true;
  return type === 'switch' && (config['checkall'] === 'false' || config['checkall'] === false);
}

export function placesOf(ids: readonly string[], calls: readonly string[]): Place[] {
  return ids.map((id) => ({ id, calls }));
}

export function keyOf({ id, calls }: Place): string {
  return [id, ...calls].join('\n');
}

function sum(counts: readonly number[]): number {
  return Math.min(
    2,
    counts.reduce((total, count) => total + count, 0),
  );
}
