import { recordAll } from '../history';
import { announce } from '../outbox';
import type { Scope } from '../store';
import type { Campaign, CampaignState } from '../campaigns/types';
import type { RunOutcome, ScheduledRun } from './types';

/** A run to be written down. */
export interface NewRun {
  readonly plannedAt: number;
  readonly outcome: RunOutcome;
  readonly run?: number;
  readonly reason?: string;
}

/** Those that did not take place: people are told of them. */
const MISSED: ReadonlySet<RunOutcome> = new Set<RunOutcome>(['missed', 'skipped', 'failed']);
const LONGEST_REASON = 255;

/**
 * Writes down what became of planned runs, in the transaction that made it so. Those that did not take place go into the history and
 * are announced as well.
 */
export async function writeRuns(tx: Scope, campaign: Campaign, runs: readonly NewRun[]): Promise<void> {
  const { dialect } = tx;
  await tx.run(
    `INSERT INTO marketing_schedule_runs (tenant_id, campaign_id, planned_at, outcome, run, reason, at)
     SELECT :tenant, :campaign, r.planned, r.became, r.run_number, r.cause, :now
     FROM ${dialect.rows('rows', { planned: 'int', became: 'text', run_number: 'int', cause: 'text' }, 'r')} WHERE 1 = 1`,
    {
      campaign: campaign.id,
      now: tx.clock.now(),
      rows: JSON.stringify(
        runs.map(({ plannedAt, outcome, run, reason }) => [
          plannedAt,
          outcome,
          run ?? null,
          reason?.slice(0, LONGEST_REASON) ?? null,
        ]),
      ),
    },
  );
  const untold = runs.filter(({ outcome }) => MISSED.has(outcome));
  await recordAll(
    tx,
    untold.map(({ plannedAt, outcome, reason }) => ({
      event: `campaign.run_${outcome}`,
      campaign: campaign.id,
      actor: 'system',
      payload: { plannedAt, reason },
    })),
  );
  await announce(
    tx,
    untold.map(({ plannedAt, outcome, reason }) => ({
      type: 'marketing.campaign.run_missed' as const,
      data: { campaign: campaign.id, key: campaign.key, plannedAt, outcome, reason },
    })),
  );
}

interface RunRow {
  id: number;
  planned_at: number;
  outcome: string;
  run: number | null;
  reason: string | null;
  at: number;
}

/** The runs of a campaign's schedule, the last one first. */
export async function readRuns(scope: Scope, campaign: number, limit: number): Promise<ScheduledRun[]> {
  const rows = await scope.all<RunRow>(
    `SELECT id, planned_at, outcome, run, reason, at FROM marketing_schedule_runs
     WHERE tenant_id = :tenant AND campaign_id = :campaign ORDER BY id DESC LIMIT :limit`,
    { campaign, limit },
  );
  return rows.map(({ planned_at, outcome, run, reason, at }) => ({
    plannedAt: planned_at,
    outcome: outcome as RunOutcome,
    ...(run === null ? {} : { run }),
    ...(reason === null ? {} : { reason }),
    at,
  }));
}

/** What of a campaign decides whether it may be dealt with. */
export interface Standing {
  readonly state: CampaignState;
  readonly run: number;
  readonly version: number;
  /** Whoever deals with a run looks at it first: when it is another one by now, somebody else has dealt with it. */
  readonly nextRunAt: number | undefined;
}

/** Where a campaign stands, locked until the transaction ends; undefined when it is gone. */
export async function lockStanding(tx: Scope, campaign: number): Promise<Standing | undefined> {
  const row = await tx.get<{ state: CampaignState; run: number; version: number; next_run_at: number | null }>(
    `SELECT state, run, version, next_run_at FROM marketing_campaigns
     WHERE tenant_id = :tenant AND id = :campaign ${tx.dialect.forUpdate}`,
    { campaign },
  );
  return row && { state: row.state, run: row.run, version: row.version, nextRunAt: row.next_run_at ?? undefined };
}
