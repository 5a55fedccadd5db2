import { InputError } from '../../lib/errors';
import { isTimeOfDay, readCalendarRules, type CalendarRules } from '../../lib/calendar';
import {
  durationMs,
  momentOf,
  namesZone,
  UNIT_MS,
  type DelayPlan,
  type DelayUnit,
  type Hold,
  type Shift,
  type Since,
  type Until,
  type WaitFor,
  type WaitSpec,
} from '../../lib/waiting';
import { readConfig, type ConfigReader } from '../kit/config';
import { text } from '../kit/names';

/** What the delay node can wait for. */
export const MODES = ['duration', 'until', 'attribute', 'hour', 'weekday', 'event', 'condition', 'segment'] as const;
export type DelayMode = (typeof MODES)[number];

/** What becomes of people who lack the date that the node waits for. */
export type WhenMissing = 'continue' | 'end' | 'output';

/** What a delay node does with whoever arrives. */
export type NodePlan =
  | { readonly kind: 'moment'; readonly plan: DelayPlan; readonly whenMissing: WhenMissing; readonly attribute: string }
  /** The date and time is evaluated for each message. */
  | { readonly kind: 'message'; readonly value: string; readonly type: 'msg' | 'env'; readonly hold: Hold | undefined }
  | { readonly kind: 'wait'; readonly spec: WaitSpec; readonly patience: DelayPlan };

const UNITS = Object.keys(UNIT_MS) as DelayUnit[];
const SHIFT_UNITS: readonly Shift['unit'][] = ['minutes', 'hours', 'days', 'weeks'];
const EVENT = /^[a-z][\w.:-]{0,95}$/i;

/** What a node's configuration says. @throws InputError E_CONFIG, E_DURATION, E_DATE, E_CALENDAR */
export function planOf(config: ConfigReader): NodePlan {
  const mode = config.choice('mode', MODES, 'duration');
  const hold = holdOf(config);
  const moment = (until: Until): NodePlan => ({
    kind: 'moment',
    plan: withHold(until, hold),
    whenMissing: config.choice('missing', ['continue', 'end', 'output'], 'continue'),
    attribute: until.kind === 'attribute' ? until.attribute : '',
  });
  switch (mode) {
    case 'duration':
      return moment({ kind: 'duration', ms: duration(config, 'amount', 'unit', 'days') });
    case 'until': {
      const type = config.choice('untilType', ['str', 'msg', 'env'], 'str');
      const value = config.text('until');
      if (type !== 'str') return { kind: 'message', value, type, hold };
      momentOf(value);
      return moment({ kind: 'moment', at: value });
    }
    case 'attribute':
      return moment(attributeOf(config));
    case 'hour':
      return moment({ kind: 'time', time: timeOf(config) });
    case 'weekday':
      return moment({ kind: 'time', time: timeOf(config), weekdays: weekdaysOf(config) });
    case 'event':
    case 'condition':
    case 'segment':
      return {
        kind: 'wait',
        spec: { for: waitedFor(config, mode), ...(hold ? { hold } : {}) },
        patience: withHold({ kind: 'duration', ms: duration(config, 'timeout', 'timeoutUnit', 'hours') }, hold),
      };
  }
}

function withHold(until: Until, hold: Hold | undefined): DelayPlan {
  return hold ? { until, hold } : { until };
}

function duration(config: ConfigReader, amount: string, unit: string, otherwise: DelayUnit): number {
  return durationMs(config.number(amount, { min: 0 }), config.choice<DelayUnit>(unit, UNITS, otherwise));
}

function attributeOf(config: ConfigReader): Until {
  const attribute = config.text('attribute');
  if (attribute === '') throw wrong('attribute', 'name the attribute that holds the date');
  const amount = config.number('shift', { min: 0, max: 100_000, otherwise: 0 });
  const before = config.choice('direction', ['after', 'before'], 'after') === 'before';
  const time = config.text('time');
  if (time !== '' && !isTimeOfDay(time)) throw wrong('time', 'give a time such as 09:00, or none');
  return {
    kind: 'attribute',
    attribute,
    // Minus nothing is nothing: a negative zero would not survive being written as JSON.
    ...(amount === 0
      ? {}
      : { shift: { amount: before ? -amount : amount, unit: config.choice('shiftUnit', SHIFT_UNITS, 'days') } }),
    ...(time === '' ? {} : { time }),
  };
}

