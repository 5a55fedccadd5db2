import { InputError } from '../errors';
import type { DateRule, Listens, Reentry, TriggerConfig } from './types';

const DAY_MS = 86_400_000;
/** AC-004.3: 0 to 30 days between the trigger and what follows. */
const LONGEST_DELAY_MS = 30 * DAY_MS;
/** Pauses and cool-downs: ten years are more likely a slip of the keyboard than a plan. */
const LONGEST_PAUSE_MS = 3_653 * DAY_MS;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A trigger's configuration, checked. What is absent gets the defaults: no delay, and whoever comes comes in.
 * @throws InputError `E_TRIGGER`
 */
export function checkTriggerConfig(written: unknown): TriggerConfig {
  const fields = record(written, 'The configuration of a trigger');
  const condition = optionalText(fields['condition'], 'condition', 2_000);
  const cooldown = fields['cooldown'] === undefined ? {} : record(fields['cooldown'], '"cooldown"');
  return {
    listens: listensOf(record(fields['listens'], '"listens"')),
    ...(condition === undefined ? {} : { condition }),
    delayMs: whole(fields['delayMs'] ?? 0, 'delayMs', 0, LONGEST_DELAY_MS),
    reentry: reentryOf(fields['reentry'] ?? { when: 'always' }),
    ...pauses(fields, ['frequencyMs']),
    cooldown: pauses(cooldown, ['leadMs', 'campaignMs']),
  };
}

/** What an event's trigger of a former release, or of a test, means: whoever comes comes in. */
export function plainConfig(listens: Listens): TriggerConfig {
  return { listens, delayMs: 0, reentry: { when: 'always' }, cooldown: {} };
}

/** The columns of a station by which a trigger is found; undefined for launches and events, which have their own. */
export function whatItListensTo(listens: Listens): { on: string; what: string } | undefined {
  switch (listens.on) {
    case 'launch':
    case 'event':
    case 'webhook':
      return undefined;
    case 'segment':
      return { on: 'segment', what: listens.segment };
    case 'score':
      return { on: 'score', what: listens.direction };
    case 'date':
      return { on: 'date', what: listens.attribute };
    case 'custom':
      return { on: 'custom', what: listens.contract };
  }
}

function listensOf(fields: Fields): Listens {
  const on = oneOf(fields['on'], 'on', ['launch', 'event', 'webhook', 'segment', 'score', 'date', 'custom']);
  switch (on) {
    case 'launch':
      return { on };
    case 'event':
    case 'webhook':
      return { on, event: eventName(fields['event']) };
    case 'segment':
      return {
        on,
        segment: requiredText(fields['segment'], 'segment', 128),
        change: oneOf(fields['change'] ?? 'entered', 'change', ['entered', 'left']),
        atFirst: fields['atFirst'] === true,
      };
    case 'score':
      return {
        on,
        threshold: number(fields['threshold'], 'threshold'),
        direction: oneOf(fields['direction'] ?? 'rises', 'direction', ['rises', 'falls']),
      };
    case 'date':
      return { on, ...dateOf(fields) };
    case 'custom':
      return {
        on,
        contract: requiredText(fields['contract'], 'contract', 64),
        options: fields['options'] === undefined ? {} : record(fields['options'], '"options"'),
      };
  }
}

function dateOf(fields: Fields): DateRule {
  const at = fields['at'] ?? '09:00';
  if (typeof at !== 'string' || !/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(at))
    throw wrong('at', at, 'write a local time such as 09:00');
  return {
    attribute: requiredText(fields['attribute'], 'attribute', 128),
    every: oneOf(fields['every'] ?? 'year', 'every', ['year', 'once']),
    offsetDays: whole(fields['offsetDays'] ?? 0, 'offsetDays', -365, 365),
    at,
    leapDay: oneOf(fields['leapDay'] ?? 'feb28', 'leapDay', ['feb28', 'mar1', 'skip']),
    graceMs: whole(fields['graceMs'] ?? DAY_MS, 'graceMs', 0, 7 * DAY_MS),
  };
}

function reentryOf(written: unknown): Reentry {
  const fields = record(written, '"reentry"');
  const when = oneOf(fields['when'], 'reentry', ['always', 'never', 'finished', 'pause']);
  if (when !== 'pause') return { when };
  return {
    when,
    ms: whole(fields['ms'], 'reentry.ms', 1, LONGEST_PAUSE_MS),
    since: oneOf(fields['since'] ?? 'end', 'reentry.since', ['entry', 'end']),
  };
}

function pauses<Name extends string>(fields: Fields, names: readonly Name[]): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && value !== 0) found[name] = whole(value, name, 1, LONGEST_PAUSE_MS);
  }
  return found;
}

function eventName(value: unknown): string {
  const name = requiredText(value, 'event', 96);
  if (!/^[a-z][\w.:-]*$/i.test(name))
    throw wrong('event', name, 'use a letter, then letters, digits, "_", "-", ".", ":"');
  return name;
}

function record(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InputError('E_TRIGGER', `${what} must be an object.`);
}

function requiredText(value: unknown, name: string, longest: number): string {
  const text = optionalText(value, name, longest);
  if (text === undefined) throw wrong(name, value, 'name one');
  return text;
}

function optionalText(value: unknown, name: string, longest: number): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw wrong(name, value, 'this is a text');
  const text = value.trim();
  if (text.length > longest) throw wrong(name, `${text.slice(0, 40)}…`, `use at most ${longest} characters`);
  return text === '' ? undefined : text;
}

function number(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrong(name, value, 'give a number');
}

function whole(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw wrong(name, value, `give a whole number from ${min} to ${max}`);
}

function oneOf<const T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw wrong(name, value, `choose one of ${choices.join(', ')}`);
}

function wrong(name: string, value: unknown, advice: string): InputError {
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  return new InputError('E_TRIGGER', `"${name}" of this trigger is ${shown}: ${advice}.`, { details: { field: name } });
}
