import type { Scope } from '../store';
import type { Standing } from './reentry';

/** Somebody and a campaign. */
export interface Pair {
  readonly campaign: number;
  readonly lead: number;
}

export function pairKey({ campaign, lead }: Pair): string {
  return `${campaign} ${lead}`;
}

/**
 * How people stand with campaigns; who was never in is not in the answer. One statement. Lock the leads before: then nobody comes
 * in between this look and the entry that follows from it.
 */
export async function standings(tx: Scope, pairs: readonly Pair[]): Promise<Map<string, Standing>> {
  if (pairs.length === 0) return new Map();
  const rows = await tx.all<{
    campaign: number;
    lead: number;
    entries: number;
    active: number;
    entered: number | null;
    ended: number | null;
  }>(
    `SELECT e.campaign_id AS campaign, e.lead_id AS lead, COUNT(*) AS entries,
            SUM(CASE WHEN e.state = 'active' THEN 1 ELSE 0 END) AS active, MAX(e.entered_at) AS entered, MAX(e.ended_at) AS ended
     FROM ${tx.dialect.rows('pairs', { campaign: 'int', lead: 'int' }, 'r')}
     ${tx.dialect.join} marketing_enrollments e ON e.campaign_id = r.campaign AND e.lead_id = r.lead AND e.tenant_id = :tenant
     GROUP BY e.campaign_id, e.lead_id`,
    { pairs: JSON.stringify(distinct(pairs)) },
  );
  return new Map(
    rows.map(({ entries, active, entered, ended, ...pair }) => [
      pairKey(pair),
      {
        entries: Number(entries),
        active: Number(active),
        lastEntered: entered === null ? undefined : Number(entered),
        lastEnded: ended === null ? undefined : Number(ended),
      },
    ]),
  );
}

/** Those causes by which their leads came in before, as `<campaign> <lead> <key>`. One statement. */
export async function knownCauses(tx: Scope, causes: readonly (Pair & { key: string })[]): Promise<Set<string>> {
  if (causes.length === 0) return new Set();
  const rows = await tx.all<{ campaign: number; lead: number; entry_key: string }>(
    `SELECT e.campaign_id AS campaign, e.lead_id AS lead, e.entry_key
     FROM ${tx.dialect.rows('causes', { campaign: 'int', lead: 'int', cause: 'text' }, 'r')}
     ${tx.dialect.join} marketing_enrollments e ON e.campaign_id = r.campaign AND e.lead_id = r.lead AND e.entry_key = r.cause
       AND e.tenant_id = :tenant`,
    { causes: JSON.stringify(causes.map(({ campaign, lead, key }) => [campaign, lead, key])) },
  );
  return new Set(rows.map(({ entry_key, ...pair }) => `${pairKey(pair)} ${entry_key}`));
}

function distinct(pairs: readonly Pair[]): [number, number][] {
  const found = new Map<string, [number, number]>();
  for (const pair of pairs) found.set(pairKey(pair), [pair.campaign, pair.lead]);
  return [...found.values()];
}

/**
 * When the campaign last let somebody in by this trigger, its row locked until the transaction ends: of two people who come at the
 * same moment, the second one sees the first.
 */
export async function lockLastEntry(
  tx: Scope,
  place: { campaign: number; station: number },
): Promise<number | undefined> {
  const { dialect } = tx;
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_trigger_marks (tenant_id, campaign_id, station_id)
     VALUES (:tenant, :campaign, :station) ${dialect.ignoreTail}`,
    place,
  );
  const row = await tx.get<{ entered_at: number | null }>(
    `SELECT entered_at FROM marketing_trigger_marks
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND station_id = :station ${dialect.forUpdate}`,
    place,
  );
  return row?.entered_at ?? undefined;
}

/** Remembers when somebody came in. Call {@link lockLastEntry} before. */
export async function noteEntry(tx: Scope, place: { campaign: number; station: number }, now: number): Promise<void> {
  await tx.run(
    `UPDATE marketing_trigger_marks SET entered_at = :now
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND station_id = :station`,
    { ...place, now },
  );
}
