import { toJobId, type JobParameters } from 'agenda';
import type { Scope, SqlValue } from '../store/types';
import { isEntry } from './book';
import { ruleText } from './rule';

/** A row of `marketing_timers`. */
export interface TimerRow {
  id: number;
  name: string;
  data: string | null;
  priority: number;
  next_run_at: number | null;
  last_run_at: number | null;
  last_finished_at: number | null;
  locked_at: number | null;
  failed_at: number | null;
  fail_count: number;
  fail_reason: string | null;
  type: string;
  disabled: number;
  unique_key: string | null;
  extra: string | null;
}

/** What Agenda wants kept and nothing is ever searched by. */
type Extra = Pick<
  JobParameters,
  'repeatInterval' | 'repeatTimezone' | 'repeatAt' | 'progress' | 'fork' | 'lastModifiedBy' | 'skipDays'
> & { startDate?: number; endDate?: number; debounceStartedAt?: number };

const dateOf = (ms: number | null | undefined): Date | undefined => (ms == null ? undefined : new Date(Number(ms)));

/** The row as Agenda knows it. */
export function toJob(row: TimerRow): JobParameters {
  const { startDate, endDate, debounceStartedAt, ...extra } = JSON.parse(row.extra ?? '{}') as Extra;
  return {
    ...extra,
    startDate: dateOf(startDate),
    endDate: dateOf(endDate),
    debounceStartedAt: dateOf(debounceStartedAt),
    _id: toJobId(String(row.id)),
    name: row.name,
    data: JSON.parse(row.data ?? 'null') as unknown,
    priority: row.priority,
    nextRunAt: dateOf(row.next_run_at) ?? null,
    lastRunAt: dateOf(row.last_run_at),
    lastFinishedAt: dateOf(row.last_finished_at),
    lockedAt: dateOf(row.locked_at),
    failedAt: dateOf(row.failed_at),
    failCount: row.fail_count === 0 ? undefined : row.fail_count,
    failReason: row.fail_reason ?? undefined,
    type: row.type === 'single' ? 'single' : 'normal',
    disabled: row.disabled === 1,
  };
}

/** The columns that somebody who creates or edits a job decides; never those that its run decides. */
export function toColumns(job: JobParameters, now: number, editor: string | undefined): Record<string, SqlValue> {
  const entry = isEntry(job.data) ? job.data : undefined;
  const extra: Extra = {
    repeatInterval: job.repeatInterval,
    repeatTimezone: job.repeatTimezone,
    repeatAt: job.repeatAt,
    progress: job.progress,
    fork: job.fork,
    skipDays: job.skipDays,
    startDate: job.startDate?.getTime(),
    endDate: job.endDate?.getTime(),
    debounceStartedAt: job.debounceStartedAt?.getTime(),
    lastModifiedBy: editor,
  };
  const rule = entry?.rule;
  return {
    name: job.name,
    kind: entry?.kind ?? null,
    timer_key: entry?.key ?? null,
    data: JSON.stringify(job.data ?? null),
    priority: job.priority,
    next_run_at: job.nextRunAt?.getTime() ?? null,
    repeat_rule: rule ? ruleText(rule) : (job.repeatInterval?.toString() ?? job.repeatAt ?? null),
    time_zone: rule && 'cron' in rule ? (rule.timeZone ?? 'UTC') : (job.repeatTimezone ?? null),
    type: job.type,
    disabled: job.disabled ? 1 : 0,
    extra: JSON.stringify(extra),
    updated_at: now,
  };
}

const COLUMNS = [
  'name',
  'kind',
  'timer_key',
  'data',
  'priority',
  'next_run_at',
  'repeat_rule',
  'time_zone',
  'type',
  'disabled',
  'extra',
  'updated_at',
];
const ALL_COLUMNS = [...COLUMNS, 'unique_key', 'created_at'].join(', ');
const ALL_VALUES = [...COLUMNS, 'unique_key', 'created_at'].map((column) => `:${column}`).join(', ');

/** Inserts one row unless its unique key is taken; false when it is. */
export async function insertRow(db: Scope, values: Record<string, SqlValue>): Promise<boolean> {
  const { insertCounted, countedTail } = db.dialect;
  const changed = await db.run(
    `${insertCounted} INTO marketing_timers (tenant_id, ${ALL_COLUMNS}) VALUES (:tenant, ${ALL_VALUES}) ${countedTail}`,
    values,
  );
  return changed > 0;
}

/** Overwrites what its editor decides of one row; how many rows there were to change. */
export function updateRow(db: Scope, id: number, values: Record<string, SqlValue>): Promise<number> {
  return db.run(
    `UPDATE marketing_timers SET ${COLUMNS.map((column) => `${column} = :${column}`).join(', ')}
      WHERE tenant_id = :tenant AND id = :id`,
    { ...values, id },
  );
}
