import type { IANAZone } from 'luxon';
import { dateOf, timeOfDay, weekdayOf } from './local-days';
import { changeBetween, DAY_MS, localOf, midnightOf } from './local-time';
import { isOpenAt, type CalendarRules } from './rules';

/**
 * How far ahead is looked. Rules with the most holidays there may be open within 28 years, after which weekdays and dates repeat; a
 * century in between may lack a leap day.
 */
const FURTHEST_MS = 41 * 366 * DAY_MS;
/** After so long an open time counts as one without an end. */
const LONGEST_MS = 400 * DAY_MS;

/** Whether the rules are open at a moment (ms), by the wall clock of the zone. */
export function isOpen(moment: number, zone: IANAZone, rules: CalendarRules): boolean {
  return isOpenLocally(localOf(zone, moment), rules);
}

/**
 * The earliest open moment at or after `moment` (ms). Where clocks are put forward into a closed time or out of it, it is
 * the moment of the change.
 * @throws RangeError for rules that never open; {@link checkCalendarRules} refuses those
 */
export function nextOpen(moment: number, zone: IANAZone, rules: CalendarRules): number {
  const edges = edgesOf(rules);
  for (let at = moment; at < moment + FURTHEST_MS; at = nextEdge(at, zone, edges, rules)) {
    if (isOpen(at, zone, rules)) return at;
  }
  throw new RangeError('These calendar rules never open.');
}

/**
 * The first closed moment after an open `moment` (ms), `Infinity` when there is none within 400 days; `moment` itself when it
 * is closed.
 */
export function openUntil(moment: number, zone: IANAZone, rules: CalendarRules): number {
  const edges = edgesOf(rules);
  for (let at = moment; at < moment + LONGEST_MS; at = nextEdge(at, zone, edges, rules)) {
    if (!isOpen(at, zone, rules)) return at;
  }
  return Infinity;
}

/** How many milliseconds between two moments are open. */
export function openTime(from: number, to: number, zone: IANAZone, rules: CalendarRules): number {
  const edges = edgesOf(rules);
  let open = 0;
  for (let at = from; at < to;) {
    const next = Math.min(to, nextEdge(at, zone, edges, rules));
    if (isOpen(at, zone, rules)) open += next - at;
    at = next;
  }
  return open;
}

/** The moment at which so many open milliseconds (0 or more) have passed since `from`. */
export function afterOpenTime(from: number, open: number, zone: IANAZone, rules: CalendarRules): number {
  const edges = edgesOf(rules);
  let left = open;
  for (let at = nextOpen(from, zone, rules); ;) {
    const next = nextEdge(at, zone, edges, rules);
    if (at + left < next) return at + left;
    left -= next - at;
    at = nextOpen(next, zone, rules);
  }
}

function isOpenLocally(local: number, rules: CalendarRules): boolean {
  const day = midnightOf(local);
  return isOpenAt(rules, local - day) && isOpenDay(day, rules);
}

function isOpenDay(day: number, { weekdays, excludeWeekends, holidays }: CalendarRules): boolean {
  const weekday = weekdayOf(day);
  if (excludeWeekends && weekday >= 6) return false;
  if (weekdays && !weekdays.includes(weekday)) return false;
  if (!holidays || holidays.length === 0) return true;
  const date = dateOf(day);
  return !holidays.includes(date) && !holidays.includes(date.slice(5));
}

/** Times of day at which the rules may open or close, in order, midnight among them; ms since midnight. */
function edgesOf({ quietHours, window }: CalendarRules): number[] {
  const times = [quietHours, window].flatMap((part) => (part ? [timeOfDay(part.from), timeOfDay(part.to)] : []));
  return [...new Set([0, ...times])].filter((time) => time < DAY_MS).sort((a, b) => a - b);
}

/** The next moment at which the rules may open or close: a time of day of theirs, or a change of the zone's offset. */
function nextEdge(at: number, zone: IANAZone, edges: readonly number[], rules: CalendarRules): number {
  const local = localOf(zone, at);
  const day = midnightOf(local);
  const time = local - day;
  // Nothing happens during a closed day.
  const edge = isOpenDay(day, rules) ? (edges.find((one) => one > time) ?? DAY_MS) : DAY_MS;
  const next = at + (edge - time);
  return localOf(zone, next) === day + edge ? next : changeBetween(zone, at, next);
}
