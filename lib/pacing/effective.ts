import { CALENDAR_FIELDS, checkCalendarRules, type CalendarRules } from '../calendar';
import {
  DEFAULT_AGAIN_AFTER_HOURS,
  DEFAULT_CAPS,
  DEFAULT_RELEASE_MINUTES,
  MARKETING,
  TRANSACTIONAL,
  type EffectiveRules,
  type SendRules,
  type TenantSendRules,
  type Throttle,
} from './types';

/** What counts for a campaign (AC-010.6): field by field its own rule, else the tenant's, else the default. */
export function effectiveRules(own: SendRules, tenant: TenantSendRules): EffectiveRules {
  const rule = <K extends keyof Omit<SendRules, 'category'>>(name: K): NonNullable<SendRules[K]> | undefined => {
    const said = own[name] === undefined ? tenant[name] : own[name];
    return (said as NonNullable<SendRules[K]> | null | undefined) ?? undefined;
  };
  const category = own.category ?? MARKETING;
  const transactional = category === TRANSACTIONAL;
  const calendar = transactional ? undefined : calendarOf(rule);
  const { channels, accounts, total, timeZone } = tenant;
  return {
    category,
    transactional,
    intervalMs: intervalOf(rule('throttle')),
    calendar,
    neverOpen: calendar !== undefined && checkCalendarRules(calendar).length > 0,
    releaseMs: (rule('releaseMinutes') ?? DEFAULT_RELEASE_MINUTES) * 60_000,
    againAfterMs: transactional ? 0 : againAfter(own, tenant) * 3_600_000,
    whenCapped: rule('whenCapped') ?? 'skip',
    caps: transactional
      ? []
      : (tenant.caps ?? DEFAULT_CAPS).filter((cap) => cap.category === undefined || cap.category === category),
    timeZone,
    shared: {
      ...(channels ? { channels } : {}),
      ...(accounts ? { accounts } : {}),
      ...(total ? { total } : {}),
    },
  };
}

/** Ms between two messages at this throttle; 0: none. */
export function intervalOf(throttle: Throttle | null | undefined): number {
  return Math.max(
    throttle?.perMinute === undefined ? 0 : 60_000 / throttle.perMinute,
    throttle?.perHour === undefined ? 0 : 3_600_000 / throttle.perHour,
  );
}

/** `null` is "at any time" here, and not the default. */
function againAfter(own: SendRules, tenant: TenantSendRules): number {
  const said = own.againAfterHours === undefined ? tenant.againAfterHours : own.againAfterHours;
  return said === undefined ? DEFAULT_AGAIN_AFTER_HOURS : (said ?? 0);
}

function calendarOf(rule: (name: (typeof CALENDAR_FIELDS)[number]) => unknown): CalendarRules | undefined {
  const rules: CalendarRules = Object.fromEntries(
    CALENDAR_FIELDS.flatMap((name) => {
      const said = rule(name);
      const empty = said === undefined || said === false || (Array.isArray(said) && said.length === 0);
      return empty ? [] : [[name, said]];
    }),
  );
  return Object.keys(rules).length === 0 ? undefined : rules;
}
