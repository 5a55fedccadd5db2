/**
 * A journey of two stations, the second of which waits for something, in as many runtimes as a test wants. Wires are cut where a
 * test says so, and a runtime can die as under `kill -9`.
 */
import { openMarketing, type Marketing } from '../../lib';
import type { VirtualClock, Clock } from '../../lib/clock';
import { ASK, type Person, type StationHandle } from '../../lib/ledger';
import type { WaitSpec } from '../../lib/waiting';
import type { TestDatabase } from '../kit/databases';

export const NOON = Date.UTC(2026, 2, 2, 12);
export const MINUTE = 60_000;
export const PATIENCE = 10 * MINUTE;

export interface Plan {
  readonly spec: WaitSpec;
  /** Until the time-out, ms. Default 10 min. */
  readonly patience?: number;
  readonly entry?: 'launch' | 'event';
}

/** Where somebody went from the station that waits. */
export interface Went {
  readonly lead: string;
  readonly port: number;
  readonly event?: unknown;
}

/** Dies with its runtime. */
class MortalClock implements Clock {
  dead = false;
  constructor(private readonly clock: Clock) {}
  now = (): number => this.clock.now();
  monotonic = (): number => this.clock.monotonic();
  after = (ms: number, fn: () => void): (() => void) => this.clock.after(ms, () => (this.dead ? undefined : fn()));
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => this.clock.sleep(ms, signal);
}

export class Runtime {
  readonly went: Went[] = [];
  /** Sent to the station that waits, and held back by the test. */
  readonly onWire: Person[] = [];
  holdWire = false;
  /** Whether messages are lost, as when the process is about to die. */
  cut = false;
  wait!: StationHandle;

  private constructor(
    readonly marketing: Marketing,
    readonly clock: VirtualClock,
    private readonly mortal: MortalClock,
    private readonly plan: Plan,
  ) {}

  static async open(db: TestDatabase, clock: VirtualClock, plan: Plan): Promise<Runtime> {
    const mortal = new MortalClock(clock);
    const marketing = await openMarketing({
      database: { url: db.url() },
      tenant: 'acme',
      clock: mortal,
      logger: { error: (text) => console.log(`      ${text}`) },
    });
    const runtime = new Runtime(marketing, clock, mortal, plan);
    await runtime.deploy();
    return runtime;
  }

  private async deploy(): Promise<void> {
    const { marketing, plan } = this;
    const event = plan.entry === 'event';
    await marketing.definitions.deploy('flow', [
      {
        key: 'cart',
        name: 'Cart',
        entry: 'start',
        entryMode: event ? 'event' : 'launch',
        ...(event ? { event: 'cart_abandoned' } : {}),
        onUnknown: 'hold',
        stations: [
          { step: 'start', kind: 'trigger', node: 'n1', hash: 'h', forks: false },
          { step: 'wait', kind: 'delay', node: 'n2', hash: 'h', forks: false },
        ],
        body: {},
      },
    ]);
    const place = { definition: 'cart', wired: () => true };
    this.wait = await marketing.ledger.attach({
      ...place,
      step: 'wait',
      kind: 'delay',
      carries: true,
      emit: (port, people) => this.leave(port, people),
      arrived: (tx, steps) => marketing.waiting.begin(tx, steps, plan.spec),
      ...(plan.spec.for.kind === 'event' ? {} : { ask: (due) => marketing.waiting.timeIsUp(due) }),
    });
    await marketing.ledger.attach({
      ...place,
      step: 'start',
      kind: 'trigger',
      emit: (_port, people) => {
        if (this.holdWire) this.onWire.push(...people);
        else for (const person of people) void this.arrive(person).catch(() => undefined);
      },
    });
  }

  async arrive({ journey }: Person): Promise<void> {
    if (this.cut) return;
    const { plan, clock } = this;
    await this.wait.arrive({
      journey,
      dueAt: clock.now() + (plan.patience ?? PATIENCE),
      port: plan.spec.for.kind === 'event' ? 1 : ASK,
    });
  }

  private leave(port: number, people: readonly Person[]): void {
    if (this.cut) return;
    for (const { lead, journey, outcome } of people) {
      const event =
        typeof outcome === 'object' && outcome !== null && 'event' in outcome ? { event: outcome.event } : {};
      this.went.push({ lead: lead.name ?? '', port, ...event });
      void this.marketing.ledger.end(journey, 'completed').catch(() => undefined);
    }
  }

  /** Lets a campaign begin; with `leads`, everybody enters. */
  async launch(names: readonly string[] = []): Promise<void> {
    if (names.length > 0) {
      await this.marketing.leads.upsertAll(names.map((name) => ({ email: `${name}@example.org`, name })));
    }
    await this.marketing.campaigns.ensure('cart');
    await this.marketing.campaigns.launch('cart');
    await this.settle();
  }

  did(name: string, type: string, more: { at?: number; metadata?: Record<string, unknown> } = {}): Promise<unknown> {
    return this.marketing.events.record({ type, lead: `${name}@example.org`, ...more });
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      await this.marketing.ledger.idle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Moves time on; alarms ring and what they set off is done. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.marketing.ledger.pokeAll();
    await this.settle();
  }

  async waits(): Promise<number> {
    const row = await this.marketing.scope.get<{ n: number }>(
      'SELECT COUNT(*) AS n FROM marketing_waits WHERE tenant_id = :tenant',
    );
    return Number(row?.n);
  }

  async steps(): Promise<Record<string, number>> {
    const rows = await this.marketing.scope.all<{ state: string; n: number }>(
      'SELECT state, COUNT(*) AS n FROM marketing_steps WHERE tenant_id = :tenant AND station_id = :station GROUP BY state',
      { station: this.wait.id },
    );
    return Object.fromEntries(rows.map(({ state, n }) => [state, Number(n)]));
  }

  /** Nothing more is done or rung; its lease is left in the name of a process that is no more. */
  async kill(): Promise<void> {
    this.cut = true;
    this.mortal.dead = true;
    const { scope, ledger } = this.marketing;
    const values = { owner: ledger.owner, gone: `dead-${ledger.owner}`.slice(0, 64) };
    await scope.run(
      'UPDATE marketing_steps SET lease_owner = :gone WHERE tenant_id = :tenant AND lease_owner = :owner',
      values,
    );
    await scope.run('UPDATE marketing_runtimes SET id = :gone WHERE tenant_id = :tenant AND id = :owner', values);
  }

  async close(): Promise<void> {
    this.cut = true;
    await this.marketing.close();
  }
}
