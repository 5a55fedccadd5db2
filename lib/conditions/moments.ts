/** Milliseconds of a day. */
export const DAY = 86_400_000;
/** Furthest moment from 1970 that JavaScript (and this package) knows, in milliseconds. */
export const FURTHEST = 8.64e15;

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * Milliseconds since 1970 of an ISO 8601 date or date-time; without a zone it is UTC. Undefined for what is none,
 * the 30th of February included (JSONata's `$toMillis` would roll over to March).
 */
export function parseMoment(text: string): number | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((index) => Number(match[index] ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const millis = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const offset = zoneOffset(match[8] ?? 'Z');
  if (offset === undefined) return undefined;
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millis;
}

/** Minutes east of UTC. */
function zoneOffset(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 14 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** True for a date without a time of day. */
export function isDateOnly(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text);
}

/** The shortest ISO text of a moment, as `$toMillis` reads it. */
export function printMoment(millis: number): string {
  const iso = new Date(millis).toISOString();
  return iso.endsWith('T00:00:00.000Z') ? iso.slice(0, -14) : iso;
}

/** Start of the UTC day of `now`, milliseconds since 1970. */
export function startOfDay(now: number): number {
  return Math.floor(now / DAY) * DAY;
}

const UNITS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY,
  week: 7 * DAY,
};

/** Short spellings. "m" is none of them: it may mean minutes or months. */
const SHORT: Readonly<Record<string, string>> = {
  sec: 'second',
  min: 'minute',
  h: 'hour',
  hr: 'hour',
  d: 'day',
  w: 'week',
};

/** Milliseconds of "30 days", "12 hours", "24h", "2 weeks", "45 min", "90 seconds"; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(\d{1,6}(?:\.\d{1,3})?)\s*([a-z]+?)s?\s*$/i.exec(text);
  const word = match?.[2]?.toLowerCase() ?? '';
  const unit = UNITS[SHORT[word] ?? word];
  const millis = unit === undefined ? 0 : Math.round(Number(match?.[1]) * unit);
  return millis > 0 ? millis : undefined;
}

/** A duration as {@link parseDuration} reads it, in the largest unit that fits evenly. */
export function printDuration(millis: number): string {
  const [unit, length] = Object.entries(UNITS)
    .reverse()
    .find(([, size]) => millis % size === 0) ?? ['second', 1_000];
  const count = millis / length;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
