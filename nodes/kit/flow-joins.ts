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
 * For a join, the stations from which people may still come to it in the same round: all from which it can be reached without
 * passing it, but for those that lie behind it and lead back to it in a loop. Whoever stands there is on the way to the next round.
 */
export function upstreamOf(join: string, followers: Followers, entry: string): Set<string> {
  const upstream = backwards(join, followers);
  const behind = forwards(join, followers, loopsOf(followers, entry));
  for (const station of behind) upstream.delete(station);
  upstream.delete(join);
  return upstream;
}

function backwards(join: string, followers: Followers): Set<string> {
  const found = new Set<string>();
  for (let known = -1; known < found.size;) {
    known = found.size;
    for (const [station, next] of followers) {
      if (station !== join && next.some((id) => id === join || found.has(id))) found.add(station);
    }
  }
  return found;
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

/** Edges that lead back to a station that was passed before: what is left when each way from the entry is walked once. */
function loopsOf(followers: Followers, entry: string): ReadonlySet<string> {
  const loops = new Set<string>();
  const done = new Set<string>();
  const under = new Set<string>();
  const walk = (id: string): void => {
    under.add(id);
    for (const next of [...(followers.get(id) ?? [])].sort()) {
      if (under.has(next)) loops.add(edge(id, next));
      else if (!done.has(next)) walk(next);
    }
    under.delete(id);
    done.add(id);
  };
  walk(entry);
  return loops;
}

function edge(from: string, to: string): string {
  return `${from}\n${to}`;
}

function nodesOf(flow: ExpandedFlow, ids: ReadonlySet<string>): FlowNode[] {
  return [...ids].flatMap((id) => flow.nodes.get(id) ?? []);
}
