import type { IANAZone } from 'luxon';
import { DAY_MS, instantOf, localOf, midnightOf, nextLocalTime, timeOfDay, type CalendarRules } from '../calendar';
import { readMoment, UNIT_MS, type Written } from './moments';

/** How long somebody waits at a delay, or until when. All by the wall clock of the person, where it is about one. */
export type Until =
  | { readonly kind: 'duration'; readonly ms: number }
  /** A date and time, as it was written; see {@link readMoment}. */
  | { readonly kind: 'moment'; readonly at: unknown }
  /** The next time that the clock shows `time` (`HH:MM`); on one of the weekdays (1 Monday to 7 Sunday), where there are any. */
  | { readonly kind: 'time'; readonly time: string; readonly weekdays?: readonly number[] }
  /** A date that the lead has, moved by `shift`, at `time` of that day where one is given. */
  | { readonly kind: 'attribute'; readonly attribute: string; readonly shift?: Shift; readonly time?: string };

/** How far before (negative) or after a date. Days and weeks are counted on the calendar, hours and minutes on the clock. */
export interface Shift {
  readonly amount: number;
  readonly unit: 'minutes' | 'hours' | 'days' | 'weeks';
}

/** What is heeded when somebody is due in a closed time. */
export interface Hold {
  /** The tenant's quiet hours, weekends and holidays, or these. */
  readonly calendar: 'tenant' | CalendarRules;
  /** Those who were held go on spread over so many minutes. Default: the tenant's. */
  readonly releaseMinutes?: number;
}

/** When somebody goes on. */
export interface DelayPlan {
  readonly until: Until;
  readonly hold?: Hold;
}

const KINDS: readonly string[] = ['duration', 'moment', 'time', 'attribute'] satisfies Until['kind'][];

/** Whether what a station has declared is a plan. */
export function isDelayPlan(value: object): value is DelayPlan {
  const until: unknown = Reflect.get(value, 'until');
  return typeof until === 'object' && until !== null && KINDS.includes(String(Reflect.get(until, 'kind')));
}

/** Somebody who waits. */
export interface Waiter {
  readonly id: number;
  readonly timeZone?: string;
  readonly country?: string;
  readonly [attribute: string]: unknown;
}

/**
 * When somebody who arrived at `from` (ms) is due, ms; may have passed. Undefined when the lead has no such date. A time of day that
 * clocks skip is the moment right after the gap; one that they show twice is the first of the two.
 * @throws InputError E_DATE for a moment that cannot be read
 */
export function dueAt(
  until: Until,
  { from, zone, lead }: { from: number; zone: IANAZone; lead: Waiter },
): number | undefined {
  switch (until.kind) {
    case 'duration':
      return from + until.ms;
    case 'moment': {
      const read = readMoment(until.at);
      return read && instant(read, zone);
    }
    case 'time':
      return nextLocalTime(from, zone, until.time, until.weekdays ?? []);
    case 'attribute':
      return attributeDate(until, zone, lead);
  }
}

function instant(read: Written, zone: IANAZone): number {
  return read.kind === 'moment' ? read.at : instantOf(zone, read.at);
}

function attributeDate(
  { attribute, shift = { amount: 0, unit: 'days' }, time }: Until & { kind: 'attribute' },
  zone: IANAZone,
  lead: Waiter,
): number | undefined {
  const read = Object.hasOwn(lead, attribute) ? readMoment(lead[attribute]) : undefined;
  if (!read) return undefined;
  const local = onTheClock(read, zone);
  const ms = shift.amount * UNIT_MS[shift.unit];
  const onClock = shift.unit === 'minutes' || shift.unit === 'hours';
  const day = time === undefined ? local : midnightOf(local) + timeOfDay(time);
  // A moment is moved as it is, so that two hours before it are two hours, whatever clocks do meanwhile.
  if (onClock) return (time === undefined ? instant(wholeDays(read), zone) : instantOf(zone, day)) + ms;
  return instantOf(zone, day + ms);
}

/** A day that a date attribute holds is kept as its midnight in UTC: it means the day, wherever the lead is. */
function wholeDays(read: Written): Written {
  return read.kind === 'moment' && read.at % DAY_MS === 0 ? { kind: 'local', at: read.at, wholeDay: true } : read;
}

function onTheClock(read: Written, zone: IANAZone): number {
  const meant = wholeDays(read);
  return meant.kind === 'local' ? meant.at : localOf(zone, meant.at);
}
