import { toMicros } from '../metrics';
import type { Scope } from '../store';
import { isRecord, type Problems } from './problems';
import { ATTRIBUTION_MODELS, type Conversion } from './types';

const EVENT = /^[a-z][\w.:-]{0,95}$/i;
const MOST_EVENTS = 10;
const MOST_DAYS = 30;
const DEFAULT_DAYS = 7;
const DAY_MS = 86_400_000;
/** Names of JavaScript's own that mean something on any object. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

/** Looks at what a campaign says of its conversions (AC-013.1, AC-013.2, AC-013.4). */
export function checkConversion(value: unknown, path: string, problems: Problems): void {
  if (!isRecord(value)) return problems.add(path, 'must be an object with an event');
  problems.only(value, ['event', 'windowDays', 'model', 'touch', 'value'], path);
  const { event, windowDays, model, touch, value: worth } = value;
  const events: readonly unknown[] = Array.isArray(event) ? event : [event];
  if (events.length === 0 || events.length > MOST_EVENTS || new Set(events).size !== events.length) {
    problems.add(`${path}/event`, `must be a type of event, or a list of 1 to ${MOST_EVENTS} different ones`);
  }
  if (!events.every((one) => typeof one === 'string' && EVENT.test(one))) {
    problems.add(`${path}/event`, 'must be a type of event, such as purchase');
  }
  if (windowDays !== undefined && !isWithin(windowDays, 1, MOST_DAYS)) {
    problems.add(`${path}/windowDays`, `must be a whole number of days from 1 to ${MOST_DAYS}`);
  }
  if (model !== undefined && !ATTRIBUTION_MODELS.some((known) => known === model)) {
    problems.add(`${path}/model`, `is one of ${ATTRIBUTION_MODELS.join(', ')}`);
  }
  if (touch !== undefined && touch !== 'any' && touch !== 'sent' && touch !== 'clicked') {
    problems.add(`${path}/touch`, 'is one of any, sent, clicked');
  }
  if (worth !== undefined) checkValue(worth, `${path}/value`, problems);
}

function checkValue(value: unknown, path: string, problems: Problems): void {
  if (!isRecord(value)) return problems.add(path, 'must be an object with either property or fixed');
  problems.only(value, ['property', 'fixed'], path);
  const { property, fixed } = value;
  if ((property === undefined) === (fixed === undefined))
    return problems.add(path, 'must have either property or fixed');
  if (fixed !== undefined && toMicros(fixed) === undefined) {
    problems.add(`${path}/fixed`, 'must be an amount from 0 to a thousand million');
  }
  if (property === undefined) return;
  if (typeof property !== 'string' || property === '' || property.length > 64 || RESERVED.has(property)) {
    problems.add(`${path}/property`, 'must be the name of a property of the event, at most 64 characters');
  } else problems.storable(property, `${path}/property`);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

/** Writes the events that a campaign's conversions are found by. */
export async function writeConversionEvents(tx: Scope, id: number, conversion: Conversion | undefined): Promise<void> {
  await tx.run('DELETE FROM marketing_conversion_events WHERE tenant_id = :tenant AND campaign_id = :id', { id });
  if (!conversion) return;
  const { event, windowDays = DEFAULT_DAYS, model = 'last', touch = 'any', value } = conversion;
  const events = typeof event === 'string' ? [event] : event;
  await tx.run(
    `INSERT INTO marketing_conversion_events (tenant_id, campaign_id, event, window_ms, model, touch, value_property, value_micros)
     SELECT :tenant, :id, r.type_of, :window, :model, :touch, :property, :micros
     FROM ${tx.dialect.rows('rows', { type_of: 'text' }, 'r')} WHERE 1 = 1`,
    {
      id,
      window: windowDays * DAY_MS,
      model,
      touch,
      property: value && 'property' in value ? value.property : null,
      micros: value && 'fixed' in value ? (toMicros(value.fixed) ?? null) : null,
      rows: JSON.stringify(events.map((one) => [one])),
    },
  );
}
