import type { Scope } from '../store';
import { addToCounters, sumsOf, TOTAL } from './move';
import { conversionOf, engagementOf, queuedOf, settledOf } from './rules';
import type { MetricDelta, MetricDifference, MetricName } from './types';

/** Campaigns that are counted in one statement. */
const CHUNK = 500;
const HOUR = 3_600_000;
/** No id is greater. */
const LAST = Number.MAX_SAFE_INTEGER;

/** Ids of campaigns: after the first, up to and with the second. */
type Range = readonly [after: number, last: number];

interface Group {
  source: 'message' | 'state' | 'engagement' | 'conversion' | 'counter';
  campaign: number;
  variant: string;
  channel: string | null;
  hour: number;
  word: string;
  times: number;
  micros: number;
}

const hour = (column: string): string => `(${column} - (${column} % ${HOUR} + ${HOUR}) % ${HOUR})`;
const within = 'campaign_id > :after AND campaign_id <= :last';

/** Rows and counters in one statement: it sees one moment, whoever writes meanwhile. */
const GROUPS = `
  SELECT 'message' AS source, campaign_id AS campaign, variant, channel, ${hour('sending_at')} AS hour, '' AS word,
         COUNT(*) AS times, 0 AS micros
    FROM marketing_messages WHERE tenant_id = :tenant AND ${within} GROUP BY campaign_id, variant, channel, ${hour('sending_at')}
  UNION ALL
  SELECT 'state', campaign_id, variant, channel, ${hour('settled_at')}, state, COUNT(*), SUM(cost_micros)
    FROM marketing_messages WHERE tenant_id = :tenant AND ${within} AND settled_at IS NOT NULL
   GROUP BY campaign_id, variant, channel, ${hour('settled_at')}, state
  UNION ALL
  SELECT 'engagement', campaign_id, variant, channel, ${hour('tracked_at')}, type, COUNT(*), SUM(value_micros)
    FROM marketing_engagements WHERE tenant_id = :tenant AND ${within}
   GROUP BY campaign_id, variant, channel, ${hour('tracked_at')}, type
  UNION ALL
  SELECT 'conversion', campaign_id, variant, channel, ${hour('converted_at')}, '', SUM(counted), SUM(counted_micros)
    FROM marketing_conversions WHERE tenant_id = :tenant AND ${within} AND chosen = 1
   GROUP BY campaign_id, variant, channel, ${hour('converted_at')}
  UNION ALL
  SELECT 'counter', campaign_id, variant, channel, hour, name, amount, 0
    FROM marketing_metrics WHERE tenant_id = :tenant AND ${within}`;

function deltasOf({ source, campaign, variant, channel, hour: at, word, times, micros }: Group): MetricDelta[] {
  switch (source) {
    case 'message':
      return queuedOf({ campaign, variant, channel: channel ?? '', sendingAt: at }, times);
    case 'state':
      return settledOf(
        { campaign, variant, channel: channel ?? '', state: word, settledAt: at, costMicros: micros },
        times,
      );
    case 'engagement':
      return engagementOf({ campaign, variant, channel, type: word, at, valueMicros: micros }, times);
    case 'conversion':
      return conversionOf({ campaign, variant, channel, at, valueMicros: micros }, times);
    case 'counter':
      return [];
  }
}

/** Counts from the rows, and compares with the counters. */
async function compare(db: Scope, [after, last]: Range): Promise<MetricDifference[]> {
  const groups = (await db.all<Group>(GROUPS, { after, last })).map((group) => ({
    ...group,
    times: Number(group.times),
    micros: Number(group.micros),
  }));
  const found = new Map<string, { -readonly [key in keyof MetricDifference]: MetricDifference[key] }>();
  const at = (key: readonly [number, string, string, number, string]): { counted: number; rows: number } => {
    const text = JSON.stringify(key);
    const known = found.get(text);
    if (known) return known;
    const [campaign, variant, channel, begins, name] = key;
    const fresh = {
      campaign,
      variant,
      channel,
      ...(begins === TOTAL ? {} : { hour: begins }),
      name: name as MetricName,
      counted: 0,
      rows: 0,
    };
    found.set(text, fresh);
    return fresh;
  };
  for (const { key, amount } of sumsOf(groups.flatMap(deltasOf))) at(key).rows += amount;
  for (const { source, campaign, variant, channel, hour: begins, word, times } of groups) {
    if (source === 'counter') at([campaign, variant, channel ?? '', begins, word]).counted += times;
  }
  return [...found.values()].filter(({ counted, rows }) => counted !== rows);
}

/** The ranges that all campaigns fall into; the last one has no end, for counters of campaigns that are gone. */
async function* ranges(db: Scope): AsyncGenerator<Range> {
  for (let after = 0; ;) {
    const row = await db.get<{ id: number | null }>(
      `SELECT MAX(c.id) AS id FROM (SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT ${CHUNK}) AS c`,
      { after },
    );
    const id = row?.id ?? LAST;
    yield [after, id];
    if (id === LAST) return;
    after = id;
  }
}

function rangesOf(db: Scope, campaign: number | undefined): AsyncIterable<Range> | Range[] {
  return campaign === undefined ? ranges(db) : [[campaign - 1, campaign]];
}

/** Counters of a campaign (or of all) that say something else than the rows. In the background. */
export async function findDifferences(scope: Scope, campaign?: number): Promise<MetricDifference[]> {
  return scope.background(async (db) => {
    const all: MetricDifference[] = [];
    for await (const range of rangesOf(db, campaign)) all.push(...(await compare(db, range)));
    return all;
  });
}

/** Adds to each counter what it lacks. @returns how many were wrong */
export async function repairDifferences(scope: Scope, campaign?: number): Promise<number> {
  const campaigns = [...new Set((await findDifferences(scope, campaign)).map((one) => one.campaign))];
  let repaired = 0;
  for (const id of campaigns.sort((a, b) => a - b)) {
    repaired += await scope.transaction(async (tx) => {
      await oneAtATime(tx);
      // Looked at once more: what is added here must not have been added by somebody else meanwhile. Deltas of rows that
      // are written at this moment add up with ours.
      const wrong = await compare(tx, [id - 1, id]);
      await addToCounters(
        tx,
        wrong.map((one) => [
          one.campaign,
          one.variant,
          one.channel,
          one.hour ?? TOTAL,
          one.name,
          one.rows - one.counted,
        ]),
      );
      return wrong.length;
    });
  }
  return repaired;
}

/** Waits for another repair to end, and makes others wait until this transaction does. */
async function oneAtATime(tx: Scope): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, 'metrics_repaired', '', :now)
     ${tx.dialect.upsertTail(['tenant_id', 'name'], ['updated_at'])}`,
    { now: tx.clock.now() },
  );
}
