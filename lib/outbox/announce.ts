import { randomUUID } from 'node:crypto';
import { parseJson, type Scope } from '../store';
import { listenersOf } from './listeners';
import { matches } from './patterns';
import type { Announced, Announcement, AnnouncementType } from './types';

/**
 * Which of these types anybody wants to know of: subscriptions of the tenant, listeners of this process. Asked first where
 * finding out what happened costs something.
 */
export async function wanted(tx: Scope, types: readonly AnnouncementType[]): Promise<Set<AnnouncementType>> {
  const heard = listenersOf(tx);
  const subscriptions = await subscriptionsOf(tx);
  return new Set(
    types.filter((type) => heard.wants(type) || subscriptions.some(({ events }) => matches(events, type))),
  );
}

/**
 * Announces what the caller's transaction does: one row of the outbox per announcement and subscription that wants it, in
 * the same transaction; listeners of this process hear it after the commit. Costs one small read when nobody listens.
 */
export async function announce(tx: Scope, announcements: readonly Announcement[]): Promise<void> {
  if (announcements.length === 0) return;
  const subscriptions = await subscriptionsOf(tx);
  const listeners = listenersOf(tx);
  const now = tx.clock.now();
  const announced = announcements
    .filter(({ type }) => listeners.wants(type) || subscriptions.some(({ events }) => matches(events, type)))
    .map((one): Announced => ({ ...one, id: `msg_${randomUUID().replaceAll('-', '')}`, tenant: tx.tenant, at: now }));
  if (announced.length === 0) return;
  const rows = announced.flatMap((one) =>
    subscriptions
      .filter(({ events }) => matches(events, one.type))
      .map(({ id }) => [id, one.id, one.type, bodyOf(one)]),
  );
  if (rows.length > 0) {
    await tx.run(
      `INSERT INTO marketing_outbox (tenant_id, subscription_id, event_id, type, body, state, due_at, created_at)
       SELECT :tenant, r.subscription, r.event, r.of_type, r.content, 'waiting', :now, :now
       FROM ${tx.dialect.rows('rows', { subscription: 'int', event: 'text', of_type: 'text', content: 'text' }, 'r')} WHERE 1 = 1`,
      { rows: JSON.stringify(rows), now },
    );
  }
  tx.afterCommit(() => {
    listeners.tell(announced);
    if (rows.length > 0) listeners.delivered();
  });
}

/** What a receiver gets; exactly this text is signed. Form: Standard Webhooks. */
function bodyOf({ type, at, tenant, data }: Announced): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data: { tenant, ...data } });
}

interface Wants {
  id: number;
  events: readonly string[];
}

async function subscriptionsOf(tx: Scope): Promise<Wants[]> {
  const rows = await tx.all<{ id: number; events: unknown }>(
    `SELECT id, events FROM marketing_subscriptions WHERE tenant_id = :tenant AND enabled = 1 ORDER BY id`,
  );
  return rows.map(({ id, events }) => ({ id, events: parseJson<string[]>(events, []) }));
}
