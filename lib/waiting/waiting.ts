import type { LeadReaction, NewEngagement } from '../leads';
import { leadViews, lockLeads } from '../leads';
import { wakeSteps, type ArrivedStep } from '../ledger';
import type { Scope } from '../store';
import { isDelayPlan, type DelayPlan, type Waiter } from './due';
import { Decider, type Occurrence } from './deciding';
import { searchEvents, type PastEvent } from './past-events';
import {
  deleteWaits,
  deleteWaitsOfLead,
  direct,
  insertWaits,
  lookThrough,
  overdueWaits,
  placesOf,
  waitsOf,
  type NewWait,
  type Wait,
} from './rows';
import { Times } from './times';
import type { SeenEvent, WaitFor, WaitingDeps, WaitSpec } from './types';

/** Outputs of somebody who waits. */
const HAPPENED = 0;
const TIMED_OUT = 1;

/** Waits looked through in one round of upkeep. */
const ROUND = 500;

/** Somebody for whom it has happened, and by what. */
interface Happening {
  readonly wait: Pick<Wait, 'step' | 'lead' | 'spec'>;
  readonly event: SeenEvent | undefined;
}

/**
 * People who wait until something happens. They are woken in the transaction in which it happens, and nobody asks for them
 * meanwhile. An arrival and an event lock the lead first, so that one of them sees the other: whoever arrives later finds the
 * event among those that are written down, and an event that comes later finds the wait.
 */
export class Waiting {
  private readonly times: Times;
  private lookedAt = 0;

  constructor(
    private readonly scope: Scope,
    private readonly deps: WaitingDeps,
  ) {
    this.times = new Times(scope, (tx) => deps.times(tx));
  }

  /**
   * When somebody who arrived at `from` (ms) at a delay goes on, ms; undefined when the lead lacks the date that it hangs on.
   * @throws InputError E_DATE
   */
  dueOf(plan: DelayPlan, lead: Waiter, from: number): Promise<number | undefined> {
    return this.times.dueOf(plan, lead, from);
  }

  /** When people who arrived at `arrivedAt` (ms) go on after a plan was changed; ms by step. Who lacks what it hangs on is left out. */
  async dueAgain(
    plan: object,
    people: readonly { step: number; lead: number; arrivedAt: number }[],
  ): Promise<Map<number, number>> {
    if (!isDelayPlan(plan)) return new Map();
    const views = await leadViews(
      this.scope,
      people.map(({ lead }) => lead),
    );
    const due = new Map<number, number>();
    for (const { step, lead, arrivedAt } of people) {
      const view = views.get(lead);
      const moment = view && (await this.times.dueOf(plan, view, arrivedAt));
      if (moment !== undefined) due.set(step, moment);
    }
    return due;
  }

  /**
   * Whether something can be waited for as things stand.
   * @throws ConditionError; NotFoundError `E_UNKNOWN_SEGMENT`; MarketingError `E_SEGMENT_BROKEN`
   */
  async verify(what: WaitFor): Promise<void> {
    switch (what.kind) {
      case 'event':
        if (what.condition !== undefined) await this.deps.compileForEvent(this.scope, what.condition);
        return;
      case 'condition':
        await this.deps.compile(this.scope, what.condition);
        return;
      case 'segment':
        await this.deps.inSegment(this.scope, [], what.segment);
    }
  }

  /**
   * Begins the wait of people who have arrived, in the transaction that takes custody of them ({@link StationSpec.arrived}). For
   * whom it has happened already, they go on at once.
   */
  async begin(tx: Scope, steps: readonly ArrivedStep[], spec: WaitSpec): Promise<void> {
    if (steps.length === 0) return;
    await lockLeads(
      tx,
      steps.map(({ lead }) => lead),
    );
    const places = await placesOf(
      tx,
      steps.map(({ id }) => id),
    );
    const key = JSON.stringify(spec);
    const now = tx.clock.now();
    const waits = steps.flatMap(({ id, lead, campaign }): NewWait[] => {
      const place = places.get(id);
      if (!place) return [];
      const since = sinceOf(spec.for, { now, enteredAt: place.enteredAt });
      const event = spec.for.kind === 'event' ? spec.for.event : undefined;
      return [{ step: id, station: place.station, campaign, lead, since, key, kind: spec.for.kind, event }];
    });
    const decider = new Decider(tx, this.deps);
    const happened = await this.happenedAlready(tx, decider, waits, spec);
    await insertWaits(
      tx,
      waits.filter(({ step }) => !happened.has(step)),
    );
    const going = [...happened.values()];
    if (going.length === 0) return;
    const due = await this.release(tx, decider, going);
    await direct(
      tx,
      going.map(({ wait, event }) => ({
        step: wait.step,
        port: HAPPENED,
        dueAt: due.get(wait.step) ?? now,
        ...(event ? { outcome: { event } } : {}),
      })),
    );
    this.tell(tx, new Set([...places.values()].map(({ station }) => station)));
  }

