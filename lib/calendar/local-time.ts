import { IANAZone } from 'luxon';

/*
 * A *local time* here is what a wall clock shows, as a number: the milliseconds since 1970 that the same date and time
 * would have in UTC. It can be counted with (a day has 24 hours), and says nothing about an instant until a zone is given.
 */

/** Milliseconds of a day of local time. */
export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Finding out whether a name is one of a zone costs as much as everything else about a run. */
const known = new Map<string, IANAZone>();

/** The zone of a name; undefined when there is none. Offsets ("+02:00") are none: they know no summer time. */
export function ianaZone(name: string): IANAZone | undefined {
  const zone = known.get(name);
  if (zone || !/^[A-Za-z]/.test(name) || !IANAZone.isValidZone(name)) return zone;
  // There are some 600 names, but many ways to write them in capitals.
  if (known.size > 2_000) known.clear();
  const found = IANAZone.create(name);
  known.set(name, found);
  return found;
}

/** What the zone's wall clock shows at an instant. */
export function localOf(zone: IANAZone, instant: number): number {
  return instant + offsetAt(zone, instant);
}

/**
 * The first instant at which the zone's wall clock shows this local time **or a later one**. One rule for all that clocks do:
 * a time that is shown twice (clocks put back) is taken the first time, and one that is never shown (clocks put forward, a day
 * left out) means the moment right after the gap.
 *
 * Expects at most one change of the zone's offset within the day before the local time, which holds for all of tzdata.
 */
export function instantOf(zone: IANAZone, local: number): number {
  const former = offsetAt(zone, local - DAY_MS);
  const unchanged = local - former;
  const latter = offsetAt(zone, unchanged);
  if (latter === former) return unchanged;
  const changed = local - latter;
  if (offsetAt(zone, changed) === latter) return changed;
  return changeBetween(zone, local - DAY_MS, unchanged);
}

/** The midnight that a local time's day begins with. */
export function midnightOf(local: number): number {
  return Math.floor(local / DAY_MS) * DAY_MS;
}

/** False for a day that the zone left out, as Pacific/Apia did with 2011-12-30. `day` is its midnight, as a local time. */
export function dayExists(zone: IANAZone, day: number): boolean {
  return localOf(zone, instantOf(zone, day)) < day + DAY_MS;
}

function offsetAt(zone: IANAZone, instant: number): number {
  return Math.round(zone.offset(instant) * MINUTE_MS);
}

/** The first instant with the offset that the zone has at `high`, given that it has another one at `low`. */
export function changeBetween(zone: IANAZone, low: number, high: number): number {
  const latter = offsetAt(zone, high);
  let before = low;
  let after = high;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(zone, middle) === latter) after = middle;
    else before = middle;
  }
  return after;
}
