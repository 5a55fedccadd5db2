import type { Scope } from '../store';
import { reclaimDeliveries } from './queue';

const DAY = 24 * 60 * 60 * 1000;
/** How long deliveries are kept: delivered ones, those given up, and those that nobody has asked for. */
const KEEP_DELIVERED_MS = 7 * DAY;
const KEEP_DEAD_MS = 30 * DAY;
const KEEP_UNASKED_MS = 30 * DAY;
/** Rows per statement that removes: few enough not to hold up others. */
const PART = 2_000;

/** Gives back what was leased by processes that are gone; `thorough`: also removes what is too old. Any process may do it at any time. */
export async function tidy(scope: Scope, thorough: boolean): Promise<void> {
  await reclaimDeliveries(scope);
  if (!thorough) return;
  const now = scope.clock.now();
  await giveUpUnasked(scope, now - KEEP_UNASKED_MS);
  await removeOld(scope, 'delivered', now - KEEP_DELIVERED_MS);
  await removeOld(scope, 'dead', now - KEEP_DEAD_MS);
  // An announcement may have come between the two halves of removing its subscription.
  await scope.run(
    `DELETE FROM marketing_outbox WHERE tenant_id = :tenant AND state = 'waiting' AND NOT EXISTS (
       SELECT 1 FROM marketing_subscriptions s WHERE s.tenant_id = :tenant AND s.id = marketing_outbox.subscription_id)`,
  );
}

/** A flow that was taken away leaves its subscription behind, which must not collect events for ever. */
async function giveUpUnasked(scope: Scope, before: number): Promise<void> {
  await scope.transaction(async (tx) => {
    const now = tx.clock.now();
    await tx.run(
      `UPDATE marketing_subscriptions SET enabled = 0, disabled_reason = :reason, updated_at = :now
        WHERE tenant_id = :tenant AND kind = 'flow' AND enabled = 1 AND EXISTS (SELECT 1 FROM marketing_outbox o
          WHERE o.tenant_id = :tenant AND o.subscription_id = marketing_subscriptions.id AND o.state = 'waiting' AND o.due_at <= :before)`,
      { before, now, reason: 'No flow has asked for its events for thirty days.' },
    );
    await tx.run(
      `UPDATE marketing_outbox SET state = 'dead', reason = 'Nobody asked for it within thirty days.', settled_at = :now
        WHERE tenant_id = :tenant AND state = 'waiting' AND due_at <= :before`,
      { before, now },
    );
  });
}

async function removeOld(scope: Scope, state: 'delivered' | 'dead', before: number): Promise<void> {
  for (;;) {
    const rows = await scope.all<{ id: number }>(
      `SELECT id FROM marketing_outbox WHERE tenant_id = :tenant AND state = :state AND settled_at <= :before
        ORDER BY settled_at, id LIMIT ${PART}`,
      { state, before },
    );
    if (rows.length > 0) {
      await scope.run(
        `DELETE FROM marketing_outbox WHERE tenant_id = :tenant AND state = :state
           AND id IN (SELECT r.delivery FROM ${scope.dialect.rows('rows', { delivery: 'int' }, 'r')})`,
        { state, rows: JSON.stringify(rows.map(({ id }) => [id])) },
      );
    }
    if (rows.length < PART) return;
  }
}
