import type { Scope } from '../../lib/store';

/** Writes a campaign's row without a flow behind it: for tests of what only looks at rows. @returns its id */
export function campaignRow(
  scope: Scope,
  {
    key,
    state = 'active',
    ...more
  }: { key: string; state?: string } & Readonly<Record<string, string | number | null>>,
): Promise<number> {
  const row: Readonly<Record<string, string | number | null>> = {
    campaign_key: key,
    name: key,
    definition_key: 'journey',
    data: '{}',
    state,
    on_unknown: 'hold',
    created_at: scope.clock.now(),
    updated_at: scope.clock.now(),
    ...more,
  };
  const columns = Object.keys(row);
  return scope.insert(
    `INSERT INTO marketing_campaigns (tenant_id, ${columns.join(', ')}) VALUES (:tenant, ${columns.map((column) => `:${column}`).join(', ')})`,
    row,
  );
}
