import { InputError, messageOf } from '../../lib/errors';
import { checkTriggerConfig, type TriggerConfig } from '../../lib/triggers';
import { text } from '../kit/names';

/** What the node offers for starting a journey. */
export const MODES = ['launch', 'event', 'webhook', 'segment', 'score', 'date', 'custom'] as const;
export type TriggerMode = (typeof MODES)[number];

type Config = Readonly<Record<string, unknown>>;

const UNITS: Readonly<Record<string, number>> = {
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
};
const FREQUENCIES: Readonly<Record<string, number>> = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
  '30d': 2_592_000_000,
};
const HOUR_MS = 3_600_000;

/** How a node's journey starts; a launch for a node that says nothing. */
export function modeOf(config: Config): TriggerMode {
  return MODES.find((mode) => mode === config['mode']) ?? 'launch';
}

/** The node's configuration as the engine takes it. @throws InputError `E_TRIGGER`, `E_CONFIG` */
export function triggerRules(config: Config): TriggerConfig {
  const mode = modeOf(config);
  if (mode === 'launch') return checkTriggerConfig({ listens: { on: 'launch' } });
  const cooldown = duration(config, 'cooldown', 'cooldownUnit');
  const frequency = text(config['frequency']);
  return checkTriggerConfig({
    listens: listensOf(mode, config),
    condition: text(config['condition']),
    delayMs: duration(config, 'delay', 'delayUnit'),
    reentry: reentryOf(config),
    ...(frequency === '' ? {} : { frequencyMs: FREQUENCIES[frequency] ?? wrong('frequency', frequency) }),
    cooldown: config['cooldownOf'] === 'campaign' ? { campaignMs: cooldown } : { leadMs: cooldown },
  });
}

/** What others need to know of the node at a deploy. One that is not configured properly lets in nobody, and says why itself. */
export function describeTrigger(config: Config): { config?: { trigger: TriggerConfig | { broken: string } } } {
  if (modeOf(config) === 'launch') return {};
  try {
    return { config: { trigger: triggerRules(config) } };
  } catch (error) {
    return { config: { trigger: { broken: messageOf(error) } } };
  }
}

function listensOf(mode: Exclude<TriggerMode, 'launch'>, config: Config): object {
  switch (mode) {
    case 'event':
    case 'webhook':
      return { on: mode, event: text(config['event']) };
    case 'segment':
      return {
        on: mode,
        segment: text(config['watchSegment']),
        change: text(config['segmentChange']) || 'entered',
        atFirst: isTrue(config['atFirst']),
      };
    case 'score':
      return {
        on: mode,
        threshold: numberOf(config, 'threshold'),
        direction: text(config['direction']) || 'rises',
      };
    case 'date':
      return {
        on: mode,
        attribute: text(config['attribute']),
        every: text(config['every']) || 'year',
        offsetDays: numberOf(config, 'offsetDays', 0) * (config['offsetSide'] === 'before' ? -1 : 1),
        at: text(config['at']) || '09:00',
        leapDay: text(config['leapDay']) || 'feb28',
        graceMs: numberOf(config, 'graceHours', 24) * HOUR_MS,
      };
    case 'custom':
      return { on: mode, contract: text(config['contract']), options: optionsOf(config) };
  }
}

function reentryOf(config: Config): object {
  const when = text(config['reentry']) || 'always';
  if (when !== 'pause') return { when };
  return { when, ms: duration(config, 'pause', 'pauseUnit'), since: text(config['pauseSince']) || 'end' };
}

/** Ms; 0 for an empty field. */
function duration(config: Config, amount: string, unit: string): number {
  const length = UNITS[text(config[unit]) || 'days'] ?? wrong(unit, text(config[unit]));
  return Math.round(numberOf(config, amount, 0) * length);
}

function numberOf(config: Config, name: string, otherwise?: number): number {
  const written = text(config[name]);
  if (written === '' && otherwise !== undefined) return otherwise;
  const value = Number(written);
  return written !== '' && Number.isFinite(value) ? value : wrong(name, written);
}

function optionsOf(config: Config): unknown {
  const written = text(config['options']);
  if (written === '') return {};
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return wrong('options', written.slice(0, 80));
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

function wrong(name: string, written: string): never {
  throw new InputError('E_CONFIG', `The property "${name}" of this trigger is "${written}", which cannot be used.`, {
    details: { property: name },
  });
}
