import type { Clock } from '../clock';
import { InputError, MarketingError, messageOf, NotFoundError } from '../errors';
import type { Scope } from '../store';
import type { CampaignView, Decision, Journey, LeadView } from '../types';
import { Batcher } from './batcher';
import { Expander } from './expander';
import type { LedgerHost, LedgerLog } from './host';
import { Joins } from './joins';
import { RuntimeLease } from './runtime-lease';
import { endBranches, GOAL } from './sql/end-branches';
import { handOver, type HandOver, type HandOverOutcome } from './sql/hand-over';
import { recoverRuntime, setAdrift, setStepsAdrift } from './sql/recover';
import { Station } from './station';
import type { Arrival, AudiencePage, LeasedStep, Person, StationHandle, StationSpec } from './types';
import { Watchdog } from './watchdog';

/** What the ledger gets from its surroundings. */
export interface LedgerOptions {
  scope: Scope;
  clock: Clock;
  log: LedgerLog;
  /** Has somebody call {@link Ledger.wakeStation} at a time (ms); earlier calls for the same station win. */
  wake(station: number, due: number): Promise<void>;
  /** The leads as flows see them. */
  leads(scope: Scope, ids: readonly number[]): Promise<Map<number, LeadView>>;
  /** The campaigns as flows see them. */
  campaigns(scope: Scope, ids: readonly number[]): Promise<Map<number, CampaignView>>;
  /** One page of a campaign's audience in the order of lead ids, after lead `after`. */
  audience(campaign: number, after: number, limit: number): Promise<AudiencePage>;
  /** Called when a campaign has nobody under way any more. */
  finished(campaign: number): Promise<void>;
  /** Called in each of the watchdog's slower rounds, for upkeep that others need. */
  upkeep?(): Promise<void>;
  /** How long this runtime's lease lasts without being renewed. Default 20 s. */
  leaseMs?: number;
  /** How often the watchdog looks. Default 2 s. */
  sweepMs?: number;
  /** How long a person may be on a wire before having "left the flow". Default 5 min. */
  transitMs?: number;
}

/**
 * The ledger knows where everyone stands. Stations hang on it; messages on wires are only hints.
 *
 * One ledger serves one tenant in one process. Several processes may work on one database: each person is worked once,
 * because leases are rows and completions name the lease they complete.
 */
export class Ledger implements LedgerHost {
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: LedgerLog;
  readonly joins: Joins;
  private readonly lease: RuntimeLease;
  private readonly stations = new Map<number, Station>();
  private readonly handOvers: Batcher<HandOver & { from: Journey }, HandOverOutcome>;
  private readonly expander: Expander;
  private readonly watchdog: Watchdog;
  /** Steps whose people could not be sent on or handed over (the database did not answer, say). */
  private readonly stranded = new Set<number>();
  private opened = false;
  /** The station that works suspects at the moment. */
  private withSuspects: Station | undefined;
  private othersHaveSuspects = false;

  constructor(private readonly options: LedgerOptions) {
    this.scope = options.scope;
    this.clock = options.clock;
    this.log = options.log;
    this.lease = new RuntimeLease(options.scope, options.leaseMs ?? 20_000);
    this.joins = new Joins({
      scope: options.scope,
      log: options.log,
      fired: (stations) => stations.forEach((id) => this.wakeStation(id)),
    });
    this.handOvers = new Batcher((items) => this.writeHandOvers(items));
    this.expander = new Expander({
      scope: options.scope,
      clock: options.clock,
      log: options.log,
      audience: options.audience,
      serves: (station) => this.stations.has(station),
      entered: (station) => this.stations.get(station)?.poke(),
    });
    this.watchdog = new Watchdog(this, {
      everyMs: options.sweepMs ?? 2_000,
      transitMs: options.transitMs ?? 300_000,
      lease: this.lease,
      finished: options.finished,
      upkeep: () => options.upkeep?.() ?? Promise.resolve(),
      expand: () => this.expander.run(),
      lostLease: () => this.forgetHeld(),
      stations: () => [...this.stations.values()],
      recover: () => this.recover(),
      refloat: () => this.refloat(),
    });
  }

  get open(): boolean {
    return this.opened;
  }
  get owner(): string {
    return this.lease.owner;
  }

  /** Takes this runtime's lease and picks up what dead runtimes left. */
  async start(): Promise<void> {
    await this.lease.announce();
    this.opened = true;
    await this.recover();
    this.watchdog.start();
  }

  /** Stops all work, gives back what is leased and ends the lease. Whoever is on a wire is sent on again by the next runtime. */
  async close(): Promise<void> {
    if (!this.opened) return;
    this.watchdog.stop();
    await Promise.all([...this.stations.values()].map((station) => station.close()));
    await this.expander.stop();
    await this.handOvers.idle();
    await this.joins.idle();
    this.opened = false;
    await this.watchdog.idle();
    await this.lease.stop();
  }

