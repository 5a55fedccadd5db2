import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon';

/**
 * Dates in templates: Liquid's `date` filter with its strftime directives. Our own, because liquidjs computes in the zone of the
 * process and is an hour off around that zone's clock changes: the same lead must get the same bytes on every machine.
 */

/** What `date` prints without a format; liquidjs' default. */
const DEFAULT_FORMAT = '%A, %B %-e, %Y at %-l:%M %P %z';
const MAX_FORMAT = 100;
const MAX_WIDTH = 99;
const MINUTES_PER_DAY = 1_440;

/** Text of one directive, and how a number is filled up: with what, to which width. */
type Field = readonly [value: string | number, fill?: '0' | ' ', width?: number];

function ordinal(day: number): string {
  if (day >= 11 && day <= 13) return 'th';
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th';
}

/** Weeks of the year that begin on Sunday (`first` 0) or Monday (1), as strftime counts them. */
function weekOfYear(time: DateTime, first: 0 | 1): number {
  return Math.floor((time.ordinal + 6 - ((time.weekday - first + 7) % 7)) / 7);
}

function twelve(hour: number): number {
  return hour % 12 || 12;
}

function fieldOf(time: DateTime, directive: string): Field | undefined {
  switch (directive) {
    case 'Y':
      return [time.year];
    case 'C':
      return [Math.floor(time.year / 100), '0', 2];
    case 'y':
      return [time.year % 100, '0', 2];
    case 'G':
      return [time.weekYear];
    case 'V':
      return [time.weekNumber, '0', 2];
    case 'U':
      return [weekOfYear(time, 0), '0', 2];
    case 'W':
      return [weekOfYear(time, 1), '0', 2];
    case 'm':
      return [time.month, '0', 2];
    case 'd':
      return [time.day, '0', 2];
    case 'e':
      return [time.day, ' ', 2];
    case 'j':
      return [time.ordinal, '0', 3];
    case 'H':
      return [time.hour, '0', 2];
    case 'k':
      return [time.hour, ' ', 2];
    case 'I':
      return [twelve(time.hour), '0', 2];
    case 'l':
      return [twelve(time.hour), ' ', 2];
    case 'M':
      return [time.minute, '0', 2];
    case 'S':
      return [time.second, '0', 2];
    case 'L':
      return [time.millisecond, '0', 3];
    case 's':
      return [Math.floor(time.toMillis() / 1_000)];
    case 'u':
      return [time.weekday];
    case 'w':
      return [time.weekday % 7];
    case 'p':
      return [time.hour < 12 ? 'AM' : 'PM'];
    case 'P':
      return [time.hour < 12 ? 'am' : 'pm'];
    case 'q':
      return [ordinal(time.day)];
    case 'z':
      return [time.toFormat('ZZZ')];
    case ':z':
      return [time.toFormat('ZZ')];
    case 'Z':
      return [time.zoneName ?? ''];
    case 'A':
      return [time.toFormat('cccc')];
    case 'a':
      return [time.toFormat('ccc')];
    case 'B':
      return [time.toFormat('LLLL')];
    case 'b':
    case 'h':
      return [time.toFormat('LLL')];
    case 'n':
      return ['\n'];
    case 't':
      return ['\t'];
    case '%':
      return ['%'];
    default:
      return undefined;
  }
}

/** Directives that stand for several others. */
const COMPOSED: ReadonlyMap<string, string> = new Map([
  ['c', '%a %b %e %H:%M:%S %Y'],
  ['D', '%m/%d/%y'],
  ['F', '%Y-%m-%d'],
  ['R', '%H:%M'],
  ['r', '%I:%M:%S %p'],
  ['T', '%H:%M:%S'],
  ['v', '%e-%^b-%Y'],
  ['x', '%m/%d/%y'],
  ['X', '%H:%M:%S'],
]);

const DIRECTIVE = /%([-_0^#]*)(\d*)(:?[A-Za-z%])/g;

function strftime(time: DateTime, format: string): string {
  return format.replace(DIRECTIVE, (written, flags: string, width: string, directive: string) => {
    const composed = COMPOSED.get(directive);
    const field: Field | undefined = composed === undefined ? fieldOf(time, directive) : [strftime(time, composed)];
    if (!field) return written;
    const [value, usualFill, usualWidth = 0] = field;
    let text = String(value);
    if (flags.includes('^') || flags.includes('#')) text = text.toUpperCase();
    if (flags.includes('-')) return text;
    const fill = flags.includes('_')
      ? ' '
      : flags.includes('0')
        ? '0'
        : (usualFill ?? (typeof value === 'number' ? '0' : ' '));
    return text.padStart(Number(width) || usualWidth, fill);
  });
}

function zoneOf(zone: unknown): Zone {
  if (zone === undefined || zone === null || zone === '') return FixedOffsetZone.utcInstance;
  // As in liquidjs (and JavaScript): minutes to add to get UTC.
  if (typeof zone === 'number' && Math.abs(zone) <= MINUTES_PER_DAY) return FixedOffsetZone.instance(-zone);
  const named = typeof zone === 'string' && IANAZone.isValidZone(zone) ? IANAZone.create(zone) : undefined;
  if (!named) throw new Error('the zone of a date must be a name like "Europe/Berlin"');
  return named;
}

function momentOf(value: unknown, now: unknown, zone: Zone): DateTime | undefined {
  const moment = value === 'now' || value === 'today' ? now : value;
  if (typeof moment === 'number') return DateTime.fromMillis(moment, { zone, locale: 'en-US' });
  if (typeof moment !== 'string') return undefined;
  if (/^-?\d+$/.test(moment)) return DateTime.fromMillis(Number(moment), { zone, locale: 'en-US' });
  const options = { zone: 'utc' };
  let time = DateTime.fromISO(moment, options);
  if (!time.isValid) time = DateTime.fromSQL(moment, options);
  if (!time.isValid) time = DateTime.fromRFC2822(moment, options);
  return time.isValid ? time.setZone(zone).setLocale('en-US') : undefined;
}

/**
 * A date as text. Numbers (and texts of digits) are milliseconds since 1970; texts are ISO 8601, SQL or RFC 5322 dates, in UTC unless
 * they say otherwise; `now` and `today` are `now`. What is no date is given back as it is. Throws for a format of more than 100
 * characters or with fields wider than 99 (CVE-2026-45357), and for an unknown zone.
 */
export function formatDate(value: unknown, format: unknown, zone: unknown, now: unknown): unknown {
  const pattern = typeof format === 'string' && format !== '' ? format : DEFAULT_FORMAT;
  if (pattern.length > MAX_FORMAT || /%[-_0^#]*\d{3}/.test(pattern)) {
    throw new Error(`a date format may have at most ${MAX_FORMAT} characters and fields of at most ${MAX_WIDTH}`);
  }
  if ((value === 'now' || value === 'today') && now === undefined) return undefined;
  const time = momentOf(value, now, zoneOf(zone));
  return time?.isValid ? strftime(time, pattern) : value;
}
