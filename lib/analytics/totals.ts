import { fromMicros, ratesOf, noFigures, TOTAL } from '../metrics';
import type { Scope, SqlValue } from '../store';
import { businessValues, isBusinessOf, statesIn, type Filter, type Whose } from './business';
import type { DashboardTotals } from './types';

/** A campaign of which less than this arrives needs somebody to look at it (AC-011.6). */
export const LOWEST_DELIVERY = 0.95;

const COUNTED = [
  'queued',
  'sent',
  'delivered',
  'failed',
  'unknown',
  'bounced',
  'opened',
  'clicked',
  'converted',
] as const;
const MONEY = ['revenue', 'cost'] as const;

type Row = { currency: string | null; campaigns: number; budget: number; held: number; low: number } & Record<
  (typeof COUNTED)[number] | (typeof MONEY)[number],
  number
>;

/** The totals of these campaigns, of which there are few. */
export function totalsOfFew(db: Scope, ids: readonly number[]): Promise<DashboardTotals> {
  return count(
    db,
    `${db.dialect.rows('ids', { wanted: 'int' }, 'r')} ${db.dialect.join} marketing_campaigns c ON c.id = r.wanted`,
    '',
    {
      ids: JSON.stringify(ids.map((id) => [id])),
    },
  );
}

/** The totals of all that match, however many: reads them all. */
export function totalsOfAll(db: Scope, whose: Whose | undefined, filter: Filter): Promise<DashboardTotals> {
  const business = whose ? `AND ${isBusinessOf(db)}` : '';
  return count(
    db,
    'marketing_campaigns c',
    `AND c.state IN ${statesIn(filter)} AND ${filter.where.join(' AND ')} ${business}`,
    { ...filter.values, ...(whose ? businessValues(whose) : {}) },
  );
}

async function count(
  db: Scope,
  from: string,
  where: string,
  values: Record<string, SqlValue>,
): Promise<DashboardTotals> {
  const names = [...COUNTED, ...MONEY];
  const asOf = db.clock.now();
  // First per campaign (some alerts are about one), then per currency.
  const rows = await db.all<Row>(
    `SELECT s.currency, COUNT(*) AS campaigns, SUM(s.budget) AS budget, SUM(s.held) AS held,
            SUM(CASE WHEN s.sent - s.bounced < ${LOWEST_DELIVERY} * (s.sent + s.failed) THEN 1 ELSE 0 END) AS low,
            ${names.map((name) => `SUM(s.${name}) AS ${name}`).join(', ')}
     FROM (SELECT c.id, c.currency, COALESCE(c.budget, 0) AS budget, CASE WHEN c.hold_reason IS NULL THEN 0 ELSE 1 END AS held,
                  ${names.map((name) => `COALESCE(SUM(CASE WHEN m.name = '${name}' THEN m.amount END), 0) AS ${name}`).join(', ')}
           FROM ${from} LEFT JOIN marketing_metrics m ON m.tenant_id = :tenant AND m.campaign_id = c.id AND m.hour = ${TOTAL}
           WHERE c.tenant_id = :tenant ${where} GROUP BY c.id, c.currency, c.budget, c.hold_reason) AS s
     GROUP BY s.currency ORDER BY s.currency`,
    values,
  );
  const sum = (name: keyof Omit<Row, 'currency'>): number => rows.reduce((total, row) => total + Number(row[name]), 0);
  const counted = Object.fromEntries(COUNTED.map((name) => [name, sum(name)])) as Record<
    (typeof COUNTED)[number],
    number
  >;
  const { deliveryRate, openRate, clickRate, conversionRate } = ratesOf({ ...noFigures(), ...counted });
  const { queued, sent, delivered, failed, unknown, opened, clicked, converted } = counted;
  return {
    asOf,
    campaigns: sum('campaigns'),
    held: sum('held'),
    lowDelivery: sum('low'),
    ...{ queued, sent, delivered, failed, unknown, opened, clicked, converted },
    ...{ deliveryRate, openRate, clickRate, conversionRate },
    money: rows.map(({ currency, budget, revenue, cost }) => ({
      ...(currency === null ? {} : { currency }),
      budget: Number(budget),
      spent: fromMicros(Number(cost)),
      revenue: fromMicros(Number(revenue)),
      roi: Number(cost) > 0 ? (Number(revenue) - Number(cost)) / Number(cost) : null,
    })),
  };
}
