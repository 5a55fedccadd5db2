import type { Scope } from '../store';
import type { CampaignView, Decision, Journey, LeadView, UnknownPolicy } from '../types';

/**
 * Where a step stands.
 *
 * - `waiting`   in custody, due at `due_at` (which may have passed)
 * - `working`   leased by a runtime that does the station's work
 * - `released`  decided; sent on along the wire, not yet taken over by the next station
 * - `branching` sent on and taken over at least once; other branches of a fork may still arrive
 * - `done`      handed over, or the end of its branch
 * - `failed`    in the dead-letter list with its reason; can be retried
 * - `unknown`   its message may or may not have gone out; held for a person to decide
 * - `orphaned`  its station is no longer in the flow; can be moved to another
 * - `paused`    parked while its campaign is paused (same as waiting, but out of the queue's way)
 * - `cancelled` its campaign was cancelled
 */
export type StepState =
  | 'waiting'
  | 'working'
  | 'released'
  | 'branching'
  | 'done'
  | 'failed'
  | 'unknown'
  | 'orphaned'
  | 'paused'
  | 'cancelled';

/** States in which a branch still goes on (or may, once somebody decides). */
export const OPEN_STATES: readonly StepState[] = [
  'waiting',
  'working',
  'released',
  'branching',
  'failed',
  'unknown',
  'orphaned',
  'paused',
];

/** One person that a station sends on. The node turns it into a message. */
export interface Person {
  journey: Journey;
  lead: LeadView;
  campaign: CampaignView;
  /** What the station noted about the step (its `outcome`); read for stations that say `carries`. */
  outcome?: unknown;
}

/** A step that has just been written: somebody has arrived for the first time. */
export interface ArrivedStep {
  readonly id: number;
  readonly campaign: number;
  readonly enrollment: number;
  readonly lead: number;
  /** The step that sent the person here. */
  readonly parent: number;
  readonly dueAt: number;
  /** As the arrival said it. */
  readonly note?: unknown;
}

/** A step that this runtime has leased. `attempt` is the fencing token: completing it needs the same owner and attempt. */
export interface LeasedStep {
  id: number;
  campaign: number;
  enrollment: number;
  lead: number;
  attempt: number;
  /** Runtimes that died while they worked on it. */
  crashes: number;
  dueAt: number;
  createdAt: number;
  owner: string;
}

/** What became of a leased step. */
export type StepResult =
  /** The work is done: go on through output `port`. */
  | { step: LeasedStep; kind: 'release'; port: number; reason?: string; outcome?: unknown }
  /** Not now: try again at `dueAt` (ms). */
  | { step: LeasedStep; kind: 'retry'; dueAt: number; reason?: string }
  /** Not now, and nobody is to blame: not before `dueAt` (ms). No attempt is charged. */
  | { step: LeasedStep; kind: 'later'; dueAt: number; reason?: string }
  /** Not now, and nobody is to blame: back into the queue as it was (no attempt is charged). */
  | { step: LeasedStep; kind: 'return' }
  /** Cannot be done: into the dead-letter list. */
  | { step: LeasedStep; kind: 'fail'; reason: string; outcome?: unknown }
  /** Nobody knows whether it was done: hold it. */
  | { step: LeasedStep; kind: 'unknown'; reason: string };

/** What a station that does work (send …) brings along. Stations without work release everybody when due. */
export interface StationWork {
  /** How many more steps it would take now; 0 while it is full or held. */
  room(): number;
  /** Takes leased steps. Reports each exactly once through {@link StationHandle.settle}; must not throw. */
  take(steps: LeasedStep[], station: StationHandle): void;
  /** Stops taking, settles what it has; called when the station closes. */
  close(): Promise<void>;
}

/** Describes a station of a deployed flow to the ledger. */
export interface StationSpec {
  definition: string;
  /** The step name that the user sees, unique in the definition. */
  step: string;
  kind: string;
  /** True when an output of the node leads somewhere. Asked each time: wires change without a restart. */
  wired(port: number): boolean;
  /**
   * Sends people on through an output. Only a hint: who is not taken over is sent again after a crash.
   * Called in the order of their due times, in groups.
   */
  emit(port: number, people: Person[]): void;
  work?: StationWork;
  /** What the outputs are called in counters and reasons, where not as for all of the kind. */
  portNames?: readonly string[];
  /** People go on with what was noted about their step: see {@link Person.outcome}. */
  carries?: boolean;
  /**
   * Called in the transaction that takes custody, with those who arrived for the first time (not with a second arrival of
   * the same person from the same step). Writes what belongs to the arrival; a throw takes the whole group's arrival back.
   */
  arrived?(tx: Scope, steps: readonly ArrivedStep[]): Promise<void>;
  /**
   * Called before due people are released: gives those among them who arrived with {@link ASK} their output, at least the first
   * `limit` of them. Until that has happened they stay. Without it they go through the second output.
   */
  ask?(due: { station: number; now: number; limit: number }): Promise<void>;
  /** Called (throttled) when the station's counts may have changed. */
  onCounts?(counts: StationCounts): void;
}