  /** What follows from what leads do and become. */
  reaction(): LeadReaction {
    return {
      onlyWhere: { exists: 'SELECT 1 FROM marketing_waits WHERE tenant_id = :tenant' },
      engaged: (tx, list) => this.engaged(tx, list),
      changed: async (tx, changes) => {
        const leads = changes.filter(({ created }) => !created).map(({ lead }) => lead);
        const waits = await waitsOf(tx, leads, ['condition', 'segment']);
        await this.wake(tx, new Decider(tx, this.deps), waits);
      },
      removed: (tx, lead) => deleteWaitsOfLead(tx, lead),
    };
  }

  /** Wakes those of these leads who wait to be in a segment, in the transaction that makes them its members. */
  async segmentEntered(tx: Scope, leads: readonly number[]): Promise<void> {
    if (leads.length === 0) return;
    await lockLeads(tx, leads);
    await this.wake(tx, new Decider(tx, this.deps), await waitsOf(tx, leads, ['segment']));
  }

  /**
   * Says of people whose time is up where they go ({@link StationSpec.ask}): conditions may have become true by the passing of time
   * alone, or by what nothing tells of.
   */
  async timeIsUp(due: { station: number; now: number; limit: number }): Promise<void> {
    if ((await overdueWaits(this.scope, { ...due, limit: 1 })).length === 0) return;
    await this.scope.transaction(async (tx) => {
      const overdue = await overdueWaits(tx, due);
      const decider = new Decider(tx, this.deps);
      const waits = overdue.flatMap(({ wait }) => wait ?? []);
      const happened = await this.holding(decider, waits);
      await direct(
        tx,
        overdue.map(({ step }) => ({ step, port: happened.has(step) ? HAPPENED : TIMED_OUT, dueAt: due.now })),
        { unsaid: true },
      );
      await deleteWaits(
        tx,
        overdue.map(({ step }) => step),
      );
    });
  }

  /** Removes waits whose people have gone on, ended or were moved: a few hundred are looked at each time, one round after another. */
  async tidy(): Promise<void> {
    const { last, gone } = await lookThrough(this.scope, this.lookedAt, ROUND);
    this.lookedAt = last ?? 0;
    if (gone.length > 0) await deleteWaits(this.scope, gone);
  }

  private async engaged(tx: Scope, list: readonly NewEngagement[]): Promise<void> {
    const waits = await waitsOf(
      tx,
      list.map(({ leadId }) => leadId),
      ['event', 'condition', 'segment'],
    );
    if (waits.length === 0) return;
    const decider = new Decider(tx, this.deps);
    const seen = new Map<number, SeenEvent>();
    for (const wait of waits) {
      const what = wait.spec.for;
      if (what.kind !== 'event') continue;
      for (const event of list) {
        if (event.leadId !== wait.lead || event.at < wait.since || seen.has(wait.step)) continue;
        const occurrence: Occurrence = { ...event, campaign: event.campaign };
        if (await decider.isIt(what, wait, occurrence)) seen.set(wait.step, seenEvent(event));
      }
    }
    await this.wake(tx, decider, waits, seen);
  }

