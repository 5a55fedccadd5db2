import type { Campaigns } from '../campaigns';
import type { LedgerLog } from '../ledger';
import type { Scope } from '../store';

/** People in the dead-letter list from which a campaign is taken for broken, and their share of those served. */
const POISON_COUNT = 20;
const POISON_SHARE = 0.2;

/** Pauses a campaign in which many people cannot be served: better to look at it than to go on. */
export async function pauseWhenPoisoned(scope: Scope, campaigns: Campaigns, id: number, log: LedgerLog): Promise<void> {
  const rows = await scope.all<{ name: string; total: number }>(
    `SELECT name, SUM(count) AS total FROM marketing_counters
     WHERE tenant_id = :tenant AND campaign_id = :id AND name IN ('dead', 'sent') GROUP BY name`,
    { id },
  );
  const total = (name: string): number => Number(rows.find((row) => row.name === name)?.total ?? 0);
  const dead = total('dead');
  if (dead < POISON_COUNT || dead < POISON_SHARE * (dead + total('sent'))) return;
  const campaign = await campaigns.get(id);
  if (campaign.state !== 'active') return;
  const reason = `${dead} people could not be served; look at the dead-letter list, mend the cause, then retry and resume`;
  await campaigns.pause(id, { actor: 'system', reason });
  await campaigns.hold([id], reason);
  log.error(`The campaign "${campaign.key}" was paused: ${reason}.`);
}
