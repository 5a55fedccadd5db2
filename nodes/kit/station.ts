import type { Marketing } from '../../lib';
import { messageOf } from '../../lib/errors';
import type { Arrival, Person, StationCounts, StationSpec, StationWork } from '../../lib/ledger/types';
import type { CampaignView } from '../../lib/types';
import type { Badge } from './badge';
import { DROPPED, type FlowMessage, type NodeKit } from './node';
import { useStore, type StoreAccess } from './store-node';

/** What a kind of station adds to what all stations do. */
export interface StationBehaviour {
  /** The badge for its counts, over all journeys that it is a step of. */
  badge(counts: StationCounts): Badge;
  /** What people's messages carry besides lead, campaign and token, made of what the station noted about their step. */
  carries?(outcome: unknown): Readonly<Record<string, unknown>>;
  /** Writes what belongs to an arrival, in its transaction. See {@link StationSpec.arrived}. */
  arrived?(marketing: Marketing, definition: string): StationSpec['arrived'];
  /** Rejects when the node cannot decide about anybody. See {@link Member.verify}. */
  verify?(marketing: Marketing): Promise<void>;
  /** The badge for what {@link verify} rejected with. */
  faultBadge?(error: unknown): Badge;
  /** Told after each deploy in which journeys it works. */
  deployed?(definitions: readonly string[]): void;
  /** Says where people go whose output is to be said when they are due. See {@link StationSpec.ask}. */
  ask?(marketing: Marketing, definition: string): StationSpec['ask'];
  /**
   * How many outputs the node has, where it may have had more before it was changed: people who were to leave through one that is gone
   * leave through the first.
   */
  readonly outputs?: number;
  /** What its outputs are called in the reasons of those whose way ends there, where not as for all of its kind. */
  readonly portNames?: readonly string[];
  /** Work to do with people who are due; without it they are sent on. Undefined: they wait (something is wrong). */
  work?(marketing: Marketing, definition: string): StationWork;
}

/** A station node at work. */
export interface StationNode {
  readonly store: StoreAccess;
  /** Takes custody of the person that a message carries; durable when it resolves. */
  arrive(msg: FlowMessage, arrival?: number | Omit<Arrival, 'journey'>): Promise<void | typeof DROPPED>;
}

/** Joins a station node to its store. @throws InputError E_NO_STORE */
export function startStation(kit: NodeKit, behaviour: StationBehaviour): StationNode {
  const counts = new Map<string, StationCounts>();
  const { outputs = Infinity } = behaviour;
  const output = (port: number): number => (port < outputs ? port : 0);
  const store: StoreAccess = useStore(kit, {
    station: {
      spec: (marketing, definition) => ({
        wired: (port) => wiredToRunning(kit, store, output(port)),
        emit: (port, people) => emit(kit, store, marketing, behaviour, output(port), people),
        ...(behaviour.portNames ? { portNames: behaviour.portNames } : {}),
        ...(behaviour.carries ? { carries: true } : {}),
        ...toldOf(behaviour, marketing, definition),
        ...(behaviour.work ? { work: behaviour.work(marketing, definition) } : {}),
        onCounts: (fresh) => {
          counts.set(definition, fresh);
          kit.badge.show(behaviour.badge(total(counts.values())));
        },
      }),
    },
    ...(behaviour.verify ? { verify: (marketing: Marketing) => verify(kit, behaviour, marketing) } : {}),
    onDeployed(definitions, problem) {
      behaviour.deployed?.(definitions);
      for (const known of counts.keys()) if (!definitions.includes(known)) counts.delete(known);
      if (definitions.length === 0 && !problem) kit.badge.show({ fill: 'grey', shape: 'ring', text: 'notInJourney' });
      else kit.badge.show(behaviour.badge(total(counts.values())));
    },
  });
  return {
    store,
    async arrive(msg, arrival = {}) {
      await store.marketing();
      const journey = store.journey(msg);
      const station = await store.hub.deployer.station(kit.id, journey.definition, kit.closing);
      if (!station) return DROPPED;
      await station.arrive({ journey, ...(typeof arrival === 'number' ? { dueAt: arrival } : arrival) });
    },
  };
}

/** What is wrong is shown at the node, too: nobody may come to launch a trigger that listens. */
async function verify(
  kit: NodeKit,
  { verify: check, faultBadge }: StationBehaviour,
  marketing: Marketing,
): Promise<void> {
  try {
    await check?.(marketing);
    kit.badge.fault(undefined);
  } catch (error) {
    kit.badge.fault(faultBadge?.(error) ?? { fill: 'red', text: 'invalid' });
    kit.error(error);
    throw error;
  }
}

function toldOf(
  { arrived, ask }: StationBehaviour,
  marketing: Marketing,
  definition: string,
): Pick<StationSpec, 'arrived' | 'ask'> {
  const told = arrived?.(marketing, definition);
  const asked = ask?.(marketing, definition);
  return { ...(told ? { arrived: told } : {}), ...(asked ? { ask: asked } : {}) };
}

/** The counts of a station that is a step of several journeys. */
export function total(all: Iterable<StationCounts>): StationCounts {
  const sums: StationCounts = { waiting: 0, entered: 0 };
  for (const counts of all) for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function wiredToRunning(kit: NodeKit, store: StoreAccess, port: number): boolean {
  const targets = kit.node.wires[port] ?? [];
  return targets.some((target) => typeof target === 'string' && store.hub.deployer.runs(target));
}

/**
 * Sends people on. During a deploy nobody is sent: nodes may be missing, and everybody who was on a wire is sent again
 * after it. Behind an output from which no station can be reached (a debug node) the way ends.
 */
function emit(
  kit: NodeKit,
  store: StoreAccess,
  marketing: Marketing,
  { carries }: StationBehaviour,
  port: number,
  people: readonly Person[],
): void {
  if (!store.hub.deployer.flowing) return;
  kit.send(
    port,
    people.map(({ lead, campaign, journey, outcome }) => ({
      ...(carries && outcome !== undefined ? carries(outcome) : {}),
      payload: { ...lead },
      campaign: frozen(campaign),
      journey,
    })),
  );
  if (store.leadsOn(port)) return;
  for (const { journey } of people) {
    marketing.ledger.end(journey, 'completed').catch((error: unknown) => {
      // The person is not lost: the watchdog ends the way of whoever is not taken over.
      kit.node.debug(`Ending a way failed: ${messageOf(error)}`);
    });
  }
}

const frozenViews = new WeakSet<object>();

/** People of one campaign share its view: a function node that changes it must not change it for the others. */
function frozen(campaign: CampaignView): CampaignView {
  if (!frozenViews.has(campaign)) {
    freeze(campaign);
    frozenViews.add(campaign);
  }
  return campaign;
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}
