import { NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';
import type { SendRules } from '../pacing';
import type { CampaignView } from '../types';
import type { Audience, Campaign, CampaignState, CampaignType, Conversion, Kpi, Schedule } from './types';

/** A row of marketing_campaigns. */
export interface CampaignRow {
  id: number;
  campaign_key: string;
  name: string;
  search_name: string | null;
  definition_key: string;
  segment_key: string | null;
  own_segment: number;
  data: unknown;
  state: string;
  stage: string | null;
  type: string;
  description: string | null;
  objective: string | null;
  kpi: unknown;
  owner: string | null;
  team: string | null;
  subject_type: string | null;
  subject_id: string | null;
  budget: number | null;
  currency: string | null;
  starts_on: number | null;
  ends_on: number | null;
  channels: unknown;
  content: unknown;
  audience: unknown;
  conversion: unknown;
  send_rules: unknown;
  schedule: unknown;
  next_run_at: number | null;
  awaiting: string | null;
  on_unknown: string;
  own_policy: number;
  hold_reason: string | null;
  run: number;
  expand_station_id: number | null;
  version: number;
  created_by: string | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  ended_at: number | null;
  deleted_at: number | null;
}

/** The columns of a {@link CampaignRow}. */
export const CAMPAIGN_COLUMNS = `id, campaign_key, name, search_name, definition_key, segment_key, own_segment, data, state, stage, type,
  description, objective, kpi, owner, team, subject_type, subject_id, budget, currency, starts_on, ends_on, channels, content, audience,
  conversion, send_rules, schedule, next_run_at, awaiting, on_unknown, own_policy, hold_reason, run, expand_station_id, version,
  created_by, created_at, updated_at, started_at, ended_at, deleted_at`;

/**
 * `deleted_at` of a campaign that is being deleted for good: nobody sees it any more. A deletion in several steps may be
 * interrupted, and must not be taken back half way.
 */
export const PURGED = 0;

/** The campaign of a row. */
export function campaignOf(row: CampaignRow): Campaign {
  const content = parseJson<Record<string, unknown> | undefined>(row.content, undefined);
  return {
    id: row.id,
    key: row.campaign_key,
    name: row.name,
    definition: row.definition_key,
    data: parseJson<Record<string, unknown>>(row.data, {}),
    state: row.state as CampaignState,
    stage: row.stage ?? row.state,
    type: row.type as CampaignType,
    channels: parseJson<string[] | undefined>(row.channels, undefined) ?? channelsOf(content),
    onUnknown: row.on_unknown === 'resend' ? 'resend' : 'hold',
    run: row.run,
    hadAudience: row.expand_station_id !== null,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...present({
      segment: row.segment_key,
      description: row.description,
      objective: row.objective,
      kpi: parseJson<Kpi | null>(row.kpi, null),
      owner: row.owner,
      team: row.team,
      subject:
        row.subject_type === null || row.subject_id === null ? null : { type: row.subject_type, id: row.subject_id },
      budget: row.budget,
      currency: row.currency,
      startsOn: row.starts_on,
      endsOn: row.ends_on,
      content: content ?? null,
      audience: parseJson<Audience | null>(row.audience, null),
      conversion: parseJson<Conversion | null>(row.conversion, null),
      sendRules: parseJson<SendRules | null>(row.send_rules, null),
      schedule: parseJson<Schedule | null>(row.schedule, null),
      nextRunAt: row.next_run_at,
      awaiting: row.awaiting,
      holdReason: row.hold_reason,
      createdBy: row.created_by,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      deletedAt: row.deleted_at,
    }),
  };
}

/** The channels that a content is for, where a campaign does not name them itself. */
export function channelsOf(content: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.keys(content ?? {}).filter((name) => CHANNEL.test(name));
}

/** What a channel's name looks like. */
export const CHANNEL = /^[a-z][a-z0-9_-]{0,31}$/;

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as Present<T>;
}

/** The row of a campaign, by id or key, deleted or not; undefined when there is none. */
export async function findCampaign(scope: Scope, idOrKey: number | string): Promise<CampaignRow | undefined> {
  return scope.get<CampaignRow>(
    `SELECT ${CAMPAIGN_COLUMNS} FROM marketing_campaigns
     WHERE tenant_id = :tenant AND ${typeof idOrKey === 'number' ? 'id' : 'campaign_key'} = :which
       AND (deleted_at IS NULL OR deleted_at > ${PURGED})`,
    { which: idOrKey },
  );
}

/** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
export async function readCampaign(scope: Scope, idOrKey: number | string): Promise<Campaign> {
  const row = await findCampaign(scope, idOrKey);
  if (!row) throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign "${idOrKey}".`);
  return campaignOf(row);
}

/** The campaigns as flows see them, in one statement. */
export async function campaignViews(scope: Scope, ids: readonly number[]): Promise<Map<number, CampaignView>> {
  if (ids.length === 0) return new Map();
  const rows = await scope.all<CampaignRow>(
    `SELECT c.id, c.campaign_key, c.name, c.definition_key, c.data, c.channels, c.content, c.on_unknown
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
        channels:
          parseJson<string[] | undefined>(row.channels, undefined) ??
          channelsOf(parseJson<Record<string, unknown> | undefined>(row.content, undefined)),
        onUnknown: row.on_unknown === 'resend' ? 'resend' : 'hold',
      },
    ]),
  );
}
