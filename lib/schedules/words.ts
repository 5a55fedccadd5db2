import { DateTime } from 'luxon';
import type { Schedule } from '../campaigns/types';
import { momentOf, zoneOfSchedule } from './runs';

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** A schedule in a few words of English: "every Monday and Friday at 09:00 (Europe/Berlin), until 31 December 2026, 23:59". */
export function describeSchedule(schedule: Schedule): string {
  const zone = zoneOfSchedule(schedule);
  const moment = (value: number | string): string => {
    const at = momentOf(value, zone, 'end');
    if (at === undefined) return String(value);
    return DateTime.fromMillis(at, { zone, locale: 'en-GB' }).toFormat('d MMMM yyyy, HH:mm');
  };
  if (schedule.kind === 'once') return `once, on ${moment(schedule.at)} (${zone.name})`;
  const until = schedule.until === undefined ? '' : `, until ${moment(schedule.until)}`;
  return `${rhythm(schedule)} (${zone.name})${until}`;
}

function rhythm(schedule: Exclude<Schedule, { kind: 'once' }>): string {
  switch (schedule.kind) {
    case 'daily':
      return `every day at ${schedule.time}`;
    case 'weekly':
      return `every ${listed((schedule.weekdays ?? []).map((day) => WEEKDAYS[day - 1] ?? `day ${day}`))} at ${schedule.time}`;
    case 'monthly': {
      const day = schedule.day ?? 1;
      const shorter = day > 28 ? ', or the last day of a shorter month,' : '';
      return `every month on day ${day}${shorter} at ${schedule.time}`;
    }
    case 'cron':
      return `by the cron expression "${schedule.cron}"`;
  }
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
