import type { FlowConfig } from '../../nodes/kit/graph';

/** Short ways to write fixture flows. Positions are given so that Node-RED takes them for drawn nodes. */

/** A node on a tab (or in a subflow, with `z`). `wires`: for each output the ids behind it. */
export function node(
  id: string,
  type: string,
  wires: string[][],
  properties: Record<string, unknown> = {},
): FlowConfig {
  return { id, type, z: 'tab', x: 100, y: 100, wires, ...properties };
}

/** The tab that {@link node} draws on. */
export const TAB: FlowConfig = { id: 'tab', type: 'tab', label: 'Journeys' };

export function trigger(id: string, wires: string[][], properties: Record<string, unknown> = {}): FlowConfig {
  return node(id, 'marketing-trigger', wires, { store: 'store', name: id, ...properties });
}
export function delay(id: string, wires: string[][], properties: Record<string, unknown> = {}): FlowConfig {
  return node(id, 'marketing-delay', wires, { store: 'store', name: id, ...properties });
}
export function send(id: string, wires: string[][], properties: Record<string, unknown> = {}): FlowConfig {
  return node(id, 'marketing-send', wires, { store: 'store', name: id, ...properties });
}
export function segment(id: string, wires: string[][], properties: Record<string, unknown> = {}): FlowConfig {
  return node(id, 'marketing-segment', wires, { store: 'store', name: id, ...properties });
}
