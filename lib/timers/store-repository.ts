import { computeJobState } from 'agenda';
import type {
  JobId,
  JobParameters,
  JobRepository,
  JobRepositoryOptions,
  JobsOverview,
  JobsQueryOptions,
  JobsResult,
  JobWithState,
  RemoveJobsOptions,
} from 'agenda';
import { InputError } from '../errors';
import type { Scope, SqlValues } from '../store/types';
import { leased, LEASE, TimerLostError, type LeasedJob } from './lease';
import { matchJobs, matchesData, orderOf, upsertKey } from './store-query';
import { insertRow, toColumns, toJob, updateRow, type TimerRow } from './store-rows';

const COLUMNS = `id, name, data, priority, next_run_at, last_run_at, last_finished_at, locked_at, failed_at, fail_count,
  fail_reason, type, disabled, unique_key, extra`;
const DUE = `tenant_id = :tenant AND name = :name AND disabled = 0
  AND ((locked_at IS NULL AND next_run_at <= :scan) OR locked_at <= :deadline)`;
/** Timers have no priorities. Ordering by the indexed column alone keeps MariaDB from locking rows that it only sorts. */
const SOONEST = 'ORDER BY next_run_at, id LIMIT 1';

/**
 * Agenda's jobs in `marketing_timers`, on SQLite, PostgreSQL and MariaDB/MySQL. Unlike the official repositories every
 * write of a running job is fenced by the lock it holds, so a late worker changes nothing.
 */
export class StoreRepository implements JobRepository {
  constructor(private readonly db: Scope) {}

  /** @throws whatever the database says when it does not answer or lacks the table */
  async connect(): Promise<void> {
    await this.db.get('SELECT id FROM marketing_timers WHERE tenant_id = :tenant LIMIT 1');
  }

  async getNextJobToRun(
    jobName: string,
    nextScanAt: Date,
    lockDeadline: Date,
    now: Date | undefined,
    _options: JobRepositoryOptions | undefined,
  ): Promise<JobParameters | undefined> {
    const values = {
      name: jobName,
      scan: nextScanAt.getTime(),
      deadline: lockDeadline.getTime(),
      now: now?.getTime() ?? this.db.clock.now(),
    };
    const row = this.db.dialect.updateReturning ? await this.lockAtOnce(values) : await this.lockInTwoSteps(values);
    return row && leased(toJob(row));
  }

  private async lockAtOnce(values: SqlValues): Promise<TimerRow | undefined> {
    // An update that finds nothing still waits for SQLite's write lock; looking first does not.
    if (!this.db.dialect.shared) {
      const due = await this.db.get(`SELECT id FROM marketing_timers WHERE ${DUE} LIMIT 1`, omit(values, 'now'));
      if (!due) return undefined;
    }
    return this.db.get<TimerRow>(
      `UPDATE marketing_timers SET locked_at = :now
        WHERE tenant_id = :tenant
          AND id = (SELECT id FROM marketing_timers WHERE ${DUE} ${SOONEST} ${this.db.dialect.skipLocked})
        RETURNING ${COLUMNS}`,
      values,
    );
  }

  private lockInTwoSteps(values: SqlValues): Promise<TimerRow | undefined> {
    return this.db.transaction(async (tx) => {
      const row = await tx.get<TimerRow>(
        `SELECT ${COLUMNS} FROM marketing_timers WHERE ${DUE} ${SOONEST} ${tx.dialect.skipLocked}`,
        omit(values, 'now'),
      );
      if (!row) return undefined;
      const locked = { id: row.id, now: values['now'] ?? null };
      await tx.run('UPDATE marketing_timers SET locked_at = :now WHERE tenant_id = :tenant AND id = :id', locked);
      return { ...row, locked_at: Number(locked.now) };
    });
  }

