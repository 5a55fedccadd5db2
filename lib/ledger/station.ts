import { messageOf } from '../errors';
import { parseJson, type Scope } from '../store';
import type { LedgerHost } from './host';
import { portName, portNamesOf } from './ports';
import { claimAdrift, leaseForWork, leaseSuspects, nextDue, releaseDue, type ReleasedStep } from './sql/lease';
import { heldUnknowingly, putBack, releasedUnknowingly } from './sql/audit';
import { readStationCounters } from './sql/counters';
import { settleSteps } from './sql/settle';
import { countByState } from './sql/watch';
import type {
  Arrival,
  LeasedStep,
  Person,
  StationCounts,
  StationHandle,
  StationSpec,
  StationWork,
  StepResult,
} from './types';

/** People that a station takes out of the database at once. */
const PAGE = 250;
/** People sent on and not yet taken over, at most, before a station waits for the next one to keep up. */
const HIGH_WATER = 1_000;
/** After this long a person who was not taken over no longer holds up the others (an ordinary node may be slow, or drop people). */
const PATIENCE_MS = 1_000;
/** How many such people are remembered at all: the bound on memory. */
const MOST_ADRIFT = 20_000;
/** How often the counts under a node are refreshed at most. */
const COUNTS_EVERY_MS = 500;

/**
 * One station at work: takes due people out of the database in pages, and either releases them (trigger, delay) or
 * gives them to its work (send). Holds a bounded number in memory; the rest wait as rows.
 */
export class Station implements StationHandle {
  private wanted = false;
  private running: Promise<void> | undefined;
  private closed = false;
  private closing: Promise<void> | undefined;
  private countsDue: (() => void) | undefined;
  /** Sent on, not yet taken over: step id → when (monotonic ms). */
  private readonly outstanding = new Map<number, number>();
  private patience: (() => void) | undefined;
  /** Leased for work and not settled yet. */
  private readonly held = new Set<number>();
  /** Those of them who are suspects. */
  private readonly suspects = new Set<number>();
  /** Whether suspects may be waiting here; asked of the database only after something gave cause. */
  private suspectsMayWait = true;
  private readonly portNames: readonly string[];

  constructor(
    private readonly host: LedgerHost,
    readonly id: number,
    readonly spec: StationSpec,
  ) {
    this.portNames = spec.portNames ?? portNamesOf(spec.kind);
  }

  async arrive(arrival: Arrival): Promise<void> {
    await this.host.takeOver(this.id, arrival);
    this.changed();
  }

  async settle(
    results: StepResult[],
    also?: (tx: Scope, accepted: ReadonlySet<number>) => Promise<void>,
  ): Promise<void> {
    if (results.length === 0) return;
    const context = {
      station: this.id,
      step: this.spec.step,
      now: this.host.clock.now(),
      wired: (port: number) => this.spec.wired(port),
      portNames: this.portNames,
    };
    const { going, accepted } = await settleSteps(this.host.scope, results, context, also);
    this.host.joins.changed(this.id, branchesOver(results, going, accepted));
    this.letGo(results.map(({ step }) => step.id));
    if (accepted.size < results.length) {
      this.host.log.warn(
        `${this.spec.step}: ${results.length - accepted.size} of ${results.length} completions came too late and were refused: somebody else has taken those people over.`,
      );
      // Or the connection broke just after the commit, and this is the second try: then they were released and nobody has sent them on.
      this.host.strand(results.flatMap(({ step }) => (accepted.has(step.id) ? [] : [step.id])));
    }
    const retryAt = results.reduce(
      (soonest, result) =>
        result.kind === 'retry' || result.kind === 'later' ? Math.min(soonest, result.dueAt) : soonest,
      Infinity,
    );
    if (Number.isFinite(retryAt)) await this.wakeAt(retryAt);
    if (going.length > 0) {
      const steps = new Map(results.map(({ step }) => [step.id, step]));
      await this.sendOn(going.map(({ id, port }) => ({ ...(steps.get(id) as LeasedStep), port })));
    }
    this.changed();
  }

  poke(): void {
    this.wanted = true;
    if (this.running || this.closed) return;
    this.running = this.drain().finally(() => {
      this.running = undefined;
      if (this.wanted && !this.closed && this.host.open) this.poke();
    });
  }

  get busy(): boolean {
    return this.running !== undefined;
  }

  async idle(): Promise<void> {
    await this.running;
  }

