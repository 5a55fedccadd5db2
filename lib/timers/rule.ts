import { CronExpressionParser } from 'cron-parser';
import { IANAZone } from 'luxon';
import { InputError, messageOf } from '../errors';
import type { TimerRule } from './types';

const CRON_FIELDS = /^(\S+\s+){4,5}\S+$/;
/** `setTimeout` and sanity: a shorter interval would be a busy loop. */
const SHORTEST_MS = 10;

/**
 * Checks a rule and writes it in one way, so that equal rules have equal texts.
 * @throws InputError `E_TIMER_RULE`
 */
export function normalizeRule(rule: TimerRule): TimerRule {
  if ('ms' in rule) {
    if (!Number.isInteger(rule.ms) || rule.ms < SHORTEST_MS) {
      throw wrongRule(`${rule.ms} is no interval: give a whole number of milliseconds, at least ${SHORTEST_MS}`);
    }
    return { ms: rule.ms };
  }
  const cron = rule.cron.trim().replace(/\s+/g, ' ');
  const timeZone = rule.timeZone ?? 'UTC';
  if (!CRON_FIELDS.test(cron))
    throw wrongRule(`"${rule.cron}" is no cron expression: give 5 fields, or 6 with seconds first`);
  if (!IANAZone.isValidZone(timeZone)) throw wrongRule(`"${timeZone}" is no IANA time zone such as "Europe/Berlin"`);
  try {
    CronExpressionParser.parse(cron, { tz: timeZone, currentDate: new Date(0) }).next();
  } catch (error) {
    throw wrongRule(`the cron expression "${cron}" cannot be used (${messageOf(error)})`);
  }
  return { cron, timeZone };
}

function wrongRule(why: string): InputError {
  return new InputError('E_TIMER_RULE', `A recurring timer was not set: ${why}.`);
}

/** One text per rule: to compare, and to store. */
export function ruleText(rule: TimerRule): string {
  return 'ms' in rule ? `${rule.ms} ms` : `${rule.cron} ${rule.timeZone ?? 'UTC'}`;
}

/**
 * The first time after `after` (exclusive) at which the rule rings. Intervals count from `anchor`, so that they do not
 * drift; what lies between is skipped. Cron follows the wall clock of its zone: a time that daylight saving skips rings
 * at the shift, one that it repeats rings once.
 */
export function nextOccurrence(rule: TimerRule, after: number, anchor: number): number {
  if ('ms' in rule) return anchor + (Math.floor((after - anchor) / rule.ms) + 1) * rule.ms;
  const expression = CronExpressionParser.parse(rule.cron, {
    tz: rule.timeZone ?? 'UTC',
    currentDate: new Date(after),
  });
  return expression.next().getTime();
}
