import { InputError, NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';

/** What became of one delivery. Times are milliseconds since 1970. */
export interface Delivery {
  readonly id: number;
  /** The webhook that it goes to. */
  readonly webhook: number;
  /** The `webhook-id` header: the same on every try, and after a replay. */
  readonly eventId: string;
  readonly type: string;
  readonly state: DeliveryState;
  /** Tries so far. */
  readonly attempt: number;
  /** When it is, or was last, to be tried. */
  readonly dueAt: number;
  /** The HTTP status of the last try, where there was an answer. */
  readonly status?: number;
  /** Why the last try failed. */
  readonly reason?: string;
  readonly createdAt: number;
  /** When it was delivered or given up. */
  readonly settledAt?: number;
}

/** `dead`: in the dead-letter list, to be replayed by a person. */
export type DeliveryState = 'waiting' | 'sending' | 'delivered' | 'dead';
const STATES: readonly DeliveryState[] = ['waiting', 'sending', 'delivered', 'dead'];

/** Which deliveries to list. */
export interface DeliveryQuery {
  readonly webhook?: number;
  readonly state?: DeliveryState;
  /** Where the last page ended. */
  readonly cursor?: string;
  /** 1 to 100; default 20. */
  readonly limit?: number;
}

/** A page of deliveries, the newest first. */
export interface DeliveryPage {
  readonly items: readonly Delivery[];
  /** Give it to the next call; absent on the last page. */
  readonly cursor?: string;
}

interface DeliveryRow {
  id: number;
  subscription_id: number;
  event_id: string;
  type: string;
  state: DeliveryState;
  attempt: number;
  due_at: number;
  status: number | null;
  reason: string | null;
  created_at: number;
  settled_at: number | null;
}

const COLUMNS =
  'o.id, o.subscription_id, o.event_id, o.type, o.state, o.attempt, o.due_at, o.status, o.reason, o.created_at, o.settled_at';
/** What event nodes are told is no delivery that anybody outside can look at. */
const OF_WEBHOOKS = `EXISTS (SELECT 1 FROM marketing_subscriptions s
  WHERE s.tenant_id = :tenant AND s.id = o.subscription_id AND s.kind = 'webhook')`;

/** A page of deliveries. @throws InputError `E_LIMIT`, `E_CURSOR`, `E_DELIVERY_STATE` */
export async function listDeliveries(scope: Scope, query: DeliveryQuery): Promise<DeliveryPage> {
  const { webhook, state, cursor, limit = 20 } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new InputError('E_LIMIT', 'A page has 1 to 100 deliveries.');
  }
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) {
    throw new InputError(
      'E_CURSOR',
      'This cursor is not one that a list of deliveries has given out: start without one.',
    );
  }
  if (state !== undefined && !STATES.includes(state)) {
    throw new InputError('E_DELIVERY_STATE', `A delivery is one of ${STATES.join(', ')}.`);
  }
  const rows = await scope.all<DeliveryRow>(
    `SELECT ${COLUMNS} FROM marketing_outbox o WHERE o.tenant_id = :tenant AND ${OF_WEBHOOKS}
       ${webhook === undefined ? '' : 'AND o.subscription_id = :webhook'} ${state === undefined ? '' : 'AND o.state = :state'}
       ${cursor === undefined ? '' : 'AND o.id < :before'} ORDER BY o.id DESC LIMIT ${limit + 1}`,
    { webhook: webhook ?? null, state: state ?? null, before: cursor === undefined ? null : Number(cursor) },
  );
  const items = rows.slice(0, limit).map(deliveryOf);
  const last = items.at(-1);
  return rows.length > limit && last ? { items, cursor: String(last.id) } : { items };
}

/** One delivery with what was or will be posted. @throws NotFoundError `E_UNKNOWN_DELIVERY` */
export async function readDelivery(scope: Scope, id: number): Promise<Delivery & { readonly body: unknown }> {
  const row = await scope.get<DeliveryRow & { body: string }>(
    `SELECT ${COLUMNS}, o.body FROM marketing_outbox o WHERE o.tenant_id = :tenant AND o.id = :id AND ${OF_WEBHOOKS}`,
    { id },
  );
  if (!row) throw unknownDelivery(id);
  return { ...deliveryOf(row), body: parseJson<unknown>(row.body, null) };
}

function unknownDelivery(id: number): NotFoundError {
  return new NotFoundError('E_UNKNOWN_DELIVERY', `There is no delivery ${id}. Delivered ones are kept for seven days.`);
}

const AGAIN = `state = 'waiting', attempt = 0, due_at = :now, settled_at = NULL, status = NULL, reason = NULL`;

/** Has one settled delivery sent again, with its event id. True unless it is under way anyway. */
export async function replayOne(tx: Scope, id: number): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE marketing_outbox SET ${AGAIN} WHERE tenant_id = :tenant AND id = :id AND state IN ('dead', 'delivered')`,
    { id, now: tx.clock.now() },
  );
  return changed > 0;
}

/** The same for all of a webhook since a time: those given up, and those delivered when asked for. @returns how many */
export async function replaySince(tx: Scope, webhook: number, since: number, delivered: boolean): Promise<number> {
  return tx.run(
    `UPDATE marketing_outbox SET ${AGAIN} WHERE tenant_id = :tenant AND subscription_id = :webhook
       AND state IN ('dead'${delivered ? `, 'delivered'` : ''}) AND created_at >= :since`,
    { webhook, since, now: tx.clock.now() },
  );
}

function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    webhook: row.subscription_id,
    eventId: row.event_id,
    type: row.type,
    state: row.state,
    attempt: row.attempt,
    dueAt: row.due_at,
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    createdAt: row.created_at,
    ...(row.settled_at === null ? {} : { settledAt: row.settled_at }),
  };
}
