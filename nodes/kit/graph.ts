import type { DefinitionDeclaration, StationDeclaration } from '../../lib/ledger/types';
import type { UnknownPolicy } from '../../lib/types';
import { drawingOf } from './drawing';
import { expandFlow, type ExpandedFlow, type FlowConfig, type FlowNode } from './flow-expand';
import { bodyOf, stationHash } from './graph-hash';
import { duplicateKeys, keyOf, nameProblems, stepOf, storeProblems } from './graph-problems';
import { branchesPromptly, mostBranches } from './flow-branches';
import { followersOf, upstreamOf, type Followers } from './flow-joins';
import { catches, reachFrom, type Reach } from './flow-reach';
import { describeTrigger } from '../trigger/rules';
import { whatItListensTo } from '../../lib/triggers';
import { versionOf } from './migrate';
import { definitionKey, qualified, STATION_KINDS, SWITCH_TYPES, text } from './names';
import type { JourneyPlan, PlannedDefinition, PlannedStation, PlanProblem } from './plan';

export type { FlowConfig } from './flow-expand';
export type { JourneyPlan, PlannedDefinition, PlannedStation, PlanProblem } from './plan';

const JOIN = 'marketing-join';

/** What a kind of node says about itself beyond what every station says. */
export type DescribeStation = (
  config: FlowConfig,
) => Partial<Pick<StationDeclaration, 'onUnknown' | 'recomputeMs' | 'recomputeAt' | 'recomputeBy' | 'config'>>;

/** What {@link planJourneys} may be told besides the drawn flow. */
export interface PlanOptions {
  /**
   * Configurations of running nodes, which may differ from what is drawn: `${NAME}` is replaced, old ones are
   * migrated, references inside subflow instances point to the instance's own config nodes.
   */
  readonly running?: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly describe?: DescribeStation;
}

/**
 * Reads the journeys out of a drawn flow: one definition for each trigger node, made of the stations that its people
 * can reach. Pure: the same drawing gives the same plan, wherever its nodes stand and in whatever order they come.
 */
export function planJourneys(configs: Iterable<FlowConfig>, options: PlanOptions = {}): JourneyPlan {
  const drawn = [...configs];
  const flow = withRunning(expandFlow(drawn), options.running ?? new Map());
  const ports = reachOfPorts(flow);
  const triggers = [...flow.nodes.values()].filter(({ type }) => type === 'marketing-trigger').sort(byId);
  const drafts = triggers.map((trigger) => draft(flow, ports, trigger, { drawn, describe: options.describe }));
  const problems = [
    ...drafts.flatMap(({ problems: own }) => own),
    ...duplicateKeys(drafts.map(({ planned }) => planned)),
  ];
  const broken = new Set(problems.flatMap(({ definition, store }) => keyOf(store, definition)));
  return {
    definitions: drafts
      .filter(({ planned }) => !broken.has(keyOf(planned.store, planned.declaration.key)))
      .map(({ planned }) => planned),
    problems,
    leadsOn: new Map([...ports].map(([id, reaches]) => [id, reaches.map((reach) => takesOver(flow, reach))])),
    disabled: flow.disabled,
  };
}

interface Draft {
  readonly planned: PlannedDefinition;
  readonly problems: readonly PlanProblem[];
}

function draft(
  flow: ExpandedFlow,
  ports: ReadonlyMap<string, Reach[]>,
  trigger: FlowNode,
  { drawn, describe = () => ({}) }: { drawn: readonly FlowConfig[]; describe: DescribeStation | undefined },
): Draft {
  const { stations, passed } = collect(flow, ports, trigger);
  const nodes = stations.flatMap((id) => flow.nodes.get(id) ?? []).sort(byId);
  const store = text(trigger.config['store']);
  const key = qualified(trigger.instances, definitionKey(trigger.config));
  const segment = trigger.config['audience'] === 'segment' ? text(trigger.config['segment']) : '';
  const listens = listensTo(trigger.config);
  const joined = nodes.some(({ type }) => type === JOIN);
  const followers = joined ? followersOf(flow, ports, stations) : new Map<string, string[]>();
  const planned = nodes.map((node): PlannedStation => {
    const forks = (ports.get(node.id) ?? []).some((reach) => reach.forks);
    const described = describe(node.config);
    const config = {
      ...described.config,
      ...(forks ? branchesOf(flow, node) : {}),
      ...(node.type === JOIN ? { join: { upstream: stepsAbove(flow, node, followers, trigger) } } : {}),
    };
    return {
      node: node.id,
      declaration: {
        step: stepOf(node),
        kind: STATION_KINDS[node.type] ?? node.type,
        node: node.id,
        hash: stationHash(node.config),
        forks,
        ...described,
        ...(Object.keys(config).length > 0 ? { config } : {}),
      },
    };
  });
  const inside = [...passed].flatMap((id) => flow.nodes.get(id) ?? []).sort(byId);
  const declaration: DefinitionDeclaration = {
    key,
    name: text(trigger.config['name']) || key,
    entry: stepOf(trigger),
    ...listens,
    // Of the first version of the node: an audience that an event's trigger had was left over from a launch.
    ...(segment && (listens.entryMode === 'launch' || versionOf(trigger.config) > 1) ? { segment } : {}),
    onUnknown: policyOf(trigger.config['unknownPolicy']) ?? 'hold',
    stations: planned.map(({ declaration: station }) => station),
    body: inside.map(bodyOf),
    drawing: drawingOf(drawn, inside),
  };
  const context = { definition: key, store, trigger: trigger.id };
  return {
    planned: { trigger: trigger.id, store, declaration, stations: planned, nodes: [...passed] },
    problems: [...storeProblems(context, trigger, nodes), ...nameProblems(context, nodes)],
  };
}

