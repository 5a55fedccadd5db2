import type { JobId, JobParameters, JobRepository, JobRepositoryOptions } from 'agenda';
import type { Clock } from '../clock';
import { LEASE, leased, TimerLostError, type LeasedJob } from './lease';

/**
 * A `setTimeout` may fire a millisecond before the wall clock gets there; Agenda then puts the timer back and looks
 * again only at its next poll, up to a second later. This much after the due time we make it look.
 */
const NUDGE_MS = 2;
/** A poll that takes longer than this means that the database hangs. */
const HANGING_MS = 10_000;

/** What the guard needs to know about the repository behind it. */
export interface GuardOptions {
  /** True when the repository itself refuses writes of a job whose lock was lost (ours does; the official ones do not). */
  fenced: boolean;
  /** A record was removed by its id: for indexes beside the repository. */
  removed?: (job: JobParameters) => Promise<void>;
  /** A locked timer is due and has not begun: Agenda should look at its queue again. */
  overdue: () => void;
  /** Something failed that Agenda would leave as an unhandled rejection. */
  failed: (error: unknown) => void;
}

/**
 * Stands between Agenda and a repository, for what Agenda 6.2.6 leaves open: nothing is locked once we stop, what was
 * locked at that very moment is given back, only locks that we hold are released, calls that Agenda does not wait for
 * never reject, and calls under way are known so that connections are not ended under them.
 */
export class RepositoryGuard implements JobRepository {
  /** True when the last attempt to lock a timer found one: there may be more. */
  backlog = false;
  private open = false;
  private failing = false;
  private pollingSince: number | undefined;
  private calls = 0;
  private readonly idle = new Set<() => void>();
  private readonly held = new Map<string, LeasedJob>();
  /** Locked jobs that wait for their time. The lock counts, not the id: a job that fails at once is soon locked again. */
  private readonly unbegun = new Map<string, JobParameters>();
  /** Jobs that somebody else took over from us, and how often: Agenda would remove them as each late handler ends. */
  private readonly lost = new Map<string, number>();

  constructor(
    private readonly inner: JobRepository,
    private readonly clock: Clock,
    private readonly options: GuardOptions,
  ) {}

  /** Lets Agenda lock timers, or not. */
  admit(open: boolean): void {
    this.open = open;
  }

  /** True while the database answers polls. */
  get healthy(): boolean {
    const since = this.pollingSince;
    return !this.failing && (since === undefined || this.clock.monotonic() - since < HANGING_MS);
  }