  /**
   * Puts a station to work. It must have been deployed (see `definitions.deploy`).
   * @throws NotFoundError `E_UNKNOWN_STATION`
   */
  async attach(spec: StationSpec): Promise<StationHandle> {
    const row = await this.scope.get<{ id: number }>(
      `SELECT id FROM marketing_stations WHERE tenant_id = :tenant AND definition_key = :definition AND step = :step`,
      { definition: spec.definition, step: spec.step },
    );
    if (!row) {
      throw new NotFoundError(
        'E_UNKNOWN_STATION',
        `There is no step "${spec.step}" in the definition "${spec.definition}". Deploy the flow that contains it.`,
      );
    }
    const former = this.stations.get(row.id);
    if (former) await former.close();
    const station = new Station(this, row.id, spec);
    this.stations.set(row.id, station);
    if (spec.kind === 'join') await this.joins.reload();
    await station.takeUpAdrift();
    station.poke();
    this.expander.poke();
    return station;
  }

  /**
   * Ends somebody's way: an unwired output, a goal. One idempotent write keyed by the step the person came from.
   * With other branches under way the enrollment goes on.
   * @param place what ends it (a node's id): where the step forked, each place is a branch of its own
   * @throws InputError `E_NO_JOURNEY`, NotFoundError `E_UNKNOWN_STEP`
   */
  async end(journey: Journey, reason: string, decision?: Decision, place?: string): Promise<void> {
    const { step, trail: decisions } = this.check(journey);
    const trail = decision ? [...decisions, decision] : decisions;
    const outcome = trail.length > 0 ? JSON.stringify({ trail }) : undefined;
    await this.handOver({ kind: 'end', parent: step, reason, outcome, place, from: journey });
  }

  /**
   * Ends the whole enrollment because a goal was reached: this way as {@link end} does, and all its other branches. Who is being
   * worked on at this moment is finished with, and goes no further. The reason becomes `goal: <name>`.
   * @throws InputError `E_NO_JOURNEY`, NotFoundError `E_UNKNOWN_STEP`
   */
  async reach(journey: Journey, goal: string, decision?: Decision, place?: string): Promise<void> {
    const { campaign, enrollment, step } = this.check(journey);
    const reason = `${GOAL}${goal}`;
    // The others first: if this process dies in between, the person is sent to the goal once more.
    await endBranches(this.scope, { campaign, enrollment, except: step, reason });
    await this.end(journey, reason, decision, place);
    await endBranches(this.scope, { campaign, enrollment, except: undefined, reason });
    this.joins.ended([enrollment]);
  }

  /** Starts writing the audiences of campaigns that were launched. */
  expand(): void {
    this.expander.poke();
  }

  /** One round of the watchdog, now and completely. It runs by itself every few seconds. */
  sweep(): Promise<void> {
    return this.watchdog.sweep(true);
  }

  /** Looks for due people at all stations now. */
  pokeAll(): void {
    for (const station of this.stations.values()) station.poke();
  }

  /** A station's wake-up time has come. */
  wakeStation(id: number): void {
    this.stations.get(id)?.poke();
  }

  /**
   * After a deploy: everybody who was sent on before it and has not been taken over is sent on again, since messages
   * on wires may have been dropped. Stations drop the second of two arrivals.
   */
  async redeliver(): Promise<number> {
    // Joins may wait for other steps now than before, or for one that is gone.
    await this.joins.sweep(true);
    const count = await setAdrift(this.scope, this.owner, this.clock.now() + 1);
    for (const station of this.stations.values()) {
      station.forget();
      await station.takeUpAdrift();
      station.poke();
    }
    return count;
  }

  /** Resolves when this runtime has nothing to do at the moment: no audience, no station, no hand-over under way. */
  async idle(): Promise<void> {
    for (let quiet = false; !quiet;) {
      await this.expander.idle();
      for (const station of this.stations.values()) await station.idle();
      await this.handOvers.idle();
      await this.joins.idle();
      const busy = this.expander.busy || this.handOvers.busy || this.joins.busy;
      quiet = !busy && ![...this.stations.values()].some((station) => station.busy);
    }
  }

  async takeOver(station: number, arrival: Arrival): Promise<void> {
    const { step, trail } = this.check(arrival.journey);
    if (arrival.dueAt !== undefined && !Number.isSafeInteger(arrival.dueAt)) {
      throw new InputError(
        'E_DUE_TIME',
        'The time until which somebody is to wait is no moment. Check the date or duration that it is made from.',
      );
    }
    const text = trail.length > 0 ? JSON.stringify(trail) : undefined;
    await this.handOver({
      kind: 'arrive',
      parent: step,
      station,
      dueAt: arrival.dueAt,
      port: arrival.port,
      note: arrival.note,
      trail: text,
      from: arrival.journey,
    });
  }

  endInBackground(journey: Journey, reason: string): void {
    this.end(journey, reason).catch((error: unknown) =>
      this.log.warn(`Ending an enrollment failed and will be done by the watchdog: ${messageOf(error)}`),
    );
  }

