import { parseJson, type Scope } from '../store';
import { effectiveRules } from './effective';
import type { EffectiveRules, SendRules, TenantSendRules } from './types';

/** The name of the tenant's send rules among its settings. */
export const SETTING = 'send_rules';

/** Rules put together once for each two texts that they come from: asked for with every group of messages. */
const known = new Map<string, EffectiveRules>();
const MOST_KNOWN = 1_000;

/** What counts for each of these campaigns, in one statement. */
export async function rulesOf(scope: Scope, campaigns: readonly number[]): Promise<Map<number, EffectiveRules>> {
  const rows = await scope.all<{ id: number; send_rules: unknown; value: string | null }>(
    `SELECT c.id, c.send_rules, s.value FROM ${scope.dialect.rows('rows', { campaign: 'int' }, 'r')}
     ${scope.dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant
     LEFT JOIN marketing_settings s ON s.tenant_id = :tenant AND s.name = :name`,
    { name: SETTING, rows: JSON.stringify([...new Set(campaigns)].map((id) => [id])) },
  );
  return new Map(rows.map((row) => [row.id, put(row.send_rules, row.value)]));
}

/** The tenant's own rules, as they were set. */
export async function readTenantRules(scope: Scope): Promise<TenantSendRules> {
  const row = await scope.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: SETTING },
  );
  return parseJson<TenantSendRules>(row?.value, {});
}

function put(own: unknown, tenant: string | null): EffectiveRules {
  const text = own === null ? '' : typeof own === 'string' ? own : JSON.stringify(own);
  const key = `${text}\n${tenant ?? ''}`;
  const found = known.get(key);
  if (found) return found;
  const rules = effectiveRules(
    parseJson<SendRules | null>(text === '' ? null : text, null) ?? {},
    parseJson<TenantSendRules>(tenant ?? undefined, {}),
  );
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, rules);
  return rules;
}
