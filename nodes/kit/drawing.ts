import type { FlowConfig, FlowNode } from './flow-expand';

/** Properties of a node that are never kept: secrets. */
const SECRET: ReadonlySet<string> = new Set(['credentials']);

/**
 * What was drawn for these nodes, as it can be imported again: their configurations with positions, and the tabs, groups and
 * subflows that they stand in. Values such as `${NAME}` stay as they are written. Config nodes (stores, accounts) are not in
 * it: they stay in the flow, hold addresses and secrets, and are found again by their ids.
 */
export function drawingOf(configs: Iterable<FlowConfig>, nodes: Iterable<FlowNode>): FlowConfig[] {
  const drawn = new Map<string, FlowConfig>();
  for (const config of configs) drawn.set(config.id, config);
  const kept = new Set<string>();
  const keep = (id: unknown): void => {
    const config = typeof id === 'string' ? drawn.get(id) : undefined;
    if (!config || kept.has(config.id)) return;
    kept.add(config.id);
    keep(config.z);
    keep(config['g']);
    const template = config.type === 'subflow' ? config.id : /^subflow:(.+)$/.exec(config.type)?.[1];
    if (template === undefined) return;
    keep(template);
    for (const member of drawn.values()) if (member.z === template && member.type !== 'group') keep(member.id);
  };
  for (const { config } of nodes) keep(config.id);
  // By id, whatever order the configurations came in.
  return [...kept].sort().flatMap((id) => withoutSecrets(drawn.get(id), kept));
}

function withoutSecrets(config: FlowConfig | undefined, kept: ReadonlySet<string>): FlowConfig[] {
  if (!config) return [];
  const entries = Object.entries(config).filter(([property]) => !SECRET.has(property));
  const copy: Record<string, unknown> = Object.fromEntries(entries);
  if (Array.isArray(copy['env'])) copy['env'] = copy['env'].map(withoutSecret);
  if (config.type === 'group' && Array.isArray(copy['nodes']))
    copy['nodes'] = copy['nodes'].filter((id) => kept.has(String(id)));
  return [{ ...copy, id: config.id, type: config.type }];
}

/** An environment variable of a tab, group or subflow; a secret one without its value. */
function withoutSecret(variable: unknown): unknown {
  if (typeof variable !== 'object' || variable === null || Reflect.get(variable, 'type') !== 'cred') return variable;
  return Object.fromEntries(Object.entries(variable).filter(([name]) => name !== 'value'));
}