/** How many people are and were at a station. */
export interface StationCounts {
  waiting: number;
  entered: number;
  /** By counter name: `sent`, `failed`, `suppressed`, `unknown`, `released` … */
  [name: string]: number;
}

/** As the port of an arrival: {@link StationSpec.ask} says through which output the person goes when due. */
export const ASK = -1;

/** A person arriving at a station by wire. */
export interface Arrival {
  journey: Journey;
  /** When the station's work is due, ms; undefined = at once. */
  dueAt?: number;
  /**
   * Output through which the person goes when due, unless {@link wakeSteps} says another one: the time-out of who waits for
   * something; {@link ASK}: it is decided then. Default 0. Not for stations that do work.
   */
  port?: number;
  /** Given to {@link StationSpec.arrived} as it is; not kept. */
  note?: unknown;
}

/** A station at work. */
export interface StationHandle {
  readonly id: number;
  readonly spec: StationSpec;
  /**
   * Takes custody of a person. Resolves once that is durable (arrivals of the same moment are committed together);
   * only then may the node call `done()`. A second arrival from the same step is dropped silently.
   * @throws InputError `E_NO_JOURNEY`, `E_UNKNOWN_STEP`
   */
  arrive(arrival: Arrival): Promise<void>;
  /** Reports what became of leased steps; `also` runs in the same transaction with those that were still ours. */
  settle(results: StepResult[], also?: (tx: Scope, accepted: ReadonlySet<number>) => Promise<void>): Promise<void>;
  /** Looks for due work now. Cheap; may be called often. */
  poke(): void;
  counts(): Promise<StationCounts>;
  /** Stops, giving back what is leased. */
  close(): Promise<void>;
}

/** A station as the flow declares it at deploy. */
export interface StationDeclaration {
  step: string;
  kind: string;
  /** The node's id, for finding it in the editor. */
  node: string;
  /** Hash of its configuration. */
  hash: string;
  /** True when more than one station can be reached from one of its outputs without passing another station. */
  forks: boolean;
  onUnknown?: UnknownPolicy;
  /** What others need to know of the node's configuration (how people enter, what a join waits for). Kept on the station's row. */
  config?: Readonly<Record<string, unknown>>;
  /** Set when a changed delay's policy is `recompute`: the new due time is the arrival plus this many ms. */
  recomputeMs?: number;
  /** Set when a changed delay's policy is `recompute` and it waits until a moment (ms since 1970). */
  recomputeAt?: number;
  /** Set when a changed delay's policy is `recompute` and each person's due time hangs on the person: how it is worked out. */
  recomputeBy?: Readonly<Record<string, unknown>>;
}

/** A definition as the flow declares it at deploy: the sub-flow behind one trigger node. */
export interface DefinitionDeclaration {
  key: string;
  name: string;
  /** The trigger's step name; one of `stations`. */
  entry: string;
  entryMode: 'launch' | 'event';
  /** The event that enters people, for `entryMode: 'event'`. */
  event?: string;
  /** What enters people besides events, for `entryMode: 'event'`: `segment` and its key … Its rules are in the entry's `config`. */
  listens?: { on: string; what: string };
  /** The saved segment that is the audience; undefined = everybody. */
  segment?: string;
  onUnknown: UnknownPolicy;
  stations: StationDeclaration[];
  /** The nodes of the sub-flow, as configured (no credentials): what is hashed and kept as this version. */
  body: unknown;
  /**
   * The same as it was drawn, with positions, tabs and subflows: what is imported again to restore this version. Not hashed:
   * moving a node makes no new version. Never holds credentials.
   */
  drawing?: readonly unknown[];
}

/** A page of an audience. */
export interface AudiencePage {
  /** Those who enter; may be none although others follow. */
  readonly leads: readonly number[];
  /** The last lead that was looked at: the next page begins after it. Absent: everybody was. */
  readonly last?: number;
}

/** People at a station that is no longer in the flow. */
export interface Orphans {
  definition: string;
  step: string;
  people: number;
}

export type { CampaignView, Decision, Journey, LeadView };
