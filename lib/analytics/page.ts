import type { CampaignState } from '../campaigns';
import { InputError } from '../errors';
import { figuresOf, noFigures, ratesOf, type CampaignFigures } from '../metrics';
import { parseJson, type Scope, type SqlValue } from '../store';
import { businessIds, businessValues, isBusinessOf, statesIn, type Filter, type Whose } from './business';
import { LOWEST_DELIVERY } from './totals';
import type { DashboardAlert, DashboardCampaign, DashboardQuery } from './types';

type Sort = NonNullable<DashboardQuery['sort']>;

interface Row {
  id: number;
  campaign_key: string;
  name: string;
  state: CampaignState;
  stage: string | null;
  type: string;
  owner: string | null;
  team: string | null;
  channels: unknown;
  created_at: number;
  started_at: number | null;
  currency: string | null;
  budget: number | null;
  hold_reason: string | null;
}

/** The campaigns with these ids, in this order, with their figures: two statements. */
export async function campaignsOf(db: Scope, ids: readonly number[]): Promise<DashboardCampaign[]> {
  if (ids.length === 0) return [];
  const rows = await db.all<Row>(
    `SELECT c.id, c.campaign_key, c.name, c.state, c.stage, c.type, c.owner, c.team, c.channels, c.created_at, c.started_at,
            c.currency, c.budget, c.hold_reason
     FROM ${db.dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${db.dialect.join} marketing_campaigns c ON c.id = r.wanted AND c.tenant_id = :tenant`,
    { rows: JSON.stringify(ids.map((id) => [id])) },
  );
  const figures = await figuresOf(db, ids);
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = found.get(id);
    return row ? [campaignOf(row, figures.get(id))] : [];
  });
}

function campaignOf(row: Row, { figures, updatedAt }: Partial<CampaignFigures> = {}): DashboardCampaign {
  const all = figures ?? noFigures();
  const { queued, sent, delivered, failed, unknown, opened, clicked, converted, revenue, cost } = all;
  const rates = ratesOf(all);
  return {
    id: row.id,
    key: row.campaign_key,
    name: row.name,
    state: row.state,
    stage: row.stage ?? row.state,
    type: row.type,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.team === null ? {} : { team: row.team }),
    channels: parseJson<string[] | null>(row.channels, null) ?? [],
    createdAt: row.created_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...{ queued, sent, delivered, failed, unknown, opened, clicked, converted },
    ...rates,
    ...(row.currency === null ? {} : { currency: row.currency }),
    ...(row.budget === null ? {} : { budget: row.budget }),
    spent: cost,
    revenue,
    alerts: alertsOf(row.hold_reason, rates.deliveryRate),
    ...(updatedAt === undefined ? {} : { updatedAt }),
  };
}

function alertsOf(held: string | null, deliveryRate: number | null): DashboardAlert[] {
  const alerts: DashboardAlert[] = [];
  if (held !== null) alerts.push({ code: 'held', message: held });
  if (deliveryRate !== null && deliveryRate < LOWEST_DELIVERY) {
    const percent = Math.floor(deliveryRate * 1_000) / 10;
    alerts.push({ code: 'delivery_rate', message: `Only ${percent} % of its messages arrive.` });
  }
  return alerts;
}

/** The ids of a page, and one more when there is another page. */
export async function pageIds(
  db: Scope,
  whose: Whose,
  filter: Filter,
  {
    sort,
    limit,
    cursor,
    few,
  }: { sort: Sort; limit: number; cursor: string | undefined; few: readonly number[] | undefined },
): Promise<{ ids: number[]; cursor?: string }> {
  const place = cursor === undefined ? undefined : readCursor(cursor, sort);
  const way = sort.startsWith('-') ? 'DESC' : 'ASC';
  const places = sort.endsWith('name')
    ? await byName(db, whose, filter, { way, limit: limit + 1, place, few })
    : (await businessIds(db, whose, filter, { way, limit: limit + 1, ...(place ? { beyond: place.id } : {}) })).map(
        (id): Place => ({ id, name: '' }),
      );
  const last = places[limit - 1];
  const ids = places.slice(0, limit).map(({ id }) => id);
  return places.length > limit && last ? { ids, cursor: writeCursor(sort, last) } : { ids };
}

interface Place {
  readonly id: number;
  /** In lower case; empty where the order is that of ids. */
  readonly name: string;
}

interface Walk {
  readonly way: 'ASC' | 'DESC';
  readonly limit: number;
  readonly place: Place | undefined;
  readonly few: readonly number[] | undefined;
}

async function byName(db: Scope, whose: Whose, filter: Filter, { way, limit, place, few }: Walk): Promise<Place[]> {
  const than = way === 'ASC' ? '>' : '<';
  const beyond = place
    ? `AND c.search_name ${than}= :name AND (c.search_name ${than} :name OR c.id ${than} :last)`
    : '';
  const values: Record<string, SqlValue> = place ? { name: place.name, last: place.id } : {};
  const columns = 'c.id, c.search_name AS name';
  const order = `ORDER BY c.search_name ${way}, c.id ${way} LIMIT ${limit}`;
  if (few) {
    return db.all<Place>(
      `SELECT ${columns} FROM ${db.dialect.rows('rows', { wanted: 'int' }, 'r')}
       ${db.dialect.join} marketing_campaigns c ON c.id = r.wanted AND c.tenant_id = :tenant WHERE 1 = 1 ${beyond} ${order}`,
      { ...values, rows: JSON.stringify(few.map((id) => [id])) },
    );
  }
  // Many: along the index of names, until the page is full. The sign keeps SQLite from sorting all that have the state.
  const state = db.dialect.name === 'sqlite' ? '+c.state' : 'c.state';
  return db.all<Place>(
    `SELECT ${columns} FROM marketing_campaigns c
     WHERE c.tenant_id = :tenant AND ${state} IN ${statesIn(filter)} AND ${filter.where.join(' AND ')} AND ${isBusinessOf(db)} ${beyond} ${order}`,
    { ...filter.values, ...businessValues(whose), ...values },
  );
}

function writeCursor(sort: Sort, { id, name }: Place): string {
  return Buffer.from(JSON.stringify([sort, id, name])).toString('base64url');
}

/** It comes from outside: everything about it is looked at. */
function readCursor(cursor: string, sort: Sort): Place {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor.slice(0, 2_000), 'base64url').toString());
  } catch {
    parts = undefined;
  }
  const [of, id, name] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (of !== sort || !Number.isSafeInteger(id) || typeof name !== 'string' || /\0|\p{Cs}/u.test(name)) {
    throw new InputError(
      'E_CURSOR',
      'This is no cursor of this list. Take the one of the last page, or begin without.',
    );
  }
  return { id: id as number, name };
}
