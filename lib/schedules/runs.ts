import { IANAZone } from 'luxon';
import { DAY_MS, ianaZone, instantOf, nextInstant } from '../calendar';
import type { Schedule } from '../campaigns/types';
import { parseMoment } from '../conditions';
import { nextLocalRun } from './local-runs';

const WITH_OFFSET = /(?:Z|[+-]\d\d:?\d\d)$/;
const DATE_ONLY = /^\d{4}-\d\d-\d\d$/;
const HOUR_MS = 3_600_000;

/** The zone that a schedule's local times belong to; UTC when it names none, or one that this machine does not know. */
export function zoneOfSchedule(schedule: Schedule): IANAZone {
  return ianaZone(schedule.timeZone ?? 'UTC') ?? IANAZone.create('UTC');
}

/**
 * The instant of a moment as people write it: ms since 1970, a date-time with an offset ("2026-03-29T00:30Z"), or one without,
 * which is the zone's local time. A date alone is the whole day: `whole` says whether its start or its end is meant.
 * Undefined for what is none of these.
 */
export function momentOf(value: number | string, zone: IANAZone, whole: 'start' | 'end' = 'start'): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  const parsed = parseMoment(value);
  if (parsed === undefined) return undefined;
  if (DATE_ONLY.test(value)) return whole === 'start' ? instantOf(zone, parsed) : instantOf(zone, parsed + DAY_MS) - 1;
  return WITH_OFFSET.test(value) ? parsed : instantOf(zone, parsed);
}

/**
 * The first run after an instant (exclusive), ms since 1970; undefined when there is none any more. The rules:
 *
 * - A run takes place at the first instant at which the zone's wall clock shows its time **or a later one**. So a time that the
 *   clock skips (02:30 on the day it is put forward) runs right after the gap (03:00), and one that it shows twice (01:30 or
 *   02:30 on the day it is put back) runs once, the first time.
 * - Two runs that meet at the same instant are one.
 * - A day that the zone left out altogether has no runs.
 * - `monthly` runs on the last day of a month that has no such day.
 */
export function nextRun(schedule: Schedule, after: number): number | undefined {
  const zone = zoneOfSchedule(schedule);
  if (schedule.kind === 'once') {
    const at = momentOf(schedule.at, zone);
    return at !== undefined && at > after ? at : undefined;
  }
  const until = schedule.until === undefined ? Infinity : (momentOf(schedule.until, zone, 'end') ?? Infinity);
  const at = nextInstant(zone, after, (local) => nextLocalRun(schedule, zone, local));
  return at !== undefined && at > until ? undefined : at;
}

/** The runs from `from` to `to`, both inclusive, in order; at most `limit` (default 1,000). */
export function runsBetween(schedule: Schedule, from: number, to: number, limit = 1_000): number[] {
  const runs: number[] = [];
  let at = nextRun(schedule, from - 1);
  while (at !== undefined && at <= to && runs.length < limit) {
    runs.push(at);
    at = nextRun(schedule, at);
  }
  return runs;
}

/** The last run from `from` to `to`, both inclusive. Looks back from `to`, in ever larger steps: cheap for dense schedules. */
export function lastRun(schedule: Schedule, from: number, to: number): number | undefined {
  let low = to;
  for (let step = HOUR_MS; low > from; step *= 2) {
    low = Math.max(from, to - step);
    const last = runsBetween(schedule, low, to, Infinity).at(-1);
    if (last !== undefined) return last;
  }
  return runsBetween(schedule, from, to).at(-1);
}