  /** Called when people of this station have been taken over, or their way has ended. */
  takenOver(steps: readonly number[]): void {
    let freed = false;
    for (const step of steps) freed = this.outstanding.delete(step) || freed;
    if (freed) this.changed();
    if (freed && this.outstanding.size < HIGH_WATER - PAGE) this.poke();
  }

  /** Forgets what it had sent on: people were set adrift on purpose. */
  forget(): void {
    this.outstanding.clear();
  }

  /** Forgets what it had sent on and what it held: the lease was lost. */
  forgetHeld(): void {
    this.forget();
    this.letGo([...this.held]);
  }

  /** Has the station look for suspects with the next page. */
  lookForSuspects(): void {
    this.suspectsMayWait = true;
  }

  /**
   * Finds people who are this runtime's by the database, and of whom it knows nothing: the connection broke after they
   * were leased or released, and before the answer came. Has them worked, or sent on, after all.
   * @param since ms; people leased or released after it may be on their way to this runtime's memory
   */
  async audit(since: number, transitMs: number): Promise<void> {
    this.suspectsMayWait = true;
    const longAgo = this.host.clock.monotonic() - 1.5 * transitMs;
    for (const [step, at] of this.outstanding) if (at < longAgo) this.outstanding.delete(step);
    const place = { station: this.id, owner: this.host.owner, before: since };
    const released = await releasedUnknowingly(this.host.scope, { ...place, after: since - transitMs });
    this.host.strand(released.filter((step) => !this.outstanding.has(step)));
    const leased = await heldUnknowingly(this.host.scope, place);
    const lost = leased.filter((step) => !this.held.has(step));
    if (lost.length > 0)
      await putBack(this.host.scope, { owner: this.host.owner, steps: lost, now: this.host.clock.now() });
  }

  private letGo(steps: readonly number[]): void {
    let suspected = false;
    for (const step of steps) {
      this.held.delete(step);
      suspected = this.suspects.delete(step) || suspected;
    }
    if (!suspected || this.suspects.size > 0) return;
    this.host.suspectsDone(this);
    this.poke();
  }

  async counts(): Promise<StationCounts> {
    // Counting looks at everybody who waits here: not on the main thread.
    const [states, counters] = await this.host.scope.background(
      async (db) => [await countByState(db, this.id), await readStationCounters(db, this.id)] as const,
    );
    return {
      entered: 0,
      ...counters,
      waiting: (states['waiting'] ?? 0) + (states['working'] ?? 0) + (states['paused'] ?? 0),
      dead: states['failed'] ?? 0,
      unknown: states['unknown'] ?? 0,
      orphaned: states['orphaned'] ?? 0,
    };
  }

  /** Resolves when everything it held is settled, for everybody who asks: who takes its place must wait for that. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.closed = true;
    this.patience?.();
    this.countsDue?.();
    await this.running;
    await this.spec.work?.close();
    this.host.suspectsDone(this);
    this.host.detach(this);
  }

  /** Takes up people who are adrift: sent on by a runtime that died, or before a deploy cut the wire. */
  async takeUpAdrift(): Promise<void> {
    for (const state of ['released', 'branching'] as const) {
      for (;;) {
        if (this.closed) return;
        const steps = await claimAdrift(this.host.scope, { ...this.claimValues(PAGE), state });
        if (steps.length > 0) await this.sendOn(steps);
        if (steps.length < PAGE) break;
      }
    }
  }

  private claimValues(limit: number): { station: number; owner: string; limit: number; now: number } {
    return { station: this.id, owner: this.host.owner, limit, now: this.host.clock.now() };
  }

  private async drain(): Promise<void> {
    try {
      while (this.wanted && !this.closed && this.host.open) {
        this.wanted = false;
        if (await this.page()) this.wanted = true;
      }
    } catch (error) {
      // The rows are untouched or still leased; the next sweep tries again.
      this.wanted = false;
      this.host.log.error(`${this.spec.step}: could not take people from the ledger: ${messageOf(error)}`);
    }
  }

  /** Takes one page; true when there may be more to take at once. */
  private async page(): Promise<boolean> {
    const limit = Math.min(PAGE, this.roomForOutstanding(), this.spec.work ? this.spec.work.room() : PAGE);
    if (limit <= 0) return false;
    if (this.spec.work) {
      const suspects = await this.takeSuspects(this.spec.work, limit);
      if (suspects === limit) return true;
      const steps = await leaseForWork(this.host.scope, this.claimValues(limit - suspects));
      this.hand(steps, this.spec.work);
      if (steps.length === limit - suspects) return true;
    } else {
      const claim = this.claimValues(limit);
      const join = this.spec.kind === 'join';
      if (join) await this.host.joins.timeOut(this.id);
      await this.spec.ask?.({ station: this.id, now: claim.now, limit });
      const steps = await releaseDue(this.host.scope, { ...claim, asks: this.spec.ask !== undefined, join });
      if (steps.length > 0) {
        await this.sendOn(steps);
        this.changed();
      }
      if (steps.length === limit) return true;
    }
    const due = await nextDue(this.host.scope, this.id);
    if (due !== undefined && due > this.host.clock.now()) await this.wakeAt(due);
    return false;
  }