  /** @throws TimerLostError when the row is gone or somebody else holds its lock */
  async saveJobState(job: LeasedJob, _options: JobRepositoryOptions | undefined): Promise<void> {
    const id = Number(job._id);
    const lease = job[LEASE] ?? null;
    const changed = await this.db.run(
      `UPDATE marketing_timers SET locked_at = :locked, next_run_at = :next, last_run_at = :ran, last_finished_at = :finished,
          failed_at = :failed, fail_count = :fails, fail_reason = :reason, updated_at = :updated
        WHERE tenant_id = :tenant AND id = :id AND locked_at = :lease`,
      {
        id,
        lease,
        locked: job.lockedAt?.getTime() ?? null,
        next: job.nextRunAt?.getTime() ?? null,
        ran: job.lastRunAt?.getTime() ?? null,
        finished: job.lastFinishedAt?.getTime() ?? null,
        failed: job.failedAt?.getTime() ?? null,
        fails: job.failCount ?? 0,
        reason: job.failCount ? (job.failReason ?? null) : null,
        updated: this.db.clock.now(),
      },
    );
    if (changed === 0) throw new TimerLostError((await this.getJobById(String(id))) === null);
    job[LEASE] = job.lockedAt?.getTime();
  }

  async saveJob<DATA = unknown>(
    job: JobParameters<DATA>,
    options: JobRepositoryOptions | undefined,
  ): Promise<JobParameters<DATA>> {
    const now = this.db.clock.now();
    const columns = toColumns(job, now, options?.lastModifiedBy);
    if (job._id) {
      await updateRow(this.db, Number(job._id), columns);
      return ((await this.getJobById(job._id)) ?? job) as JobParameters<DATA>;
    }
    if (job.uniqueOpts?.debounce) {
      throw new InputError(
        'E_TIMER_DEBOUNCE',
        'This backend cannot debounce jobs: use wake(), which keeps the earliest time.',
      );
    }
    const key = upsertKey(job);
    return this.db.transaction(async (tx) => {
      const existing = await this.byKey(tx, key);
      if (existing && job.uniqueOpts?.insertOnly) return toJob(existing) as JobParameters<DATA>;
      if (existing) {
        // As with the official backends: registering a recurring job again does not make it ring at once.
        const keepsTime =
          job.type === 'single' && (job.nextRunAt?.getTime() ?? 0) <= now && existing.next_run_at !== null;
        await updateRow(tx, existing.id, keepsTime ? { ...columns, next_run_at: existing.next_run_at } : columns);
      } else if (!(await insertRow(tx, { ...columns, unique_key: key, created_at: now }))) {
        // Somebody else was quicker: theirs is there now.
        const theirs = await this.byKey(tx, key);
        if (theirs) await updateRow(tx, theirs.id, columns);
      }
      const saved = await this.byKey(tx, key);
      return (saved ? toJob(saved) : job) as JobParameters<DATA>;
    });
  }

  private byKey(db: Scope, key: string): Promise<TimerRow | undefined> {
    return db.get<TimerRow>(
      `SELECT ${COLUMNS} FROM marketing_timers WHERE tenant_id = :tenant AND unique_key = :key ${db.dialect.forUpdate}`,
      { key },
    );
  }

  async lockJob(job: JobParameters, _options: JobRepositoryOptions | undefined): Promise<JobParameters | undefined> {
    const now = this.db.clock.now();
    const changed = await this.db.run(
      `UPDATE marketing_timers SET locked_at = :now
        WHERE tenant_id = :tenant AND id = :id AND name = :name AND locked_at IS NULL AND next_run_at = :next AND disabled = 0`,
      { now, id: Number(job._id), name: job.name, next: job.nextRunAt?.getTime() ?? null },
    );
    const locked = changed === 0 ? null : await this.getJobById(String(job._id));
    return locked ? leased(locked) : undefined;
  }

  async unlockJob(job: LeasedJob): Promise<void> {
    // Only what has not begun: the time of a one-time timer is empty from its beginning on.
    await this.db.run(
      `UPDATE marketing_timers SET locked_at = NULL
        WHERE tenant_id = :tenant AND id = :id AND next_run_at IS NOT NULL AND locked_at = :lease`,
      { id: Number(job._id), lease: job[LEASE] ?? job.lockedAt?.getTime() ?? null },
    );
  }

