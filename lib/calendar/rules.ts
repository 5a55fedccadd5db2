import { InputError } from '../errors';
import { DAY_MS } from './local-time';
import { timeOfDay } from './local-days';

/** A part of the day, by the wall clock: from `from` (inclusive) to `to` (exclusive), over midnight when `to` is the earlier one. */
export interface DayPart {
  /** `HH:MM` */
  readonly from: string;
  /** `HH:MM`; `24:00` is midnight at the end of the day. */
  readonly to: string;
}

/**
 * When something may happen, in local time. All that is said must hold. Every moment belongs to the calendar day that the wall clock
 * shows: in a window from 20:00 to 02:00, the two hours after midnight on a Saturday are Saturday's.
 */
export interface CalendarRules {
  /** Closed then (AC-004.4, FR-004.7). */
  readonly quietHours?: DayPart;
  /** Open only then (AC-010.3). */
  readonly window?: DayPart;
  /** Open on these days only: 1 (Monday) to 7 (Sunday), at least one. */
  readonly weekdays?: readonly number[];
  /** Closed on Saturdays and Sundays (AC-010.4). */
  readonly excludeWeekends?: boolean;
  /** Closed on these days: `2026-12-25`, or `12-25` for every year; at most {@link MOST_HOLIDAYS}. */
  readonly holidays?: readonly string[];
}

/** Something that is wrong with what was given, and where (a JSON pointer). */
export interface CalendarProblem {
  readonly path: string;
  readonly message: string;
}

/** So many holidays never close every Monday (or another weekday) of all years. */
export const MOST_HOLIDAYS = 200;

/** The names of the properties of {@link CalendarRules}. */
export const CALENDAR_FIELDS = ['quietHours', 'window', 'weekdays', 'excludeWeekends', 'holidays'] as const;

const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const DATE = /^(?:\d{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;

/**
 * Everything that is wrong with calendar rules, with JSON pointers below `path`; empty when they can be used. Rules that never open
 * are wrong. Unknown properties are not looked at where `others` says who looks at them.
 */
export function checkCalendarRules(input: unknown, path = '', others: readonly string[] = []): CalendarProblem[] {
  if (!isRecord(input)) {
    return [{ path, message: 'must be an object such as {"quietHours":{"from":"22:00","to":"08:00"}}' }];
  }
  const known: readonly string[] = [...CALENDAR_FIELDS, ...others];
  const { quietHours, window, weekdays, excludeWeekends, holidays } = input;
  const problems = [
    ...Object.keys(input)
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        message: `is unknown here; known: ${known.join(', ')}`,
      })),
    ...checkPart(quietHours, `${path}/quietHours`),
    ...checkPart(window, `${path}/window`),
    ...checkWeekdays(weekdays, `${path}/weekdays`),
    ...checkHolidays(holidays, `${path}/holidays`),
  ];
  if (excludeWeekends !== undefined && typeof excludeWeekends !== 'boolean') {
    problems.push({ path: `${path}/excludeWeekends`, message: 'must be true or false' });
  }
  if (problems.length > 0) return problems;
  return everOpens(input)
    ? []
    : [{ path, message: 'leaves no time at all: quiet hours, window and weekdays exclude each other' }];
}

/**
 * @returns the rules, as they were given
 * @throws InputError `E_CALENDAR` with `details.problems`
 */
export function readCalendarRules(input: unknown): CalendarRules {
  const problems = checkCalendarRules(input);
  if (problems.length === 0) return input as CalendarRules;
  const said = problems.map(({ path, message }) => `${path.slice(1) || 'it'} ${message}`).join('; ');
  throw new InputError('E_CALENDAR', `These times cannot be used: ${said}.`, { details: { problems } });
}

/** Whether a text is a time of day, `HH:MM`. */
export function isTimeOfDay(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value);
}

function checkPart(part: unknown, path: string): CalendarProblem[] {
  if (part === undefined) return [];
  if (!isRecord(part)) return [{ path, message: 'must be an object such as {"from":"22:00","to":"08:00"}' }];
  const { from, to } = part;
  const problems: CalendarProblem[] = Object.keys(part)
    .filter((name) => name !== 'from' && name !== 'to')
    .map((name) => ({ path: `${path}/${name}`, message: 'is unknown here; known: from, to' }));
  if (!isTimeOfDay(from)) problems.push({ path: `${path}/from`, message: 'must be a time such as 08:00' });
  if (!isTimeOfDay(to) && to !== '24:00')
    problems.push({ path: `${path}/to`, message: 'must be a time such as 20:00' });
  if (problems.length === 0 && from === to) {
    problems.push({ path: `${path}/to`, message: 'must not be the same as from; leave both out for the whole day' });
  }
  return problems;
}

function checkWeekdays(days: unknown, path: string): CalendarProblem[] {
  if (days === undefined) return [];
  if (!Array.isArray(days) || days.length === 0 || days.length > 7) {
    return [{ path, message: 'must be a list of 1 (Monday) to 7 (Sunday), with at least one day' }];
  }
  return days.flatMap((day: unknown, index) =>
    Number.isInteger(day) && Number(day) >= 1 && Number(day) <= 7
      ? []
      : [{ path: `${path}/${index}`, message: 'must be 1 (Monday) to 7 (Sunday)' }],
  );
}

function checkHolidays(holidays: unknown, path: string): CalendarProblem[] {
  if (holidays === undefined) return [];
  if (!Array.isArray(holidays)) return [{ path, message: 'must be a list of days such as "2026-12-25"' }];
  if (holidays.length > MOST_HOLIDAYS) return [{ path, message: `has at most ${MOST_HOLIDAYS} days` }];
  return holidays.flatMap((day: unknown, index) =>
    isDay(day)
      ? []
      : [{ path: `${path}/${index}`, message: 'must be a day such as "2026-12-25", or "12-25" for every year' }],
  );
}

function isDay(value: unknown): boolean {
  if (typeof value !== 'string' || !DATE.test(value)) return false;
  // 2024 was a leap year: "02-29" is a day of some years.
  const date = new Date(value.length === 5 ? `2024-${value}` : value);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10).endsWith(value);
}

function everOpens({ quietHours, window, weekdays, excludeWeekends }: CalendarRules): boolean {
  if (excludeWeekends && weekdays && weekdays.every((day) => day >= 6)) return false;
  const edges = [0, ...[quietHours, window].flatMap((part) => (part ? [part.from, part.to].map(timeOfDay) : []))];
  return edges.some((time) => time < DAY_MS && isOpenAt({ quietHours, window }, time));
}

/** Whether a time of day (ms since midnight) is open, whatever the day. */
export function isOpenAt({ quietHours, window }: DayTimes, time: number): boolean {
  return !(quietHours && isWithin(quietHours, time)) && !(window && !isWithin(window, time));
}

/** What of the rules is about the time of day. */
export interface DayTimes {
  readonly quietHours?: DayPart | undefined;
  readonly window?: DayPart | undefined;
}

function isWithin(part: DayPart, time: number): boolean {
  const from = timeOfDay(part.from);
  const to = timeOfDay(part.to);
  return from < to ? time >= from && time < to : time >= from || time < to;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
