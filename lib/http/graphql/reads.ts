import { parseJson, type Scope, type SqlValue } from '../../store';

/** An engagement as GraphQL shows it. */
export interface EngagementNode {
  readonly id: number;
  readonly type: string;
  readonly channel?: string;
  /** Ms since 1970. */
  readonly at: number;
  readonly value?: number;
  readonly metadata: unknown;
}

/** Whose things, and how many of them. */
export interface Wanted {
  readonly of: number;
  readonly limit: number;
  readonly offset?: number;
}

/**
 * The first few of each parent's children in one statement, each found through its index: whoever has a million of them
 * costs as much as whoever has ten.
 * @param select a statement with `:of` for the parent, in its order
 */
async function firstOfEach<Row extends object>(
  scope: Scope,
  wanted: readonly Wanted[],
  select: (of: string) => string,
): Promise<Row[][]> {
  const values: Record<string, SqlValue> = {};
  const parts = wanted.map(({ of, limit, offset = 0 }, n) => {
    values[`p${n}`] = of;
    return `SELECT ${n} AS n, p${n}.* FROM (${select(`:p${n}`)} LIMIT ${limit} OFFSET ${offset}) p${n}`;
  });
  const rows = parts.length === 0 ? [] : await scope.all<Row & { n: number }>(parts.join('\n UNION ALL '), values);
  const found: Row[][] = wanted.map(() => []);
  for (const row of rows) found[row.n]?.push(row);
  return found;
}

/** Ids of the leads that entered a campaign. */
export async function leadsOfCampaigns(scope: Scope, wanted: readonly Wanted[]): Promise<number[][]> {
  const found = await firstOfEach<{ lead_id: number }>(
    scope,
    wanted,
    (of) =>
      `SELECT DISTINCT e.lead_id FROM marketing_enrollments e WHERE e.tenant_id = :tenant AND e.campaign_id = ${of} ORDER BY e.lead_id`,
  );
  return found.map((rows) => rows.map(({ lead_id: id }) => id));
}

/** Ids of the members of a segment. */
export async function leadsOfSegments(scope: Scope, wanted: readonly Wanted[]): Promise<number[][]> {
  const found = await firstOfEach<{ lead_id: number }>(
    scope,
    wanted,
    (of) =>
      `SELECT m.lead_id FROM marketing_segment_members m WHERE m.tenant_id = :tenant AND m.segment_id = ${of} ORDER BY m.lead_id`,
  );
  return found.map((rows) => rows.map(({ lead_id: id }) => id));
}

/** Ids of the segments that a lead is in. */
export async function segmentsOfLeads(scope: Scope, wanted: readonly Wanted[]): Promise<number[][]> {
  const found = await firstOfEach<{ segment_id: number }>(
    scope,
    wanted,
    (of) =>
      `SELECT m.segment_id FROM marketing_segment_members m WHERE m.tenant_id = :tenant AND m.lead_id = ${of} ORDER BY m.segment_id`,
  );
  return found.map((rows) => rows.map(({ segment_id: id }) => id));
}

interface EngagementRow {
  id: number;
  type: string;
  channel: string | null;
  tracked_at: number;
  value_micros: number;
  metadata: unknown;
}

/** What leads did, or what was done about campaigns: the latest first. `type` narrows it down. */
export async function engagementsOf(
  scope: Scope,
  column: 'lead_id' | 'campaign_id',
  wanted: readonly Wanted[],
  type?: string,
): Promise<EngagementNode[][]> {
  // One of the few words that the enumeration can name.
  const narrowed = type === undefined ? '' : `AND e.type = '${type.replace(/[^a-z_]/g, '')}'`;
  const found = await firstOfEach<EngagementRow>(
    scope,
    wanted,
    (of) =>
      `SELECT e.id, e.type, e.channel, e.tracked_at, e.value_micros, e.metadata FROM marketing_engagements e
       WHERE e.tenant_id = :tenant AND e.${column} = ${of} ${narrowed} ORDER BY e.tracked_at DESC, e.id DESC`,
  );
  return found.map((rows) =>
    rows.map((row) => ({
      id: row.id,
      type: row.type,
      ...(row.channel === null ? {} : { channel: row.channel }),
      at: Number(row.tracked_at),
      ...(Number(row.value_micros) === 0 ? {} : { value: Number(row.value_micros) / 1e6 }),
      metadata: parseJson<unknown>(row.metadata, {}),
    })),
  );
}
