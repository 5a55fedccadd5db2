import { randomUUID } from 'node:crypto';
import { authorise, nameOf, type Actor } from '../access';
import { ConflictError, InputError } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import {
  listDeliveries,
  readDelivery,
  replayOne,
  replaySince,
  type Delivery,
  type DeliveryPage,
  type DeliveryQuery,
} from './delivery-log';
import { checkEndpoint, type EndpointOptions } from './endpoint';
import { listenersOf } from './listeners';
import { checkPatterns } from './patterns';
import { firstSecret, makeSecret, rotated } from './secrets';
import { listWebhooks, readWebhook, removeSubscription, type Webhook } from './subscription-rows';

/** A new webhook. */
export interface WebhookInput {
  /** https; plain http only to this machine, where private addresses are allowed. */
  readonly url: string;
  /** What it is told of: `*`, `marketing.campaign.*`, `marketing.lead.created` … */
  readonly events: readonly string[];
  /** Shown to people; at most 255 characters. */
  readonly name?: string;
}

/** What may be changed; what is absent stays. */
export interface WebhookChange extends Partial<WebhookInput> {
  /** False: it is told of nothing that happens meanwhile; what is on its way waits. True also forgets past failures. */
  readonly enabled?: boolean;
}

/** A webhook with its signing secret, which is shown this once. */
export interface WebhookWithSecret extends Webhook {
  /** `whsec_…` */
  readonly secret: string;
}

interface Options {
  readonly actor?: Actor;
}
/** `version`: the one that was looked at; when somebody has changed it since, nothing is done. */
interface ChangeOptions extends Options {
  readonly version?: number;
}

const MOST_WEBHOOKS = 100;
const TEST_EVENT = 'marketing.test';

/** The webhooks of one tenant: who is told of what, and what became of each delivery. Everything needs `webhook:manage`. */
export class Webhooks {
  constructor(
    private readonly scope: Scope,
    private readonly endpoints: EndpointOptions = {},
  ) {}

  /** @throws ForbiddenError `E_FORBIDDEN`; InputError `E_WEBHOOK_TARGET`, `E_EVENT_PATTERN`, `E_WEBHOOK`; ConflictError `E_TOO_MANY_WEBHOOKS` */
  async create(input: WebhookInput, options: Options = {}): Promise<WebhookWithSecret> {
    authorise(options.actor, 'webhook:manage');
    const url = checkEndpoint(input.url, this.endpoints);
    const events = checkPatterns(input.events);
    const name = nameFor(input.name);
    const secret = makeSecret();
    const id = await this.scope.transaction(async (tx) => {
      if ((await listWebhooks(tx)).length >= MOST_WEBHOOKS) {
        throw new ConflictError(
          'E_TOO_MANY_WEBHOOKS',
          `There are ${MOST_WEBHOOKS} webhooks already: remove one first.`,
        );
      }
      const inserted = await tx.insert(
        `INSERT INTO marketing_subscriptions
           (tenant_id, kind, subscription_key, name, url, events, secrets, enabled, created_by, created_at, updated_at)
         VALUES (:tenant, 'webhook', :key, :name, :url, :events, :secrets, 1, :actor, :now, :now)`,
        {
          ...{ key: randomUUID(), name, url: url.href, events: JSON.stringify(events), secrets: firstSecret(secret) },
          ...{ actor: nameOf(options.actor).slice(0, 128), now: tx.clock.now() },
        },
      );
      // A URL may carry a secret in its path: the history names the host only.
      await this.tell(tx, 'created', options, { webhook: inserted, host: url.host, events });
      return inserted;
    });
    return { ...(await readWebhook(this.scope, id)), secret };
  }

  /** All webhooks, the oldest first. */
  async list(options: Options = {}): Promise<Webhook[]> {
    authorise(options.actor, 'webhook:manage');
    return listWebhooks(this.scope);
  }

  /** @throws NotFoundError `E_UNKNOWN_WEBHOOK` */
  async get(id: number, options: Options = {}): Promise<Webhook> {
    authorise(options.actor, 'webhook:manage');
    return readWebhook(this.scope, id);
  }