  /** Has those go on for whom it has happened, and forgets waits that are none any more. */
  private async wake(
    tx: Scope,
    decider: Decider,
    waits: readonly Wait[],
    seen: ReadonlyMap<number, SeenEvent> = new Map(),
  ): Promise<void> {
    if (waits.length === 0) return;
    const standing = waits.filter(({ stands }) => stands);
    const holding = await this.holding(decider, standing);
    const going = standing
      .filter(({ step }) => holding.has(step) || seen.has(step))
      .map((wait): Happening => ({ wait, event: seen.get(wait.step) }));
    const due = await this.release(tx, decider, going);
    const { steps, stations } = await wakeSteps(
      tx,
      going.map(({ wait, event }) => {
        const dueAt = due.get(wait.step);
        return {
          step: wait.step,
          port: HAPPENED,
          ...(dueAt === undefined ? {} : { dueAt }),
          ...(event ? { outcome: { event } } : {}),
        };
      }),
    );
    const gone = waits.filter(({ stands }) => !stands).map(({ step }) => step);
    await deleteWaits(tx, [...steps, ...gone]);
    this.tell(tx, stations);
  }

  /** Those of people who wait for a condition or a segment for whom it is true now. */
  private async holding(decider: Decider, waits: readonly Wait[]): Promise<Set<number>> {
    const groups = new Map<string, Wait[]>();
    for (const wait of waits) {
      if (wait.spec.for.kind !== 'event') groups.set(wait.key, [...(groups.get(wait.key) ?? []), wait]);
    }
    const holding = new Set<number>();
    for (const group of groups.values()) {
      const what = group[0]?.spec.for;
      if (!what || what.kind === 'event') continue;
      for (const step of await decider.hold(what, group)) holding.add(step);
    }
    return holding;
  }

  private async happenedAlready(
    tx: Scope,
    decider: Decider,
    waits: readonly NewWait[],
    spec: WaitSpec,
  ): Promise<Map<number, Happening>> {
    const what = spec.for;
    const happened = new Map<number, Happening>();
    if (what.kind !== 'event') {
      const holding = await decider.hold(what, waits);
      for (const wait of waits) {
        if (holding.has(wait.step)) happened.set(wait.step, { wait: { ...wait, spec }, event: undefined });
      }
      return happened;
    }
    const bySteps = new Map(waits.map((wait) => [wait.step, wait]));
    const searches = waits.map(({ step, lead, since }) => ({ step, lead, since, event: what.event }));
    await searchEvents(tx, searches, async (event: PastEvent) => {
      const wait = bySteps.get(event.step);
      const machine = event.metadata['machine'] === true;
      if (!wait || !(await decider.isIt(what, wait, { ...event, machine }))) return false;
      happened.set(wait.step, { wait: { ...wait, spec }, event: seenEvent(event) });
      return true;
    });
    return happened;
  }

  /** When those for whom it has happened go on, by step. Who is not in it goes at once. */
  private async release(tx: Scope, decider: Decider, going: readonly Happening[]): Promise<Map<number, number>> {
    const due = new Map<number, number>();
    const held = new Map<string, Happening[]>();
    for (const one of going) {
      const hold = one.wait.spec.hold;
      if (!hold) continue;
      const key = JSON.stringify(hold);
      held.set(key, [...(held.get(key) ?? []), one]);
    }
    for (const group of held.values()) {
      const hold = group[0]?.wait.spec.hold;
      if (!hold) continue;
      const views = await decider.leads(group.map(({ wait }) => wait.lead));
      const leads = group.flatMap(({ wait }) => views.get(wait.lead) ?? []);
      const moments = await this.times.release(tx, leads, hold, tx.clock.now());
      for (const { wait } of group) {
        const moment = moments.get(wait.lead);
        if (moment !== undefined) due.set(wait.step, moment);
      }
    }
    return due;
  }

  private tell(tx: Scope, stations: ReadonlySet<number>): void {
    if (stations.size > 0) tx.afterCommit(() => this.deps.woken(stations));
  }
}

function sinceOf(what: WaitFor, { now, enteredAt }: { now: number; enteredAt: number }): number {
  if (what.kind !== 'event') return now;
  switch (what.since) {
    case 'arrival':
      return now;
    case 'entry':
      return enteredAt;
    case 'ever':
      return 0;
  }
}

function seenEvent({
  type,
  eventId,
  at,
  metadata,
}: Pick<NewEngagement, 'type' | 'eventId' | 'at' | 'metadata'>): SeenEvent {
  const value = metadata['value'];
  return { type, eventId, at, ...(typeof value === 'number' ? { value } : {}) };
}
