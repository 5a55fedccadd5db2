/**
 * A store on a virtual clock, real campaigns whose definition is a lifecycle without a journey, timers on the same clock, and the
 * services under test. Time moves from ring to ring, and stands still while one is worked on.
 */
import { Campaigns, type Campaign, type CampaignDefinition, type Schedule } from '../../lib/campaigns';
import type { VirtualClock } from '../../lib/clock';
import { listenersOf, type Announced } from '../../lib/outbox';
import { ScheduleService, type SchedulableCampaigns, type ScheduledRun } from '../../lib/schedules';
import type { Scope, Store } from '../../lib/store';
import { ClockTimers } from '../../lib/timers';

export class World {
  readonly scope: Scope;
  readonly clock: VirtualClock;
  readonly campaigns: Campaigns;
  readonly announced: Announced[] = [];
  readonly failures: unknown[] = [];
  readonly definition: CampaignDefinition = {
    name: 'Plain',
    entry: 'start',
    entryMode: 'none',
    onUnknown: 'hold',
    deployed: true,
  };
  timers!: ClockTimers;
  schedules!: ScheduleService;

  /** What starts of campaigns run into before they begin: one error each. */
  readonly obstacles: Error[] = [];

  constructor(
    readonly store: Store,
    tenant = 'test',
  ) {
    this.scope = store.tenant(tenant);
    this.clock = store.clock as VirtualClock;
    this.campaigns = new Campaigns({
      scope: this.scope,
      definition: () => Promise.resolve(this.definition),
      checkSegment: () => Promise.resolve(),
      changed: () => undefined,
    });
    this.campaigns.on('before', 'launch', (tx, campaign) => this.schedules.launches(tx, campaign));
    listenersOf(this.scope).on(['*'], (one) => void this.announced.push(one));
  }

  /** A process: its timers and its services. What the last one had set is gone, as after a crash. */
  async start(register: (timers: ClockTimers) => void = () => undefined): Promise<void> {
    this.timers = new ClockTimers(this.clock);
    this.timers.onError((error) => void this.failures.push(error));
    this.schedules = new ScheduleService(this.scope, { timers: this.timers, campaigns: this.stumbling() });
    register(this.timers);
    await this.timers.start();
  }

  /** The campaigns, which fail to start as often as there are obstacles. */
  private stumbling(): SchedulableCampaigns {
    return {
      get: (key) => this.campaigns.get(key),
      act: async (key, action, options, along) => {
        const obstacle = action === 'launch' ? this.obstacles.shift() : undefined;
        if (obstacle) throw obstacle;
        return this.campaigns.act(key, action, options, along);
      },
      setSchedule: (tx, id, plan) => this.campaigns.setSchedule(tx, id, plan),
    };
  }

  async crash(): Promise<void> {
    await this.timers.stop(0);
  }

  /** A campaign with a schedule. */
  async planned(key: string, schedule: Schedule): Promise<Campaign> {
    await this.campaigns.create({ key, name: key, definition: 'plain' });
    return this.schedules.schedule(key, schedule);
  }

  /** Lets time pass until `moment`; `afterRings` is called whenever rings have been worked on. */
  async until(moment: number, afterRings: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    for (;;) {
      const next = this.clock.nextAlarm;
      await this.clock.advanceTo(Math.min(moment, next ?? moment));
      await this.settled();
      await afterRings();
      if (next === undefined || next > moment) return;
    }
  }

  /** Completes what runs, as the ledger does when everybody is through. */
  async finishRuns(): Promise<void> {
    for (const { id } of await this.campaigns.all({ state: 'active' })) {
      await this.campaigns.act(id, 'complete', {}, { rests: true });
    }
  }

  async outcomes(key: string): Promise<string[]> {
    const runs = await this.schedules.runs(key, { limit: 1_000 });
    return runs.reverse().map(({ plannedAt, outcome }) => `${new Date(plannedAt).toISOString()} ${outcome}`);
  }

  async runs(key: string): Promise<ScheduledRun[]> {
    return (await this.schedules.runs(key, { limit: 1_000 })).reverse();
  }

  async events(key: string): Promise<string[]> {
    const { id } = await this.campaigns.get(key);
    const rows = await this.scope.all<{ event: string }>(
      `SELECT event FROM marketing_history WHERE tenant_id = :tenant AND campaign_id = :id ORDER BY id`,
      { id },
    );
    return rows.map(({ event }) => event);
  }

  /** Waits until everything that rings has been worked on. */
  async settled(timers: ClockTimers = this.timers): Promise<void> {
    while ((await timers.list()).some(({ ringing }) => ringing)) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
