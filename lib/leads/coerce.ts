import { reject, shown } from './reject';
import type { AttributeType, AttributeValue } from './types';

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const YES = new Set(['true', 'yes', 'y', 't', '1', 'on', 'ja', 'j', 'oui', 'si', 'sí']);
const NO = new Set(['false', 'no', 'n', 'f', '0', 'off', 'nein', 'non']);
const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const GERMAN_DATE = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/;

/** The furthest moment that JavaScript's dates reach, in milliseconds from 1970. */
const FURTHEST = 8.64e15;
const LONGEST_TEXT = 65_536;
const MOST_ITEMS = 1_000;

/**
 * A value in the form in which its type is stored, or null for "remove it". An empty text is no number, no date and no yes or no:
 * it removes those.
 * @throws Rejected `E_ATTRIBUTE_VALUE` with a sentence that names the attribute and what is wrong
 */
export function coerce(name: string, type: AttributeType, value: unknown): AttributeValue | null {
  if (value === null || value === undefined) return null;
  if (type !== 'string' && typeof value === 'string' && value.trim() === '') return null;
  switch (type) {
    case 'number':
      return toNumber(name, value);
    case 'boolean':
      return toBoolean(name, value);
    case 'date':
      return toDate(name, value);
    case 'string':
      return toText(name, value);
    case 'string[]':
      return toList(name, value);
  }
}

/** @throws Rejected `E_ATTRIBUTE_VALUE` */
export function toNumber(name: string, value: unknown): number {
  const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    wrong(name, value, 'a number', 'Write it with a decimal point and without separators: 1234.5');
  }
  // -0 would be equal to 0 in every comparison and yet look different.
  return number + 0;
}

/** What a yes or no in a text means; undefined when it is neither. */
export function yesOrNo(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (YES.has(word)) return true;
  return NO.has(word) ? false : undefined;
}

function toBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const answer = typeof value === 'string' || typeof value === 'number' ? yesOrNo(String(value)) : undefined;
  return answer ?? wrong(name, value, 'true or false', 'Write true, false, yes, no, 1 or 0');
}

function toDate(name: string, value: unknown): number {
  const time =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string'
          ? parseDate(value)
          : undefined;
  if (time === undefined || !Number.isInteger(time) || Math.abs(time) > FURTHEST) {
    wrong(name, value, 'a date', 'Write 2026-03-01, 2026-03-01T10:00:00Z or milliseconds since 1970');
  }
  return time + 0;
}

/** Milliseconds since 1970 of an ISO 8601 date or date-time, or of a day as it is written in German. Without an offset: UTC. */
export function parseDate(given: string): number | undefined {
  const text = given.trim();
  if (/^-?\d{9,16}$/.test(text)) return Number(text);
  const german = GERMAN_DATE.exec(text);
  if (german) return moment(Number(german[3]), Number(german[2]), Number(german[1]));
  const [match, year, month, day, hour, minute, second, fraction, offset] = DATE.exec(text) ?? [];
  if (match === undefined) return undefined;
  const start = moment(Number(year), Number(month), Number(day));
  const clock = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)] as const;
  const shift = offsetMinutes(offset);
  if (start === undefined || shift === undefined || clock[0] > 23 || clock[1] > 59 || clock[2] > 59) return undefined;
  const millis = Math.floor(Number(`0.${fraction ?? '0'}`) * 1000);
  return start + ((clock[0] * 60 + clock[1] - shift) * 60 + clock[2]) * 1000 + millis;
}

function moment(year: number, month: number, day: number): number | undefined {
  const time = Date.UTC(year, month - 1, day);
  const date = new Date(time);
  // 30 February would silently become 2 March; years below 100 would become 19xx.
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    ? time
    : undefined;
}

function offsetMinutes(offset: string | undefined): number | undefined {
  if (offset === undefined || offset.toUpperCase() === 'Z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || 0);
  if (hours > 15 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function toText(name: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') wrong(name, value, 'a text');
  return storable(name, value);
}

function toList(name: string, value: unknown): string[] {
  let items: unknown = value;
  if (typeof value === 'string') {
    const text = value.trim();
    items = text.startsWith('[')
      ? parseList(name, text)
      : text
          .split(';')
          .map((item) => item.trim())
          .filter((item) => item !== '');
  }
  if (!Array.isArray(items)) wrong(name, value, 'a list of texts', 'Write a;b;c or ["a","b","c"]');
  if (items.length > MOST_ITEMS) wrong(name, `${items.length} items`, `a list of at most ${MOST_ITEMS} texts`);
  return items.map((item: unknown) => toText(name, item));
}

function parseList(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return wrong(name, text, 'a list of texts', 'Write a;b;c or ["a","b","c"]');
  }
}

/** A text that all three databases can keep. @throws Rejected `E_ATTRIBUTE_VALUE` */
function storable(name: string, text: string): string {
  if (text.length > LONGEST_TEXT)
    wrong(name, `a text of ${text.length} characters`, `a text of at most ${LONGEST_TEXT} characters`);
  if (text.includes('\0') || /\p{Cs}/u.test(text)) wrong(name, text, 'a text', 'It contains NUL or half a character');
  return text;
}

function wrong(name: string, value: unknown, wanted: string, hint?: string): never {
  reject(
    'E_ATTRIBUTE_VALUE',
    name,
    `The attribute "${name}" must be ${wanted}, not "${shown(value)}".${hint ? ` ${hint}.` : ''}`,
  );
}

/** The type that a value seems to have; undefined for objects and other things that cannot be an attribute. */
export function typeOfValue(value: unknown): AttributeType | undefined {
  switch (typeof value) {
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'string':
      return 'string';
    case 'object':
      if (value instanceof Date) return 'date';
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? 'string[]' : undefined;
    default:
      return undefined;
  }
}
