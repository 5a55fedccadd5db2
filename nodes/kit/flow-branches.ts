import type { ExpandedFlow, FlowNode } from './flow-expand';
import {
  catches,
  isDynamicCall,
  isExclusive,
  keyOf,
  placesOf,
  reachFrom,
  STOPS,
  successors,
  type Place,
} from './flow-reach';
import { SWITCH_TYPES } from './names';

/** Into how many branches one message may become. */
interface Branches {
  /** Stations that each message reaches (two wires to one station are one arrival). */
  readonly stations: ReadonlySet<string>;
  /** Branches of which it is decided on the way where they go, or whether they end. */
  readonly decided: number;
}

const NONE: Branches = { stations: new Set(), decided: 0 };

/** Ordinary nodes that pass a message on in the turn in which it comes. */
const PROMPT: ReadonlySet<string> = new Set([
  'switch',
  'change',
  'link in',
  'link out',
  'link call',
  'junction',
  'debug',
]);

/**
 * The most branches in which somebody who is sent through an output may arrive at stations or come to an end: once so many have, a
 * fork is complete. Undefined where the drawing does not say (a loop among ordinary nodes, a link call with a target from the
 * message, an error that a catch node sends to a station). Rather too many than too few: then the watchdog closes the fork.
 */
export function mostBranches(flow: ExpandedFlow, node: FlowNode, port: number): number | undefined {
  const known = new Map<string, Branches | undefined>();
  const under = new Set<string>();
  const visit = (place: Place): Branches | undefined => {
    const next = flow.nodes.get(place.id);
    if (!next) return NONE;
    if (STOPS.has(next.type)) {
      return next.type === 'marketing-trigger' ? undefined : { stations: new Set([next.id]), decided: 0 };
    }
    const key = keyOf(place);
    if (known.has(key)) return known.get(key);
    if (under.has(key) || isDynamicCall(next)) return undefined;
    under.add(key);
    const outputs = successors(flow, next, place.calls).map((places) => together(places.map(visit)));
    under.delete(key);
    const found = isExclusive(next) ? oneOf(outputs, SWITCH_TYPES.has(next.type) ? 1 : 0) : together(outputs);
    known.set(key, found);
    return found;
  };
  const all = together(placesOf(node.outputs[port] ?? [], []).map(visit));
  return all && !mayEscape(flow, node, port) ? sizeOf(all) : undefined;
}

/** Whether nothing behind a station's outputs lets people wait: then its branches arrive at once or not at all. */
export function branchesPromptly(flow: ExpandedFlow, node: FlowNode): boolean {
  return node.outputs.every((_targets, port) =>
    [...reachFrom(flow, node, port).passed].every((id) => {
      const type = flow.nodes.get(id)?.type ?? '';
      return PROMPT.has(type) || STOPS.has(type) || SWITCH_TYPES.has(type) || type.startsWith('subflow:');
    }),
  );
}

/** Whether an error on the way would have somebody arrive at a station to which no wire leads. */
function mayEscape(flow: ExpandedFlow, node: FlowNode, port: number): boolean {
  const passed = [...reachFrom(flow, node, port).passed].flatMap((id) => flow.nodes.get(id) ?? []);
  return [...flow.nodes.values()].some(
    (guard) =>
      guard.type === 'catch' &&
      guard.outputs.some((_targets, output) => reachFrom(flow, guard, output).stations.length > 0) &&
      passed.some((one) => catches(flow, one, guard)),
  );
}

function together(parts: readonly (Branches | undefined)[]): Branches | undefined {
  let decided = 0;
  const stations = new Set<string>();
  for (const part of parts) {
    if (!part) return undefined;
    decided += part.decided;
    for (const station of part.stations) stations.add(station);
  }
  return { stations, decided };
}

/** @param least a switch of ours ends the way of those behind whose output nothing is */
function oneOf(outputs: readonly (Branches | undefined)[], least: number): Branches | undefined {
  let most = least;
  for (const output of outputs) {
    if (!output) return undefined;
    most = Math.max(most, sizeOf(output));
  }
  return { stations: new Set(), decided: most };
}

function sizeOf({ stations, decided }: Branches): number {
  return stations.size + decided;
}
