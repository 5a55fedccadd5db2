import type { NodeAPI } from 'node-red';
import type { Marketing } from '../../lib';
import type { Clock } from '../../lib/clock';
import { ConflictError, InputError, MarketingError, messageOf } from '../../lib/errors';
import { ownerOf } from '../../lib/definitions';
import type { DefinitionDeclaration, StationHandle, StationSpec } from '../../lib/ledger/types';
import { Attachments } from './attachments';
import type { Connection } from './connection';
import {
  planJourneys,
  type DescribeStation,
  type FlowConfig,
  type JourneyPlan,
  type PlannedDefinition,
  type PlanProblem,
} from './graph';
import type { SavedConfig } from './migrate';

/** A running node that uses the store. */
export interface Member {
  /** Id of the running node. */
  readonly id: string;
  readonly saved: SavedConfig;
  /** For stations: what the ledger calls, without what the plan knows already. */
  readonly station?: {
    spec(marketing: Marketing, definition: string): Omit<StationSpec, 'definition' | 'step' | 'kind'>;
  };
  /**
   * For switches: rejects when the node cannot decide (an unknown segment, a condition with an error). Asked after each
   * deploy; the journeys it stands in cannot be launched until it can.
   */
  verify?(marketing: Marketing): Promise<void>;
  /** Told after each deploy: the journeys it works in, and what is wrong with them. */
  onDeployed(definitions: readonly string[], problem: PlanProblem | undefined): void;
}

/** What a {@link Deployer} needs. */
export interface DeployerOptions {
  /** Id of the store node: the source of its definitions. */
  readonly source: string;
  readonly red: Pick<NodeAPI, 'events' | 'nodes'>;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly describe: DescribeStation;
  /** Told about each problem once. */
  onProblem(error: Error): void;
}

/** The source of definitions that the database has drawn. */
const SAVED = 'documents';

/** Longest time that an arrival waits for its station to be put to work, ms. */
const PATIENCE_MS = 30_000;
type StationPlace = Pick<StationSpec, 'definition' | 'step' | 'kind'>;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Follows Node-RED's deploys for one store: reads the journeys out of the flow, registers them, puts the stations to
 * work and has people sent again whose message may have been dropped. Nobody is sent on between the beginning of a
 * deploy and the moment when all stations are at work.
 */
export class Deployer {
  private readonly members = new Map<string, Member>();
  private readonly stations = new Attachments();
  private plan: JourneyPlan = { definitions: [], problems: [], leadsOn: new Map(), disabled: new Set() };
  /** Nodes that cannot decide, and why. */
  private readonly faults = new Map<string, Error>();
  /** Whether definitions of the database have been deployed here. */
  private hadSaved = false;
  private generation = 0;
  private ready = false;
  private closed = false;
  private running: Promise<void> = Promise.resolve();
  private pause = new AbortController();
  private waiters: (() => void)[] = [];
  private told = new Set<string>();
  private readonly onStopping = (): void => this.halt();
  private readonly onStarted = (): void => this.deploy();

  constructor(private readonly options: DeployerOptions) {
    options.red.events.on('flows:stopping', this.onStopping);
    options.red.events.on('flows:started', this.onStarted);
  }

  /** True while people may be sent on. */
  get flowing(): boolean {
    return this.ready;
  }

  /** Adds a running node. Returns what takes it out again, its stations closed. */
  join(member: Member): () => Promise<void> {
    this.members.set(member.id, member);
    return async () => {
      if (this.members.get(member.id) === member) this.members.delete(member.id);
      await this.stations.detach(member.id, member);
    };
  }

  /** Whether anything behind a node's output takes people over; true while nothing is known. */
  leadsOn(node: string, port: number): boolean {
    return this.plan.leadsOn.get(node)?.[port] ?? true;
  }

  /** Whether an output's wire ends at a node that runs (a disabled one drops what comes). */
  runs(target: string): boolean {
    return !this.plan.disabled.has(target);
  }

  /**
   * The station that a node is in a definition; waits (bounded) while a deploy is under way. Undefined when `signal`
   * was aborted meanwhile.
   * @throws InputError E_UNKNOWN_STEP, or what is wrong with the definition; MarketingError E_NOT_DEPLOYED
   */
  async station(node: string, definition: string, signal: AbortSignal): Promise<StationHandle | undefined> {
    const deadline = this.options.clock.monotonic() + PATIENCE_MS;
    for (;;) {
      const handle = this.stations.get(node, definition);
      if (handle) return handle;
      if (this.ready) throw this.absent(node, definition);
      if (!(await this.settled(deadline, signal))) return undefined;
    }
  }

