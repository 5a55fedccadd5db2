import { authorise, nameOf } from '../access';
import type { ActionOptions, Campaign, Schedule } from '../campaigns/types';
import { ConflictError, InputError } from '../errors';
import { record } from '../history';
import { parseJson, type Scope } from '../store';
import { readSchedule } from './check';
import { lockStanding, readRuns } from './log';
import { dealWith } from './ring';
import { nextRun } from './runs';
import type { ScheduleDeps, ScheduledRun } from './types';

/** Timers' kinds: one timer per scheduled campaign, and one that looks after them. */
const KIND = 'campaign-schedule';
const SWEEP = 'campaign-schedule-sweep';
const SWEEP_MS = 15 * 60_000;
/** Small, because working out a moment takes a tenth of a millisecond, and nobody is to wait for a thousand of them. */
const PAGE = 100;

interface Planned {
  readonly id: number;
  readonly next_run_at: number;
}

/**
 * Starts campaigns by themselves. The database holds what is planned (`next_run_at`); timers only say when to look. Register before
 * the timers start, then call {@link start}.
 */
export class ScheduleService {
  constructor(
    private readonly scope: Scope,
    private readonly deps: ScheduleDeps,
  ) {
    deps.timers.on(KIND, ({ key }) => this.ring(Number(key)));
    deps.timers.on(SWEEP, () => this.sweep());
  }

  /**
   * Plans a campaign, or plans it anew: a draft, a scheduled one, or one whose last run is over.
   * @throws InputError `E_SCHEDULE` with `details.problems`; NotFoundError `E_UNKNOWN_CAMPAIGN`; ConflictError `E_CAMPAIGN_STATE`,
   * `E_CONFLICT`; ForbiddenError
   */
  async schedule(key: number | string, input: Schedule, options: ActionOptions = {}): Promise<Campaign> {
    authorise(options.actor, 'campaign:launch');
    const now = this.scope.clock.now();
    const schedule = readSchedule(input, now);
    const nextRunAt = nextRun(schedule, now);
    const campaign = await this.deps.campaigns.act(key, 'schedule', options, {
      also: async (tx, before) => {
        await this.deps.campaigns.setSchedule(tx, before.id, { schedule, nextRunAt: nextRunAt ?? null });
        await record(tx, {
          event: 'campaign.schedule_set',
          campaign: before.id,
          actor: nameOf(options.actor),
          before: { schedule: before.schedule, nextRunAt: before.nextRunAt },
          after: { schedule, nextRunAt },
        });
      },
    });
    if (nextRunAt !== undefined) await this.deps.timers.set(KIND, String(campaign.id), nextRunAt);
    return this.deps.campaigns.get(campaign.id);
  }

  /**
   * Takes the plan back. A campaign that has not started becomes a draft again; one that is running runs on, for the last time.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`; ConflictError `E_NOT_SCHEDULED`, `E_CONFLICT`; ForbiddenError
   */
  async unschedule(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    authorise(options.actor, 'campaign:launch');
    const campaign = await this.deps.campaigns.get(key);
    if (campaign.schedule === undefined && campaign.state !== 'scheduled') {
      throw new ConflictError('E_NOT_SCHEDULED', `The campaign "${campaign.key}" has no schedule to be taken back.`);
    }
    const also = async (tx: Scope, before: Campaign): Promise<void> => {
      await this.deps.campaigns.setSchedule(tx, before.id, { schedule: null, nextRunAt: null });
      await record(tx, {
        event: 'campaign.schedule_removed',
        campaign: before.id,
        actor: nameOf(options.actor),
        before: { schedule: before.schedule, nextRunAt: before.nextRunAt },
        ...(options.reason === undefined ? {} : { payload: { reason: options.reason } }),
      });
    };
    if (campaign.state === 'scheduled') await this.deps.campaigns.act(campaign.id, 'unschedule', options, { also });
    else await this.scope.transaction((tx) => this.clear(tx, campaign, options, also));
    await this.deps.timers.cancel(KIND, String(campaign.id));
    return this.deps.campaigns.get(campaign.id);
  }

  /** What became of planned runs, the last one first: at most `limit` (1 to 1,000, default 100). */
  async runs(
    key: number | string,
    { limit = 100, ...options }: { limit?: number } & ActionOptions = {},
  ): Promise<ScheduledRun[]> {
    authorise(options.actor, 'campaign:read');
    const { id } = await this.deps.campaigns.get(key);
    return readRuns(this.scope, id, checkCount(limit));
  }

  /** The moments of the next runs (ms since 1970): at most `count` (1 to 1,000, default 10). */
  async upcoming(key: number | string, count = 10, options: ActionOptions = {}): Promise<number[]> {
    authorise(options.actor, 'campaign:read');
    checkCount(count);
    const { schedule, nextRunAt } = await this.deps.campaigns.get(key);
    const moments: number[] = [];
    for (let at = nextRunAt; schedule && at !== undefined && moments.length < count; at = nextRun(schedule, at)) {
      moments.push(at);
    }
    return moments;
  }