  /** @throws NotFoundError `E_UNKNOWN_WEBHOOK`; ConflictError `E_CONFLICT`; what {@link create} throws */
  async update(id: number, change: WebhookChange, options: ChangeOptions = {}): Promise<Webhook> {
    authorise(options.actor, 'webhook:manage');
    const url = change.url === undefined ? undefined : checkEndpoint(change.url, this.endpoints);
    const events = change.events === undefined ? undefined : checkPatterns(change.events);
    const name = change.name === undefined ? undefined : nameFor(change.name);
    await this.change(id, options, async (tx, before) => {
      const enabled = change.enabled ?? before.enabled;
      await tx.run(
        `UPDATE marketing_subscriptions SET url = :url, events = :events, name = :name, enabled = :enabled,
           disabled_reason = CASE WHEN :again = 1 THEN NULL ELSE disabled_reason END,
           failing_since = CASE WHEN :again = 1 THEN NULL ELSE failing_since END
         WHERE tenant_id = :tenant AND id = :id`,
        {
          ...{ id, url: url?.href ?? before.url, name: name === undefined ? (before.name ?? null) : name },
          ...{ events: JSON.stringify(events ?? before.events), enabled: enabled ? 1 : 0 },
          again: change.enabled === undefined && url === undefined ? 0 : 1,
        },
      );
      const what = { ...(url ? { host: url.host } : {}), ...(events ? { events } : {}), enabled };
      await this.tell(tx, 'updated', options, { webhook: id, ...what });
      if (enabled) tx.afterCommit(() => listenersOf(tx).delivered());
    });
    return readWebhook(this.scope, id);
  }

  /** Removes a webhook with everything on its way to it. @throws NotFoundError `E_UNKNOWN_WEBHOOK`; ConflictError `E_CONFLICT` */
  async remove(id: number, options: ChangeOptions = {}): Promise<void> {
    authorise(options.actor, 'webhook:manage');
    await this.change(id, options, async (tx) => {
      await removeSubscription(tx, id);
      await this.tell(tx, 'removed', options, { webhook: id });
    });
  }

  /**
   * Gives a webhook a new secret. For 24 hours everything is signed with both, so that its receiver can change over.
   * @throws NotFoundError `E_UNKNOWN_WEBHOOK`; ConflictError `E_CONFLICT`
   */
  async rotateSecret(id: number, options: ChangeOptions = {}): Promise<WebhookWithSecret> {
    authorise(options.actor, 'webhook:manage');
    const secret = makeSecret();
    await this.change(id, options, async (tx) => {
      const row = await tx.get<{ secrets: unknown }>(
        'SELECT secrets FROM marketing_subscriptions WHERE tenant_id = :tenant AND id = :id',
        { id },
      );
      await tx.run('UPDATE marketing_subscriptions SET secrets = :secrets WHERE tenant_id = :tenant AND id = :id', {
        id,
        secrets: rotated(row?.secrets, secret, tx.clock.now()),
      });
      await this.tell(tx, 'secret_rotated', options, { webhook: id });
    });
    return { ...(await readWebhook(this.scope, id)), secret };
  }

  /**
   * Sends an event of the type `marketing.test` on its way.
   * @returns the delivery, whose state says how it went
   * @throws NotFoundError `E_UNKNOWN_WEBHOOK`; ConflictError `E_WEBHOOK_DISABLED`
   */
  async test(id: number, options: Options = {}): Promise<Delivery> {
    authorise(options.actor, 'webhook:manage');
    const delivery = await this.scope.transaction(async (tx) => {
      assertEnabled(await readWebhook(tx, id));
      const now = tx.clock.now();
      const data = { tenant: tx.tenant, webhook: id };
      const body = JSON.stringify({ type: TEST_EVENT, timestamp: new Date(now).toISOString(), data });
      const inserted = await tx.insert(
        `INSERT INTO marketing_outbox (tenant_id, subscription_id, event_id, type, body, state, due_at, created_at)
         VALUES (:tenant, :id, :event, :type, :body, 'waiting', :now, :now)`,
        { id, event: `msg_${randomUUID().replaceAll('-', '')}`, type: TEST_EVENT, body, now },
      );
      tx.afterCommit(() => listenersOf(tx).delivered());
      return inserted;
    });
    return readDelivery(this.scope, delivery);
  }

