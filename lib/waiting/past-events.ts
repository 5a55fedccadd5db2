import { parseJson, type Scope } from '../store';

/** Something that a lead has done, as it stands in the database. */
export interface PastEvent {
  readonly id: number;
  readonly step: number;
  readonly type: string;
  readonly eventId: string;
  readonly channel?: string;
  readonly campaign: number | undefined;
  readonly at: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Whose events of which type are looked for, from when on. */
export interface Search {
  readonly step: number;
  readonly lead: number;
  readonly event: string;
  readonly since: number;
}

interface Row {
  id: number;
  step: number;
  type: string;
  event_id: string;
  channel: string | null;
  campaign_id: number | null;
  tracked_at: number;
  metadata: unknown;
}

const PAGE = 500;

/**
 * Looks through what leads have done, page by page, until `found` has said yes for each search or nothing is left. Somebody
 * may have done the same thing very often.
 */
export async function searchEvents(
  tx: Scope,
  searches: readonly Search[],
  found: (event: PastEvent) => Promise<boolean>,
): Promise<void> {
  let open = [...searches];
  for (let after = 0; open.length > 0;) {
    const rows = await tx.all<Row>(
      `SELECT e.id, r.step, e.type, e.event_id, e.channel, e.campaign_id, e.tracked_at, e.metadata
       FROM ${tx.dialect.rows('searches', { step: 'int', lead: 'int', named: 'text', from_when: 'int' }, 'r')}
       ${tx.dialect.join} marketing_engagements e ON e.lead_id = r.lead AND e.type = r.named AND e.tracked_at >= r.from_when
         AND e.tenant_id = :tenant
       WHERE e.id > :after ORDER BY e.id LIMIT ${PAGE}`,
      { after, searches: JSON.stringify(open.map(({ step, lead, event, since }) => [step, lead, event, since])) },
    );
    const done = new Set<number>();
    for (const row of rows) if (!done.has(row.step) && (await found(eventOf(row)))) done.add(row.step);
    const last = rows.at(-1);
    if (rows.length < PAGE || !last) return;
    // Two people's searches may meet in one event, and the page may end between them: that id is read once more.
    after = last.id - 1;
    open = open.filter(({ step }) => !done.has(step));
    if (rows[0]?.id === last.id) after = last.id;
  }
}

function eventOf(row: Row): PastEvent {
  return {
    id: row.id,
    step: row.step,
    type: row.type,
    eventId: row.event_id,
    ...(row.channel === null ? {} : { channel: row.channel }),
    campaign: row.campaign_id ?? undefined,
    at: row.tracked_at,
    metadata: parseJson<Record<string, unknown>>(row.metadata, {}),
  };
}
