import type { ExpandedFlow, FlowNode } from './flow-expand';
import { catches, reachFrom, type Reach } from './flow-reach';

/** Stations that can be come to from a station without passing another one. */
export type Followers = ReadonlyMap<string, readonly string[]>;

/** What follows each station, by wires or by an error and a catch node. */
export function followersOf(
  flow: ExpandedFlow,
  ports: ReadonlyMap<string, readonly Reach[]>,
  stations: readonly string[],
): Followers {
  const guards = [...flow.nodes.values()].filter(({ type }) => type === 'catch');
  return new Map(
    stations.map((id) => {
      const found = new Set<string>();
      const passed = new Set<string>();
      const include = ({ stations: reached, passed: nodes }: Reach): void => {
        for (const station of reached) found.add(station);
        for (const node of nodes) passed.add(node);
      };
      ports.get(id)?.forEach(include);
      for (let known = -1; known < passed.size;) {
        known = passed.size;
        for (const guard of guards) {
          const comes = nodesOf(flow, passed).some((node) => catches(flow, node, guard));
          if (comes) guard.outputs.forEach((_targets, port) => include(reachFrom(flow, guard, port)));
        }
      }
      return [id, [...found]];
    }),
  );
}

/**
 * For a join, the stations from which people may still come to it in the same round: all from which it can be reached, but for those
 * that lie behind it and lead back to it in a loop (or lead to such a one). Whoever stands there is on the way to the next round.
 */
export function upstreamOf(join: string, followers: Followers, entry: string): Set<string> {
  const behind = forwards(join, followers, loopsOf(followers, entry));
  const upstream = new Set<string>();
  for (let known = -1; known < upstream.size;) {
    known = upstream.size;
    for (const [station, next] of followers) {
      if (station === join || behind.has(station)) continue;
      if (next.some((id) => id === join || upstream.has(id))) upstream.add(station);
    }
  }
  return upstream;
}

function forwards(join: string, followers: Followers, loops: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  const open = [join];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const next of followers.get(at) ?? []) {
      if (loops.has(edge(at, next)) || found.has(next)) continue;
      found.add(next);
      open.push(next);
    }
  }
  return found;
}

/**
 * Edges that close a loop: of each set of stations that lead to one another, those which lead to where it is entered; then the same
 * for the loops inside of it (a loop nesting forest after Steensgaard, which needs no single entry).
 */
function loopsOf(followers: Followers, entry: string): ReadonlySet<string> {
  const loops = new Set<string>();
  const next = (id: string): string[] => (followers.get(id) ?? []).filter((to) => !loops.has(edge(id, to)));
  const open: ReadonlySet<string>[] = [new Set(followers.keys())];
  for (let among = open.pop(); among !== undefined; among = open.pop()) {
    for (const circle of circlesAmong(among, next)) {
      const entered = new Set(
        [...circle].filter(
          (id) => id === entry || [...followers.keys()].some((from) => !circle.has(from) && next(from).includes(id)),
        ),
      );
      for (const from of circle) for (const to of next(from)) if (entered.has(to)) loops.add(edge(from, to));
      if (entered.size > 0) open.push(circle);
    }
  }
  return loops;
}

/** Sets of stations that all lead to one another. */
function circlesAmong(among: ReadonlySet<string>, next: (id: string) => string[]): Set<string>[] {
  const reached = new Map([...among].map((id) => [id, reachable(id, among, next)]));
  const circles: Set<string>[] = [];
  const placed = new Set<string>();
  for (const [id, from] of reached) {
    if (placed.has(id) || !from.has(id)) continue;
    const circle = new Set([...from].filter((other) => reached.get(other)?.has(id)));
    for (const other of circle) placed.add(other);
    circles.push(circle);
  }
  return circles;
}

/** What can be come to from a station, itself only by a loop. */
function reachable(id: string, among: ReadonlySet<string>, next: (id: string) => string[]): Set<string> {
  const found = new Set<string>();
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const to of next(at)) {
      if (!among.has(to) || found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}

function edge(from: string, to: string): string {
  return `${from}\n${to}`;
}

function nodesOf(flow: ExpandedFlow, ids: ReadonlySet<string>): FlowNode[] {
  return [...ids].flatMap((id) => flow.nodes.get(id) ?? []);
}
