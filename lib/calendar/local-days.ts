import type { IANAZone } from 'luxon';
import { DAY_MS, dayExists, instantOf, localOf, midnightOf } from './local-time';

/** Milliseconds since midnight of `HH:MM`, which must be one. */
export function timeOfDay(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000;
}

/** 1 (Monday) to 7 (Sunday) of a local time. */
export function weekdayOf(local: number): number {
  return new Date(local).getUTCDay() || 7;
}

/** `YYYY-MM-DD` of a local time. */
export function dateOf(local: number): string {
  return new Date(local).toISOString().slice(0, 10);
}

/** The next local time after one (exclusive) that is so long after midnight, on a wanted day; undefined when a week has none. */
export function nextOnDays(time: number, after: number, isWanted: (day: number) => boolean): number | undefined {
  for (let day = midnightOf(after), looked = 0; looked <= 8; day += DAY_MS, looked++) {
    if (day + time > after && isWanted(day)) return day + time;
  }
  return undefined;
}

/**
 * The first instant after `after` (exclusive) that belongs to one of the local times that `next` names, one after another. The rules
 * are those of {@link instantOf}; besides, what the clock shows twice counts once, and a day that the zone left out has no times.
 */
export function nextInstant(
  zone: IANAZone,
  after: number,
  next: (local: number) => number | undefined,
): number | undefined {
  let local: number | undefined = localOf(zone, after);
  // Where clocks were put back, local times that have had their turn come once more: they are passed over.
  while ((local = next(local)) !== undefined) {
    const at = instantOf(zone, local);
    if (at > after && (localOf(zone, at) === local || dayExists(zone, midnightOf(local)))) return at;
  }
  return undefined;
}

/**
 * The earliest instant at or after `moment` (ms) at which the zone's wall clock shows `time`: on the day that clocks skip it, right
 * after the gap; where they show it twice, the first time.
 * @param time     `HH:MM`
 * @param weekdays 1 (Monday) to 7 (Sunday); absent or empty: any
 */
export function nextLocalTime(moment: number, zone: IANAZone, time: string, weekdays: readonly number[] = []): number {
  const since = timeOfDay(time);
  const wanted = (day: number): boolean => weekdays.length === 0 || weekdays.includes(weekdayOf(day));
  const found = nextInstant(zone, moment - 1, (local) => nextOnDays(since, local, wanted));
  if (found === undefined) throw new RangeError(`No day of the week is among ${weekdays.join(', ')}.`);
  return found;
}
