import { createHash } from 'node:crypto';
import type { IANAZone } from 'luxon';
import { isOpen, nextOpen, openUntil, type CalendarRules } from '../calendar';

/** Of an open time that is shorter than the release, so much is used: nobody is to be late for it. */
const USED = 0.9;

/**
 * Until when somebody is held, for whom it is a closed time at `moment` (ms): the next open moment, and a share of the release
 * after it that hangs on the lead alone. So those who were held leave spread over it, and whoever is asked again gets
 * the same answer. Undefined when it is open.
 */
export function heldUntil(
  moment: number,
  zone: IANAZone,
  calendar: CalendarRules,
  { releaseMs, lead }: { releaseMs: number; lead: number },
): number | undefined {
  if (isOpen(moment, zone, calendar)) return undefined;
  const opens = nextOpen(moment, zone, calendar);
  const release = Math.min(releaseMs, USED * (openUntil(opens, zone, calendar) - opens));
  return opens + Math.floor(shareOf(lead) * release);
}

/** 0 (inclusive) to 1 (exclusive), evenly over leads. */
export function shareOf(lead: number): number {
  return createHash('sha256').update(`release ${lead}`).digest().readUIntBE(0, 6) / 2 ** 48;
}