  /** Without a fence, as Agenda's contract has it; {@link RepositoryGuard} calls {@link unlockJob} in its place. */
  async unlockJobs(jobIds: (JobId | string)[]): Promise<void> {
    for (const id of jobIds) {
      await this.db.run('UPDATE marketing_timers SET locked_at = NULL WHERE tenant_id = :tenant AND id = :id', {
        id: Number(id),
      });
    }
  }

  async getJobById(id: string): Promise<JobParameters | null> {
    const row = await this.db.get<TimerRow>(
      `SELECT ${COLUMNS} FROM marketing_timers WHERE tenant_id = :tenant AND id = :id`,
      { id: Number(id) },
    );
    return row ? toJob(row) : null;
  }

  async getQueueSize(): Promise<number> {
    const row = await this.db.get<{ n: number }>(
      'SELECT COUNT(*) AS n FROM marketing_timers WHERE tenant_id = :tenant AND next_run_at < :now',
      { now: this.db.clock.now() },
    );
    return row?.n ?? 0;
  }

  async getDistinctJobNames(): Promise<string[]> {
    const rows = await this.db.all<{ name: string }>(
      'SELECT DISTINCT name FROM marketing_timers WHERE tenant_id = :tenant ORDER BY name',
    );
    return rows.map((row) => row.name);
  }

  async queryJobs(options: JobsQueryOptions = {}): Promise<JobsResult> {
    const { where, values } = matchJobs(options);
    const rows = await this.db.all<TimerRow>(
      `SELECT ${COLUMNS} FROM marketing_timers WHERE tenant_id = :tenant${where} ORDER BY ${orderOf(options.sort)}`,
      values,
    );
    const now = new Date(this.db.clock.now());
    const jobs = rows
      .map(toJob)
      .filter((job) => matchesData(job.data, options.data))
      .map((job) => ({ ...job, state: computeJobState(job, now) }) as JobWithState)
      .filter((job) => !options.state || (options.state === 'paused' ? job.disabled : job.state === options.state));
    const skip = options.skip ?? 0;
    return { jobs: jobs.slice(skip, options.limit ? skip + options.limit : undefined), total: jobs.length };
  }

  async getJobsOverview(): Promise<JobsOverview[]> {
    const overviews = new Map<string, JobsOverview>();
    const { jobs } = await this.queryJobs({ sort: { name: 'asc' } });
    for (const job of jobs) {
      const none = { total: 0, running: 0, scheduled: 0, queued: 0, completed: 0, failed: 0, repeating: 0, paused: 0 };
      const overview = overviews.get(job.name) ?? { name: job.name, ...none };
      overview.total++;
      overview[job.state]++;
      if (job.disabled) overview.paused++;
      overviews.set(job.name, overview);
    }
    return [...overviews.values()];
  }

  removeJobs(options: RemoveJobsOptions): Promise<number> {
    return this.change(options, 'DELETE FROM marketing_timers');
  }
  disableJobs(options: RemoveJobsOptions): Promise<number> {
    return this.change(options, 'UPDATE marketing_timers SET disabled = 1');
  }
  enableJobs(options: RemoveJobsOptions): Promise<number> {
    return this.change(options, 'UPDATE marketing_timers SET disabled = 0');
  }
  async purgeAllJobs(): Promise<number> {
    return this.db.run('DELETE FROM marketing_timers WHERE tenant_id = :tenant');
  }

  /** Changes the matching jobs; none when nothing is asked for, as with the official backends. */
  private async change(options: RemoveJobsOptions, verb: string): Promise<number> {
    const { where, values } = matchJobs(options);
    if (where === '' && options.data === undefined) return 0;
    if (options.data === undefined) return this.db.run(`${verb} WHERE tenant_id = :tenant${where}`, values);
    const { jobs } = await this.queryJobs(options);
    let changed = 0;
    for (const job of jobs) {
      changed += await this.db.run(`${verb} WHERE tenant_id = :tenant AND id = :id`, { id: Number(job._id) });
    }
    return changed;
  }
}

function omit(values: SqlValues, name: string): SqlValues {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}
