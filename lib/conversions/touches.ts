import type { NewEngagement } from '../leads';
import { clickTypes } from '../metrics';
import type { Scope } from '../store';
import type { Model, Terms, Touch } from './types';

/** The longest window that a campaign may have. */
const LONGEST_MS = 30 * 86_400_000;

/** A touch before an engagement (`n`: its place in the list), with what its campaign says. */
export interface Found {
  readonly n: number;
  readonly touch: Touch;
  readonly terms: Terms;
}

interface TermsRow {
  window_ms: number;
  model: Model;
  touches: Terms['touch'];
  value_property: string | null;
  value_micros: number | null;
  currency: string | null;
}

interface TouchRow extends TermsRow {
  n: number;
  campaign_id: number;
  id: number;
  kind: Touch['kind'];
  at: number;
  variant: string;
  channel: string | null;
  machine: string | number | null;
}

const TERMS = 'v.window_ms, v.model, v.touch AS touches, v.value_property, v.value_micros, c.currency';

/** Which of these types of events any campaign counts as conversions. One look into an index. */
export async function countedTypes(tx: Scope, types: readonly string[]): Promise<Set<string>> {
  const rows = await tx.all<{ did: string }>(
    `SELECT r.did FROM ${tx.dialect.rows('rows', { did: 'text' }, 'r')}
     WHERE EXISTS (SELECT 1 FROM marketing_conversion_events v WHERE v.tenant_id = :tenant AND v.event = r.did)`,
    { rows: JSON.stringify([...new Set(types)].map((type) => [type])) },
  );
  return new Set(rows.map(({ did }) => did));
}

/** What campaigns say of events that name them, by `campaign type`. */
export async function termsOfNamed(
  tx: Scope,
  named: readonly { readonly campaign: number; readonly type: string }[],
): Promise<Map<string, Terms>> {
  if (named.length === 0) return new Map();
  const rows = await tx.all<TermsRow & { campaign_id: number; event: string }>(
    `SELECT v.campaign_id, v.event, ${TERMS} FROM ${tx.dialect.rows('rows', { wanted: 'int', did: 'text' }, 'r')}
     ${tx.dialect.join} marketing_conversion_events v ON v.tenant_id = :tenant AND v.event = r.did AND v.campaign_id = r.wanted
     ${tx.dialect.join} marketing_campaigns c ON c.id = v.campaign_id AND c.tenant_id = :tenant`,
    { rows: JSON.stringify(named.map(({ campaign, type }) => [campaign, type])) },
  );
  return new Map(rows.map((row) => [`${row.campaign_id} ${row.event}`, termsOf(row)]));
}

/**
 * The touches before these engagements that count for them: of campaigns whose conversions they are, each within its own
 * window. Clicks of programs are none.
 */
export async function touchesBefore(tx: Scope, engagements: readonly NewEngagement[]): Promise<Found[]> {
  if (engagements.length === 0) return [];
  const { dialect } = tx;
  const clicks = clickTypes();
  const COLUMNS = { n: 'int', lead: 'int', did: 'text', since: 'int', until: 'int' } as const;
  const bound = {
    rows: JSON.stringify(engagements.map(({ leadId, type, at }, n) => [n, leadId, type, at - LONGEST_MS, at])),
  };
  const campaigns = `${dialect.join} marketing_campaigns c ON c.id = v.campaign_id AND c.tenant_id = :tenant AND c.deleted_at IS NULL`;
  const sent = await tx.all<TouchRow>(
    `SELECT r.n, m.campaign_id, m.id, 'sent' AS kind, m.settled_at AS at, m.variant, m.channel, NULL AS machine, ${TERMS}
     FROM ${dialect.rows('rows', COLUMNS, 'r')}
     ${dialect.join} marketing_messages m ON m.lead_id = r.lead AND m.tenant_id = :tenant AND m.state = 'sent'
       AND m.settled_at >= r.since AND m.settled_at <= r.until
     ${dialect.join} marketing_conversion_events v ON v.tenant_id = :tenant AND v.event = r.did AND v.campaign_id = m.campaign_id
     ${campaigns} WHERE v.touch <> 'clicked' AND m.settled_at >= r.until - v.window_ms`,
    bound,
  );
  const clicked = await tx.all<TouchRow>(
    `SELECT r.n, e.campaign_id, e.id, 'clicked' AS kind, e.tracked_at AS at, e.variant, e.channel,
            ${dialect.jsonText('e.metadata', 'machine')} AS machine, ${TERMS}
     FROM ${dialect.rows('rows', COLUMNS, 'r')}
     ${dialect.join} marketing_engagements e ON e.lead_id = r.lead AND e.tenant_id = :tenant
       AND e.type IN (${clicks.map((_, index) => `:click${index}`).join(', ')})
       AND e.tracked_at >= r.since AND e.tracked_at <= r.until AND e.campaign_id IS NOT NULL
     ${dialect.join} marketing_conversion_events v ON v.tenant_id = :tenant AND v.event = r.did AND v.campaign_id = e.campaign_id
     ${campaigns} WHERE v.touch <> 'sent' AND e.tracked_at >= r.until - v.window_ms`,
    { ...bound, ...Object.fromEntries(clicks.map((type, index) => [`click${index}`, type])) },
  );
  return [...sent, ...clicked.filter(({ machine }) => String(machine) !== 'true' && String(machine) !== '1')].map(
    foundOf,
  );
}

function foundOf(row: TouchRow): Found {
  const { n, campaign_id: campaign, id, kind, at, variant, channel } = row;
  return {
    n,
    touch: { campaign, kind, id, at: Number(at), variant, channel: channel ?? '' },
    terms: termsOf(row),
  };
}

function termsOf({ window_ms, model, touches, value_property, value_micros, currency }: TermsRow): Terms {
  return {
    windowMs: Number(window_ms),
    model,
    touch: touches,
    ...(value_property === null ? {} : { property: value_property }),
    ...(value_micros === null ? {} : { fixedMicros: Number(value_micros) }),
    ...(currency === null ? {} : { currency }),
  };
}
