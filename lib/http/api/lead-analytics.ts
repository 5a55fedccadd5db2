import type { Scope } from '../../store';
import { iso } from './present';

/** What a lead did, and where it stands. */
export interface LeadAnalytics {
  readonly segments: readonly string[];
  /** How often, by type. */
  readonly engagements: Readonly<Record<string, number>>;
  readonly campaigns: readonly { readonly campaign: number; readonly state: string; readonly enrollments: number }[];
  /** Messages by state. */
  readonly messages: Readonly<Record<string, number>>;
  readonly lastEngagementAt?: string;
}

interface Counted {
  what: string;
  n: number;
}

/** Campaigns of a lead that are shown; the latest ones. */
const MOST_CAMPAIGNS = 1_000;

/** Reads what is known of one lead, in one statement each. */
export async function leadAnalytics(scope: Scope, lead: number): Promise<LeadAnalytics> {
  const engagements = await scope.all<Counted & { last: number }>(
    `SELECT type AS what, COUNT(*) AS n, MAX(tracked_at) AS last FROM marketing_engagements
     WHERE tenant_id = :tenant AND lead_id = :lead GROUP BY type ORDER BY type`,
    { lead },
  );
  const messages = await scope.all<Counted>(
    `SELECT state AS what, COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant AND lead_id = :lead GROUP BY state ORDER BY state`,
    { lead },
  );
  const segments = await scope.all<{ segment_key: string }>(
    `SELECT s.segment_key FROM marketing_segment_members m JOIN marketing_segments s ON s.tenant_id = :tenant AND s.id = m.segment_id
     WHERE m.tenant_id = :tenant AND m.lead_id = :lead ORDER BY s.segment_key`,
    { lead },
  );
  const campaigns = await scope.all<{ campaign: number; state: string; n: number }>(
    `SELECT campaign_id AS campaign, MIN(state) AS state, COUNT(*) AS n FROM marketing_enrollments
     WHERE tenant_id = :tenant AND lead_id = :lead GROUP BY campaign_id ORDER BY campaign_id DESC LIMIT ${MOST_CAMPAIGNS}`,
    { lead },
  );
  const last = Math.max(...engagements.map((row) => Number(row.last)));
  return {
    segments: segments.map(({ segment_key: key }) => key),
    engagements: counts(engagements),
    campaigns: campaigns.map(({ campaign, state, n }) => ({ campaign, state, enrollments: Number(n) })),
    messages: counts(messages),
    ...(Number.isFinite(last) ? { lastEngagementAt: iso(last) } : {}),
  };
}

function counts(rows: readonly Counted[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ what, n }) => [what, Number(n)]));
}
