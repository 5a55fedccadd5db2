import { InputError } from '../errors';
import { CAP_PERIODS, type ScoreRuleBody } from './types';

/** The most points that one event may give or take. */
const MOST_POINTS = 10_000;
const LONGEST_DAYS = 3_650;
const LONGEST_CONDITION = 16_384;
const KEY = /^[\p{L}\p{N}_.-]{1,128}$/u;
const EVENT = /^(?:\*|[a-z][\w.:-]{0,95})$/i;
const UNSTORABLE = /\0|\p{Cs}/u;

/** Something that is wrong with what was given, and where (a JSON pointer). */
interface Problem {
  readonly path: string;
  readonly message: string;
}

/**
 * Looks at what a rule says; its condition is compiled elsewhere.
 * @throws InputError `E_SCORE_RULE` with `details.problems`
 */
export function checkRule({
  key,
  name,
  active,
  ...body
}: ScoreRuleBody & Record<'key' | 'name' | 'active', unknown>): void {
  const problems: Problem[] = [];
  const add = (path: string, message: string): void => void problems.push({ path, message });
  if (typeof key !== 'string' || !KEY.test(key)) add('/key', 'must be 1 to 128 letters, digits, "_", "-" or "."');
  if (typeof name !== 'string' || name.trim() === '' || name.length > 255 || UNSTORABLE.test(name)) {
    add('/name', 'must be a text of 1 to 255 characters');
  }
  if (typeof active !== 'boolean') add('/active', 'must be true or false');
  problems.push(...checkBody(body));
  if (problems.length === 0) return;
  const said = problems.map(({ path, message }) => `${path.slice(1)} ${message}`).join('; ');
  throw new InputError('E_SCORE_RULE', `This rule cannot be used: ${said}.`, { details: { problems } });
}

function checkBody(body: ScoreRuleBody): Problem[] {
  const problems: Problem[] = [];
  const add = (path: string, message: string): void => void problems.push({ path, message });
  const { on, event, condition, points, cap, decay, machines } = body;
  for (const name of Object.keys(body)) if (!FIELDS.has(name)) add(`/${name}`, 'is not known');
  if (on !== 'event' && on !== 'lead') add('/on', 'must be "event" or "lead"');
  if (!Number.isInteger(points) || points === 0 || Math.abs(points) > MOST_POINTS) {
    add('/points', 'must be a whole number from -10,000 to 10,000, not 0');
  }
  if (condition !== undefined) problems.push(...checkCondition(condition));
  if (machines !== undefined && typeof machines !== 'boolean') add('/machines', 'must be true or false');
  if (on === 'lead') {
    if (event !== undefined) add('/event', 'is for rules on events only');
    if (cap !== undefined) add('/cap', 'is for rules on events only');
    if (decay !== undefined)
      add('/decay', 'is for rules on events only: these points stay while the condition is true');
    if (condition === undefined) add('/condition', 'is missing: what must be true of the lead');
    return problems;
  }
  if (typeof event !== 'string' || !EVENT.test(event)) {
    add('/event', 'must be a type of event, such as email_opened, or "*" for every one');
  }
  if (cap !== undefined) problems.push(...checkCap(cap));
  if (decay !== undefined) problems.push(...checkDecay(decay));
  return problems;
}

const FIELDS: ReadonlySet<string> = new Set(['on', 'event', 'condition', 'points', 'cap', 'decay', 'machines']);

function checkCondition(condition: unknown): Problem[] {
  const path = '/condition';
  if (typeof condition !== 'string' && (typeof condition !== 'object' || condition === null)) {
    return [{ path, message: 'must be a text, or the JSON form of a condition' }];
  }
  if (typeof condition === 'string' && condition.trim() === '') return [{ path, message: 'must not be empty' }];
  const text = JSON.stringify(condition);
  if (text.length > LONGEST_CONDITION) return [{ path, message: `has at most ${LONGEST_CONDITION} characters` }];
  return UNSTORABLE.test(text) ? [{ path, message: 'contains characters that cannot be kept' }] : [];
}

function checkCap(cap: unknown): Problem[] {
  if (!isFields(cap)) return [{ path: '/cap', message: 'must be an object with points and per' }];
  const { points, per, ...others } = cap;
  const problems: Problem[] = Object.keys(others).map((name) => ({ path: `/cap/${name}`, message: 'is not known' }));
  if (!Number.isInteger(points) || Number(points) < 1 || Number(points) > 1_000_000) {
    problems.push({ path: '/cap/points', message: 'must be a whole number from 1 to 1,000,000' });
  }
  if (!CAP_PERIODS.some((known) => known === per)) {
    problems.push({ path: '/cap/per', message: `must be one of ${CAP_PERIODS.join(', ')}` });
  }
  return problems;
}

/** Also for what is not a rule's. */
export function checkDecay(decay: unknown): Problem[] {
  const path = '/decay';
  const message = 'must have either expiresAfterDays or halfLifeDays, a whole number from 1 to 3,650';
  if (!isFields(decay)) return [{ path, message }];
  const entries = Object.entries(decay).filter(([, value]) => value !== undefined);
  const [entry] = entries;
  if (entries.length !== 1 || !entry || !['expiresAfterDays', 'halfLifeDays'].includes(entry[0]))
    return [{ path, message }];
  const [name, days] = entry;
  return Number.isInteger(days) && Number(days) >= 1 && Number(days) <= LONGEST_DAYS
    ? []
    : [{ path: `${path}/${name}`, message: 'must be a whole number of days from 1 to 3,650' }];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
