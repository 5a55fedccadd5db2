import type { Scope } from '../store';
import { MARKETING, TRANSACTIONAL, type Cap, type EffectiveRules } from './types';

const DAY_MS = 86_400_000;

/** A message that counts. */
export interface CountedMessage {
  readonly campaign: number;
  readonly enrollment: number;
  readonly channel: string;
  readonly category: string;
  /** Ms. */
  readonly at: number;
}

/** Somebody who is about to get a message. */
export interface CapCandidate {
  readonly campaign: number;
  readonly enrollment: number;
  readonly channel: string;
}

/** Why somebody gets no message now. */
export interface Capped {
  /** What people read. */
  readonly detail: string;
  /** When it would be allowed, ms. */
  readonly until: number;
}

/** How far back messages count for these rules, on this channel, ms; 0: none does. */
export function lookBackOf(rules: EffectiveRules, channel: string): number {
  return Math.max(rules.againAfterMs, ...capsFor(rules, channel).map(({ days }) => days * DAY_MS), 0);
}

/** Whether messages on other channels count as well. */
export function countsAllChannels(rules: EffectiveRules, channel: string): boolean {
  return capsFor(rules, channel).some((cap) => cap.channel === undefined);
}

function capsFor(rules: EffectiveRules, channel: string): readonly Cap[] {
  return rules.caps.filter((cap) => cap.channel === undefined || cap.channel === channel);
}

/**
 * What stands against one more message; the longest lasting one. Two things may:
 *
 * - A cap of the tenant's: all messages within its window count, of any campaign, but no transactional ones.
 * - BR-001, "campaigns cannot target the same lead more than once per day": a message of another enrollment (another run, or another
 *   entry by an event) of the same campaign on this channel. Messages of the same enrollment do not count: a journey of three mails
 *   an hour apart targets a lead once.
 */
export function cappedBy(
  rules: EffectiveRules,
  candidate: CapCandidate,
  messages: readonly CountedMessage[],
  now: number,
): Capped | undefined {
  const found = [
    ...capsFor(rules, candidate.channel).map((cap) => over(cap, messages, now)),
    again(rules, candidate, messages, now),
  ];
  return found.reduce((worst, one) => (one && (!worst || one.until > worst.until) ? one : worst), undefined);
}

function over(cap: Cap, messages: readonly CountedMessage[], now: number): Capped | undefined {
  const windowMs = cap.days * DAY_MS;
  const counted = messages
    .filter(
      ({ at, channel, category }) =>
        at > now - windowMs &&
        (cap.channel === undefined || cap.channel === channel) &&
        (cap.category === undefined ? category !== TRANSACTIONAL : cap.category === category),
    )
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  if (counted.length < cap.messages) return undefined;
  const leaves = counted[counted.length - cap.messages] ?? now;
  return { detail: `has got ${counted.length} of ${wordsOf(cap)}`, until: leaves + windowMs };
}

function wordsOf({ messages, days, channel, category }: Cap): string {
  const kind = [category, channel].filter((word) => word !== undefined).join(' ');
  return `at most ${messages} ${kind === '' ? '' : `${kind} `}messages in ${days} days`;
}

function again(
  { againAfterMs }: EffectiveRules,
  { campaign, enrollment, channel }: CapCandidate,
  messages: readonly CountedMessage[],
  now: number,
): Capped | undefined {
  const latest = messages.reduce(
    (last, one) =>
      one.campaign === campaign && one.enrollment !== enrollment && one.channel === channel
        ? Math.max(last, one.at)
        : last,
    -Infinity,
  );
  if (latest <= now - againAfterMs) return undefined;
  return {
    detail: `another run of this campaign has reached them within ${againAfterMs / 3_600_000} hours`,
    until: latest + againAfterMs,
  };
}

interface MessageRow {
  step_id: number;
  lead_id: number;
  campaign_id: number;
  enrollment_id: number;
  channel: string;
  settled_at: number | null;
  message_category: string | null;
}

/**
 * Messages that leads have got since a moment, or may have got (in doubt, on their way), besides those of `steps`; by lead. With the
 * leads locked, nobody can add one until the transaction ends.
 */
export async function messagesOf(
  tx: Scope,
  leads: Iterable<number>,
  { since, channel, steps = new Set() }: { since: number; channel?: string; steps?: ReadonlySet<number> },
): Promise<Map<number, CountedMessage[]>> {
  const { dialect } = tx;
  const now = tx.clock.now();
  const select = (state: string, settled: string): string =>
    `SELECT m.step_id, m.lead_id, m.campaign_id, m.enrollment_id, m.channel, m.settled_at, c.message_category
     FROM ${dialect.rows('rows', { lead: 'int' }, 'r')}
     ${dialect.join} marketing_messages m ON m.tenant_id = :tenant AND m.lead_id = r.lead
       ${channel === undefined ? '' : 'AND m.channel = :channel'} AND m.settled_at ${settled} AND m.state ${state}
     LEFT JOIN marketing_campaigns c ON c.id = m.campaign_id AND c.tenant_id = :tenant`;
  const rows = await tx.all<MessageRow>(
    `${select(`IN ('sent', 'unknown')`, '> :since')} UNION ALL ${select(`= 'sending'`, 'IS NULL')}`,
    {
      since,
      ...(channel === undefined ? {} : { channel }),
      rows: JSON.stringify([...new Set(leads)].map((lead) => [lead])),
    },
  );
  const byLead = new Map<number, CountedMessage[]>();
  for (const row of rows) {
    if (steps.has(row.step_id)) continue;
    const message = {
      campaign: row.campaign_id,
      enrollment: row.enrollment_id,
      channel: row.channel,
      category: row.message_category ?? MARKETING,
      at: row.settled_at ?? now,
    };
    const list = byLead.get(row.lead_id);
    if (list) list.push(message);
    else byLead.set(row.lead_id, [message]);
  }
  return byLead;
}
