import type { Engagement } from '../leads';
import type { Scope } from '../store';

/** The type of engagement that a reached goal is recorded as: a conversion of the campaign by its name. */
export const GOAL_EVENT = 'conversion';

/** Somebody who has reached a goal of a campaign. */
export interface ReachedGoal {
  readonly lead: number;
  readonly campaign: number;
  /** What makes it one, at most 120 characters: the step that the person came from, and the node. */
  readonly key: string;
  readonly goal: string;
  /** In the campaign's currency; absent: nothing. */
  readonly value?: number;
}

/** The engagements of reached goals: the same key is recorded once, however often it comes. */
export async function goalEngagements(scope: Scope, reached: readonly ReachedGoal[]): Promise<Engagement[]> {
  const latest = await latestMessages(scope, reached);
  return reached.map(({ lead, campaign, key, goal, value }) => {
    const message = latest.get(`${lead} ${campaign}`);
    return {
      leadId: lead,
      campaignId: campaign,
      type: GOAL_EVENT,
      eventId: `goal:${key}`,
      metadata: { goal, ...(value === undefined ? {} : { value }) },
      ...(message ? { channel: message.channel } : {}),
      ...(message?.variant ? { variant: message.variant } : {}),
    };
  });
}

/** The latest message of each lead in each campaign: its variant and channel are what the goal is counted for. */
async function latestMessages(
  scope: Scope,
  reached: readonly ReachedGoal[],
): Promise<Map<string, { variant: string; channel: string }>> {
  const rows = await scope.all<{ lead_id: number; campaign_id: number; variant: string; channel: string }>(
    `SELECT m.lead_id, m.campaign_id, m.variant, m.channel
     FROM ${scope.dialect.rows('rows', { lead: 'int', wanted: 'int' }, 'r')}
     ${scope.dialect.join} marketing_messages m ON m.lead_id = r.lead AND m.campaign_id = r.wanted AND m.tenant_id = :tenant
     WHERE m.state = 'sent' ORDER BY m.settled_at, m.id`,
    { rows: JSON.stringify(reached.map(({ lead, campaign }) => [lead, campaign])) },
  );
  return new Map(rows.map((row) => [`${row.lead_id} ${row.campaign_id}`, row]));
}

/** Which of these enrollments belong to leads who have done something since they entered. One statement. */
export async function didSinceEntry(scope: Scope, enrollments: readonly number[], event: string): Promise<Set<number>> {
  const rows = await scope.all<{ id: number }>(
    `SELECT DISTINCT e.id FROM ${scope.dialect.rows('rows', { enrollment: 'int' }, 'r')}
     ${scope.dialect.join} marketing_enrollments e ON e.id = r.enrollment AND e.tenant_id = :tenant
     ${scope.dialect.join} marketing_engagements g ON g.lead_id = e.lead_id AND g.tenant_id = :tenant AND g.type = :event
       AND g.tracked_at >= e.entered_at`,
    { event, rows: JSON.stringify([...new Set(enrollments)].map((id) => [id])) },
  );
  return new Set(rows.map(({ id }) => id));
}
