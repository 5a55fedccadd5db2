import { isDeepStrictEqual } from 'node:util';
import type { JobParameters, JobRepository } from 'agenda';
import { isEntry, type Entry, type TimerBook, type Woken } from './book';
import { ruleText } from './rule';
import { jobOf, stateOf } from './store-book';
import type { TimerRule, TimerState } from './types';

/** Finds the records of one timer quickly; each official backend has its own way. */
export interface RecordIndex {
  find(id: string): Promise<JobParameters[]>;
  /** A record was written. */
  added(id: string, recordId: string): Promise<void>;
  /** A record is gone. */
  removed(id: string, recordId: string): Promise<void>;
}

interface TimerRecord {
  job: JobParameters;
  entry: Entry;
}

/**
 * Timers on an official backend. These have no transactions, so: write the new record first, then remove what it
 * replaces; whoever looks last sees all records and decides the same as everybody else would ({@link replacedBy}).
 */
export class OfficialBook implements TimerBook {
  constructor(
    private readonly repository: Pick<JobRepository, 'saveJob' | 'removeJobs' | 'queryJobs'>,
    private readonly jobName: string,
    private readonly index: RecordIndex,
  ) {}

  async set(entry: Entry): Promise<void> {
    await this.add(entry, await this.find(entry.id));
  }

  async wake(entry: Entry): Promise<Woken> {
    const all = await this.find(entry.id);
    const waiting = all.flatMap(({ job }) => job.nextRunAt?.getTime() ?? []);
    const soonest = Math.min(...waiting);
    if (soonest <= entry.at) return { at: soonest, written: false };
    await this.add(entry, all);
    return { at: entry.at, written: true };
  }

  async every(entry: Entry & { rule: TimerRule }): Promise<boolean> {
    const all = await this.find(entry.id);
    const replaced = new Set(replacedBy(all));
    const same = all.find(
      (record) => !replaced.has(record) && record.entry.rule && ruleText(record.entry.rule) === ruleText(entry.rule),
    );
    if (same && isDeepStrictEqual(same.entry.data, entry.data)) return false;
    // New data of the same rule: the time stays, and intervals keep their anchor.
    await this.add(same?.job.nextRunAt ? { ...entry, at: same.job.nextRunAt.getTime() } : entry, all);
    return true;
  }

  async cancel(id: string): Promise<void> {
    await this.remove(await this.find(id));
  }

  async list(kind?: string): Promise<TimerState[]> {
    const all = await this.everything();
    return all.flatMap(({ job }) => stateOf(job)).filter((state) => kind === undefined || state.kind === kind);
  }

  async isCurrent(recordId: string, entry: Entry): Promise<boolean> {
    const all = (await this.find(entry.id)).map((record) =>
      // Its time was emptied as it began to ring: judge it as it was before.
      String(record.job._id) === recordId
        ? { ...record, job: { ...record.job, nextRunAt: new Date(entry.at) } }
        : record,
    );
    return !replacedBy(all).some((record) => String(record.job._id) === recordId);
  }

  async sweep(): Promise<void> {
    const all = await this.everything();
    await this.remove(all.filter(({ job }) => !job.nextRunAt && !job.lockedAt));
    for (const { job, entry } of all) await this.index.added(entry.id, String(job._id));
  }

  private async everything(): Promise<TimerRecord[]> {
    return toRecords((await this.repository.queryJobs({ name: this.jobName, sort: { nextRunAt: 'asc' } })).jobs);
  }

  private async find(id: string): Promise<TimerRecord[]> {
    return toRecords(await this.index.find(id)).filter(({ job }) => job.name === this.jobName);
  }

  /** The clocks of two machines differ: what is written after having seen `before` counts as later all the same. */
  private async add(entry: Entry, before: readonly TimerRecord[]): Promise<void> {
    const revision = Math.max(entry.revision, ...before.map((record) => record.entry.revision + 0.001));
    const { _id } = await this.repository.saveJob(jobOf(this.jobName, { ...entry, revision }), undefined);
    await this.index.added(entry.id, String(_id));
    await this.remove(replacedBy(await this.find(entry.id)));
  }

  private async remove(records: readonly TimerRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.repository.removeJobs({ ids: records.map(({ job }) => String(job._id)) });
    for (const { job, entry } of records) await this.index.removed(entry.id, String(job._id));
  }
}

function toRecords(jobs: readonly JobParameters[]): TimerRecord[] {
  return jobs.flatMap((job) => (isEntry(job.data) ? [{ job, entry: job.data }] : []));
}

/**
 * Which records of one timer are replaced by others: everything written before the latest `set`, and of the wake-ups
 * since then all but the earliest. One-time records whose handler has begun are nobody's business but their own.
 */
export function replacedBy(records: readonly TimerRecord[]): TimerRecord[] {
  const waiting = records.filter(({ job, entry }) => job.nextRunAt || entry.rule);
  const isLater = (a: TimerRecord, b: TimerRecord): boolean =>
    a.entry.revision !== b.entry.revision ? a.entry.revision > b.entry.revision : String(a.job._id) > String(b.job._id);
  const sets = waiting.filter(({ entry }) => entry.mode === 'set');
  const latest = sets.reduce<TimerRecord | undefined>(
    (best, one) => (best && !isLater(one, best) ? best : one),
    undefined,
  );
  const replaced = waiting.filter((one) => latest && one !== latest && isLater(latest, one));
  const candidates = waiting.filter((one) => !replaced.includes(one) && !one.entry.rule);
  const earliest = candidates.reduce<TimerRecord | undefined>(
    (best, one) => (best && timeOf(best) <= timeOf(one) ? best : one),
    undefined,
  );
  return [...replaced, ...candidates.filter((one) => one !== earliest)];
}

function timeOf({ job }: TimerRecord): number {
  return job.nextRunAt?.getTime() ?? Infinity;
}
