import { DateTime, IANAZone } from 'luxon';
import { instantOf } from '../calendar';
import { InputError } from '../errors';

/** Milliseconds in a unit of duration. A day is 24 hours. */
export const UNIT_MS = {
  seconds: 1_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
} as const;

/** A unit of duration. */
export type DelayUnit = keyof typeof UNIT_MS;

/** Latest moment that a JavaScript date can hold: ms since 1970. */
const LAST_MOMENT = 8_640_000_000_000_000;

/** How long a duration is, ms. @throws InputError E_DURATION */
export function durationMs(amount: number, unit: DelayUnit): number {
  const ms = Math.round(amount * UNIT_MS[unit]);
  // A hundred years are more likely a slip of the keyboard than a plan.
  if (!(ms >= 0) || ms > 100 * 365.25 * UNIT_MS.days) {
    throw new InputError('E_DURATION', `A delay of ${amount} ${unit} is not usable: give 0 to 100 years.`);
  }
  return ms;
}

/** Whether a text names one moment for everybody, wherever they live. */
export function namesZone(written: string): boolean {
  return /(?:[Zz]|[+-]\d{2}:?\d{2})$/.test(written.trim()) && /[T ]\d{2}/.test(written);
}

/** A date, or a date and time: of a wall clock, or one moment. */
export type Written =
  | { readonly kind: 'moment'; readonly at: number }
  /** `at`: what the clock shows, as a local time of lib/calendar. `wholeDay`: no time of day was said. */
  | { readonly kind: 'local'; readonly at: number; readonly wholeDay: boolean };

/**
 * What a date and time means. Text with a zone or offset, numbers (ms since 1970) and dates mean one moment; text without a zone means
 * a wall clock. Undefined for what is none.
 */
export function readMoment(value: unknown): Written | undefined {
  if (value instanceof Date) return readMoment(value.getTime());
  if (typeof value === 'number') return moment(value);
  if (typeof value !== 'string') return undefined;
  const written = value.trim();
  if (/^-?\d{9,16}$/.test(written)) return moment(Number(written));
  const parsed = [DateTime.fromISO(written, { zone: 'utc' }), DateTime.fromSQL(written, { zone: 'utc' })].find(
    ({ isValid }) => isValid,
  );
  if (!parsed) return undefined;
  if (namesZone(written)) return moment(parsed.toMillis());
  return { kind: 'local', at: parsed.toMillis(), wholeDay: !/[T ]\d/.test(written) };
}

function moment(at: number): Written | undefined {
  return Number.isFinite(at) && Math.abs(at) <= LAST_MOMENT ? { kind: 'moment', at: Math.round(at) } : undefined;
}

const UTC = IANAZone.create('UTC');

/**
 * The moment that a date and time means, in ms since 1970. Text without a zone means the wall clock of `zone`: a time that the clock
 * skips is the moment right after the gap, one that it shows twice the first of the two.
 * @throws InputError E_DATE
 */
export function momentOf(value: unknown, zone: IANAZone = UTC): number {
  const read = readMoment(value);
  if (read) return read.kind === 'moment' ? read.at : instantOf(zone, read.at);
  if (typeof value === 'number') {
    throw new InputError('E_DATE', `${JSON.stringify(value)} is no moment in milliseconds since 1970.`);
  }
  throw new InputError(
    'E_DATE',
    `"${typeof value === 'string' ? value.slice(0, 80) : typeof value}" is no date and time. Write one such as 2026-12-24T18:00 or 2026-12-24T18:00:00+01:00.`,
  );
}
