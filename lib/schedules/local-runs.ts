import type { IANAZone } from 'luxon';
import { DAY_MS, dayExists, nextOnDays, timeOfDay, weekdayOf } from '../calendar';
import type { Schedule } from '../campaigns/types';
import { nextCronTime } from './cron';

/** A schedule that comes again and again. */
export type Recurring = Exclude<Schedule, { kind: 'once' }>;

/**
 * The next local time that the schedule names after a local time (exclusive); undefined when there is none. It may lie on a day that
 * the zone has left out; only `monthly` looks, because it goes to the day before then.
 */
export function nextLocalRun(schedule: Recurring, zone: IANAZone, after: number): number | undefined {
  switch (schedule.kind) {
    case 'daily':
      return nextOnDays(timeOfDay(schedule.time), after, () => true);
    case 'weekly':
      return nextOnDays(timeOfDay(schedule.time), after, (day) => schedule.weekdays?.includes(weekdayOf(day)) ?? false);
    case 'monthly':
      return nextOfMonth(schedule.day ?? 1, timeOfDay(schedule.time), zone, after);
    case 'cron':
      return nextCronTime(schedule.cron, after);
  }
}

function nextOfMonth(wanted: number, time: number, zone: IANAZone, after: number): number | undefined {
  const start = new Date(after);
  for (let month = start.getUTCMonth(), looked = 0; looked < 3; month++, looked++) {
    const last = new Date(Date.UTC(start.getUTCFullYear(), month + 1, 0)).getUTCDate();
    let day = Date.UTC(start.getUTCFullYear(), month, Math.min(wanted, last));
    while (!dayExists(zone, day)) day -= DAY_MS;
    if (day + time > after) return day + time;
  }
  return undefined;
}
