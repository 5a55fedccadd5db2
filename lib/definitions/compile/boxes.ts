import { printDuration } from '../../conditions';
import { shorten } from './names';
import type { Box, FlowNode, Owner } from './types';

/*
 * What the node types save, as their own defaults say it. The nodes are not imported here: the core works without them. A
 * test holds these against the migrations of the nodes.
 */

/** Versions of the configurations that are written here. */
const VERSION = 1;
const TRIGGER_VERSION = 2;
const CONSENT_VERSION = 2;
const SEND_VERSION = 2;
const DELAY_VERSION = 2;

/** Milliseconds in the units of the delay node, longest first. */
const UNITS = [
  ['weeks', 604_800_000],
  ['days', 86_400_000],
  ['hours', 3_600_000],
  ['minutes', 60_000],
  ['seconds', 1_000],
] as const;

interface Drawn {
  readonly id: string;
  readonly name: string;
  readonly store: string;
  readonly disabled?: boolean;
}

/** A trigger node: people enter when a campaign is launched, or when `event` comes. */
export function triggerBox(
  drawn: Drawn,
  trigger: { definition: string; step: string; event?: string; segment?: string; rules?: TriggerRules },
): Box {
  const { definition, step, event, segment, rules = {} } = trigger;
  const { condition = '', frequency = '', delayMs = 0, cooldownMs = 0, reentry = 'always' } = rules;
  const [delay, delayUnit] = inUnits(delayMs, 'days');
  const [cooldown, cooldownUnit] = inUnits(cooldownMs, 'hours');
  const [pause, pauseUnit] = typeof reentry === 'number' ? inUnits(reentry, 'days') : ['30', 'days'];
  return box('marketing-trigger', drawn, 1, {
    ...OTHER_TRIGGERS,
    configVersion: TRIGGER_VERSION,
    ...{ condition, frequency, delay, delayUnit, cooldown, cooldownUnit, cooldownOf: 'lead' },
    ...{ reentry: typeof reentry === 'number' ? 'pause' : reentry, pause, pauseUnit, pauseSince: 'end' },
    mode: event === undefined ? 'launch' : 'event',
    audience: segment === undefined ? 'everybody' : 'segment',
    segment: segment ?? '',
    event: event ?? '',
    unknownPolicy: 'hold',
    definition,
    step,
  });
}

/** How often people come in by a trigger, and who. */
export interface TriggerRules {
  readonly condition?: string;
  readonly delayMs?: number;
  readonly frequency?: string;
  readonly cooldownMs?: number;
  readonly reentry?: 'always' | 'never' | 'finished' | number;
}

/** What a trigger that listens to something else would say. */
const OTHER_TRIGGERS = {
  ...{ watchSegment: '', segmentChange: 'entered', atFirst: false, threshold: '50', direction: 'rises' },
  ...{ attribute: '', every: 'year', offsetDays: '0', offsetSide: 'after', at: '09:00', leapDay: 'feb28' },
  ...{ graceHours: '24', contract: '', options: '', webhookKey: '', webhookAuth: 'signature' },
  ...{ webhookHeader: 'X-Webhook-Secret', leadPath: 'lead', dataPath: 'data', idPath: 'id', createLeads: true },
};

/** A duration in the units of the trigger node; a part of a minute counts as a whole one. */
function inUnits(ms: number, none: string): [amount: string, unit: string] {
  if (ms === 0) return ['0', none];
  const [unit, length] = UNITS.find(([name, size]) => name !== 'weeks' && name !== 'seconds' && ms % size === 0) ?? [
    'minutes',
    60_000,
  ];
  return [String(Math.ceil(ms / length)), unit];
}

/** A segment node: those who match leave by output 0, the others by output 1. */
export function segmentBox(drawn: Drawn, by: { segment: string } | { condition: string }): Box {
  return box('marketing-segment', drawn, 2, {
    mode: 'segment' in by ? 'saved' : 'inline',
    segment: 'segment' in by ? by.segment : '',
    condition: 'condition' in by ? by.condition : '',
  });
}

