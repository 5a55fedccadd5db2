import { InputError, NotFoundError } from '../errors';
import { createMetrics, fromMicros } from '../metrics';
import type { Scope } from '../store';
import { MODELS, WHOLE, type ConversionReport, type ConversionView, type Model, type ModelFigures } from './types';

/** A page of conversions. */
export interface ConversionPage {
  readonly items: readonly ConversionView[];
  /** Give it to the next call as `before`; absent on the last page. */
  readonly cursor?: number;
}

interface ModelRow {
  model: Model;
  conversions: number;
  shares: number;
  micros: number;
}

/** See `Conversions.report`. */
export async function conversionReport(
  scope: Scope,
  campaign: number,
  { from, to }: { from?: number; to?: number },
): Promise<ConversionReport> {
  const of = await campaignRow(scope, campaign);
  const within = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const { figures, rates } = await createMetrics(scope).of(campaign, within);
  const rows = await scope.background((db) =>
    db.all<ModelRow>(
      `SELECT model, COUNT(DISTINCT event_id) AS conversions, SUM(share) AS shares, SUM(value_micros) AS micros
       FROM marketing_conversions WHERE tenant_id = :tenant AND campaign_id = :campaign
         ${from === undefined ? '' : 'AND converted_at >= :from'} ${to === undefined ? '' : 'AND converted_at < :to'}
       GROUP BY model`,
      { campaign, ...within },
    ),
  );
  return {
    campaign,
    ...(of.currency === null ? {} : { currency: of.currency }),
    sent: figures.sent,
    conversions: figures.converted,
    conversionRate: rates.conversionRate,
    revenue: figures.revenue,
    ...(of.model === null ? {} : { model: of.model }),
    models: MODELS.map((model) => figuresOf(model, rows)),
  };
}

function figuresOf(model: Model, rows: readonly ModelRow[]): ModelFigures {
  const row = rows.find((one) => one.model === model);
  return {
    model,
    conversions: Number(row?.conversions ?? 0),
    attributed: Number(row?.shares ?? 0) / WHOLE,
    revenue: fromMicros(Number(row?.micros ?? 0)),
  };
}

interface Row {
  id: number;
  lead_id: number;
  event: string;
  converted_at: number;
  model: Model;
  touch: ConversionView['touch'];
  touch_at: number | null;
  variant: string;
  channel: string;
  share: number;
  value_micros: number;
}

/** See `Conversions.list`. */
export async function conversionPage(
  scope: Scope,
  campaign: number,
  { before, limit = 20 }: { before?: number; limit?: number },
): Promise<ConversionPage> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new InputError('E_PAGE', `${limit} is no page size: give a whole number from 1 to 100.`);
  }
  await campaignRow(scope, campaign);
  const at = before === undefined ? undefined : await placeOf(scope, campaign, before);
  const rows = await scope.all<Row>(
    `SELECT id, lead_id, event, converted_at, model, touch, touch_at, variant, channel, share, value_micros
     FROM marketing_conversions WHERE tenant_id = :tenant AND campaign_id = :campaign AND chosen = 1
       ${at === undefined ? '' : 'AND (converted_at < :at OR (converted_at = :at AND id < :before))'}
     ORDER BY converted_at DESC, id DESC LIMIT :limit`,
    { campaign, limit: limit + 1, ...(at === undefined || before === undefined ? {} : { at, before }) },
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { items: rows.slice(0, limit).map(viewOf), ...(last ? { cursor: last.id } : {}) };
}

async function placeOf(scope: Scope, campaign: number, id: number): Promise<number> {
  const row = await scope.get<{ at: number }>(
    'SELECT converted_at AS at FROM marketing_conversions WHERE tenant_id = :tenant AND campaign_id = :campaign AND id = :id',
    { campaign, id },
  );
  if (!row)
    throw new InputError('E_CURSOR', 'This cursor is of another list, or of one that has changed: begin again.');
  return Number(row.at);
}

function viewOf(row: Row): ConversionView {
  return {
    id: row.id,
    ...(row.lead_id === 0 ? {} : { lead: row.lead_id }),
    event: row.event,
    at: Number(row.converted_at),
    model: row.model,
    touch: row.touch,
    ...(row.touch_at === null ? {} : { touchAt: Number(row.touch_at) }),
    ...(row.variant === '' ? {} : { variant: row.variant }),
    ...(row.channel === '' ? {} : { channel: row.channel }),
    share: Number(row.share) / WHOLE,
    value: fromMicros(Number(row.value_micros)),
  };
}

async function campaignRow(scope: Scope, campaign: number): Promise<{ currency: string | null; model: Model | null }> {
  const row = await scope.get<{ currency: string | null; model: Model | null }>(
    `SELECT c.currency, (SELECT MIN(v.model) FROM marketing_conversion_events v WHERE v.tenant_id = :tenant AND v.campaign_id = c.id) AS model
     FROM marketing_campaigns c WHERE c.tenant_id = :tenant AND c.id = :campaign AND (c.deleted_at IS NULL OR c.deleted_at > 0)`,
    { campaign },
  );
  if (!row) throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign "${campaign}".`);
  return row;
}
