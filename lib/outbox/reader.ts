import { randomUUID } from 'node:crypto';
import { ConflictError, InputError, messageOf } from '../errors';
import type { Scope } from '../store';
import { listenersOf } from './listeners';
import { checkPatterns } from './patterns';
import { leaseDeliveries, nextDelivery, reclaimDeliveries, settleDeliveries, type LeasedDelivery } from './queue';
import { removeSubscription } from './subscription-rows';
import type { Announced, AnnouncementType } from './types';

/** Somebody in a flow who is told of events, also of those that happened while the flow was stopped. */
export interface FlowSubscription {
  /** Names it among the flows of this tenant; survives restarts. 1 to 128 characters. */
  readonly key: string;
  /** Patterns: `*`, `marketing.campaign.*`, a type in full. */
  readonly events: readonly string[];
  /** Id of the node that it belongs to: what the node asked for under another key before is forgotten. */
  readonly node: string;
  /** Shown to people. */
  readonly name?: string;
  /** False while the flow cannot take anything; asked before each group. Default: always. */
  readonly ready?: () => boolean;
  /** Takes one event over. When it throws, this event and those behind it are handed over again later. */
  readonly deliver: (announced: Announced) => void | Promise<void>;
  /** Told when the database does not answer, or `deliver` throws. */
  readonly onTrouble?: (error: unknown) => void;
}

/** Events handed over between two looks at the database; so many may come twice after a crash. */
const GROUP = 100;
const POLL_MS = 2_000;
const LEASE_MS = 60_000;
const RECLAIM_EVERY_MS = 30_000;
/** After `deliver` has thrown. */
const PAUSE_MS = 5_000;

/** Keys that are read in this process, per open database and tenant: two readers would share the events between them. */
const taken = new WeakMap<object, Set<string>>();

/** Hands the events of one {@link FlowSubscription} to its flow, in their order. */
export class FlowReader {
  private readonly owner = randomUUID();
  private id = 0;
  private pass: Promise<void> | undefined;
  private again = false;
  private reclaimedAt = -Infinity;
  private stopped = false;
  private cancelPoll: (() => void) | undefined;
  private unhear: (() => void) | undefined;

  private constructor(
    private readonly scope: Scope,
    private readonly flow: FlowSubscription,
  ) {}

  /**
   * Subscribes and begins to read.
   * @throws InputError `E_EVENT_PATTERN`, `E_SUBSCRIPTION_KEY`; ConflictError `E_DUPLICATE_STEP` when another node has the key
   */
  static async open(scope: Scope, flow: FlowSubscription): Promise<FlowReader> {
    const events = checkPatterns(flow.events);
    if (flow.key === '' || flow.key.length > 128) {
      throw new InputError('E_SUBSCRIPTION_KEY', 'The key of an event node is a text of 1 to 128 characters.');
    }
    const keys = keysOf(scope);
    const name = nameIn(scope, flow.key);
    if (keys.has(name)) {
      throw new ConflictError(
        'E_DUPLICATE_STEP',
        `Two event nodes have the key "${flow.key}": give one of them another name or key, or each would get half of the events.`,
      );
    }
    keys.add(name);
    const reader = new FlowReader(scope, flow);
    try {
      reader.id = await subscribe(scope, flow, events);
    } catch (error) {
      keys.delete(name);
      throw error;
    }
    reader.unhear = listenersOf(scope).onDelivery(() => reader.wake());
    reader.wake();
    return reader;
  }

  /** Looks for events now. */
  wake(): void {
    if (this.stopped) return;
    this.again = true;
    if (this.pass) return;
    this.cancelPoll?.();
    this.pass = this.readAll()
      .catch((error: unknown) => this.flow.onTrouble?.(error))
      .then(() => {
        this.pass = undefined;
        if (this.stopped) return;
        if (this.again) this.wake();
        else this.cancelPoll = this.scope.clock.after(POLL_MS, () => this.wake());
      });
  }

  /** Resolves when nothing is being handed over. */
  async idle(): Promise<void> {
    while (this.pass) await this.pass;
  }