  /** Resolves when no call is under way and none has begun for one turn of the event loop. */
  async settled(): Promise<void> {
    for (;;) {
      while (this.calls > 0) await new Promise<void>((resolve) => this.idle.add(resolve));
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.calls === 0) return;
    }
  }

  async getNextJobToRun(
    jobName: string,
    nextScanAt: Date,
    lockDeadline: Date,
    now: Date | undefined,
    options: JobRepositoryOptions | undefined,
  ): Promise<JobParameters | undefined> {
    if (!this.open) return undefined;
    const at = now ?? new Date(this.clock.now());
    const found = await this.poll(() => this.inner.getNextJobToRun(jobName, nextScanAt, lockDeadline, at, options));
    this.backlog = found !== undefined;
    if (!found) return undefined;
    const job = leased(found);
    if (!this.admits()) {
      await this.unlockJob(job);
      return undefined;
    }
    this.held.set(String(job._id), job);
    this.expect(String(job._id), job);
    return job;
  }

  private expect(id: string, job: JobParameters): void {
    const wait = (job.nextRunAt?.getTime() ?? 0) - this.clock.now();
    if (wait <= 0) return;
    this.unbegun.set(id, job);
    this.clock.after(wait + NUDGE_MS, () => {
      if (this.unbegun.get(id) !== job) return;
      this.unbegun.delete(id);
      if (this.open) this.options.overdue();
    });
  }

  private async poll<T>(work: () => Promise<T>): Promise<T> {
    this.pollingSince ??= this.clock.monotonic();
    try {
      const result = await this.call(work);
      this.failing = false;
      return result;
    } catch (error) {
      this.failing = true;
      throw error;
    } finally {
      this.pollingSince = undefined;
    }
  }

  // A method, so that the compiler does not take the answer before an await for the answer after it.
  private admits(): boolean {
    return this.open;
  }

  /** @throws TimerLostError when the record is gone or somebody else holds its lock */
  saveJobState(job: LeasedJob, options: JobRepositoryOptions | undefined): Promise<void> {
    this.unbegun.delete(String(job._id));
    if (!job.lockedAt) this.held.delete(String(job._id));
    return this.call(async () => {
      try {
        if (!this.options.fenced) await this.fence(job);
        await this.inner.saveJobState(job, options);
      } catch (error) {
        // Of a job that failed, or will ring again, nothing is removed.
        if (error instanceof TimerLostError && !job.lockedAt && !job.nextRunAt) {
          this.lost.set(String(job._id), (this.lost.get(String(job._id)) ?? 0) + 1);
        }
        throw error;
      }
      job[LEASE] = job.lockedAt?.getTime();
    });
  }

  /** Not atomic with the write that follows, but all that the official repositories allow. */
  private async fence(job: LeasedJob): Promise<void> {
    const stored = await this.inner.getJobById(String(job._id));
    if (!stored || stored.lockedAt?.getTime() !== job[LEASE]) throw new TimerLostError(!stored);
  }

  /** Never rejects: Agenda does not wait for it. A lock that stays ends with its lease. */
  async unlockJob(job: JobParameters): Promise<void> {
    this.held.delete(String(job._id));
    this.unbegun.delete(String(job._id));
    const unlock = async (): Promise<void> => {
      if (!this.options.fenced) await this.fence(job);
      await this.inner.unlockJob(job);
    };
    await this.call(unlock).catch((error: unknown) => {
      if (!(error instanceof TimerLostError)) this.options.failed(error);
    });
  }

  /** Releases what we hold and nobody has taken over since. */
  async unlockJobs(jobIds: (JobId | string)[]): Promise<void> {
    for (const id of jobIds) {
      const job = this.held.get(String(id));
      if (job) await this.unlockJob(job);
    }
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }
  queryJobs: JobRepository['queryJobs'] = (options) => this.call(() => this.inner.queryJobs(options));
  getJobsOverview: JobRepository['getJobsOverview'] = () => this.call(() => this.inner.getJobsOverview());
  getDistinctJobNames: JobRepository['getDistinctJobNames'] = () => this.call(() => this.inner.getDistinctJobNames());
  getJobById: JobRepository['getJobById'] = (id) => this.call(() => this.inner.getJobById(id));
  /** Not asked of the database: Agenda wants it only for statistics that we do not use. */
  getQueueSize: JobRepository['getQueueSize'] = () => Promise.resolve(this.held.size);
  removeJobs: JobRepository['removeJobs'] = (options) =>
    this.call(async () => {
      if (options.id && this.isLost(String(options.id))) return 0;
      const job = this.options.removed && options.id ? await this.inner.getJobById(String(options.id)) : null;
      const count = await this.inner.removeJobs(options);
      if (job) await this.options.removed?.(job);
      return count;
    });
  private isLost(id: string): boolean {
    const times = this.lost.get(id) ?? 0;
    if (times > 1) this.lost.set(id, times - 1);
    else this.lost.delete(id);
    return times > 0;
  }
  saveJob: JobRepository['saveJob'] = (job, options) => this.call(() => this.inner.saveJob(job, options));
  lockJob: JobRepository['lockJob'] = (job, options) => this.call(() => this.inner.lockJob(job, options));
  disableJobs: JobRepository['disableJobs'] = (options) => this.call(() => this.inner.disableJobs(options));
  enableJobs: JobRepository['enableJobs'] = (options) => this.call(() => this.inner.enableJobs(options));
  purgeAllJobs: JobRepository['purgeAllJobs'] = () => this.call(() => this.inner.purgeAllJobs());

  private async call<T>(work: () => Promise<T>): Promise<T> {
    this.calls++;
    try {
      return await work();
    } finally {
      if (--this.calls === 0) {
        for (const resolve of this.idle) resolve();
        this.idle.clear();
      }
    }
  }
}
