import { storable, type Scope } from '../store';

/** A delivery that somebody works on. */
export interface LeasedDelivery {
  readonly id: number;
  readonly eventId: string;
  readonly type: string;
  readonly body: string;
  /** Which try this is: 1, 2 … */
  readonly attempt: number;
}

/** Who claims, and what. */
export interface DeliveryClaim {
  readonly subscription: number;
  /** The fencing name: unique to one dispatcher or reader in one process. */
  readonly owner: string;
  readonly limit: number;
  readonly leaseMs: number;
}

const COLUMNS = 'id, event_id, type, body, attempt';
const DUE = `SELECT id FROM marketing_outbox
  WHERE tenant_id = :tenant AND subscription_id = :subscription AND state = 'waiting' AND due_at <= :now
  ORDER BY due_at, id LIMIT :limit`;

interface DeliveryRow {
  id: number;
  event_id: string;
  type: string;
  body: string;
  attempt: number;
}

/** Leases due deliveries of one subscription, the longest due first. Several processes never get the same one. */
export async function leaseDeliveries(scope: Scope, claim: DeliveryClaim): Promise<LeasedDelivery[]> {
  const { dialect } = scope;
  const { subscription, owner, limit, leaseMs } = claim;
  const set = `state = 'sending', lease_owner = :owner, lease_until = ${dialect.nowMs} + :lease, attempt = attempt + 1`;
  const due = { subscription, limit, now: scope.clock.now() };
  const lease = { owner, lease: leaseMs };
  if (dialect.updateReturning) {
    // Materialised, because PostgreSQL may evaluate a sub-query of IN once per row: each time it skips what it has locked
    // itself, and the limit is none.
    const rows = await scope.all<DeliveryRow>(
      `WITH due AS MATERIALIZED (${DUE} ${dialect.skipLocked})
       UPDATE marketing_outbox SET ${set} WHERE tenant_id = :tenant AND id IN (SELECT id FROM due) RETURNING ${COLUMNS}`,
      { ...due, ...lease },
    );
    return inOrder(rows);
  }
  return scope.transaction(async (tx) => {
    const free = await tx.all<{ id: number }>(`${DUE} ${dialect.skipLocked}`, due);
    if (free.length === 0) return [];
    const rows = JSON.stringify(free.map(({ id }) => [id]));
    const chosen = `(SELECT r.delivery FROM ${dialect.rows('rows', { delivery: 'int' }, 'r')})`;
    await tx.run(`UPDATE marketing_outbox SET ${set} WHERE tenant_id = :tenant AND id IN ${chosen}`, {
      ...lease,
      rows,
    });
    return inOrder(
      await tx.all<DeliveryRow>(
        `SELECT ${COLUMNS} FROM marketing_outbox WHERE tenant_id = :tenant AND id IN ${chosen}`,
        { rows },
      ),
    );
  });
}

function inOrder(rows: readonly DeliveryRow[]): LeasedDelivery[] {
  return rows.map(({ event_id: eventId, ...rest }) => ({ ...rest, eventId })).sort((a, b) => a.id - b.id);
}

/** How a try ended. */
export type DeliveryOutcome =
  | { readonly state: 'delivered'; readonly status?: number }
  | { readonly state: 'dead'; readonly reason: string; readonly status?: number }
  /** To be tried again at `dueAt`, ms since 1970. `free`: the try does not count. */
  | {
      readonly state: 'waiting';
      readonly dueAt: number;
      readonly reason: string;
      readonly status?: number;
      readonly free?: boolean;
    };

/** Writes how tries of one lease ended. A late owner, whose lease has passed to somebody else, changes nothing. @returns how many were still its own */
export async function settleDeliveries(
  tx: Scope,
  owner: string,
  ids: readonly number[],
  outcome: DeliveryOutcome,
): Promise<number> {
  if (ids.length === 0) return 0;
  const { dialect } = tx;
  const waiting = outcome.state === 'waiting';
  return tx.run(
    `UPDATE marketing_outbox SET state = :state, due_at = CASE WHEN :again = 1 THEN :due ELSE due_at END,
       attempt = attempt - :free, status = :status, reason = :reason, settled_at = :settled, lease_owner = NULL, lease_until = NULL
     WHERE tenant_id = :tenant AND state = 'sending' AND lease_owner = :owner
       AND id IN (SELECT r.delivery FROM ${dialect.rows('rows', { delivery: 'int' }, 'r')})`,
    {
      state: outcome.state,
      again: waiting ? 1 : 0,
      due: waiting ? outcome.dueAt : 0,
      free: waiting && outcome.free === true ? 1 : 0,
      status: outcome.status ?? null,
      reason: outcome.state === 'delivered' ? null : storable(outcome.reason, 255),
      settled: waiting ? null : tx.clock.now(),
      owner,
      rows: JSON.stringify(ids.map((id) => [id])),
    },
  );
}

/** Gives back what was leased by somebody who is gone: it is due again, with the same event id. */
export async function reclaimDeliveries(scope: Scope): Promise<number> {
  return scope.run(
    `UPDATE marketing_outbox SET state = 'waiting', lease_owner = NULL, lease_until = NULL
      WHERE tenant_id = :tenant AND state = 'sending' AND lease_until <= ${scope.dialect.nowMs}`,
  );
}

/** When a delivery of a subscription is next due, ms since 1970; undefined when none waits. */
export async function nextDelivery(scope: Scope, subscription: number): Promise<number | undefined> {
  const row = await scope.get<{ due_at: number }>(
    `SELECT due_at FROM marketing_outbox WHERE tenant_id = :tenant AND subscription_id = :subscription AND state = 'waiting'
      ORDER BY due_at LIMIT 1`,
    { subscription },
  );
  return row?.due_at;
}