  /** Deliveries to all webhooks or one, the newest first; `state: 'dead'` is the dead-letter list. @throws InputError `E_LIMIT`, `E_CURSOR` */
  async deliveries(query: DeliveryQuery = {}, options: Options = {}): Promise<DeliveryPage> {
    authorise(options.actor, 'webhook:manage');
    if (query.webhook !== undefined) await readWebhook(this.scope, query.webhook);
    return listDeliveries(this.scope, query);
  }

  /** One delivery with its body. @throws NotFoundError `E_UNKNOWN_DELIVERY` */
  async delivery(id: number, options: Options = {}): Promise<Delivery & { readonly body: unknown }> {
    authorise(options.actor, 'webhook:manage');
    return readDelivery(this.scope, id);
  }

  /**
   * Sends one delivery again that was given up or delivered, under the same event id.
   * @throws NotFoundError `E_UNKNOWN_DELIVERY`; ConflictError `E_DELIVERY_UNDER_WAY`, `E_WEBHOOK_DISABLED`
   */
  async replay(id: number, options: Options = {}): Promise<Delivery> {
    authorise(options.actor, 'webhook:manage');
    await this.scope.transaction(async (tx) => {
      const delivery = await readDelivery(tx, id);
      assertEnabled(await readWebhook(tx, delivery.webhook));
      if (!(await replayOne(tx, id))) {
        throw new ConflictError(
          'E_DELIVERY_UNDER_WAY',
          `The delivery ${id} is ${delivery.state}: it will be sent anyway.`,
        );
      }
      await this.tell(tx, 'replayed', options, { webhook: delivery.webhook, delivery: id });
      tx.afterCommit(() => listenersOf(tx).delivered());
    });
    return readDelivery(this.scope, id);
  }

  /**
   * Sends again what happened since a time (ms since 1970) and was given up; with `delivered`, everything.
   * @throws NotFoundError `E_UNKNOWN_WEBHOOK`; ConflictError `E_WEBHOOK_DISABLED`
   */
  async replayAll(
    webhook: number,
    { since, delivered = false }: { since: number; delivered?: boolean },
    options: Options = {},
  ): Promise<{ replayed: number }> {
    authorise(options.actor, 'webhook:manage');
    return this.scope.transaction(async (tx) => {
      assertEnabled(await readWebhook(tx, webhook));
      const replayed = await replaySince(tx, webhook, since, delivered);
      if (replayed > 0) await this.tell(tx, 'replayed', options, { webhook, since, replayed });
      tx.afterCommit(() => listenersOf(tx).delivered());
      return { replayed };
    });
  }

  private async change(
    id: number,
    { version }: ChangeOptions,
    work: (tx: Scope, before: Webhook) => Promise<void>,
  ): Promise<void> {
    await this.scope.transaction(async (tx) => {
      const before = await readWebhook(tx, id, true);
      if (version !== undefined && version !== before.version) {
        throw new ConflictError(
          'E_CONFLICT',
          `Somebody else has changed the webhook ${id}: look at it again, then change it.`,
          {
            retryable: true,
            details: { version: before.version },
          },
        );
      }
      await work(tx, before);
      await tx.run(
        'UPDATE marketing_subscriptions SET version = version + 1, updated_at = :now WHERE tenant_id = :tenant AND id = :id',
        { id, now: tx.clock.now() },
      );
    });
  }

  private tell(tx: Scope, what: string, { actor }: Options, payload: object): Promise<void> {
    return record(tx, { event: `webhook.${what}`, actor: nameOf(actor), payload });
  }
}

function assertEnabled({ id, enabled }: Webhook): void {
  if (enabled) return;
  throw new ConflictError('E_WEBHOOK_DISABLED', `The webhook ${id} is disabled: enable it first.`);
}

function nameFor(name: string | undefined): string | null {
  if (name === undefined) return null;
  if (typeof name === 'string' && name.length <= 255) return name.trim() === '' ? null : name.trim();
  throw new InputError('E_WEBHOOK', 'The name of a webhook is a text of at most 255 characters.', {
    details: { problems: [{ path: '/name', message: 'At most 255 characters.' }] },
  });
}
