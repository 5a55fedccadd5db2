/**
 * What the event node lets a user choose. The same list as ANNOUNCEMENTS in lib/outbox, which the editor cannot load; a
 * test holds them together.
 */
const CAMPAIGN = [
  ...['created', 'updated', 'scheduled', 'launched', 'paused', 'resumed', 'completed', 'cancelled', 'deleted'],
  ...['restored', 'stage_changed', 'assigned', 'commented', 'run_missed', 'escalated'],
];
const EXPERIMENT = ['started', 'found', 'decided'];
const LEAD = ['created', 'updated', 'scored', 'segment_changed'];
const ENGAGEMENT = ['email_sent', 'email_opened', 'email_clicked', 'sms_delivered', 'conversion', 'tracked'];
const ROI = ['budget_exceeded', 'target_achieved', 'milestone_reached', 'underperforming'];
const APPROVAL = ['requested', 'voted', 'approved', 'rejected', 'expired', 'reminded', 'voided', 'withdrawn'];
const CONVERSION = ['attributed'];
const COMPENSATION = ['undone', 'partly_undone', 'failed'];

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  campaign: CAMPAIGN,
  experiment: EXPERIMENT,
  lead: LEAD,
  engagement: ENGAGEMENT,
  roi: ROI,
  approval: APPROVAL,
  conversion: CONVERSION,
  compensation: COMPENSATION,
};

/** Patterns: everything, then each group followed by its events. */
export const EVENT_CHOICES: readonly string[] = [
  '*',
  ...Object.entries(GROUPS).flatMap(([group, events]) =>
    ['*', ...events].map((event) => `marketing.${group}.${event}`),
  ),
];