  /** Stops reading. With `remove`, nothing is kept for it any more; otherwise its events wait for the next reader. */
  async close(remove = false): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.unhear?.();
    this.cancelPoll?.();
    await this.idle();
    keysOf(this.scope).delete(nameIn(this.scope, this.flow.key));
    if (remove) await this.scope.transaction((tx) => removeSubscription(tx, this.id));
  }

  private async readAll(): Promise<void> {
    this.again = false;
    const now = this.scope.clock.now();
    if (now - this.reclaimedAt >= RECLAIM_EVERY_MS) {
      this.reclaimedAt = now;
      await reclaimDeliveries(this.scope);
    }
    while (!this.stopped && (this.flow.ready?.() ?? true)) {
      // Asked first, because most looks find nothing, and leasing would be a write.
      const due = await nextDelivery(this.scope, this.id);
      if (due === undefined || due > this.scope.clock.now()) return;
      const leased = await leaseDeliveries(this.scope, {
        ...{ subscription: this.id, owner: this.owner, limit: GROUP, leaseMs: LEASE_MS },
      });
      if (leased.length === 0) return;
      if (!(await this.hand(leased))) return;
    }
  }

  /** @returns false when the flow did not take everything */
  private async hand(leased: readonly LeasedDelivery[]): Promise<boolean> {
    let handed = 0;
    let trouble: { error: unknown } | undefined;
    for (const delivery of leased) {
      try {
        await this.flow.deliver(announcedOf(delivery, this.scope.tenant));
        handed++;
      } catch (error) {
        trouble = { error };
        break;
      }
    }
    const ids = leased.map(({ id }) => id);
    await this.scope.transaction(async (tx) => {
      await settleDeliveries(tx, this.owner, ids.slice(0, handed), { state: 'delivered' });
      if (!trouble) return;
      await settleDeliveries(tx, this.owner, ids.slice(handed), {
        ...{ state: 'waiting', dueAt: tx.clock.now() + PAUSE_MS, reason: messageOf(trouble.error), free: true },
      });
    });
    if (trouble) this.flow.onTrouble?.(trouble.error);
    return !trouble;
  }
}

function keysOf({ database }: Scope): Set<string> {
  const keys = taken.get(database) ?? new Set<string>();
  taken.set(database, keys);
  return keys;
}

function nameIn({ tenant }: Scope, key: string): string {
  return `${tenant}/${key}`;
}

/** How a node's subscriptions name it. */
function makerOf(node: string): string {
  return `node:${node}`.slice(0, 128);
}

/** Removes what is kept for a node, but for the key that it has now. */
export async function forgetNode(tx: Scope, node: string, key = ''): Promise<void> {
  const rows = await tx.all<{ id: number }>(
    `SELECT id FROM marketing_subscriptions
      WHERE tenant_id = :tenant AND kind = 'flow' AND created_by = :maker AND subscription_key <> :key`,
    { maker: makerOf(node), key },
  );
  for (const { id } of rows) await removeSubscription(tx, id);
}

async function subscribe(scope: Scope, { key, name, node }: FlowSubscription, events: string[]): Promise<number> {
  return scope.transaction(async (tx) => {
    const createdBy = makerOf(node);
    await forgetNode(tx, node, key);
    await tx.run(
      `INSERT INTO marketing_subscriptions (tenant_id, kind, subscription_key, name, events, enabled, created_by, created_at, updated_at)
       VALUES (:tenant, 'flow', :key, :name, :events, 1, :createdBy, :now, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'kind', 'subscription_key'], {
         name: tx.dialect.excluded('name'),
         events: tx.dialect.excluded('events'),
         enabled: '1',
         disabled_reason: 'NULL',
         created_by: tx.dialect.excluded('created_by'),
         updated_at: tx.dialect.excluded('updated_at'),
       })}`,
      { key, name: name?.slice(0, 255) ?? null, events: JSON.stringify(events), createdBy, now: tx.clock.now() },
    );
    const row = await tx.get<{ id: number }>(
      `SELECT id FROM marketing_subscriptions WHERE tenant_id = :tenant AND kind = 'flow' AND subscription_key = :key`,
      { key },
    );
    return row?.id ?? 0;
  });
}

/** The announcement behind a stored body (see `announce.ts`). */
function announcedOf({ eventId, type, body }: LeasedDelivery, tenant: string): Announced {
  const { timestamp, data } = JSON.parse(body) as { timestamp: string; data: Record<string, unknown> };
  const { tenant: _tenant, ...facts } = data;
  return { id: eventId, type: type as AnnouncementType, tenant, data: facts, at: Date.parse(timestamp) };
}