  async people(definition: string, steps: readonly LeasedStep[]): Promise<Map<number, Person>> {
    const [leads, campaigns] = await Promise.all([
      this.options.leads(this.scope, [...new Set(steps.map(({ lead }) => lead))]),
      this.options.campaigns(this.scope, [...new Set(steps.map(({ campaign }) => campaign))]),
    ]);
    const people = new Map<number, Person>();
    for (const step of steps) {
      const lead = leads.get(step.lead);
      const campaign = campaigns.get(step.campaign);
      const journey: Journey = {
        tenant: this.scope.tenant,
        definition,
        campaign: step.campaign,
        enrollment: step.enrollment,
        step: step.id,
        trail: [],
      };
      if (lead && campaign) people.set(step.id, { journey, lead, campaign });
      else this.endInBackground(journey, lead ? 'the campaign is gone' : 'the lead is gone');
    }
    return people;
  }

  async wake(station: number, due: number): Promise<void> {
    await this.options.wake(station, due);
  }

  strand(steps: readonly number[]): void {
    for (const step of steps) this.stranded.add(step);
  }

  /** Has stranded people sent on again. */
  private async refloat(): Promise<void> {
    if (this.stranded.size === 0) return;
    const steps = [...this.stranded];
    await setStepsAdrift(this.scope, this.owner, steps);
    for (const step of steps) this.stranded.delete(step);
    for (const station of this.stations.values()) await station.takeUpAdrift();
  }

  detach(station: Station): void {
    if (this.stations.get(station.id) === station) this.stations.delete(station.id);
  }

  mayTakeSuspects(station: Station): boolean {
    this.withSuspects ??= station;
    if (this.withSuspects === station) return true;
    this.othersHaveSuspects = true;
    return false;
  }

  suspectsDone(station: Station): void {
    if (this.withSuspects !== station) return;
    this.withSuspects = undefined;
    if (!this.othersHaveSuspects) return;
    this.othersHaveSuspects = false;
    this.pokeAll();
  }

  /** Takes everything out of the hands of runtimes that are gone. */
  async recover(): Promise<void> {
    for (const departed of await this.lease.departed()) {
      const found = await recoverRuntime(this.scope, { ...departed, now: this.clock.now() });
      if (!found) continue;
      const total = found.returned + found.inDoubt + found.poisonous + found.adrift;
      if (total > 0) {
        this.log.warn(
          `A runtime ended without giving back its people: ${found.returned} go on, ${found.adrift} are sent on again, ${found.inDoubt} messages are in doubt, ${found.poisonous} go to the dead-letter list.`,
        );
      }
      for (const station of this.stations.values()) {
        await station.takeUpAdrift();
        station.lookForSuspects();
        station.poke();
      }
    }
  }

  private forgetHeld(): void {
    this.log.warn('This runtime lost its lease (it stood still for too long); its people may have been taken over.');
    for (const station of this.stations.values()) station.forgetHeld();
  }

  private check(journey: Journey | undefined): Journey {
    if (
      !journey ||
      typeof journey !== 'object' ||
      !Number.isSafeInteger(journey.step) ||
      !Array.isArray(journey.trail)
    ) {
      throw noJourney('it carries no journey token');
    }
    if (journey.tenant !== this.scope.tenant) throw noJourney('its journey token belongs to another tenant');
    if (!this.opened) throw new MarketingError('E_LEDGER_CLOSED', 'The ledger is closed.', { retryable: true });
    return journey;
  }

  private async handOver(item: HandOver & { from: Journey }): Promise<void> {
    const { known } = await this.handOvers.add(item);
    if (!known) {
      throw new NotFoundError(
        'E_UNKNOWN_STEP',
        'The journey token of this message points to a step that does not exist here. Keep msg.journey as it came.',
      );
    }
  }

  private async writeHandOvers(items: (HandOver & { from: Journey })[]): Promise<HandOverOutcome[]> {
    const now = this.clock.now();
    let outcomes: HandOverOutcome[];
    try {
      outcomes = await handOver(this.scope, items, now, (tx, station, steps) =>
        this.stations.get(station)?.spec.arrived?.(tx, steps),
      );
    } catch (error) {
      // The messages are lost, the people are not: they still stand at the steps they came from.
      this.strand(items.map(({ parent }) => parent));
      throw error;
    }
    const taken = items.map(({ parent }) => parent);
    for (const station of this.stations.values()) station.takenOver(taken);
    for (const { station, enrollment } of outcomes) {
      if (station !== undefined && enrollment !== undefined) this.joins.changed(station, [enrollment]);
    }
    const wakes = new Map<number, number>();
    for (const item of items) {
      if (item.kind !== 'arrive') continue;
      const due = item.dueAt ?? now;
      wakes.set(item.station, Math.min(wakes.get(item.station) ?? Infinity, due));
    }
    for (const [station, due] of wakes) {
      if (due <= now) this.stations.get(station)?.poke();
      else {
        await this.options.wake(station, due).catch((error: unknown) => {
          // The people are safe; the watchdog finds them when they are due.
          this.log.warn(`Setting a wake-up failed: ${messageOf(error)}`);
        });
      }
    }
    return outcomes;
  }
}

function noJourney(why: string): InputError {
  return new InputError(
    'E_NO_JOURNEY',
    `This message is not a person on a journey: ${why}. Start at a trigger node, and keep msg.journey in function and change nodes.`,
  );
}