/** How people enter by a trigger: when it is launched, by an event, or by something that its rules describe. */
function listensTo(config: FlowConfig): Pick<DefinitionDeclaration, 'entryMode' | 'event' | 'listens'> {
  const mode = text(config['mode']) || 'launch';
  if (mode === 'launch') return { entryMode: 'launch' };
  if (mode === 'event' || mode === 'webhook') return { entryMode: 'event', event: text(config['event']) };
  const { trigger } = describeTrigger(config).config ?? {};
  const listens = trigger && 'listens' in trigger ? whatItListensTo(trigger.listens) : undefined;
  return { entryMode: 'event', ...(listens ? { listens } : {}) };
}

/** Into what a station's outputs fork; kept on its row, where a hand-over reads when all branches have come. */
function branchesOf(flow: ExpandedFlow, node: FlowNode): Record<string, unknown> {
  const expected = node.outputs.map((_targets, port) => mostBranches(flow, node, port) ?? null);
  return { branches: { expected }, ...(branchesPromptly(flow, node) ? { prompt: 'yes' } : {}) };
}

/** Names of the steps from which a join can be reached. */
function stepsAbove(flow: ExpandedFlow, join: FlowNode, followers: Followers, trigger: FlowNode): string[] {
  const ids = [...upstreamOf(join.id, followers, trigger.id)];
  return ids
    .flatMap((id) => flow.nodes.get(id) ?? [])
    .map(stepOf)
    .sort();
}

/** Everything that the people of one trigger can come to, by wires or by an error and a catch node. */
function collect(
  flow: ExpandedFlow,
  ports: ReadonlyMap<string, Reach[]>,
  trigger: FlowNode,
): { stations: string[]; passed: Set<string> } {
  const stations = new Set([trigger.id]);
  const passed = new Set([trigger.id]);
  const guards = [...flow.nodes.values()].filter(({ type }) => type === 'catch');
  const include = (reach: Reach): void => {
    for (const station of reach.stations) stations.add(station);
    for (const node of reach.passed) passed.add(node);
  };
  for (let known = 0; known < passed.size;) {
    known = passed.size;
    // A set hands out what is added to it while it is walked.
    for (const id of stations) ports.get(id)?.forEach(include);
    for (const guard of guards) {
      if (passed.has(guard.id)) continue;
      const caught = [...passed].flatMap((id) => flow.nodes.get(id) ?? []).some((node) => catches(flow, node, guard));
      if (!caught) continue;
      passed.add(guard.id);
      guard.outputs.forEach((_targets, port) => include(reachFrom(flow, guard, port)));
    }
  }
  return { stations: [...stations], passed };
}

function reachOfPorts(flow: ExpandedFlow): Map<string, Reach[]> {
  const ports = new Map<string, Reach[]>();
  for (const node of flow.nodes.values()) {
    if (!(node.type in STATION_KINDS) && !SWITCH_TYPES.has(node.type)) continue;
    ports.set(
      node.id,
      node.outputs.map((_targets, port) => reachFrom(flow, node, port)),
    );
  }
  return ports;
}

/** Whether something behind an output takes people over or ends their way: a station, a switch, another trigger. */
function takesOver(flow: ExpandedFlow, reach: Reach): boolean {
  if (reach.unseen || reach.stations.length > 0) return true;
  return [...reach.passed].some((id) => {
    const type = flow.nodes.get(id)?.type ?? '';
    return SWITCH_TYPES.has(type) || type === 'marketing-trigger';
  });
}

function withRunning(
  flow: ExpandedFlow,
  running: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): ExpandedFlow {
  const nodes = new Map<string, FlowNode>();
  for (const [id, node] of flow.nodes) {
    const live = running.get(id);
    // The drawn id and wires stay: ids are mapped by the unfolding, and wires are never taken from a running node.
    nodes.set(
      id,
      live
        ? {
            ...node,
            config: { ...node.config, ...live, id: node.config.id, type: node.type, wires: node.config.wires },
          }
        : node,
    );
  }
  return { ...flow, nodes };
}

function policyOf(value: unknown): UnknownPolicy | undefined {
  return value === 'hold' || value === 'resend' ? value : undefined;
}

function byId(a: FlowNode, b: FlowNode): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