  private hand(steps: LeasedStep[], work: StationWork): void {
    if (steps.length === 0) return;
    for (const { id } of steps) this.held.add(id);
    work.take(steps, this);
  }

  /** Takes a small group of those whose runtimes died with them; how many. */
  private async takeSuspects(work: StationWork, limit: number): Promise<number> {
    if (!this.suspectsMayWait || this.suspects.size > 0 || !this.host.mayTakeSuspects(this)) return 0;
    let steps: LeasedStep[] = [];
    try {
      steps = await leaseSuspects(this.host.scope, this.claimValues(limit));
    } finally {
      if (steps.length === 0) this.host.suspectsDone(this);
    }
    if (steps.length === 0) this.suspectsMayWait = false;
    for (const { id } of steps) this.suspects.add(id);
    this.hand(steps, work);
    return steps.length;
  }

  private roomForOutstanding(): number {
    const { clock } = this.host;
    const patient = clock.monotonic() - PATIENCE_MS;
    let fresh = 0;
    for (const since of this.outstanding.values()) if (since > patient) fresh++;
    if (this.outstanding.size >= MOST_ADRIFT) return 0;
    if (fresh >= HIGH_WATER && !this.patience) {
      this.patience = clock.after(PATIENCE_MS, () => {
        this.patience = undefined;
        this.poke();
      });
    }
    return Math.max(0, HIGH_WATER - fresh);
  }

  /** Sends released people on. Never fails: whoever cannot be sent on now is sent on later. */
  private async sendOn(steps: readonly ReleasedStep[]): Promise<void> {
    let people: Map<number, Person>;
    try {
      people = await this.host.people(this.spec.definition, steps);
    } catch (error) {
      this.host.log.warn(
        `${this.spec.step}: people could not be sent on and will be a little later: ${messageOf(error)}`,
      );
      this.host.strand(steps.map(({ id }) => id));
      return;
    }
    const byPort = new Map<number, Person[]>();
    const ends: { person: Person; reason: string }[] = [];
    const since = this.host.clock.monotonic();
    for (const step of steps) {
      const person = people.get(step.id);
      if (!person) continue;
      if (this.spec.carries && typeof step.outcome === 'string') person.outcome = parseJson(step.outcome, undefined);
      if (this.spec.wired(step.port)) {
        this.outstanding.set(step.id, since);
        const group = byPort.get(step.port);
        if (group) group.push(person);
        else byPort.set(step.port, [person]);
      } else ends.push({ person, reason: step.port === 0 ? 'completed' : this.portName(step.port) });
    }
    for (const { person, reason } of ends) this.host.endInBackground(person.journey, reason);
    for (const [port, group] of byPort) {
      try {
        this.spec.emit(port, group);
      } catch (error) {
        this.host.log.error(`${this.spec.step}: sending people on failed: ${messageOf(error)}`);
      }
    }
  }

  private portName(port: number): string {
    return portName(this.spec.kind, port);
  }

  private async wakeAt(due: number): Promise<void> {
    await this.host.wake(this.id, due);
  }

  private changed(): void {
    if (!this.spec.onCounts || this.countsDue || this.closed) return;
    this.countsDue = this.host.clock.after(COUNTS_EVERY_MS, () => {
      this.countsDue = undefined;
      if (this.closed || !this.host.open) return;
      this.counts().then(
        (counts) => {
          if (!this.closed) this.spec.onCounts?.(counts);
        },
        (error: unknown) => this.host.log.debug(`${this.spec.step}: counting failed: ${messageOf(error)}`),
      );
    });
  }
}

/** Enrollments of which a branch has come to its end at this station. */
function branchesOver(
  results: readonly StepResult[],
  going: readonly { id: number }[],
  accepted: ReadonlySet<number>,
): number[] {
  const goes = new Set(going.map(({ id }) => id));
  return results.flatMap(({ step, kind }) => {
    const over = kind === 'fail' || (kind === 'release' && !goes.has(step.id));
    return over && accepted.has(step.id) ? [step.enrollment] : [];
  });
}
