import type { Scope } from '../../store';

const LOCKS = {
  /** Whoever would change one of them waits until the transaction ends. */
  share: { sqlite: '', postgres: 'ORDER BY c.id FOR SHARE OF c', mysql: 'LOCK IN SHARE MODE' },
  /** Whoever would change or share-lock one of them waits. */
  update: { sqlite: '', postgres: 'ORDER BY c.id FOR UPDATE OF c', mysql: 'FOR UPDATE' },
} as const;

/** States in which nobody of a campaign is begun with any more: it is completed or cancelled, or rests until its next run. */
export function isOver(state: string | undefined): boolean {
  return state !== undefined && state !== 'active' && state !== 'paused';
}

/**
 * The states of campaigns, locked until the transaction ends. Lock campaigns before their steps: everybody does, so
 * that nobody waits in a circle.
 */
export async function lockCampaigns(
  tx: Scope,
  ids: Iterable<number>,
  lock: keyof typeof LOCKS = 'share',
): Promise<Map<number, string>> {
  const campaigns = [...new Set(ids)].sort((a, b) => a - b);
  if (campaigns.length === 0) return new Map();
  const { dialect } = tx;
  const rows = await tx.all<{ id: number; state: string }>(
    `SELECT c.id, c.state FROM ${dialect.rows('rows', { campaign: 'int' }, 'r')}
     ${dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant ${LOCKS[lock][dialect.name]}`,
    { rows: JSON.stringify(campaigns.map((id) => [id])) },
  );
  return new Map(rows.map(({ id, state }) => [id, state]));
}