/** A consent node: who may be reached leaves by output 0. */
export function consentBox(drawn: Drawn, channel: string, requireConsent: 'all' | 'eu' | 'none'): Box {
  return box('marketing-consent', drawn, 2, {
    channel,
    checkSuppression: true,
    checkOptOut: true,
    checkFrequency: false,
    configVersion: CONSENT_VERSION,
    requireConsent,
    unknownCountry: 'block',
  });
}

/** What a delay node waits for. */
export type Waiting =
  | { readonly kind: 'duration'; readonly ms: number }
  | { readonly kind: 'time'; readonly time: string; readonly weekdays: readonly number[] }
  | {
      readonly kind: 'event';
      readonly event: string;
      readonly condition?: string;
      readonly since: string;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'condition'; readonly condition: string; readonly timeoutMs: number }
  | { readonly kind: 'segment'; readonly segment: string; readonly timeoutMs: number };

const WEEKDAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** A delay node. Those that wait until something happens have a second output, for when time has run out. */
export function delayBox(drawn: Omit<Drawn, 'name'>, step: string, waiting: Waiting): Box {
  const { name, outputs, ...own } = delayOf(waiting);
  return box('marketing-delay', { ...drawn, name }, outputs, {
    configVersion: DELAY_VERSION,
    mode: 'duration',
    amount: '1',
    unit: 'days',
    until: '',
    untilType: 'str',
    attribute: '',
    direction: 'after',
    shift: '0',
    shiftUnit: 'days',
    missing: 'continue',
    time: '09:00',
    weekdays: '1,2,3,4,5',
    event: '',
    eventCondition: '',
    since: 'entry',
    ownCampaign: false,
    condition: '',
    segment: '',
    timeout: '4',
    timeoutUnit: 'hours',
    hold: 'none',
    quietFrom: '22:00',
    quietTo: '08:00',
    weekends: false,
    holidays: '',
    releaseMinutes: '30',
    onChange: 'keep',
    outputs,
    ...own,
    step,
  });
}

function delayOf(waiting: Waiting): { name: string; outputs: number } & Record<string, unknown> {
  switch (waiting.kind) {
    case 'duration': {
      const [amount, unit] = inLongestUnit(waiting.ms);
      return { name: `Wait ${printDuration(waiting.ms)}`, outputs: 1, amount, unit };
    }
    case 'time': {
      const { time, weekdays } = waiting;
      if (weekdays.length === 0) return { name: `Until ${time}`, outputs: 1, mode: 'hour', time };
      const days = weekdays.map((day) => WEEKDAYS[day]).join(', ');
      return { name: `Until ${days} ${time}`, outputs: 1, mode: 'weekday', time, weekdays: weekdays.join(',') };
    }
    case 'event': {
      const { event, condition = '', since } = waiting;
      return { name: `Until ${event}`, mode: 'event', event, eventCondition: condition, since, ...atMost(waiting) };
    }
    case 'condition':
      return {
        name: `Until ${shorten(waiting.condition, 44)}`,
        mode: 'condition',
        condition: waiting.condition,
        ...atMost(waiting),
      };
    case 'segment':
      return {
        name: `Until in ${waiting.segment}`,
        mode: 'segment',
        segment: waiting.segment,
        ...atMost(waiting),
      };
  }
}

function atMost({ timeoutMs }: { timeoutMs: number }): { outputs: number; timeout: string; timeoutUnit: string } {
  const [timeout, timeoutUnit] = inLongestUnit(timeoutMs);
  return { outputs: 2, timeout, timeoutUnit };
}

function inLongestUnit(ms: number): [amount: string, unit: string] {
  const [unit, length] = UNITS.find(([, size]) => ms % size === 0) ?? ['seconds', 1_000];
  return [String(ms / length), unit];
}

/** What a send node sends, and through which account. */
export interface Sending {
  readonly step: string;
  readonly account: string;
  readonly contentFrom: 'inline' | 'template' | 'campaign';
  readonly template?: string;
  readonly subject?: string;
  readonly html?: string;
  readonly text?: string;
  readonly method?: string;
  readonly url?: string;
  readonly payload?: string;
  /** Shown in the editor's information panel: what is missing. */
  readonly info?: string;
}

