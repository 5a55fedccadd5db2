/**
 * A small world for ledger tests: a store, leads by number, one definition whose stations are wired in this process,
 * and ledgers (runtimes) that can be killed. Wires are queues of their own, so a test can cut them.
 */
import { VirtualClock, type Clock } from '../../lib/clock';
import { Campaigns, campaignViews, CampaignDesk, parkUnfinished, type Campaign } from '../../lib/campaigns';
import { Definitions } from '../../lib/definitions';
import {
  Ledger,
  type LeasedStep,
  type LedgerOptions,
  type Person,
  type StationHandle,
  type StationSpec,
  type StationWork,
  type StepResult,
} from '../../lib/ledger';
import { leadViews } from '../../lib/leads';
import type { Scope, Store } from '../../lib/store';
import type { StationDeclaration } from '../../lib/ledger';

export const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (text: string) => console.log(`      ledger error: ${text}`),
};

export interface Wire {
  from: string;
  port?: number;
  to: string;
}

export interface WorldOptions {
  stations: { step: string; kind: string; forks?: boolean; dueIn?: number; config?: Record<string, unknown> }[];
  wires: Wire[];
  entryMode?: 'launch' | 'event';
  onUnknown?: 'hold' | 'resend';
}

/** One definition ("journey"), its campaigns, and as many runtimes as a test wants. */
export class World {
  readonly scope: Scope;
  readonly definitions: Definitions;
  readonly campaigns: Campaigns;
  readonly desk: CampaignDesk;
  readonly runtimes: Runtime[] = [];

  constructor(
    readonly store: Store,
    readonly options: WorldOptions,
    readonly clock: Clock = store.clock,
  ) {
    this.scope = store.tenant('test');
    this.definitions = new Definitions(this.scope);
    this.campaigns = new Campaigns({
      scope: this.scope,
      definition: (key) => this.definitions.get(key),
      checkSegment: () => Promise.resolve(),
      changed: () => this.runtimes.forEach(({ ledger }) => (ledger.expand(), ledger.pokeAll())),
    });
    this.desk = new CampaignDesk(this.scope, this.campaigns, () =>
      this.runtimes.forEach(({ ledger }) => ledger.pokeAll()),
    );
  }

  declare(stations: StationDeclaration[] = this.declarations()): Promise<unknown> {
    return this.definitions.deploy('flow-1', [
      {
        key: 'journey',
        name: 'Journey',
        entry: stations[0]?.step ?? '',
        entryMode: this.options.entryMode ?? 'launch',
        ...(this.options.entryMode === 'event' ? { event: 'signed_up' } : {}),
        onUnknown: this.options.onUnknown ?? 'hold',
        stations,
        body: this.options.wires,
      },
    ]);
  }

  declarations(): StationDeclaration[] {
    return this.options.stations.map(({ step, kind, forks, config }) => ({
      ...(config ? { config } : {}),
      step,
      kind,
      node: `node-${step}`,
      hash: step,
      forks: forks ?? false,
    }));
  }

