/** Names that survive copying and importing a flow, which node ids do not. The editor makes the same ones (editor/journey.ts). */

/** Longest step name and definition key, as the tables hold them. */
export const MAX_NAME = 128;

/** Node types that take custody of people, and what the ledger calls them. */
export const STATION_KINDS: Readonly<Record<string, string>> = {
  'marketing-trigger': 'trigger',
  'marketing-delay': 'delay',
  'marketing-send': 'send',
  'marketing-join': 'join',
  'marketing-compensate': 'compensate',
  'marketing-approval': 'approval',
};

/** Node types that send each person through exactly one of their outputs. */
export const SWITCH_TYPES: ReadonlySet<string> = new Set([
  'marketing-segment',
  'marketing-consent',
  'marketing-split',
  'marketing-goal',
  'marketing-roi',
]);

/** What naming needs to know of a node's configuration. */
export interface Named {
  readonly type: string;
  readonly name?: unknown;
  readonly step?: unknown;
  readonly definition?: unknown;
}

/** The key made from a name: lower case, without accents, words joined by a hyphen. */
export function slug(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
}

/** A station's step name: as written, or made from the node's name, or from its type. */
export function stepName(node: Named): string {
  return text(node.step) || slug(text(node.name)) || node.type.replace(/^marketing-/, '');
}

/** A trigger's definition key: as written, or made from the node's name. */
export function definitionKey(node: Named): string {
  return text(node.definition) || slug(text(node.name)) || 'journey';
}

/** The names of the subflow instances around a node, in front of its own. */
export function qualified(instances: readonly string[], name: string): string {
  return [...instances, name].join('.');
}

/** A property as trimmed text; empty when it is none. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}
