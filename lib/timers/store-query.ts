import { createHash, randomUUID } from 'node:crypto';
import type { JobParameters, JobsQueryOptions, JobsSort, RemoveJobsOptions } from 'agenda';
import type { SqlValues } from '../store/types';

/** The `AND …` conditions for Agenda's options; empty when they ask for nothing. */
export function matchJobs(options: JobsQueryOptions & RemoveJobsOptions): { where: string; values: SqlValues } {
  const conditions: string[] = [];
  const values: Record<string, string | number> = {};
  const oneOf = (column: string, wanted: readonly (string | number)[], not = ''): void => {
    const names = wanted.map((value, index) => {
      values[`${column}_${index}`] = value;
      return `:${column}_${index}`;
    });
    conditions.push(names.length > 0 ? `${column} ${not} IN (${names.join(', ')})` : '1 = 0');
  };
  if (options.id !== undefined) oneOf('id', [Number(options.id)]);
  else if (options.ids) oneOf('id', options.ids.map(Number));
  if (options.name !== undefined) oneOf('name', [options.name]);
  else if (options.names) oneOf('name', options.names);
  else if (options.notNames?.length) oneOf('name', options.notNames, 'NOT');
  if (options.search) {
    values['search'] = `%${options.search.toLowerCase().replace(/[\\%_!]/g, '!$&')}%`;
    conditions.push("LOWER(name) LIKE :search ESCAPE '!'");
  }
  if (options.includeDisabled === false) conditions.push('disabled = 0');
  return { where: conditions.map((condition) => ` AND ${condition}`).join(''), values };
}

const SORTABLE: Record<Exclude<keyof JobsSort, 'data'>, string> = {
  nextRunAt: 'next_run_at',
  lastRunAt: 'last_run_at',
  lastFinishedAt: 'last_finished_at',
  priority: 'priority',
  name: 'name',
};

/** The words after `ORDER BY`; the newest first when nothing is asked for. Empty times come last. */
export function orderOf(sort: JobsSort = { nextRunAt: 'desc', lastRunAt: 'desc' }): string {
  const parts = Object.entries(SORTABLE).flatMap(([option, column]) => {
    const direction = sort[option as keyof JobsSort];
    if (!direction) return [];
    return [`CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END`, `${column} ${direction === 'asc' ? 'ASC' : 'DESC'}`];
  });
  return [...parts, 'id'].join(', ');
}

/** True when `data` holds everything that `wanted` names. */
export function matchesData(data: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted !== 'object' || wanted === null) return data === wanted;
  if (typeof data !== 'object' || data === null) return false;
  return Object.entries(wanted).every(([key, value]) => matchesData((data as Record<string, unknown>)[key], value));
}

/** What a job that is created must be the only one of; random for an ordinary one. */
export function upsertKey(job: JobParameters): string {
  if (job.type === 'single') return `single:${hash(job.name)}`;
  if (job.unique) return `unique:${hash(JSON.stringify([job.name, Object.entries(job.unique).sort()]))}`;
  return `job:${randomUUID()}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
