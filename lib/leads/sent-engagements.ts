import type { Scope } from '../store';
import { announceEngagements } from './engagement-announcements';

/** A message that was sent, or is taken as sent. */
export interface SentMessage {
  readonly step: number;
  readonly lead: number;
  readonly campaign: number;
  readonly channel: string;
  /** Variant of an experiment; absent or empty: none. */
  readonly variant?: string;
}

/**
 * Notes on leads that they were sent a message (`email_sent`, or the channel's), in the transaction that says so of the message.
 * Each step at most once.
 */
export async function noteSent(tx: Scope, sent: readonly SentMessage[]): Promise<void> {
  if (sent.length === 0) return;
  const { dialect } = tx;
  const now = tx.clock.now();
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_engagements (tenant_id, lead_id, campaign_id, type, channel, event_id, variant, metadata, tracked_at)
     SELECT :tenant, r.lead, r.campaign, r.did, r.by_channel, r.event, r.of_variant, ${dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, :now
     FROM ${dialect.rows(
       'rows',
       { lead: 'int', campaign: 'int', did: 'text', by_channel: 'text', event: 'text', of_variant: 'text' },
       'r',
     )} WHERE 1 = 1 ${dialect.ignoreTail}`,
    {
      now,
      rows: JSON.stringify(
        sent.map(({ lead, campaign, channel, step, variant = '' }) => [
          lead,
          campaign,
          typeOf(channel),
          channel,
          `sent:${step}`,
          variant,
        ]),
      ),
    },
  );
  await announceEngagements(
    tx,
    sent.map(({ lead, campaign, channel }) => ({ lead, campaign, type: typeOf(channel), channel, at: now })),
  );
}

function typeOf(channel: string): string {
  return `${channel}_sent`;
}
