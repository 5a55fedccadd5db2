import type { IANAZone } from 'luxon';
import type { Schedule } from '../campaigns/types';
import { nextCronTime } from './cron';
import { DAY_MS, dayExists, midnightOf } from './zone';

/** A schedule that comes again and again. */
export type Recurring = Exclude<Schedule, { kind: 'once' }>;

/**
 * The next local time that the schedule names after a local time (exclusive); undefined when there is none. It may lie on a day that
 * the zone has left out; only `monthly` looks, because it goes to the day before then.
 */
export function nextLocalTime(schedule: Recurring, zone: IANAZone, after: number): number | undefined {
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

/** Milliseconds since midnight of `HH:MM`. */
function timeOfDay(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000;
}

/** 1 (Monday) to 7 (Sunday). */
function weekdayOf(day: number): number {
  return new Date(day).getUTCDay() || 7;
}

function nextOnDays(time: number, after: number, isWanted: (day: number) => boolean): number | undefined {
  for (let day = midnightOf(after), looked = 0; looked <= 8; day += DAY_MS, looked++) {
    if (day + time > after && isWanted(day)) return day + time;
  }
  return undefined;
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
