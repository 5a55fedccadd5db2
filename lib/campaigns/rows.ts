import { parseJson, type Scope } from '../store';
import type { CampaignView } from '../types';
import type { Campaign, CampaignState } from './types';

/** A row of marketing_campaigns. */
export interface CampaignRow {
  id: number;
  campaign_key: string;
  name: string;
  definition_key: string;
  segment_key: string | null;
  data: unknown;
  state: string;
  on_unknown: string;
  hold_reason: string | null;
  run: number;
  own_segment: number;
  own_policy: number;
  expand_station_id: number | null;
  version: number;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  ended_at: number | null;
}

export const CAMPAIGN_COLUMNS = `id, campaign_key, name, definition_key, segment_key, data, state, on_unknown, hold_reason, run,
  own_segment, own_policy, expand_station_id, version, created_at, updated_at, started_at, ended_at`;

/** The campaign of a row. */
export function campaignOf(row: CampaignRow): Campaign {
  return {
    id: row.id,
    key: row.campaign_key,
    name: row.name,
    definition: row.definition_key,
    ...(row.segment_key === null ? {} : { segment: row.segment_key }),
    data: parseJson<Record<string, unknown>>(row.data, {}),
    state: row.state as CampaignState,
    onUnknown: row.on_unknown === 'resend' ? 'resend' : 'hold',
    ...(row.hold_reason === null ? {} : { holdReason: row.hold_reason }),
    run: row.run,
    hadAudience: row.expand_station_id !== null,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

/** The campaigns as flows see them, in one statement. */
export async function campaignViews(scope: Scope, ids: readonly number[]): Promise<Map<number, CampaignView>> {
  if (ids.length === 0) return new Map();
  const rows = await scope.all<CampaignRow>(
    `SELECT c.id, c.campaign_key, c.name, c.definition_key, c.data, c.on_unknown
     FROM ${scope.dialect.rows('rows', { campaign: 'int' }, 'r')}
     ${scope.dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant`,
    { rows: JSON.stringify(ids.map((id) => [id])) },
  );
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        key: row.campaign_key,
        name: row.name,
        definition: row.definition_key,
        data: parseJson<Record<string, unknown>>(row.data, {}),
        onUnknown: row.on_unknown === 'resend' ? 'resend' : 'hold',
      },
    ]),
  );
}