  /** Waits (bounded) until the flow's definitions are registered. @throws MarketingError E_NOT_DEPLOYED */
  async whenReady(signal: AbortSignal): Promise<void> {
    const deadline = this.options.clock.monotonic() + PATIENCE_MS;
    while (!this.ready && (await this.settled(deadline, signal)));
  }

  /** The definition behind a trigger, once it is at work. */
  definitionOf(trigger: string): PlannedDefinition | undefined {
    return this.ready ? this.plan.definitions.find((planned) => planned.trigger === trigger) : undefined;
  }

  /** What is wrong with the journeys that a node belongs to, if anything. */
  problemAt(node: string): PlanProblem | undefined {
    return this.plan.problems.find(({ nodes, trigger }) => trigger === node || nodes.includes(node));
  }

  /** Why people cannot be let into a definition although it is at work: a switch in it cannot decide. */
  faultIn({ nodes }: PlannedDefinition): Error | undefined {
    return nodes.map((id) => this.faults.get(id)).find((fault) => fault !== undefined);
  }

  /** Stops following deploys and closes all stations. */
  async close(): Promise<void> {
    this.closed = true;
    this.options.red.events.off('flows:stopping', this.onStopping);
    this.options.red.events.off('flows:started', this.onStarted);
    this.halt();
    await this.running;
    await this.stations.detachAll();
  }

  private halt(): void {
    this.ready = false;
    this.generation += 1;
    this.pause.abort();
  }

  private deploy(): void {
    this.halt();
    if (this.closed) return;
    const { generation } = this;
    this.pause = new AbortController();
    this.running = this.running.then(() => this.keepDeploying(generation));
  }

