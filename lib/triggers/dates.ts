import type { IANAZone } from 'luxon';
import { DAY_MS, instantOf } from '../calendar';
import type { DateRule } from './types';

/** A moment at which a date lets its lead in. */
export interface Occurrence {
  /** Ms since 1970. */
  readonly at: number;
  /** The local day, `2026-02-28`. */
  readonly day: string;
  /** Years since the date itself; 0 for one that lets in once. */
  readonly years: number;
}

/** The furthest that a local clock is from UTC, rounded up to a day. */
const ZONES_MS = DAY_MS;

/**
 * The moments at which a lead with this date comes in, after `from` and up to `to` (ms). The date is the one that it has in UTC; the
 * time of day is that of the lead's zone, where a time that does not exist is the one right after the gap (see lib/calendar).
 * @param date the attribute's value, ms since 1970
 */
export function occurrences(
  rule: DateRule,
  date: number,
  zone: IANAZone,
  { from, to }: { from: number; to: number },
): Occurrence[] {
  const base = new Date(date);
  const baseYear = base.getUTCFullYear();
  const ofDay = (day: number | undefined, years: number): Occurrence[] => {
    if (day === undefined) return [];
    const kept = day + rule.offsetDays * DAY_MS;
    const at = instantOf(zone, kept + timeOfDay(rule.at));
    return at > from && at <= to ? [{ at, day: isoDay(kept), years }] : [];
  };
  if (rule.every === 'once') return ofDay(Math.floor(date / DAY_MS) * DAY_MS, 0);
  const found: Occurrence[] = [];
  // An offset may carry the day into the year before or after.
  const first = Math.max(baseYear + 1, new Date(from).getUTCFullYear() - 2);
  const last = new Date(to).getUTCFullYear() + 2;
  for (let year = first; year <= last; year++) {
    found.push(...ofDay(anniversary(base.getUTCMonth(), base.getUTCDate(), year, rule.leapDay), year - baseYear));
  }
  return found;
}

/** Midnight (as a local time) of a day of the year; undefined for the 29th of February in a year that leaves it out. */
function anniversary(month: number, day: number, year: number, leapDay: DateRule['leapDay']): number | undefined {
  if (month !== 1 || day !== 29 || isLeap(year)) return Date.UTC(year, month, day);
  switch (leapDay) {
    case 'feb28':
      return Date.UTC(year, 1, 28);
    case 'mar1':
      return Date.UTC(year, 2, 1);
    case 'skip':
      return undefined;
  }
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/**
 * The days of the year (`02-28`) on which a date must fall for its lead to come in between two moments, wherever they live: what the
 * database looks for. Never too few; {@link occurrences} decides.
 */
export function daysOfYear(rule: DateRule, { from, to }: { from: number; to: number }): string[] {
  const days = new Set<string>();
  for (const day of daysBetween(rule, from, to)) {
    const name = isoDay(day).slice(5);
    days.add(name);
    if (name === '02-28' || name === '03-01') days.add('02-29');
  }
  return [...days];
}

/** The same for a date that lets in once: from the beginning of the first day to the end of the last one, ms. */
export function daySpan(rule: DateRule, { from, to }: { from: number; to: number }): { first: number; end: number } {
  const days = daysBetween(rule, from, to);
  return { first: days[0] ?? 0, end: (days.at(-1) ?? 0) + DAY_MS };
}

function daysBetween(rule: DateRule, from: number, to: number): number[] {
  const offset = rule.offsetDays * DAY_MS;
  const first = Math.floor((from - ZONES_MS) / DAY_MS) * DAY_MS - offset;
  const last = Math.floor((to + ZONES_MS) / DAY_MS) * DAY_MS - offset;
  const days: number[] = [];
  for (let day = first; day <= last; day += DAY_MS) days.push(day);
  return days;
}

function isoDay(midnight: number): string {
  return new Date(midnight).toISOString().slice(0, 10);
}

function timeOfDay(at: string): number {
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  return (hours * 60 + minutes) * 60_000;
}
