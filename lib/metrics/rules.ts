import type { MetricDelta, MetricName } from './types';

/*
 * What each metric counts. Counting live (a row changes) and counting again (from all rows, count.ts) both ask here:
 * there is no second definition.
 */

/** A message as far as it is counted. */
export interface CountedMessage {
  readonly campaign: number;
  readonly variant: string;
  readonly channel: string;
  readonly state: string;
  /** When it was first tried. */
  readonly sendingAt: number;
  /** When it got its state; NULL while it is being sent. */
  readonly settledAt: number | null;
  readonly costMicros: number;
}

/** An engagement as far as it is counted. */
export interface CountedEngagement {
  readonly campaign: number;
  readonly variant: string;
  readonly channel: string | null;
  readonly type: string;
  readonly at: number;
  readonly valueMicros: number;
}

/** Where a message counts as made up. `times`: how many such messages; negative takes them back. */
export function queuedOf(
  { campaign, variant, channel, sendingAt }: Omit<CountedMessage, 'state' | 'settledAt' | 'costMicros'>,
  times = 1,
): MetricDelta[] {
  return [{ campaign, variant, channel, at: sendingAt, name: 'queued', amount: times }];
}

/** Where a message counts by its state; nowhere while it is being sent or put off. `costMicros` is that of all `times`. */
export function settledOf(
  { campaign, variant, channel, state, settledAt, costMicros }: Omit<CountedMessage, 'sendingAt'>,
  times = 1,
): MetricDelta[] {
  if (settledAt === null || (state !== 'sent' && state !== 'failed' && state !== 'unknown')) return [];
  const base = { campaign, variant, channel, at: settledAt };
  const counted: MetricDelta = { ...base, name: state, amount: times };
  return state === 'sent' ? [counted, { ...base, name: 'cost', amount: costMicros }] : [counted];
}

/** What a message that became another one moves: all that it counted is taken back, all that it counts is added. */
export function messageChanged(before: CountedMessage | undefined, after: CountedMessage): MetricDelta[] {
  const gone = before ? [...queuedOf(before, -1), ...settledOf({ ...before, costMicros: -before.costMicros }, -1)] : [];
  return [...gone, ...queuedOf(after), ...settledOf(after)];
}

/** Channels whose name may stand before a kind of engagement: `email_opened`, `sms_delivered` … */
const CHANNELS = new Set(['email', 'sms', 'whatsapp', 'push', 'in_app', 'webhook', 'slack', 'social', 'voice']);
const KINDS = new Set<MetricName>(['delivered', 'bounced', 'opened', 'clicked', 'unsubscribed']);
const CONVERSIONS = new Set(['conversion', 'converted', 'purchase', 'purchased']);

/** Which kind of engagement a type is, and of which channel when it says so; undefined for what is only worth its value. */
export function kindOf(
  type: string,
  channel: string | null,
): { name: MetricName; channel: string | undefined } | undefined {
  if (CONVERSIONS.has(type)) return { name: 'converted', channel: undefined };
  const at = type.lastIndexOf('_');
  const [prefix, word] = [type.slice(0, Math.max(at, 0)), type.slice(at + 1) as MetricName];
  if (!KINDS.has(word)) return undefined;
  if (at < 0) return { name: word, channel: undefined };
  return CHANNELS.has(prefix) || prefix === channel ? { name: word, channel: prefix } : undefined;
}

/** What an engagement moves. `valueMicros` is that of all `times`. */
export function engagementOf(
  { campaign, variant, channel, type, at, valueMicros }: CountedEngagement,
  times = 1,
): MetricDelta[] {
  const kind = kindOf(type, channel);
  const base = { campaign, variant, channel: channel ?? kind?.channel ?? '', at };
  const value: MetricDelta[] = valueMicros === 0 ? [] : [{ ...base, name: 'revenue', amount: valueMicros }];
  return kind ? [{ ...base, name: kind.name, amount: times }, ...value] : value;
}

/** Types of engagements that show that somebody cared: opened, clicked, converted. */
export const CARED: readonly string[] = [
  ...CONVERSIONS,
  ...['opened', 'clicked'].flatMap((word) => [word, ...Array.from(CHANNELS, (channel) => `${channel}_${word}`)]),
];

/** Types of engagements that are clicks. */
export function clickTypes(): string[] {
  return CARED.filter((type) => type === 'clicked' || type.endsWith('_clicked'));
}

/**
 * What a share of a conversion moves that no engagement of the campaign counts already (see lib/conversions). `times`: 0 for a
 * further share of one that is counted.
 */
export function conversionOf(
  { campaign, variant, channel, at, valueMicros }: Omit<CountedEngagement, 'type'>,
  times: number,
): MetricDelta[] {
  const base = { campaign, variant, channel: channel ?? '', at };
  return [
    ...(times === 0 ? [] : [{ ...base, name: 'converted' as const, amount: times }]),
    ...(valueMicros === 0 ? [] : [{ ...base, name: 'revenue' as const, amount: valueMicros }]),
  ];
}
