import { portName } from './ports';

/*
 * When a join lets somebody go on, and with what. Pure: the same steps give the same verdict in every process.
 *
 *   branch     one way that a person takes from a fork; its end is a step that waits at the join, or one that ended elsewhere
 *   round      everything between two firings of one join for one person: a loop around a fork and its join has several
 *   to block   to be open at a step from which the join can still be reached, and to belong to the round
 */

/** One step of an enrollment. */
export interface JoinStep {
  readonly id: number;
  readonly parent: number;
  readonly station: number;
  readonly state: string;
  /** At the join itself: set once it has fired with this step. */
  readonly port: number | null;
  readonly reason: string | null;
}

/** A station of the definition. */
export interface JoinStation {
  readonly step: string;
  readonly kind: string;
  /** It is no longer in the flow. */
  readonly missing: boolean;
}

/** A join, and the stations from which it can be reached. */
export interface JoinPlace {
  readonly station: number;
  readonly upstream: ReadonlySet<number>;
}

/** What became of one branch: an entry of `msg.branches`. */
export interface BranchResult {
  /** The last step of the branch. */
  readonly step: string;
  /** Name of the output through which it left that step; empty when it did not. */
  readonly output: string;
  /** True when it went through the first output. */
  readonly ok: boolean;
  /** `arrived` at the join, `ended` elsewhere, `failed` (in the dead-letter list), `cancelled`, or `missing` when the time was up. */
  readonly state: 'arrived' | 'ended' | 'failed' | 'cancelled' | 'missing';
  readonly reason?: string;
}

/** What is to be done at a join for one enrollment. */
export interface JoinVerdict {
  /** Steps that came after the join had fired. */
  readonly late: readonly number[];
  readonly firing?: {
    /** The step that goes on for all of them. */
    readonly step: number;
    /** 0 joined, 1 timed out. */
    readonly port: number;
    readonly merged: readonly number[];
    readonly branches: readonly BranchResult[];
  };
}

/** States in which a branch may still come. `failed` is not one of them: its result is known, and only a person can change it. */
const COMING: ReadonlySet<string> = new Set([
  ...['waiting', 'working', 'released', 'branching', 'paused', 'orphaned'],
  'unknown',
]);
const AT_JOIN: ReadonlySet<string> = new Set(['waiting', 'paused']);

/** @param timedOut steps whose time at the join is up */
export function judgeJoin(
  steps: readonly JoinStep[],
  join: JoinPlace,
  stations: ReadonlyMap<number, JoinStation>,
  timedOut: ReadonlySet<number>,
): JoinVerdict {
  const tree = new Tree(steps);
  const here = steps.filter(({ station }) => station === join.station);
  const fired = here.filter(({ port }) => port !== null);
  const ofRound = ({ id }: JoinStep): boolean => fired.every((firing) => tree.descends(id, firing.id));
  const waiting = here.filter(({ state, port }) => port === null && AT_JOIN.has(state));
  const late = waiting.filter((step) => !ofRound(step)).map(({ id }) => id);
  const arrived = waiting.filter(ofRound);
  const first = arrived[0];
  if (!first) return { late };
  const inRound = steps.filter((step) => step.station !== join.station && ofRound(step));
  const blocked =
    inRound.some((step) => COMING.has(step.state) && mayReach(step, join, stations)) ||
    // The join itself forked, and one of its branches is still on its way.
    fired.some(({ id, state }) => (state === 'released' || state === 'branching') && tree.descends(first.id, id));
  const timeIsUp = arrived.some(({ id }) => timedOut.has(id));
  if (blocked && !timeIsUp) return { late };
  return {
    late,
    firing: {
      step: first.id,
      port: blocked ? 1 : 0,
      merged: arrived.slice(1).map(({ id }) => id),
      branches: resultsOf(tree, arrived, inRound, join, stations),
    },
  };
}

/** Whoever stands at a station that is gone may be moved anywhere: nobody knows that they will not come. */
function mayReach(step: JoinStep, { upstream }: JoinPlace, stations: ReadonlyMap<number, JoinStation>): boolean {
  if (upstream.has(step.station)) return true;
  return step.state === 'orphaned' && (stations.get(step.station)?.missing ?? true);
}

/** In the order of the definition's stations, so that the same branches come in the same order each time. */
function resultsOf(
  tree: Tree,
  arrived: readonly JoinStep[],
  inRound: readonly JoinStep[],
  join: JoinPlace,
  stations: ReadonlyMap<number, JoinStation>,
): BranchResult[] {
  const last = arrived.flatMap(({ parent }) => tree.get(parent) ?? []);
  const elsewhere = inRound.filter((step) => {
    // One in the dead-letter list may have been sent on to be undone.
    const over = tree.isLeaf(step.id) || step.state === 'failed';
    if (!over || !mayReach(step, join, stations)) return false;
    // Those that another join put together with a neighbour have no end of their own.
    return !(stations.get(step.station)?.kind === 'join' && step.state === 'done' && step.port === null);
  });
  return [
    ...last.map((step) => ({ step, state: 'arrived' as const })),
    ...elsewhere.map((step) => ({ step, state: stateOf(step) })),
  ]
    .sort((a, b) => a.step.station - b.step.station || a.step.id - b.step.id)
    .map(({ step, state }) => resultOf(step, state, stations));
}

function stateOf({ state }: JoinStep): BranchResult['state'] {
  if (state === 'done') return 'ended';
  return state === 'failed' || state === 'cancelled' ? state : 'missing';
}

function resultOf(
  { station, port, reason }: JoinStep,
  state: BranchResult['state'],
  stations: ReadonlyMap<number, JoinStation>,
): BranchResult {
  const place = stations.get(station);
  const left = state === 'arrived' || state === 'ended';
  return {
    step: place?.step ?? '',
    output: left ? portName(place?.kind ?? '', port ?? 0) : '',
    ok: left && (port ?? 0) === 0,
    state,
    ...(reason ? { reason } : {}),
  };
}

/** The steps of one enrollment by what they come from. */
class Tree {
  private readonly byId: ReadonlyMap<number, JoinStep>;
  private readonly parents: ReadonlySet<number>;

  constructor(steps: readonly JoinStep[]) {
    this.byId = new Map(steps.map((step) => [step.id, step]));
    this.parents = new Set(steps.map(({ parent }) => parent));
  }

  get(id: number): JoinStep | undefined {
    return this.byId.get(id);
  }

  isLeaf(id: number): boolean {
    return !this.parents.has(id);
  }

  /** Whether a step comes, by however many others, from another one. */
  descends(id: number, from: number): boolean {
    for (let at = this.byId.get(id); at; at = this.byId.get(at.parent)) {
      if (at.parent === from) return true;
    }
    return false;
  }
}