  async addLeads(count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => [`lead${index + 1}@example.com`, `Lead ${index + 1}`]);
    await this.scope.run(
      `INSERT INTO marketing_leads (tenant_id, email, name, country, score, attributes, created_at, updated_at)
       SELECT :tenant, r.address, r.label, 'US', 0, ${this.store.dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, 0, 0
       FROM ${this.store.dialect.rows('rows', { address: 'text', label: 'text' }, 'r')}`,
      { rows: JSON.stringify(rows) },
    );
  }

  async launch(): Promise<Campaign> {
    await this.campaigns.ensure('journey');
    return this.campaigns.launch('journey');
  }

  /** Starts a runtime with all stations. */
  async start(options: Partial<RuntimeOptions> = {}): Promise<Runtime> {
    const runtime = new Runtime(this, options);
    this.runtimes.push(runtime);
    await runtime.start();
    return runtime;
  }

  async count(table: string, where = '1 = 1'): Promise<number> {
    const row = await this.scope.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM marketing_${table} WHERE tenant_id = :tenant AND ${where}`,
    );
    return Number(row?.n ?? 0);
  }

  /** Where everybody stands: enrollments by state and reason. */
  async standing(): Promise<Record<string, number>> {
    const rows = await this.scope.all<{ state: string; reason: string | null; n: number }>(
      `SELECT state, reason, COUNT(*) AS n FROM marketing_enrollments WHERE tenant_id = :tenant GROUP BY state, reason`,
    );
    return Object.fromEntries(rows.map(({ state, reason, n }) => [reason ? `${state}: ${reason}` : state, Number(n)]));
  }
}

/** Work that the test does by hand: takes people and keeps them until they are settled. */
export class Hands implements StationWork {
  readonly steps: LeasedStep[] = [];
  private station: StationHandle | undefined;

  constructor(private readonly capacity = 1_000) {}

  room(): number {
    return this.capacity - this.steps.length;
  }
  take(steps: LeasedStep[], station: StationHandle): void {
    this.station = station;
    this.steps.push(...steps);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Settles some (default: all) of those it holds. */
  async settle(
    result: (step: LeasedStep) => StepResult,
    steps: readonly LeasedStep[] = [...this.steps],
  ): Promise<void> {
    for (const step of steps) this.steps.splice(this.steps.indexOf(step), 1);
    await this.station?.settle(steps.map(result));
  }
  /** Lets them go on through the first output. */
  finish(steps?: readonly LeasedStep[]): Promise<void> {
    return this.settle((step) => ({ step, kind: 'release', port: 0 }), steps);
  }
}

export interface RuntimeOptions extends Pick<LedgerOptions, 'leaseMs' | 'sweepMs' | 'transitMs'> {
  /** Called for each person on a wire; false drops the message, as a careless function node would. */
  onWire?(wire: Wire, person: Person): boolean;
  work?: Record<string, StationSpec['work']>;
  /** Told who arrives at steps. */
  arrived: Record<string, NonNullable<StationSpec['arrived']>>;
  /** Steps from which people go on with what was noted. */
  carries: string[];
  /** Steps that this runtime does not have. */
  without?: string[];
}

function arrivedOf(arrived: StationSpec['arrived']): Pick<StationSpec, 'arrived'> {
  return arrived ? { arrived } : {};
}

/** A clock that rings no more once its runtime is dead. */
class MortalClock implements Clock {
  dead = false;
  constructor(private readonly clock: Clock) {}
  now(): number {
    return this.clock.now();
  }
  monotonic(): number {
    return this.clock.monotonic();
  }
  after(ms: number, fn: () => void): () => void {
    return this.clock.after(ms, () => {
      if (!this.dead) fn();
    });
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.clock.sleep(ms, signal);
  }
}

/** One runtime: a ledger with the stations attached. */
export class Runtime {
  private readonly clock: MortalClock;
  private started: Promise<void> = Promise.resolve();
  readonly ledger: Ledger;
  readonly handles = new Map<string, StationHandle>();
  /** Messages that are on a wire. */
  onWires = 0;
  cut = false;
  readonly errors: unknown[] = [];

  constructor(
    private readonly world: World,
    private readonly options: Partial<RuntimeOptions>,
  ) {
    this.clock = new MortalClock(world.clock);
    this.ledger = new Ledger({
      scope: world.scope,
      clock: this.clock,
      log: silent,
      wake: (station, due) => {
        // The tests' timer: a virtual clock rings when it passes the time.
        this.clock.after(due - world.clock.now(), () => this.ledger.wakeStation(station));
        return Promise.resolve();
      },
      leads: async (scope, ids) => new Map(await leadViews(scope, ids)),
      campaigns: campaignViews,
      audience: async (_campaign, after, limit) => {
        const rows = await world.scope.all<{ id: number }>(
          `SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT ${limit}`,
          { after },
        );
        const last = rows.length < limit ? undefined : rows.at(-1)?.id;
        return { leads: rows.map(({ id }) => id), ...(last === undefined ? {} : { last }) };
      },
      finished: async (campaign) => {
        await world.campaigns.finish(campaign);
        await parkUnfinished(world.scope);
      },
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
      ...(options.transitMs === undefined ? {} : { transitMs: options.transitMs }),
    });
  }

  async start(): Promise<void> {
    let resolve = (): void => undefined;
    // As in Node-RED, nobody gets a message before all nodes are there.
    this.started = new Promise((done) => (resolve = done));
    await this.ledger.start();
    for (const { step, kind } of this.world.options.stations) {
      if (this.options.without?.includes(step)) continue;
      const work = this.options.work?.[step];
      this.handles.set(
        step,
        await this.ledger.attach({
          definition: 'journey',
          step,
          kind,
          wired: (port) => this.world.options.wires.some((wire) => wire.from === step && (wire.port ?? 0) === port),
          emit: (port, people) => this.emit(step, port, people),
          ...(work ? { work } : {}),
          ...(kind === 'join' || this.options.carries?.includes(step) ? { carries: true } : {}),
          ...arrivedOf(this.options.arrived?.[step]),
        }),
      );
    }
    resolve();
  }

  /** Waits until nothing moves any more in this process. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await this.ledger.idle();
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.onWires === 0 ? quiet + 1 : 0;
    }
  }

  close(): Promise<void> {
    return this.clock.dead ? Promise.resolve() : this.ledger.close();
  }

  /**
   * Dies as under `kill -9`: nothing more is done or rung. Its lease is left in the name of a process that is no more,
   * for others to find; what it completes all the same comes too late once they have.
   */
  async kill(): Promise<void> {
    this.cut = true;
    this.clock.dead = true;
    const gone = `dead-${this.ledger.owner}`.slice(0, 64);
    const { scope } = this.world;
    await scope.run(
      `UPDATE marketing_steps SET lease_owner = :gone WHERE tenant_id = :tenant AND lease_owner = :owner`,
      {
        gone,
        owner: this.ledger.owner,
      },
    );
    await scope.run(`UPDATE marketing_runtimes SET id = :gone WHERE tenant_id = :tenant AND id = :owner`, {
      gone,
      owner: this.ledger.owner,
    });
  }

  private emit(step: string, port: number, people: Person[]): void {
    const dueIn = new Map(this.world.options.stations.map((station) => [station.step, station.dueIn ?? 0]));
    for (const wire of this.world.options.wires) {
      if (wire.from !== step || (wire.port ?? 0) !== port) continue;
      for (const person of people) {
        if (this.cut || this.options.onWire?.(wire, person) === false) continue;
        this.onWires++;
        const go = (): void => {
          if (this.cut) {
            this.onWires--;
            return;
          }
          const target = this.handles.get(wire.to);
          const delay = dueIn.get(wire.to) ?? 0;
          const arrival = { journey: person.journey, ...(delay > 0 ? { dueAt: this.world.clock.now() + delay } : {}) };
          Promise.resolve(target?.arrive(arrival))
            .catch((error: unknown) => this.errors.push(error))
            .finally(() => this.onWires--);
        };
        setImmediate(() => void this.started.then(go));
      }
    }
  }
}

export { VirtualClock };
