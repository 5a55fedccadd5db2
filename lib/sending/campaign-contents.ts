import { parseJson, type Scope } from '../store';

/** A campaign's content, per channel. */
export interface CampaignContent {
  readonly id: number;
  readonly key: string;
  readonly version: number;
  /** `unchanged`: what the caller has. */
  readonly content: Readonly<Record<string, unknown>> | 'unchanged';
}

/** What campaigns say is to be sent, in one statement. Words travel only where the campaign is not at the version that is known. */
export async function campaignContents(
  scope: Scope,
  campaigns: readonly { readonly id: number; readonly known: number | undefined }[],
): Promise<CampaignContent[]> {
  const rows = await scope.all<{ id: number; campaign_key: string; version: number; fresh: number; content: unknown }>(
    `SELECT c.id, c.campaign_key, c.version, CASE WHEN c.version = r.known_version THEN 0 ELSE 1 END AS fresh,
            CASE WHEN c.version = r.known_version THEN NULL ELSE c.content END AS content
       FROM ${scope.dialect.rows('rows', { campaign: 'int', known_version: 'int' }, 'r')}
       ${scope.dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant`,
    { rows: JSON.stringify(campaigns.map(({ id, known }) => [id, known ?? -1])) },
  );
  return rows.map(({ id, campaign_key: key, version, fresh, content }) => ({
    id,
    key,
    version,
    content: Number(fresh) === 1 ? parseJson<Record<string, unknown>>(content, {}) : 'unchanged',
  }));
}
