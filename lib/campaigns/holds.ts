import { record } from '../history';
import { storable, type Scope } from '../store';

/** The widest `hold_reason` that the column takes. */
const LONGEST_REASON = 255;

/**
 * Says why campaigns stand still. A campaign that has a reason already keeps it: the first one is the one to mend.
 * Written to the history.
 */
export async function holdCampaigns(scope: Scope, ids: readonly number[], reason: string): Promise<void> {
  if (ids.length === 0) return;
  await scope.transaction(async (tx) => {
    const now = tx.clock.now();
    for (const id of [...ids].sort((a, b) => a - b)) {
      const changed = await tx.run(
        `UPDATE marketing_campaigns SET hold_reason = :reason, hold_since = :now, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND state IN ('active', 'paused') AND hold_reason IS NULL`,
        { id, reason: storable(reason, LONGEST_REASON), now },
      );
      if (changed === 0) continue;
      await record(tx, { event: 'campaign.held', campaign: id, actor: 'system', payload: { reason } });
    }
  });
}

/**
 * Takes back what was said about campaigns: those with these ids, whatever their reason is, or those of a definition
 * whose reason was given `by` a certain account (`<account>: …`), whoever wrote it and whenever.
 */
export async function releaseCampaigns(
  scope: Scope,
  which: { ids: readonly number[] } | { definition: string; by: string },
): Promise<void> {
  const held =
    'ids' in which
      ? await scope.all<Held>(
          `SELECT c.id, c.hold_reason FROM ${scope.dialect.rows('rows', { campaign: 'int' }, 'r')}
           ${scope.dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant
           WHERE c.hold_reason IS NOT NULL`,
          { rows: JSON.stringify(which.ids.map((id) => [id])) },
        )
      : (
          await scope.all<Held>(
            `SELECT id, hold_reason FROM marketing_campaigns
             WHERE tenant_id = :tenant AND definition_key = :definition AND hold_reason IS NOT NULL`,
            { definition: which.definition },
          )
        ).filter(({ hold_reason }) => hold_reason.startsWith(`${which.by}: `));
  if (held.length === 0) return;
  await scope.transaction(async (tx) => {
    const now = tx.clock.now();
    for (const { id, hold_reason } of [...held].sort((a, b) => a.id - b.id)) {
      // Only what was seen: another reason may have been given meanwhile.
      const changed = await tx.run(
        `UPDATE marketing_campaigns SET hold_reason = NULL, hold_since = NULL, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND hold_reason = :reason`,
        { id, reason: hold_reason, now },
      );
      if (changed === 0) continue;
      await record(tx, { event: 'campaign.released', campaign: id, actor: 'system' });
    }
  });
}

interface Held {
  id: number;
  hold_reason: string;
}
