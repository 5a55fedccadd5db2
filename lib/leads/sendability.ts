import { needsConsent } from '../compliance';
import type { Scope } from '../store';
import type { ConsentState } from './consents';

/** What must hold before a lead is sent something. Everything is checked unless it is switched off. */
export interface SendabilityRules {
  /** Whose consent must be on record: nobody's, that of leads in the EU, EEA and UK, or everybody's. Default `eu` (BR-011). */
  readonly requireConsent?: 'none' | 'eu' | 'all';
  /** Whether the address is on the suppression list (BR-012). Default true. */
  readonly checkSuppression?: boolean;
  /** Whether the lead has opted out of the channel or of everything. Default true. */
  readonly checkOptOut?: boolean;
  /** What to assume with `requireConsent: 'eu'` about a lead without a country. Default `require`. */
  readonly unknownCountry?: 'require' | 'allow';
}

/** Why a lead may not be sent something. */
export type BlockReason = 'suppressed' | 'opted_out' | 'opted_out_all' | 'no_consent' | 'no_address';

/** May this lead be sent something on this channel, now? */
export type Sendability =
  | { readonly allowed: true; readonly address?: string }
  | {
      readonly allowed: false;
      readonly reason: BlockReason;
      /** More about it, for the trail: the suppression's reason, the country. */ readonly detail: string;
    };

interface Row {
  id: number;
  email: string | null;
  phone: string | null;
  country: string | null;
  on_channel: ConsentState | null;
  on_all: ConsentState | null;
  suppressed: string | null;
}

/** The column that holds a channel's address; undefined for channels that reach people without one (webhook, Slack …). */
export function addressColumn(channel: string): 'email' | 'phone' | undefined {
  if (channel === 'email') return 'email';
  return ['sms', 'whatsapp', 'voice', 'phone'].includes(channel) ? 'phone' : undefined;
}

/**
 * Decides for a group of leads in one statement. Call it with the transaction in which messages are marked `sending`: what
 * was committed before is seen. Leads that do not exist are absent from the answer.
 */
export async function sendability(
  scope: Scope,
  leadIds: readonly number[],
  channel: string,
  rules: SendabilityRules = {},
): Promise<Map<number, Sendability>> {
  const answer = new Map<number, Sendability>();
  if (leadIds.length === 0) return answer;
  const column = addressColumn(channel);
  // Without an address of its own, a channel is closed to whoever is suppressed under any address.
  const addresses = (column ? [column] : ['email', 'phone']).map((name) => `l.${name}`).join(', ');
  const rows = await scope.all<Row>(
    `SELECT l.id, l.email, l.phone, l.country, c.state AS on_channel, a.state AS on_all,
            (SELECT MIN(s.reason) FROM marketing_suppressions s
              WHERE s.tenant_id = :tenant AND s.address IN (${addresses}) AND s.channel IN (:channel, '*')) AS suppressed
       FROM ${scope.dialect.rows('ids', { id: 'int' }, 'r')}
       ${scope.dialect.join} marketing_leads l ON l.id = r.id
       LEFT JOIN marketing_consents c ON c.tenant_id = :tenant AND c.lead_id = l.id AND c.channel = :channel
       LEFT JOIN marketing_consents a ON a.tenant_id = :tenant AND a.lead_id = l.id AND a.channel = '*'
      WHERE l.tenant_id = :tenant`,
    { ids: JSON.stringify(leadIds.map((id) => [id])), channel },
  );
  for (const row of rows) answer.set(row.id, decide(row, column, channel, rules));
  return answer;
}

function decide(
  row: Row,
  column: 'email' | 'phone' | undefined,
  channel: string,
  rules: SendabilityRules,
): Sendability {
  const { requireConsent = 'eu', checkSuppression = true, checkOptOut = true, unknownCountry = 'require' } = rules;
  const address = column ? row[column] : undefined;
  if (address === null)
    return { allowed: false, reason: 'no_address', detail: `The lead has no ${column} for the channel ${channel}.` };
  if (checkSuppression && row.suppressed !== null) {
    return { allowed: false, reason: 'suppressed', detail: `The address is suppressed: ${row.suppressed}.` };
  }
  if (checkOptOut && row.on_all === 'revoked') {
    return { allowed: false, reason: 'opted_out_all', detail: 'The lead has opted out of everything.' };
  }
  if (checkOptOut && row.on_channel === 'revoked') {
    return { allowed: false, reason: 'opted_out', detail: `The lead has opted out of the channel ${channel}.` };
  }
  const needed = requireConsent === 'all' || (requireConsent === 'eu' && needsConsent(row.country, { unknownCountry }));
  // A refusal counts as "no consent" even where opt-outs are not looked at: it is certainly not a yes.
  const given = (row.on_channel ?? row.on_all) === 'granted' && row.on_all !== 'revoked';
  if (needed && !given) {
    return {
      allowed: false,
      reason: 'no_consent',
      detail: `Consent is needed (country ${row.country ?? 'unknown'}) and none is on record.`,
    };
  }
  return address === undefined ? { allowed: true } : { allowed: true, address };
}
