import type { JobParameters } from 'agenda';
import type { Scope } from '../store/types';
import { isEntry, type Entry, type TimerBook, type Woken } from './book';
import { ruleText } from './rule';
import { insertRow, toColumns, toJob, type TimerRow } from './store-rows';
import type { TimerRule, TimerState } from './types';

/**
 * A timer's unique keys: its id while it waits, `id#every` for its recurrence, `id#<row>` once its handler has begun and
 * a new one was set beside it. All lie between `id` and `id` + "g" in every collation, because ids are hexadecimal.
 */
const RANGE = 'tenant_id = :tenant AND unique_key >= :id AND unique_key < :beyond';
const COLUMNS = `id, name, data, priority, next_run_at, last_run_at, last_finished_at, locked_at, failed_at, fail_count,
  fail_reason, type, disabled, unique_key, extra`;

interface Mine {
  row: TimerRow;
  rule: TimerRule | undefined;
  /** When it rings, while its handler has not begun. */
  at: number | undefined;
}

/** Timers in `marketing_timers`: every change is one transaction. */
export class StoreBook implements TimerBook {
  constructor(
    private readonly db: Scope,
    private readonly jobName: string,
  ) {}

  set(entry: Entry): Promise<void> {
    return this.db.transaction(async (tx) => {
      for (;;) {
        for (const mine of await this.mine(tx, entry.id)) {
          if (mine.at !== undefined || mine.rule) await this.remove(tx, mine);
          else await this.stepAside(tx, entry.id, mine);
        }
        if (await this.insert(tx, entry, entry.id)) return;
      }
    });
  }

  async wake(entry: Entry): Promise<Woken> {
    // Mostly there is nothing to change. Looking locks no rows: whoever polls meanwhile would skip a locked one.
    const soonest = soonestOf(await this.mine(this.db, entry.id, ''));
    if (soonest <= entry.at) return { at: soonest, written: false };
    return this.db.transaction(async (tx) => {
      for (;;) {
        const all = await this.mine(tx, entry.id);
        const known = soonestOf(all);
        if (known <= entry.at) return { at: known, written: false };
        for (const mine of all) {
          if (mine.rule) continue;
          if (mine.at === undefined) await this.stepAside(tx, entry.id, mine);
          else await this.remove(tx, mine);
        }
        if (await this.insert(tx, entry, entry.id)) return { at: entry.at, written: true };
      }
    });
  }

  every(entry: Entry & { rule: TimerRule }): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      for (;;) {
        const all = await this.mine(tx, entry.id);
        const same = all.find((mine) => mine.rule && ruleText(mine.rule) === ruleText(entry.rule));
        if (same) {
          await this.rewrite(tx, same, entry);
          return false;
        }
        for (const mine of all) {
          if (mine.at !== undefined || mine.rule) await this.remove(tx, mine);
          else await this.stepAside(tx, entry.id, mine);
        }
        if (await this.insert(tx, entry, `${entry.id}#every`)) return true;
      }
    });
  }

  async cancel(id: string): Promise<void> {
    for (const mine of await this.mine(this.db, id, '')) await this.remove(this.db, mine);
  }

  async list(kind?: string): Promise<TimerState[]> {
    const rows = await this.db.all<TimerRow>(
      `SELECT ${COLUMNS} FROM marketing_timers
        WHERE tenant_id = :tenant AND name = :name${kind === undefined ? '' : ' AND kind = :kind'}
        ORDER BY CASE WHEN next_run_at IS NULL THEN 0 ELSE 1 END, next_run_at, id`,
      { name: this.jobName, ...(kind === undefined ? {} : { kind }) },
    );
    return rows.map(toJob).flatMap(stateOf);
  }

  /** Replacing is atomic here: what is locked is current. */
  isCurrent(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async sweep(): Promise<void> {
    await this.db.run(
      `DELETE FROM marketing_timers
        WHERE tenant_id = :tenant AND name = :name AND next_run_at IS NULL AND locked_at IS NULL`,
      { name: this.jobName },
    );
  }

  /**
   * The rows of one timer, locked one by one through their primary key: on MariaDB a locking scan (and so a DELETE of a
   * range) can miss a row that another process moves within the scanned index at that moment, by beginning to ring it.
   */
  private async mine(tx: Scope, id: string, lock = tx.dialect.forUpdate): Promise<Mine[]> {
    const seen = await tx.all<TimerRow>(
      `SELECT ${COLUMNS} FROM marketing_timers WHERE ${RANGE} ORDER BY id`,
      range(id),
    );
    const rows: TimerRow[] = lock === '' ? seen : [];
    for (const { id: row } of lock === '' ? [] : seen) {
      const still = await tx.get<TimerRow>(
        `SELECT ${COLUMNS} FROM marketing_timers WHERE tenant_id = :tenant AND id = :row ${lock}`,
        { row },
      );
      if (still) rows.push(still);
    }
    return rows.map((row) => {
      const { data } = toJob(row);
      return {
        row,
        rule: isEntry(data) ? data.rule : undefined,
        at: row.next_run_at === null ? undefined : Number(row.next_run_at),
      };
    });
  }

  private async remove(tx: Scope, { row }: Mine): Promise<void> {
    await tx.run('DELETE FROM marketing_timers WHERE tenant_id = :tenant AND id = :id', { id: row.id });
  }

  /** Makes room for a new row while the handler of the old one runs; should that fail, the old one is retried all the same. */
  private async stepAside(tx: Scope, id: string, { row }: Mine): Promise<void> {
    await tx.run('UPDATE marketing_timers SET unique_key = :aside WHERE tenant_id = :tenant AND id = :row', {
      row: row.id,
      aside: `${id}#${row.id}`,
    });
  }

  private async rewrite(tx: Scope, { row }: Mine, entry: Entry): Promise<void> {
    const data = toJob(row).data as Entry;
    await tx.run('UPDATE marketing_timers SET data = :data WHERE tenant_id = :tenant AND id = :row', {
      row: row.id,
      data: JSON.stringify({ ...data, data: entry.data }),
    });
  }

  private insert(tx: Scope, entry: Entry, uniqueKey: string): Promise<boolean> {
    const now = tx.clock.now();
    const columns = toColumns(jobOf(this.jobName, entry), now, undefined);
    return insertRow(tx, { ...columns, unique_key: uniqueKey, created_at: now });
  }
}

function soonestOf(all: readonly Mine[]): number {
  return Math.min(...all.map((mine) => mine.at ?? Infinity));
}

/** The job that carries an entry. */
export function jobOf(name: string, entry: Entry): JobParameters {
  return { name, type: 'normal', priority: 0, nextRunAt: new Date(entry.at), data: entry };
}

/** What a job tells about its timer; nothing when it is finished or not ours. */
export function stateOf(job: JobParameters): TimerState[] {
  if (!isEntry(job.data) || (!job.nextRunAt && !job.lockedAt)) return [];
  const { kind, key, at, data, rule } = job.data;
  return [
    {
      kind,
      key,
      at: job.nextRunAt?.getTime() ?? at,
      data: data ?? undefined,
      ringing: !job.nextRunAt,
      failCount: job.failCount ?? 0,
      ...(job.failCount ? { failReason: job.failReason } : {}),
      ...(rule ? { rule } : {}),
    },
  ];
}

function range(id: string): { id: string; beyond: string } {
  return { id, beyond: `${id}g` };
}