function timeOf(config: ConfigReader): string {
  const time = config.text('time');
  if (!isTimeOfDay(time)) throw wrong('time', 'give a time such as 09:00');
  return time;
}

function weekdaysOf(config: ConfigReader): number[] {
  const days = config
    .text('weekdays')
    .split(/[\s,]+/)
    .filter((day) => day !== '')
    .map(Number);
  const usable = days.every((day) => Number.isInteger(day) && day >= 1 && day <= 7);
  if (days.length === 0 || !usable) throw wrong('weekdays', 'choose at least one day, 1 (Monday) to 7 (Sunday)');
  return [...new Set(days)].sort((a, b) => a - b);
}

function waitedFor(config: ConfigReader, mode: 'event' | 'condition' | 'segment'): WaitFor {
  switch (mode) {
    case 'event': {
      const event = config.text('event');
      if (!EVENT.test(event)) throw wrong('event', 'name the event, such as purchase');
      const condition = config.text('eventCondition');
      return {
        kind: 'event',
        event,
        since: config.choice<Since>('since', ['entry', 'arrival', 'ever'], 'entry'),
        ...(condition === '' ? {} : { condition }),
        ...(config.flag('ownCampaign', false) ? { ownCampaign: true } : {}),
      };
    }
    case 'condition': {
      const condition = config.text('condition');
      if (condition === '') throw wrong('condition', 'write the condition that is waited for');
      return { kind: 'condition', condition };
    }
    case 'segment': {
      const segment = config.text('segment');
      if (segment === '') throw wrong('segment', 'choose the segment that is waited for');
      return { kind: 'segment', segment };
    }
  }
}

function holdOf(config: ConfigReader): Hold | undefined {
  const hold = config.choice('hold', ['none', 'tenant', 'own'], 'none');
  if (hold === 'none') return undefined;
  const release = config.text('releaseMinutes');
  const releaseMinutes =
    release === '' ? {} : { releaseMinutes: config.number('releaseMinutes', { min: 0, max: 24 * 60 }) };
  return { calendar: hold === 'tenant' ? 'tenant' : ownCalendar(config), ...releaseMinutes };
}

function ownCalendar(config: ConfigReader): CalendarRules {
  const [from, to] = [config.text('quietFrom'), config.text('quietTo')];
  const holidays = config
    .text('holidays')
    .split(/[\s,;]+/)
    .filter((day) => day !== '');
  return readCalendarRules({
    ...(from === '' && to === '' ? {} : { quietHours: { from, to } }),
    ...(config.flag('weekends', false) ? { excludeWeekends: true } : {}),
    ...(holidays.length === 0 ? {} : { holidays }),
  });
}

function wrong(property: string, advice: string): InputError {
  return new InputError('E_CONFIG', `The property "${property}" of this node cannot be used: ${advice}.`, {
    details: { property },
  });
}

/** What a delay declares at deploy about people who wait when it was changed. */
interface Recomputation {
  recomputeMs?: number;
  recomputeAt?: number;
  recomputeBy?: Readonly<Record<string, unknown>>;
}

/**
 * What becomes of the due times of those who wait when the node was changed. Where everybody's hangs on themselves, it is worked out
 * for each. A moment that came with a message is not known any more: those keep theirs.
 */
export function recomputeOf(config: Readonly<Record<string, unknown>>): Recomputation {
  if (config['onChange'] !== 'recompute') return {};
  try {
    const node = planOf(readConfig(config));
    switch (node.kind) {
      case 'message':
        return {};
      case 'wait':
        return recomputation(node.patience);
      case 'moment':
        return recomputation(node.plan);
    }
  } catch {
    // A delay that is not configured properly says so itself; the deploy of the others goes on.
    return {};
  }
}

function recomputation(plan: DelayPlan): Recomputation {
  const { until, hold } = plan;
  if (!hold && until.kind === 'duration') return { recomputeMs: until.ms };
  if (!hold && until.kind === 'moment' && namesZone(text(until.at))) return { recomputeAt: momentOf(until.at) };
  return { recomputeBy: { ...plan } };
}