  private async keepDeploying(generation: number): Promise<void> {
    const { clock, connection } = this.options;
    const { signal } = this.pause;
    let pause = FIRST_PAUSE_MS;
    while (generation === this.generation) {
      const marketing = await connection.untilOpen(signal);
      if (!marketing || generation !== this.generation) return;
      try {
        if (await this.deployOnce(marketing, generation)) return;
      } catch (error) {
        this.tell(
          new MarketingError(
            'E_DEPLOY',
            `Putting the journeys to work failed and is tried again: ${messageOf(error)}`,
            { cause: error },
          ),
        );
      }
      await clock.sleep(pause, signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** @returns false when a newer deploy has begun meanwhile */
  private async deployOnce(marketing: Marketing, generation: number): Promise<boolean> {
    const current = (): boolean => generation === this.generation;
    const { plan, saved } = this.readFlow();
    const own = plan.definitions.filter(({ store }) => store === this.options.source);
    const keep = plan.problems.filter(({ store }) => store === this.options.source).map(({ definition }) => definition);
    const declared = (fromDatabase: boolean): DefinitionDeclaration[] =>
      own.filter(({ trigger }) => saved.has(trigger) === fromDatabase).map(({ declaration }) => declaration);
    await marketing.definitions.deploy(this.options.source, declared(false), keep);
    // What the database has drawn has a source of its own: a runtime that starts, or another one with the same store, does not
    // have it yet, and must not make orphans of the people inside.
    if (saved.size > 0) this.hadSaved = true;
    if (this.hadSaved) await marketing.definitions.deploy(SAVED, declared(true), keep);
    if (!current()) return false;
    this.plan = plan;
    await this.stations.keepOnly(own);
    for (const { declaration, stations } of own) {
      for (const { node, declaration: station } of stations) {
        await this.attach(marketing, node, { definition: declaration.key, step: station.step, kind: station.kind });
        if (!current()) return false;
      }
    }
    this.announce(own);
    await this.verify(marketing);
    await this.listen(marketing, own);
    if (!current()) return false;
    this.ready = true;
    this.wake();
    await marketing.ledger.redeliver();
    return true;
  }

  /** The plan, and the triggers that stand on tabs of the database. */
  private readFlow(): { plan: JourneyPlan; saved: ReadonlySet<string> } {
    const configs: FlowConfig[] = [];
    this.options.red.nodes.eachNode((config) => configs.push(config as unknown as FlowConfig));
    const running = new Map([...this.members].map(([id, { saved }]) => [id, saved]));
    const tabs = new Set(
      configs.filter((config) => ownerOf(config)?.store === this.options.source).map(({ id }) => id),
    );
    const saved = new Set(configs.filter(({ z }) => tabs.has(z ?? '')).map(({ id }) => id));
    return { plan: planJourneys(configs, { running, describe: this.options.describe }), saved };
  }

  private async attach(marketing: Marketing, node: string, spec: StationPlace): Promise<void> {
    const member = this.members.get(node);
    // A node that is drawn but does not run (its constructor failed): its people wait.
    if (!member?.station || this.stations.get(node, spec.definition, member)) return;
    const handle = await marketing.ledger.attach({ ...spec, ...member.station.spec(marketing, spec.definition) });
    if (this.members.get(node) === member) this.stations.add(node, handle, member);
    else await handle.close();
  }

  private announce(own: readonly PlannedDefinition[]): void {
    const { problems } = this.plan;
    for (const member of this.members.values()) {
      const problem = this.problemAt(member.id);
      const definitions = own.filter(({ stations }) => stations.some(({ node }) => node === member.id));
      member.onDeployed(
        definitions.map(({ declaration }) => declaration.key),
        problem,
      );
    }
    const messages = new Set(
      problems.filter(({ store }) => store === this.options.source).map(({ message }) => message),
    );
    for (const told of this.told) if (!messages.has(told)) this.told.delete(told);
    for (const { store, code, message } of problems)
      if (store === this.options.source) this.tell(new InputError(code, message));
  }

  /**
   * A trigger that waits for an event works as soon as it is deployed: its own campaign is launched, unless somebody
   * has paused, completed or cancelled it since it listens.
   */
  private async listen(marketing: Marketing, own: readonly PlannedDefinition[]): Promise<void> {
    for (const { declaration } of own) {
      if (declaration.entryMode !== 'event') continue;
      try {
        const campaign = await marketing.campaigns.ensure(declaration.key, { actor: 'deploy' });
        // Completed after an audience was through, before the trigger was changed: nobody has ended its listening.
        const silent = campaign.state === 'draft' || (campaign.state === 'completed' && campaign.hadAudience);
        if (silent) await marketing.campaigns.launch(campaign.key, { actor: 'deploy' });
      } catch (error) {
        // Another runtime on this database may have been faster.
        if (!(error instanceof ConflictError)) this.tell(error instanceof Error ? error : new Error(messageOf(error)));
      }
    }
    if (own.some(({ declaration }) => declaration.listens?.on === 'date')) await marketing.triggers.listen();
  }

  private async verify(marketing: Marketing): Promise<void> {
    this.faults.clear();
    for (const { id, verify } of this.members.values()) {
      if (!verify) continue;
      try {
        await verify(marketing);
      } catch (thrown) {
        this.faults.set(id, thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
      }
    }
  }

  private absent(node: string, definition: string): Error {
    const problem =
      this.plan.problems.find(({ store, definition: key }) => store === this.options.source && key === definition) ??
      this.problemAt(node);
    if (problem) return new InputError(problem.code, problem.message);
    return new InputError(
      'E_UNKNOWN_STEP',
      `This node is not a step of the journey "${definition}": it cannot be reached from its trigger by wires and links. Wire it into the journey.`,
    );
  }

  private tell(error: Error): void {
    if (this.told.has(error.message)) return;
    this.told.add(error.message);
    this.options.onProblem(error);
  }

  private wake(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }

  /** Waits for the end of a deploy. False when `signal` was aborted. */
  private async settled(deadline: number, signal: AbortSignal): Promise<boolean> {
    const left = deadline - this.options.clock.monotonic();
    if (left <= 0) {
      throw new MarketingError(
        'E_NOT_DEPLOYED',
        'The journeys of this flow have not been put to work yet. See the store node and the log.',
        {
          retryable: true,
        },
      );
    }
    if (signal.aborted) return false;
    const limit = new AbortController();
    const stop = (): void => limit.abort();
    signal.addEventListener('abort', stop, { once: true });
    this.waiters.push(stop);
    await this.options.clock.sleep(left, limit.signal);
    signal.removeEventListener('abort', stop);
    return !signal.aborted;
  }
}
