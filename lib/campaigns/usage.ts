import { parseJson, type Scope } from '../store';
import { segmentsOf } from './audience-fields';
import type { Audience } from './types';

/** Keys of the campaigns that may yet enter people by a saved segment: they keep it from being deleted. */
export async function campaignsUsing(scope: Scope, segment: string): Promise<string[]> {
  const { dialect } = scope;
  const text = dialect.name === 'postgres' ? 'audience::text' : 'audience';
  const rows = await scope.all<{ campaign_key: string; segment_key: string | null; audience: unknown }>(
    `SELECT campaign_key, segment_key, audience FROM marketing_campaigns
     WHERE tenant_id = :tenant AND (segment_key = :segment OR ${text} LIKE :named ESCAPE '!')
       AND state IN ('draft', 'scheduled', 'queued', 'active', 'paused') AND deleted_at IS NULL ORDER BY id`,
    { segment, named: `%${JSON.stringify(segment).replace(/[!%_]/g, '!$&')}%` },
  );
  return rows
    .filter((row) => {
      const audience = parseJson<Audience | undefined>(row.audience, undefined);
      return row.segment_key === segment || (audience !== undefined && segmentsOf({ audience }).includes(segment));
    })
    .map((row) => row.campaign_key);
}
