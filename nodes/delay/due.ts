import { DateTime, IANAZone } from 'luxon';
import { InputError } from '../../lib/errors';
import { text } from '../kit/names';

/** Milliseconds in a unit of the delay node. */
export const UNIT_MS = {
  seconds: 1_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
} as const;

/** A unit of the delay node. */
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

/**
 * The moment that a date and time means, in ms since 1970. Text with a zone or offset means one moment; text without
 * means the wall clock of `zone` (the lead's), or UTC where that is no valid IANA name. Numbers are ms since 1970.
 * @throws InputError E_DATE
 */
export function momentOf(value: unknown, zone?: string): number {
  if (value instanceof Date) return momentOf(value.getTime());
  if (typeof value === 'number') return checked(value, value);
  const written = text(value);
  if (/^-?\d{9,16}$/.test(written)) return checked(Number(written), value);
  const usable = zone !== undefined && IANAZone.isValidZone(zone) ? zone : 'utc';
  const parsed = [DateTime.fromISO(written, { zone: usable }), DateTime.fromSQL(written, { zone: usable })].find(
    ({ isValid }) => isValid,
  );
  if (!parsed) {
    throw new InputError(
      'E_DATE',
      `"${written.slice(0, 80)}" is no date and time. Write one such as 2026-12-24T18:00 or 2026-12-24T18:00:00+01:00.`,
    );
  }
  return checked(parsed.toMillis(), value);
}

/** Whether a text names one moment for everybody, wherever they live. */
export function namesZone(written: string): boolean {
  return /(?:[Zz]|[+-]\d{2}:?\d{2})$/.test(written.trim()) && /[T ]\d{2}/.test(written);
}

/**
 * What a delay declares for people who wait when its configuration changes: the new duration, or the new moment. A
 * date-time without a zone is another moment for everybody, and one from the message is not known: those keep theirs.
 */
export function recomputeOf(config: Readonly<Record<string, unknown>>): { recomputeMs?: number; recomputeAt?: number } {
  if (config['onChange'] !== 'recompute') return {};
  if (config['mode'] === 'until') {
    const until = text(config['until']);
    if ((config['untilType'] ?? 'str') !== 'str' || !namesZone(until)) return {};
    return tolerant(() => ({ recomputeAt: momentOf(until) }));
  }
  const unit = unitOf(config['unit']);
  return unit === undefined
    ? {}
    : tolerant(() => ({ recomputeMs: durationMs(Number(text(config['amount']) || Number.NaN), unit) }));
}

/** A unit by its name. */
export function unitOf(value: unknown): DelayUnit | undefined {
  return typeof value === 'string' && Object.hasOwn(UNIT_MS, value) ? (value as DelayUnit) : undefined;
}

/** A delay that is not configured properly says so itself; the deploy of the others goes on. */
function tolerant<T extends object>(compute: () => T): T | Record<string, never> {
  try {
    return compute();
  } catch {
    return {};
  }
}

function checked(moment: number, value: unknown): number {
  if (Number.isFinite(moment) && Math.abs(moment) <= LAST_MOMENT) return Math.round(moment);
  throw new InputError('E_DATE', `${JSON.stringify(value)} is no moment in milliseconds since 1970.`);
}
