import { ianaZone } from '../calendar';
import type { Schedule } from '../campaigns/types';
import { InputError } from '../errors';
import { cronProblem, normaliseCron } from './cron';
import { momentOf, nextRun } from './runs';

/** Something that is wrong with what was given, and where (a JSON pointer). */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A campaign that starts once must start at least this far ahead (AC-008.4). */
export const SHORTEST_NOTICE_MS = 5 * 60_000;
/** Later than this, a missed run is not made up for, whatever is asked for. */
export const LONGEST_GRACE_MS = 7 * 86_400_000;

const FIELDS: Readonly<Record<Schedule['kind'], readonly string[]>> = {
  once: ['at'],
  daily: ['time', 'until'],
  weekly: ['time', 'weekdays', 'until'],
  monthly: ['time', 'day', 'until'],
  cron: ['cron', 'until'],
};
const COMMON = ['kind', 'timeZone', 'graceMs'];

type Fields = Readonly<Record<string, unknown>>;

/** Everything that is wrong with a schedule, as it is given at `now` (ms since 1970); empty when it can be used. */
export function checkSchedule(input: unknown, now: number): readonly Problem[] {
  if (!isFields(input)) return [{ path: '', message: 'must be an object such as {"kind":"daily","time":"09:00"}' }];
  const kinds = Object.keys(FIELDS);
  const { kind } = input;
  if (!isKind(kind)) return [{ path: '/kind', message: `must be one of ${kinds.join(', ')}` }];
  const problems = [
    ...Object.keys(input)
      .filter((field) => input[field] !== undefined && !COMMON.includes(field) && !FIELDS[kind].includes(field))
      .map((field) => ({ path: `/${pointer(field)}`, message: `is no part of a schedule of the kind "${kind}"` })),
    ...checkZone(input),
    ...checkGrace(input),
    ...checkOwn(kind, input),
  ];
  // Moments can only be judged once everything else makes sense.
  return problems.length > 0 ? problems : checkMoments(normalise(input as Schedule), now);
}

/**
 * A schedule, written in one way: its zone named, weekdays in order and once each, one space between the fields of cron.
 * @throws InputError `E_SCHEDULE` with `details.problems`
 */
export function readSchedule(input: unknown, now: number): Schedule {
  const problems = checkSchedule(input, now);
  if (problems.length === 0) return normalise(input as Schedule);
  const said = problems.map(({ path, message }) => `${path || 'it'} ${message}`).join('; ');
  throw new InputError('E_SCHEDULE', `The schedule cannot be used: ${said}.`, { details: { problems } });
}

function normalise(schedule: Schedule): Schedule {
  const timeZone = schedule.timeZone ?? 'UTC';
  switch (schedule.kind) {
    case 'once':
    case 'daily':
    case 'monthly':
      return { ...schedule, timeZone };
    case 'weekly':
      return { ...schedule, timeZone, weekdays: [...new Set(schedule.weekdays)].sort((a, b) => a - b) };
    case 'cron':
      return { ...schedule, timeZone, cron: normaliseCron(schedule.cron) };
  }
}

function checkZone({ timeZone }: Fields): Problem[] {
  if (timeZone === undefined || (typeof timeZone === 'string' && ianaZone(timeZone))) return [];
  return [{ path: '/timeZone', message: 'must be an IANA time zone such as "Europe/Berlin"' }];
}

function checkGrace({ graceMs }: Fields): Problem[] {
  if (graceMs === undefined || isWholeBetween(graceMs, 0, LONGEST_GRACE_MS)) return [];
  return [
    { path: '/graceMs', message: `must be a whole number of milliseconds from 0 to ${LONGEST_GRACE_MS} (7 days)` },
  ];
}

function checkOwn(kind: Schedule['kind'], input: Fields): Problem[] {
  switch (kind) {
    case 'once':
      return [];
    case 'daily':
      return checkTime(input);
    case 'weekly':
      return [...checkTime(input), ...checkWeekdays(input)];
    case 'monthly':
      return [
        ...checkTime(input),
        ...(isWholeBetween(input['day'], 1, 31)
          ? []
          : [{ path: '/day', message: 'must be a whole number from 1 to 31' }]),
      ];
    case 'cron': {
      const { cron } = input;
      const problem = typeof cron === 'string' ? cronProblem(cron) : 'must be a cron expression such as "0 9 * * 1"';
      return problem === undefined ? [] : [{ path: '/cron', message: problem }];
    }
  }
}

function checkTime({ time }: Fields): Problem[] {
  if (typeof time === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(time)) return [];
  return [{ path: '/time', message: 'must be a time of day as HH:MM, from 00:00 to 23:59' }];
}

function checkWeekdays({ weekdays }: Fields): Problem[] {
  if (!Array.isArray(weekdays) || weekdays.length === 0) {
    return [{ path: '/weekdays', message: 'must name at least one weekday: 1 (Monday) to 7 (Sunday)' }];
  }
  return weekdays.flatMap((day: unknown, index) =>
    isWholeBetween(day, 1, 7)
      ? []
      : [{ path: `/weekdays/${index}`, message: 'must be a whole number from 1 (Monday) to 7 (Sunday)' }],
  );
}

function checkMoments(schedule: Schedule, now: number): Problem[] {
  const zone = ianaZone(schedule.timeZone ?? 'UTC');
  const moment = schedule.kind === 'once' ? schedule.at : schedule.until;
  const path = schedule.kind === 'once' ? '/at' : '/until';
  if (schedule.kind === 'once' || moment !== undefined) {
    const known = typeof moment === 'string' || typeof moment === 'number';
    const at = zone && known ? momentOf(moment, zone, 'end') : undefined;
    if (at === undefined) {
      return [{ path, message: 'must be a moment: ms since 1970, or a date and time such as "2026-03-29T09:30"' }];
    }
    if (schedule.kind === 'once') return checkStart(schedule.at, at, now);
  }
  if (nextRun(schedule, now) !== undefined) return [];
  return [
    { path: moment === undefined ? '' : path, message: 'leaves no run: the first one would come later, or never' },
  ];
}

function checkStart(given: number | string, at: number, now: number): Problem[] {
  if (typeof given === 'string' && !given.includes(':')) {
    return [{ path: '/at', message: 'must name the time as well, such as "2026-03-29T09:30"' }];
  }
  if (!(at >= now + SHORTEST_NOTICE_MS)) return [{ path: '/at', message: 'must be at least 5 minutes ahead' }];
  return [];
}

function isKind(kind: unknown): kind is Schedule['kind'] {
  return typeof kind === 'string' && Object.hasOwn(FIELDS, kind);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWholeBetween(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}

function pointer(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}
