import type { Campaign, Schedule } from '../campaigns/types';
import { ConflictError, MarketingError, messageOf, NotFoundError } from '../errors';
import type { Scope } from '../store';
import { lockStanding, writeRuns, type NewRun } from './log';
import { lastRun, nextRun } from './runs';
import type { SchedulableCampaigns } from './types';

/** How late a missed run is still made up for, where the schedule does not say. */
const GRACE_MS = 3_600_000;
/** NFR-001.3: a campaign starts within a minute of its time. Later is late, and needs grace. */
const IN_TIME_MS = 60_000;
/** Missed runs that get a line each; the others share one. */
const MOST_LINES = 100;
/** Missed runs are counted up to here. */
const MOST_COUNTED = 1_000;
/** How often a start is tried at once when somebody else changes the campaign at the same moment. */
const MOST_TRIES = 5;

/**
 * Deals with everything that a campaign's schedule has planned up to now; when it is to be looked at again, or undefined.
 * Harmless when it is called twice, too early, or by two processes: the campaign's planned moment is the one thing that counts.
 */
export async function dealWith(scope: Scope, campaigns: SchedulableCampaigns, id: number): Promise<number | undefined> {
  for (let tries = 0; ;) {
    const campaign = await find(campaigns, id);
    if (!campaign?.schedule || campaign.nextRunAt === undefined) return undefined;
    // Whoever restores it finds its plan as it was; what it has missed by then is dealt with then.
    if (campaign.deletedAt !== undefined) return undefined;
    const now = scope.clock.now();
    if (campaign.nextRunAt > now) return campaign.nextRunAt;
    const plan = { campaign, schedule: campaign.schedule, planned: campaign.nextRunAt };
    try {
      await dealWithDue(scope, campaigns, plan, now);
    } catch (error) {
      const meanwhile = error instanceof ConflictError && error.retryable && ++tries < MOST_TRIES;
      if (!meanwhile) throw error;
    }
  }
}

interface Plan {
  readonly campaign: Campaign;
  readonly schedule: Schedule;
  /** The first moment that has not been dealt with. */
  readonly planned: number;
}

async function dealWithDue(scope: Scope, campaigns: SchedulableCampaigns, plan: Plan, now: number): Promise<void> {
  const { campaign, schedule, planned } = plan;
  // The zone's rules may have changed since it was planned: then the planned moment itself still counts.
  const last = lastRun(schedule, planned, now) ?? planned;
  const oldest = now - Math.max(schedule.graceMs ?? GRACE_MS, IN_TIME_MS);
  const canStart = last >= oldest;
  const missed = missedRuns(schedule, planned, canStart ? last - 1 : last, oldest);
  if (missed.length > 0) return settle(scope, campaigns, plan, missed, canStart ? last : undefined);
  const obstacle = obstacleOf(campaign);
  if (obstacle) return settle(scope, campaigns, plan, [{ plannedAt: last, outcome: 'skipped', reason: obstacle }]);
  return start(scope, campaigns, plan, now);
}

/** Why a campaign is not started now. */
function obstacleOf({ state, run }: Campaign): string | undefined {
  return state === 'active' || state === 'paused' ? `run ${run} of the campaign is ${state}` : undefined;
}

async function start(scope: Scope, campaigns: SchedulableCampaigns, plan: Plan, now: number): Promise<void> {
  const { campaign, schedule, planned } = plan;
  const outcome = now - planned <= IN_TIME_MS ? 'started' : 'late';
  const reason = `its schedule, planned for ${new Date(planned).toISOString()}`;
  try {
    await campaigns.act(
      campaign.id,
      'launch',
      { actor: 'system', reason, version: campaign.version },
      {
        also: async (tx, before) => {
          if (before.nextRunAt !== planned) throw changedMeanwhile(campaign.key);
          await writeRuns(tx, campaign, [{ plannedAt: planned, outcome, run: before.run + 1 }]);
          await campaigns.setSchedule(tx, campaign.id, { schedule, nextRunAt: nextRun(schedule, now) ?? null });
        },
      },
    );
  } catch (error) {
    // What may work a moment later is tried again, by the loop above or by the timers; after its grace it is missed.
    if (!(error instanceof MarketingError) || error.retryable) throw error;
    if ((await find(campaigns, campaign.id))?.version !== campaign.version) throw changedMeanwhile(campaign.key);
    await settle(scope, campaigns, plan, [{ plannedAt: planned, outcome: 'failed', reason: messageOf(error) }]);
  }
}

/** Writes down what became of runs that did not start, and plans the next one; all or nothing. */
async function settle(
  scope: Scope,
  campaigns: SchedulableCampaigns,
  { campaign, schedule, planned }: Plan,
  runs: readonly NewRun[],
  next: number | undefined = nextRun(schedule, scope.clock.now()),
): Promise<void> {
  const write = async (tx: Scope, plannedNow: number | undefined): Promise<void> => {
    if (plannedNow !== planned) throw changedMeanwhile(campaign.key);
    await writeRuns(tx, campaign, runs);
    const plan = next === undefined ? { schedule: null, nextRunAt: null } : { schedule, nextRunAt: next };
    await campaigns.setSchedule(tx, campaign.id, plan);
  };
  // Nothing will start it any more: it must not look as if something did.
  if (next === undefined && campaign.state === 'scheduled') {
    const options = { actor: 'system', reason: 'no run of its schedule is left', version: campaign.version };
    try {
      await campaigns.act(campaign.id, 'unschedule', options, {
        also: (tx, before) => write(tx, before.nextRunAt),
      });
      return;
    } catch (error) {
      if (!(error instanceof MarketingError) || error.retryable) throw error;
      // A guard of the program's own keeps it where it is; what became of the run is written down all the same.
    }
  }
  await scope.transaction(async (tx) => write(tx, (await lockStanding(tx, campaign.id))?.nextRunAt));
}

/** The runs from `from` to `to` as missed: a line each, and one line for what is beyond a hundred. `oldest`: how far their grace reaches back. */
function missedRuns(schedule: Schedule, from: number, to: number, oldest: number): NewRun[] {
  const moments: number[] = [];
  for (let at: number | undefined = from; at !== undefined && at <= to && moments.length <= MOST_COUNTED;) {
    moments.push(at);
    at = nextRun(schedule, at);
  }
  const lines: NewRun[] = moments.slice(0, MOST_LINES).map((plannedAt) => ({
    plannedAt,
    outcome: 'missed',
    reason: plannedAt < oldest ? 'nobody was there to start it within its grace' : 'a later run takes its place',
  }));
  const others = moments.length - lines.length;
  const last = others > 0 ? lastRun(schedule, from, to) : undefined;
  if (last === undefined) return lines;
  const many = moments.length > MOST_COUNTED ? `more than ${MOST_COUNTED - MOST_LINES}` : String(others);
  return [...lines, { plannedAt: last, outcome: 'missed', reason: `${many} runs were missed up to this one` }];
}

async function find(campaigns: SchedulableCampaigns, id: number): Promise<Campaign | undefined> {
  try {
    return await campaigns.get(id);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function changedMeanwhile(key: string): ConflictError {
  return new ConflictError('E_CONFLICT', `Somebody else has changed "${key}" while its planned run was dealt with.`, {
    retryable: true,
  });
}
