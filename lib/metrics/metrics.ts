import { authorise, type Actor } from '../access';
import { NotFoundError } from '../errors';
import type { Scope } from '../store';
import { findDifferences, repairDifferences } from './count';
import { TOTAL } from './move';
import { addFigure, noFigures, ratesOf } from './rates';
import { CARED } from './rules';
import type {
  FactFigures,
  Figures,
  MetricDifference,
  MetricName,
  MetricsGroup,
  MetricsQuery,
  MetricsReport,
} from './types';

const DAY = 86_400_000;

interface Counted {
  grouped: number | string;
  name: MetricName;
  amount: number;
  moved: number;
}

/** The figures of campaigns: read, and compared with what they count. */
export class Metrics {
  constructor(private readonly scope: Scope) {}

  /**
   * The figures of one campaign, as they are now: they move in the transactions of what they count.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`; ForbiddenError `E_FORBIDDEN`
   */
  async of(campaign: number, query: MetricsQuery & { actor?: Actor } = {}): Promise<MetricsReport> {
    authorise(query.actor, 'analytics:read');
    await mustExist(this.scope, campaign);
    const inTime = query.from !== undefined || query.to !== undefined || query.by === 'hour' || query.by === 'day';
    // Only where hours are asked for can there be many rows.
    const rows = inTime
      ? await this.scope.background((db) => read(db, campaign, query, inTime))
      : await read(this.scope, campaign, query, inTime);
    const figures = noFigures();
    const groups = new Map<number | string, Figures>();
    for (const { grouped, name, amount } of rows) {
      addFigure(figures, name, Number(amount));
      const group = groups.get(grouped) ?? noFigures();
      addFigure(group, name, Number(amount));
      groups.set(grouped, group);
    }
    const updatedAt = Math.max(0, ...rows.map(({ moved }) => Number(moved)));
    return {
      campaign,
      figures,
      rates: ratesOf(figures),
      groups: query.by === undefined ? [] : [...groups].map(([key, of]) => groupOf(key, of)).sort(byKey),
      ...(updatedAt > 0 ? { updatedAt } : {}),
    };
  }

  /**
   * What the facts about a campaign's success come from. Inside a transaction, give it as `scope`. Reads the totals, and once
   * through the campaign's engagements.
   */
  async facts(campaign: number, scope: Scope = this.scope): Promise<FactFigures & { figures: Figures }> {
    const rows = await read(scope, campaign, { by: 'channel' }, false);
    const figures = noFigures();
    const email = noFigures();
    for (const { grouped, name, amount } of rows) {
      addFigure(figures, name, Number(amount));
      if (grouped === 'email') addFigure(email, name, Number(amount));
    }
    return { figures, email, ...(figures.sent === 0 ? {} : { engaged: await peopleWhoCared(scope, campaign) }) };
  }

  /** Counters that say something else than the rows that they count, of one campaign or of all. In the background. */
  differences(campaign?: number): Promise<MetricDifference[]> {
    return findDifferences(this.scope, campaign);
  }

  /** Counts again from the rows, and puts the counters right. @returns how many were wrong */
  recompute(campaign?: number): Promise<number> {
    return repairDifferences(this.scope, campaign);
  }
}

/** The figures of a tenant's campaigns. */
export function createMetrics(scope: Scope): Metrics {
  return new Metrics(scope);
}

/** The figures of many campaigns, over all time: one statement that reads totals only. Campaigns without any are left out. */
export async function figuresOf(scope: Scope, campaigns: readonly number[]): Promise<Map<number, CampaignFigures>> {
  const found = new Map<number, CampaignFigures>();
  if (campaigns.length === 0) return found;
  const rows = await scope.all<{ campaign: number; name: MetricName; amount: number; moved: number }>(
    `SELECT m.campaign_id AS campaign, m.name, m.amount, m.updated_at AS moved
     FROM ${scope.dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${scope.dialect.join} marketing_metrics m ON m.campaign_id = r.wanted AND m.tenant_id = :tenant AND m.hour = ${TOTAL}`,
    { rows: JSON.stringify([...new Set(campaigns)].map((id) => [id])) },
  );
  for (const { campaign, name, amount, moved } of rows) {
    const known = found.get(campaign) ?? { figures: noFigures(), updatedAt: 0 };
    addFigure(known.figures, name, Number(amount));
    found.set(campaign, { figures: known.figures, updatedAt: Math.max(known.updatedAt, Number(moved)) });
  }
  return found;
}

/** What {@link figuresOf} finds. */
export interface CampaignFigures {
  readonly figures: Figures;
  /** When one of them was last moved, ms since 1970. */
  readonly updatedAt: number;
}

function groupOf(key: number | string, figures: Figures): MetricsGroup {
  return { key, figures, rates: ratesOf(figures) };
}

function byKey(a: MetricsGroup, b: MetricsGroup): number {
  return a.key < b.key ? -1 : 1;
}

function groupedBy(by: MetricsQuery['by']): string {
  switch (by) {
    case 'hour':
      return 'hour';
    case 'day':
      return `(hour - (hour % ${DAY} + ${DAY}) % ${DAY})`;
    case 'channel':
      return 'channel';
    case 'variant':
      return 'variant';
    case undefined:
      return `''`;
  }
}

function read(
  db: Scope,
  campaign: number,
  { from, to, channel, by }: MetricsQuery,
  inTime: boolean,
): Promise<Counted[]> {
  const group = groupedBy(by);
  const where = [
    inTime ? `hour <> ${TOTAL}` : `hour = ${TOTAL}`,
    ...(from === undefined ? [] : ['hour >= :from']),
    ...(to === undefined ? [] : ['hour < :to']),
    ...(channel === undefined ? [] : ['channel = :channel']),
  ];
  return db.all<Counted>(
    `SELECT ${group} AS grouped, name, SUM(amount) AS amount, MAX(updated_at) AS moved FROM marketing_metrics
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND ${where.join(' AND ')} GROUP BY ${by === undefined ? '' : `${group}, `}name`,
    {
      campaign,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(channel === undefined ? {} : { channel }),
    },
  );
}

async function peopleWhoCared(scope: Scope, campaign: number): Promise<number> {
  const row = await scope.background((db) =>
    db.get<{ people: number }>(
      `SELECT COUNT(DISTINCT lead_id) AS people FROM marketing_engagements
       WHERE tenant_id = :tenant AND campaign_id = :campaign AND type IN (${CARED.map((type) => `'${type}'`).join(', ')})`,
      { campaign },
    ),
  );
  return Number(row?.people ?? 0);
}

async function mustExist(scope: Scope, campaign: number): Promise<void> {
  const row = await scope.get(`SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant AND id = :campaign`, {
    campaign,
  });
  if (!row) throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign "${campaign}".`);
}
