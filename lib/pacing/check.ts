import { type CALENDAR_FIELDS, checkCalendarRules, ianaZone, type CalendarProblem } from '../calendar';
import { InputError } from '../errors';
import type { SendRules, TenantSendRules } from './types';

/** Something that is wrong with what was given, and where (a JSON pointer). */
export type Problem = CalendarProblem;

const CHANNEL = /^[a-z][a-z0-9_-]{0,31}$/;
const MOST_CAPS = 20;
const MOST_NAMED = 100;
/** Messages per minute or hour at most: more is no limit any more. */
const FASTEST = 1e9;

type Check = (value: unknown, path: string) => Problem[];

const OWN: Readonly<Record<Exclude<keyof SendRules, (typeof CALENDAR_FIELDS)[number] | 'category'>, Check>> = {
  throttle: checkThrottle,
  releaseMinutes: between(0, 24 * 60, 'must be 0 to 1440 minutes'),
  againAfterHours: between(0, 366 * 24, 'must be 0 (at any time) to 8784 hours'),
  whenCapped: (value, path) =>
    value === 'skip' || value === 'postpone' ? [] : [{ path, message: 'is skip or postpone' }],
};

const SHARED: Readonly<Record<Exclude<keyof TenantSendRules, keyof SendRules>, Check>> = {
  timeZone: (value, path) =>
    typeof value === 'string' && ianaZone(value)
      ? []
      : [{ path, message: 'must be the name of an IANA zone, such as Europe/Berlin' }],
  caps: checkCaps,
  channels: named(checkThrottle, (name) => CHANNEL.test(name), 'is no name of a channel, such as email'),
  accounts: named(checkThrottle, (name) => name.length > 0 && name.length <= 128, 'is no key of an account'),
  total: checkThrottle,
};

/** Everything that is wrong with a campaign's send rules; paths begin with `path`. */
export function checkSendRules(input: unknown, path = ''): Problem[] {
  return check(input, path, {
    ...OWN,
    category: (value, at) =>
      typeof value === 'string' && CHANNEL.test(value)
        ? []
        : [{ path: at, message: 'must be marketing, transactional or a short word in small letters' }],
  });
}

/** Everything that is wrong with a tenant's send rules. */
export function checkTenantSendRules(input: unknown): Problem[] {
  return check(input, '', { ...OWN, ...SHARED });
}

/** @throws InputError `E_SEND_RULES` with `details.problems` */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const said = problems.map(({ path, message }) => `${path.slice(1) || 'it'} ${message}`).join('; ');
  throw new InputError('E_SEND_RULES', `These send rules cannot be used: ${said}.`, { details: { problems } });
}

function check(input: unknown, path: string, checks: Readonly<Record<string, Check>>): Problem[] {
  if (!isRecord(input)) return [{ path, message: 'must be an object such as {"throttle":{"perHour":600}}' }];
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined));
  const calendar = Object.keys(checks);
  return [
    ...checkCalendarRules(given, path, calendar),
    ...calendar.flatMap((name) => (name in given ? (checks[name]?.(given[name], `${path}/${name}`) ?? []) : [])),
  ];
}

function checkThrottle(value: unknown, path: string): Problem[] {
  if (!isRecord(value)) return [{ path, message: 'must be an object with perMinute, perHour or both' }];
  const problems = Object.keys(value)
    .filter((name) => name !== 'perMinute' && name !== 'perHour')
    .map((name) => ({ path: `${path}/${pointer(name)}`, message: 'is unknown here; known: perMinute, perHour' }));
  for (const name of ['perMinute', 'perHour']) {
    const limit = value[name];
    if (limit === undefined) continue;
    if (typeof limit !== 'number' || !(limit > 0) || limit > FASTEST) {
      problems.push({ path: `${path}/${name}`, message: 'must be a number above 0' });
    }
  }
  return problems;
}

function checkCaps(value: unknown, path: string): Problem[] {
  if (!Array.isArray(value)) return [{ path, message: 'must be a list such as [{"messages":3,"days":7}]' }];
  if (value.length > MOST_CAPS) return [{ path, message: `has at most ${MOST_CAPS} caps` }];
  return value.flatMap((cap: unknown, index) => checkCap(cap, `${path}/${index}`));
}

function checkCap(cap: unknown, path: string): Problem[] {
  if (!isRecord(cap)) return [{ path, message: 'must be an object such as {"messages":3,"days":7}' }];
  const known = ['messages', 'days', 'channel', 'category'];
  const problems = Object.keys(cap)
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: `${path}/${pointer(name)}`, message: `is unknown here; known: ${known.join(', ')}` }));
  const { messages, days, channel, category } = cap;
  if (!Number.isInteger(messages) || Number(messages) < 1 || Number(messages) > 1_000) {
    problems.push({ path: `${path}/messages`, message: 'must be a whole number from 1 to 1000' });
  }
  if (typeof days !== 'number' || !(days > 0) || days > 366) {
    problems.push({ path: `${path}/days`, message: 'must be a number of days up to 366; an hour is 0.0417' });
  }
  for (const [name, word] of [
    ['channel', channel],
    ['category', category],
  ] as const) {
    if (word !== undefined && (typeof word !== 'string' || !CHANNEL.test(word))) {
      problems.push({ path: `${path}/${name}`, message: 'must be a short word in small letters' });
    }
  }
  if (category === 'transactional') {
    problems.push({ path: `${path}/category`, message: 'is never transactional: those messages obey no cap' });
  }
  return problems;
}

function between(least: number, most: number, message: string): Check {
  return (value, path) => (typeof value === 'number' && value >= least && value <= most ? [] : [{ path, message }]);
}

function named(one: Check, isName: (name: string) => boolean, message: string): Check {
  return (value, path) => {
    if (!isRecord(value)) return [{ path, message: 'must be an object, with a throttle for each name' }];
    const entries = Object.entries(value);
    if (entries.length > MOST_NAMED) return [{ path, message: `has at most ${MOST_NAMED} names` }];
    return entries.flatMap(([name, throttle]) => {
      const at = `${path}/${pointer(name)}`;
      return isName(name) ? one(throttle, at) : [{ path: at, message }];
    });
  };
}

function pointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
