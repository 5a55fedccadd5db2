/*
 * Words of this folder
 *   announcement   something that happened and that others may want to know: a type and a few facts, ids instead of persons
 *   subscription   somebody who is told of some types: a webhook, or an event node in a flow
 *   delivery       one announcement on its way to one subscription: a row of the outbox
 *   endpoint       the address that a webhook is posted to
 *   dispatcher     what posts the deliveries of webhooks in one process
 *   reader         what hands the deliveries of an event node to its flow
 */

/** Every type that this package announces. */
export const ANNOUNCEMENTS = [
  'marketing.campaign.created',
  'marketing.campaign.updated',
  'marketing.campaign.scheduled',
  'marketing.campaign.launched',
  'marketing.campaign.paused',
  'marketing.campaign.resumed',
  'marketing.campaign.completed',
  'marketing.campaign.cancelled',
  'marketing.campaign.deleted',
  'marketing.campaign.restored',
  'marketing.campaign.stage_changed',
  'marketing.campaign.assigned',
  'marketing.campaign.commented',
  'marketing.campaign.run_missed',
  'marketing.campaign.escalated',
  'marketing.experiment.started',
  'marketing.experiment.found',
  'marketing.experiment.decided',
  'marketing.approval.requested',
  'marketing.approval.voted',
  'marketing.approval.approved',
  'marketing.approval.rejected',
  'marketing.approval.expired',
  'marketing.approval.voided',
  'marketing.approval.withdrawn',
  'marketing.approval.reminded',
  'marketing.lead.created',
  'marketing.lead.updated',
  'marketing.lead.scored',
  'marketing.lead.segment_changed',
  'marketing.engagement.email_sent',
  'marketing.engagement.email_opened',
  'marketing.engagement.email_clicked',
  'marketing.engagement.sms_delivered',
  'marketing.engagement.conversion',
  'marketing.engagement.tracked',
  'marketing.conversion.attributed',
  'marketing.compensation.undone',
  'marketing.compensation.partly_undone',
  'marketing.compensation.failed',
  'marketing.roi.budget_exceeded',
  'marketing.roi.target_achieved',
  'marketing.roi.milestone_reached',
  'marketing.roi.underperforming',
] as const;

/** A type of announcement. */
export type AnnouncementType = (typeof ANNOUNCEMENTS)[number];

/** Something that happened. */
export interface Announcement {
  readonly type: AnnouncementType;
  /** Facts: ids, keys, numbers, states. No names, addresses or other personal data: receivers may ask for those by id. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** An announcement as it is delivered. */
export interface Announced extends Announcement {
  /** Stable over all tries and receivers: what a receiver recognises a repeated delivery by. */
  readonly id: string;
  readonly tenant: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Hears announcements in this process, after their commit. What it throws or rejects with is logged, never passed on. */
export type Listener = (announced: Announced) => void | Promise<void>;
