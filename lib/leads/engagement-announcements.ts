import { kindOf } from '../metrics';
import { announce, ANNOUNCEMENTS, type AnnouncementType } from '../outbox';
import type { Scope } from '../store';

/** An engagement as others are told of it. */
export interface EngagementFacts {
  readonly lead: number;
  readonly campaign?: number;
  readonly type: string;
  readonly channel?: string;
  /** Ms since 1970. */
  readonly at: number;
  /** In the campaign's currency. */
  readonly value?: number;
}

/** Announces engagements, in the transaction that writes them. Their metadata are not told: they may hold anything. */
export async function announceEngagements(tx: Scope, engagements: readonly EngagementFacts[]): Promise<void> {
  await announce(
    tx,
    engagements.map((one) => ({ type: announcementOf(one.type), data: { ...one } })),
  );
}

/** The word that the requirement has for a type, or `tracked`. */
function announcementOf(type: string): AnnouncementType {
  if (kindOf(type, null)?.name === 'converted') return 'marketing.engagement.conversion';
  return ANNOUNCEMENTS.find((known) => known === `marketing.engagement.${type}`) ?? 'marketing.engagement.tracked';
}