/** A send node; its outputs are sent, failed and suppressed. */
export function sendBox(drawn: Drawn, sending: Sending): Box {
  const { info, ...given } = sending;
  return box('marketing-send', drawn, 3, {
    configVersion: SEND_VERSION,
    template: '',
    subject: '',
    html: '',
    text: '',
    from: '',
    fromName: '',
    replyTo: '',
    method: 'POST',
    url: '',
    headers: [],
    payload: '',
    onUnknown: '',
    maxAttempts: '5',
    ...given,
    ...(info === undefined ? {} : { info }),
  });
}

/** A comment node; `info` is Markdown. */
export function commentBox(id: string, name: string, info = ''): Box {
  return { id, type: 'comment', name, properties: { info }, outputs: [] };
}

/** The store that comes along when none is given; the examples of this package bring the same one. */
export const USUAL_STORE: FlowNode = {
  id: '3a21295d813c26eb',
  type: 'marketing-store',
  configVersion: VERSION,
  name: 'Marketing',
  databaseUrl: '',
  timersUrl: '',
  tenant: 'default',
  baseUrl: '',
  httpPath: '/marketing',
};

/** An account node that waits for somebody to fill it in; one of a kind that nobody sends yet is refused until then. */
export function accountNode(id: string, name: string, channel: string): FlowNode {
  return {
    id,
    type: 'marketing-account',
    configVersion: VERSION,
    name,
    channel,
    host: '',
    port: '587',
    security: 'starttls',
    user: '',
    fromName: '',
    fromAddress: '',
    replyTo: '',
    connections: '5',
    rate: '0',
    ratePer: 'second',
    allowPrivate: false,
    timeoutSeconds: '10',
    url: '',
    authHeader: 'Authorization',
  };
}

/** The tab of a definition. One that the database owns is locked: what is drawn there would be overwritten. */
export function tabNode(id: string, label: string, info: string, owner: Owner | undefined): FlowNode {
  const env = owner === undefined ? [] : [variable(OWNER, owner.definition), variable(STORE, owner.store)];
  return { id, type: 'tab', label, disabled: false, info, env, ...(owner === undefined ? {} : { locked: true }) };
}

const OWNER = 'MARKETING_DEFINITION';
const STORE = 'MARKETING_STORE';

/** The definition of the database that a tab is drawn from; undefined for everybody else's tabs. */
export function ownerOf(tab: Readonly<Record<string, unknown>>): Owner | undefined {
  if (tab['type'] !== 'tab') return undefined;
  const [definition, store] = [environment(tab, OWNER), environment(tab, STORE)];
  return definition === undefined || store === undefined ? undefined : { definition, store };
}

function variable(name: string, value: string): object {
  return { name, value, type: 'str' };
}

/** A variable of a tab: the one property of ours that Node-RED's editor keeps there. */
function environment({ env }: Readonly<Record<string, unknown>>, name: string): string | undefined {
  for (const entry of Array.isArray(env) ? (env as unknown[]) : []) {
    if (typeof entry !== 'object' || entry === null || Reflect.get(entry, 'name') !== name) continue;
    const value: unknown = Reflect.get(entry, 'value');
    return typeof value === 'string' ? value : undefined;
  }
  return undefined;
}

function box(
  type: Box['type'],
  { id, name, store, disabled }: Drawn,
  outputs: number,
  properties: Readonly<Record<string, unknown>>,
): Box {
  return {
    id,
    type,
    name,
    properties: { configVersion: VERSION, store, ...properties },
    outputs: Array.from({ length: outputs }, () => []),
    ...(disabled ? { disabled } : {}),
  };
}

/** Draws a wire from an output of a box. */
export function wire(from: Box, output: number, ...to: readonly (Box | undefined)[]): void {
  for (const target of to) if (target) from.outputs[output]?.push(target);
}
