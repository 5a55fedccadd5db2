import { slug, text } from './names';

/** A node's configuration, as `RED.nodes.eachNode` gives it. */
export interface FlowConfig {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly d?: boolean;
  readonly wires?: unknown;
  readonly [property: string]: unknown;
}

/** A node as it runs: subflow instances are unfolded, links are wires. */
export interface FlowNode {
  /** The id that the runtime gives it: in a subflow instance `<instance>-<node>`. */
  readonly id: string;
  readonly type: string;
  readonly config: FlowConfig;
  /** Names of the subflow instances around it, outermost first. */
  readonly instances: readonly string[];
  /** Where it stands: its tab, then the ids of the subflow instances around it, outermost first. */
  readonly path: readonly string[];
  /** Ids behind each output, in the order of the wires; a wire drawn twice is there twice. */
  readonly outputs: string[][];
}

/** What is drawn, as it runs. Disabled nodes and tabs are left out. */
export interface ExpandedFlow {
  readonly nodes: ReadonlyMap<string, FlowNode>;
  /** Ids that wires may name although nothing runs there. */
  readonly disabled: ReadonlySet<string>;
}

interface Space {
  /** Prefix of ids in this subflow instance; empty on a tab. */
  readonly prefix: string;
  readonly instances: readonly string[];
  /** Tab and subflow instances; empty on the top level, where each node has its own tab. */
  readonly path: readonly string[];
  /** Configurations of this tab or subflow, by their drawn id. */
  readonly members: ReadonlyMap<string, FlowConfig>;
}

/** Deeper nesting is a subflow that contains itself, which the editor does not let anybody draw. */
const MAX_DEPTH = 32;

/** Unfolds subflow instances and resolves link nodes. Ids come out as the runtime makes them. */
export function expandFlow(configs: Iterable<FlowConfig>): ExpandedFlow {
  const all = new Map<string, FlowConfig>();
  for (const config of configs) all.set(config.id, config);
  const links = linkTargets(all.values());
  const nodes = new Map<string, FlowNode>();
  const disabled = new Set<string>();

  const enter = (space: Space, depth: number): void => {
    const resolve = (id: unknown): string | undefined =>
      typeof id === 'string' && space.members.has(id) ? space.prefix + id : undefined;
    for (const config of space.members.values()) {
      const id = space.prefix + config.id;
      if (config.d === true) {
        disabled.add(id);
        continue;
      }
      const outputs = outputsOf(config, links).map((ids) => ids.flatMap((target) => resolve(target) ?? []));
      const path = space.path.length > 0 ? space.path : [config.z ?? ''];
      nodes.set(id, { id, type: config.type, config, instances: space.instances, path, outputs });
    }
    if (depth >= MAX_DEPTH) return;
    for (const config of space.members.values()) {
      const template = config.d === true ? undefined : templateOf(config, all);
      if (template) unfold(space, config, template, depth);
    }
  };

  const unfold = (outer: Space, instance: FlowConfig, template: FlowConfig, depth: number): void => {
    const id = outer.prefix + instance.id;
    const members = membersOf(all.values(), template.id);
    const name = slug(text(instance['name'])) || slug(text(template['name'])) || 'subflow';
    const around = outer.path.length > 0 ? outer.path : [instance.z ?? ''];
    const inner: Space = { prefix: `${id}-`, instances: [...outer.instances, name], path: [...around, id], members };
    enter(inner, depth + 1);
    connect(nodes, id, inner, template);
  };

  const templates = new Set([...all.values()].filter(({ type }) => type === 'subflow').map(({ id }) => id));
  const off = new Set(
    [...all.values()].filter(({ type, disabled: is }) => type === 'tab' && is === true).map(({ id }) => id),
  );
  const top = new Map<string, FlowConfig>();
  for (const config of all.values()) {
    if (!runs(config) || templates.has(config.z ?? '')) continue;
    if (off.has(config.z ?? '')) disabled.add(config.id);
    else top.set(config.id, config);
  }
  enter({ prefix: '', instances: [], path: [], members: top }, 0);
  return { nodes, disabled };
}

/** Wires an instance's input to the nodes inside, and the nodes at its outputs to what follows the instance. */
function connect(nodes: Map<string, FlowNode>, id: string, inner: Space, template: FlowConfig): void {
  const instance = nodes.get(id);
  if (!instance) return;
  const behind = instance.outputs;
  const entry = ports(template['in'])[0] ?? [];
  const inside = entry.flatMap(({ id: target }) => (inner.members.has(target) ? [inner.prefix + target] : []));
  ports(template['out']).forEach((wires, output) => {
    for (const { id: source, port } of wires) {
      const followers = behind[output] ?? [];
      if (source === template.id) inside.push(...followers);
      else addWires(nodes.get(inner.prefix + source), port, followers);
    }
  });
  nodes.set(id, { ...instance, outputs: [inside] });
}

function addWires(node: FlowNode | undefined, port: number, targets: readonly string[]): void {
  if (!node) return;
  while (node.outputs.length <= port) node.outputs.push([]);
  node.outputs[port]?.push(...targets);
}

/** Link-out nodes and what they lead to. The connection may be noted on either side, as the runtime reads it too. */
function linkTargets(configs: Iterable<FlowConfig>): ReadonlyMap<string, readonly string[]> {
  const targets = new Map<string, Set<string>>();
  const add = (from: string, to: string): void => {
    const known = targets.get(from) ?? new Set();
    targets.set(from, known.add(to));
  };
  for (const { id, type, links } of configs) {
    if (!Array.isArray(links)) continue;
    for (const other of links.map(String)) {
      if (type === 'link in') add(other, id);
      else if (type === 'link out') add(id, other);
    }
  }
  return new Map([...targets].map(([id, ids]) => [id, [...ids]]));
}

function outputsOf(config: FlowConfig, links: ReadonlyMap<string, readonly string[]>): unknown[][] {
  if (config.type === 'link out') return config['mode'] === 'return' ? [] : [[...(links.get(config.id) ?? [])]];
  const { wires } = config;
  return Array.isArray(wires)
    ? wires.map((output: unknown) => (Array.isArray(output) ? (output as unknown[]) : []))
    : [];
}

function templateOf(config: FlowConfig, all: ReadonlyMap<string, FlowConfig>): FlowConfig | undefined {
  const id = /^subflow:(.+)$/.exec(config.type)?.[1];
  return id === undefined ? undefined : all.get(id);
}

function membersOf(configs: Iterable<FlowConfig>, space: string): Map<string, FlowConfig> {
  const members = new Map<string, FlowConfig>();
  for (const config of configs) if (config.z === space && runs(config)) members.set(config.id, config);
  return members;
}

function runs({ type }: FlowConfig): boolean {
  return type !== 'tab' && type !== 'subflow' && type !== 'group';
}

/** The `in` and `out` of a subflow: for each port the ends of its wires. */
function ports(value: unknown): { id: string; port: number }[][] {
  if (!Array.isArray(value)) return [];
  return value.map((port: unknown) => {
    const wires: unknown = typeof port === 'object' && port !== null ? Reflect.get(port, 'wires') : undefined;
    if (!Array.isArray(wires)) return [];
    return wires.flatMap((wire: unknown) => {
      if (typeof wire !== 'object' || wire === null) return [];
      const id: unknown = Reflect.get(wire, 'id');
      const number: unknown = Reflect.get(wire, 'port');
      return typeof id === 'string' ? [{ id, port: typeof number === 'number' ? number : 0 }] : [];
    });
  });
}