  /**
   * Call in the transaction of every launch, before the change. Whoever starts a campaign by hand before its one moment means that
   * moment: it does not start once more for everybody.
   */
  async launches(tx: Scope, { id, schedule, nextRunAt }: Campaign): Promise<void> {
    if (schedule?.kind !== 'once' || nextRunAt === undefined) return;
    // Part of the launch, and therefore no version of its own.
    await tx.run(`UPDATE marketing_campaigns SET next_run_at = NULL WHERE tenant_id = :tenant AND id = :id`, { id });
  }

  /** Call once the timers have started: sets what a crash kept from being set, now and from then on. */
  async start(): Promise<void> {
    await this.recover();
    await this.deps.timers.every(SWEEP, 'all', { ms: SWEEP_MS });
  }

  /**
   * Sets the timers of what is due soon: a crash may have come between the plan and its timer. What is due later is left to the sweep,
   * so that a start with a hundred thousand plans is cheap. Where the rules of a zone have changed since, it plans anew.
   */
  async recover(): Promise<void> {
    const soon = this.scope.clock.now() + 2 * SWEEP_MS;
    for await (const page of this.planned()) {
      const schedules = await this.schedulesOf(page);
      for (const { id, next_run_at } of page) {
        const at = await this.planAnew(id, next_run_at, schedules.get(id));
        if (at <= soon || at !== next_run_at) await this.deps.timers.set(KIND, String(id), at);
      }
    }
  }

  /** Sets the timers of what is due soon: a process that is no longer there may have planned it. */
  private async sweep(): Promise<void> {
    for await (const page of this.planned(this.scope.clock.now() + 2 * SWEEP_MS)) {
      for (const { id, next_run_at } of page) await this.deps.timers.set(KIND, String(id), next_run_at);
    }
  }

  private async ring(id: number): Promise<void> {
    const next = await dealWith(this.scope, this.deps.campaigns, id);
    if (next !== undefined) await this.deps.timers.set(KIND, String(id), next);
  }

  /** What is planned, the soonest first: all of it, or up to a moment. A page at a time, with a turn for others in between. */
  private async *planned(until?: number): AsyncGenerator<readonly Planned[]> {
    const end = until === undefined ? '' : 'AND next_run_at <= :until';
    for (let last: Planned | undefined = { id: 0, next_run_at: -1 }; last;) {
      const page: Planned[] = await this.scope.all<Planned>(
        `SELECT id, next_run_at FROM marketing_campaigns
         WHERE tenant_id = :tenant AND deleted_at IS NULL AND next_run_at >= :at AND (next_run_at > :at OR id > :id) ${end}
         ORDER BY next_run_at, id LIMIT ${PAGE}`,
        { at: last.next_run_at, id: last.id, ...(until === undefined ? {} : { until }) },
      );
      yield page;
      last = page.length < PAGE ? undefined : page.at(-1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private async schedulesOf(planned: readonly Planned[]): Promise<Map<number, Schedule>> {
    const rows = await this.scope.all<{ id: number; schedule: unknown }>(
      `SELECT c.id, c.schedule FROM ${this.scope.dialect.rows('rows', { campaign: 'int' }, 'r')}
       ${this.scope.dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant
       WHERE c.schedule IS NOT NULL`,
      { rows: JSON.stringify(planned.map(({ id }) => [id])) },
    );
    return new Map(rows.map(({ id, schedule }) => [id, parseJson<Schedule>(schedule, { kind: 'once', at: 0 })]));
  }

  /** The planned moment by today's rules of the zone; what is due by now stays as it was. */
  private async planAnew(id: number, planned: number, schedule: Schedule | undefined): Promise<number> {
    const now = this.scope.clock.now();
    const expected = schedule && planned > now ? nextRun(schedule, now) : undefined;
    if (!schedule || expected === undefined || expected === planned) return planned;
    return this.scope.transaction(async (tx) => {
      if ((await lockStanding(tx, id))?.nextRunAt !== planned) return planned;
      await this.deps.campaigns.setSchedule(tx, id, { schedule, nextRunAt: expected });
      await record(tx, {
        event: 'campaign.schedule_moved',
        campaign: id,
        actor: 'system',
        before: { nextRunAt: planned },
        after: { nextRunAt: expected },
        payload: { reason: `the rules of ${schedule.timeZone ?? 'UTC'} have changed` },
      });
      return expected;
    });
  }

  private async clear(
    tx: Scope,
    seen: Campaign,
    { version = seen.version }: ActionOptions,
    also: (tx: Scope, before: Campaign) => Promise<void>,
  ): Promise<void> {
    const standing = await lockStanding(tx, seen.id);
    if (standing?.version !== seen.version || standing.version !== version) {
      throw new ConflictError(
        'E_CONFLICT',
        `The campaign "${seen.key}" was changed by somebody else. Look at it again, then decide.`,
        { retryable: true },
      );
    }
    await also(tx, seen);
  }
}

/** @throws InputError `E_PAGE` */
function checkCount(count: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= 1_000) return count;
  throw new InputError('E_PAGE', `${count} is no count: give a whole number from 1 to 1,000.`);
}
