import { InputError, NotFoundError } from '../errors';
import type { Scope } from '../store';
import { recordAll, type HistoryEntry } from '../history';

/** What a lead allows on a channel; `*` is every channel. */
export type ConsentState = 'granted' | 'revoked';

/** Somebody's decision about a lead and a channel. */
export interface ConsentChange {
  readonly leadId: number;
  /** `email`, `sms` …; `*` for all channels. */
  readonly channel: string;
  readonly state: ConsentState;
  /** Where it came from: a form, an import, an unsubscribe link. */
  readonly source: string;
  /** When the person decided, milliseconds since 1970; default now. */
  readonly at?: number;
}

/** What is on record for a lead and a channel. */
export interface Consent {
  readonly channel: string;
  readonly state: ConsentState;
  readonly source?: string;
  readonly grantedAt?: number;
  readonly revokedAt?: number;
}

/** How a set of changes is applied. */
export interface ConsentOptions {
  /**
   * True: a grant is taken only where nothing is on record. Files and forms repeat old answers: they must not undo an
   * unsubscribe that came later. Default false.
   */
  keepRevoked?: boolean;
}

const CHANNEL = /^(?:\*|[a-z][a-z0-9_-]{0,31})$/;

/** @throws InputError `E_CHANNEL` */
export function checkChannel(channel: string): void {
  if (!CHANNEL.test(channel)) {
    throw new InputError(
      'E_CHANNEL',
      `"${channel.slice(0, 40)}" is no channel: use a name such as email or sms, or * for all.`,
    );
  }
}

interface Known {
  lead_id: number;
  channel: string;
  found: number | null;
  state: ConsentState | null;
}

/**
 * Records decisions, each with a history row, in one transaction. Repeating what is on record changes nothing.
 * A revoked `*` stands above every channel until `*` itself is granted again.
 * @returns how many were new
 * @throws InputError `E_CHANNEL`; NotFoundError `E_UNKNOWN_LEAD`
 */
export async function setConsents(
  scope: Scope,
  changes: readonly ConsentChange[],
  options: ConsentOptions = {},
): Promise<number> {
  for (const change of changes) checkChannel(change.channel);
  if (changes.length === 0) return 0;
  return scope.transaction(async (tx) => {
    const known = await readKnown(tx, changes);
    const next = new Map<string, ConsentChange>();
    const history: HistoryEntry[] = [];
    for (const change of changes) {
      const key = `${change.leadId} ${change.channel}`;
      const row = known.get(key);
      if (row?.found === null || row === undefined) throw unknownLead(change.leadId);
      const before = next.get(key)?.state ?? row.state ?? undefined;
      if (before === change.state || (options.keepRevoked && change.state === 'granted' && before === 'revoked'))
        continue;
      next.set(key, change);
      history.push({
        event: `consent.${change.state}`,
        actor: change.source,
        ...(before === undefined ? undefined : { before: { state: before } }),
        after: { state: change.state },
        payload: { leadId: change.leadId, channel: change.channel },
      });
    }
    await writeConsents(tx, [...next.values()]);
    await recordAll(tx, history);
    return next.size;
  });
}

async function readKnown(tx: Scope, changes: readonly ConsentChange[]): Promise<Map<string, Known>> {
  const rows = await tx.all<Known>(
    `SELECT r.lead_id, r.channel, l.id AS found, c.state
       FROM ${tx.dialect.rows('items', { lead_id: 'int', channel: 'text' }, 'r')}
       LEFT JOIN marketing_leads l ON l.tenant_id = :tenant AND l.id = r.lead_id
       LEFT JOIN marketing_consents c ON c.tenant_id = :tenant AND c.lead_id = r.lead_id AND c.channel = r.channel`,
    { items: JSON.stringify(changes.map((change) => [change.leadId, change.channel])) },
  );
  return new Map(rows.map((row) => [`${row.lead_id} ${row.channel}`, row]));
}

async function writeConsents(tx: Scope, changes: readonly ConsentChange[]): Promise<void> {
  if (changes.length === 0) return;
  const { dialect } = tx;
  const now = tx.clock.now();
  const columns = ['lead_id', 'channel', 'state', 'source', 'granted_at', 'revoked_at'];
  await tx.run(
    `INSERT INTO marketing_consents (tenant_id, ${columns.join(', ')}, updated_at)
     SELECT :tenant, ${columns.map((column) => `r.${column}`).join(', ')}, :now
       FROM ${dialect.rows('items', { lead_id: 'int', channel: 'text', state: 'text', source: 'text', granted_at: 'int', revoked_at: 'int' }, 'r')}
      WHERE 1 = 1 ${dialect.upsertTail(['lead_id', 'channel'], {
        state: dialect.excluded('state'),
        source: dialect.excluded('source'),
        // The other moment stays: when consent was given is evidence even after it was revoked.
        granted_at: `COALESCE(${dialect.excluded('granted_at')}, marketing_consents.granted_at)`,
        revoked_at: `COALESCE(${dialect.excluded('revoked_at')}, marketing_consents.revoked_at)`,
        updated_at: dialect.excluded('updated_at'),
      })}`,
    {
      now,
      items: JSON.stringify(
        changes.map(({ leadId, channel, state, source, at = now }) => [
          leadId,
          channel,
          state,
          source.slice(0, 128),
          state === 'granted' ? at : null,
          state === 'revoked' ? at : null,
        ]),
      ),
    },
  );
}

/** What is on record for a lead, channel by channel. */
export async function consentsOf(scope: Scope, leadId: number): Promise<Consent[]> {
  const rows = await scope.all<{
    channel: string;
    state: ConsentState;
    source: string | null;
    granted_at: number | null;
    revoked_at: number | null;
  }>(
    `SELECT channel, state, source, granted_at, revoked_at FROM marketing_consents
      WHERE tenant_id = :tenant AND lead_id = :leadId ORDER BY channel`,
    { leadId },
  );
  return rows.map((row) => ({
    channel: row.channel,
    state: row.state,
    ...(row.source === null ? undefined : { source: row.source }),
    ...(row.granted_at === null ? undefined : { grantedAt: row.granted_at }),
    ...(row.revoked_at === null ? undefined : { revokedAt: row.revoked_at }),
  }));
}

/** The error for an id that is nobody's. */
export function unknownLead(id: number): NotFoundError {
  return new NotFoundError('E_UNKNOWN_LEAD', `There is no lead with the id ${id}.`, { details: { lead: id } });
}
