import { randomUUID } from 'node:crypto';
import { retryTime, type HttpAnswer } from '../channels';
import { messageOf } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import { Poster, TIMEOUT_MS, type EndpointOptions } from './endpoint';
import { listenersOf } from './listeners';
import { leaseDeliveries, nextDelivery, settleDeliveries, type DeliveryOutcome, type LeasedDelivery } from './queue';
import { MOST_TRIES, nextTry } from './retries';
import { signatures } from './secrets';
import { readEndpoints, type Endpoint } from './subscription-rows';
import { tidy } from './tidy';

/** What a dispatcher needs. */
export interface DispatcherDeps extends EndpointOptions {
  readonly log?: { warn(text: string): void };
  /** Between 0 (inclusive) and 1 (exclusive); spreads retries. */
  readonly random?: () => number;
  /** How often the database is asked for what other processes announced; default 5,000 ms. */
  readonly pollMs?: number;
}

const POLL_MS = 5_000;
/** Longer than a try can take, so that nobody else takes it up meanwhile. */
const LEASE_MS = 4 * TIMEOUT_MS;
/** Requests at the same time: to one endpoint, to one that fails, and in all. */
const AT_ONE = 5;
const AT_FAILING = 1;
const IN_ALL = 100;
/** An endpoint that nothing has reached for so long is disabled. */
const FAILING_MS = 5 * 24 * 60 * 60 * 1000;
const TIDY_EVERY_MS = 60 * 60 * 1000;
const RECLAIM_EVERY_MS = 30_000;

/**
 * Posts what is on its way to webhooks, at least once each: a receiver knows a repeated one by its `webhook-id`. Every
 * endpoint has its own few slots, so that a slow one holds up nobody else. Any number of processes may run one; each
 * delivery is leased by one of them.
 */
export class Dispatcher {
  private readonly owner = randomUUID();
  private readonly poster: Poster;
  private readonly pollMs: number;
  /** What is in flight, per webhook. */
  private readonly flights = new Map<number, Set<Promise<void>>>();
  private pass: Promise<void> | undefined;
  /** Webhooks to look at next, or all of them. */
  private asked: Set<number> | 'all' = new Set();
  private pollAt = 0;
  private stopped = true;
  private cancelPoll: (() => void) | undefined;
  private unhear: (() => void) | undefined;
  private turn = 0;
  private tidiedAt = -Infinity;
  private reclaimedAt = -Infinity;

  constructor(
    private readonly scope: Scope,
    private readonly deps: DispatcherDeps = {},
  ) {
    this.poster = new Poster(deps, scope.clock);
    this.pollMs = deps.pollMs ?? POLL_MS;
  }

  /** Begins to post. What lay in the outbox is taken up at once. */
  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.unhear = listenersOf(this.scope).onDelivery(() => this.wake());
    this.wake();
  }

  /** Looks at the outbox now: at one webhook's deliveries, or at all. */
  wake(webhook?: number): void {
    if (this.stopped) return;
    if (webhook === undefined) this.asked = 'all';
    else if (this.asked !== 'all') this.asked.add(webhook);
    if (this.pass) return;
    this.cancelPoll?.();
    this.pass = this.look()
      .catch((error: unknown) => {
        this.warn(`Webhooks: ${messageOf(error)}`);
        this.pollAt = this.scope.clock.now() + this.pollMs;
      })
      .then(() => {
        this.pass = undefined;
        if (this.stopped) return;
        if (this.asked === 'all') this.wake();
        else if (this.asked.size > 0) this.wake([...this.asked][0]);
        else
          this.cancelPoll = this.scope.clock.after(Math.max(1, this.pollAt - this.scope.clock.now()), () =>
            this.wake(),
          );
      });
  }

  /** Resolves when nothing that is due at this moment is left to do. */
  async idle(): Promise<void> {
    for (;;) {
      const flights = [...this.flights.values()].flatMap((some) => [...some]);
      const busy = this.pass ? [this.pass, ...flights] : flights;
      if (busy.length === 0) return;
      await Promise.all(busy);
    }
  }

  /** Takes nothing more, lets what is in flight finish for at most `graceMs`, then cuts it: it is sent again later. */
  async close(graceMs = 5_000): Promise<void> {
    this.stopped = true;
    this.unhear?.();
    this.cancelPoll?.();
    const cancel = this.scope.clock.after(graceMs, () => this.poster.abort());
    await this.idle();
    cancel();
    this.poster.abort();
  }

  /** Leases what is due and sends it off, without waiting for answers. */
  private async look(): Promise<void> {
    const { clock } = this.scope;
    const { asked } = this;
    this.asked = new Set();
    if (asked === 'all') this.pollAt = clock.now() + this.pollMs;
    await this.upkeep(clock.now());
    const endpoints = (await readEndpoints(this.scope)).filter(({ id }) => asked === 'all' || asked.has(id));
    // A different one begins each time: when all slots are taken, nobody is always the last.
    const first = endpoints.length === 0 ? 0 : this.turn++ % endpoints.length;
    for (const endpoint of [...endpoints.slice(first), ...endpoints.slice(0, first)]) {
      const limit = this.room(endpoint);
      if (this.stopped || limit === 0) continue;
      // Asked first, because most looks find nothing, and leasing would be a write.
      const due = await nextDelivery(this.scope, endpoint.id);
      if (due === undefined) continue;
      if (due > clock.now()) this.pollAt = Math.min(this.pollAt, due);
      else {
        const claim = { subscription: endpoint.id, owner: this.owner, limit, leaseMs: LEASE_MS };
        for (const delivery of await leaseDeliveries(this.scope, claim)) this.take(endpoint, delivery);
      }
    }
  }

  private room({ id, failingSince }: Endpoint): number {
    let all = 0;
    for (const flights of this.flights.values()) all += flights.size;
    const own = (failingSince === undefined ? AT_ONE : AT_FAILING) - (this.flights.get(id)?.size ?? 0);
    return Math.max(0, Math.min(own, IN_ALL - all));
  }

  private take(endpoint: Endpoint, delivery: LeasedDelivery): void {
    const flights = this.flights.get(endpoint.id) ?? new Set();
    this.flights.set(endpoint.id, flights);
    const flight = this.deliver(endpoint, delivery)
      // It stays leased; when the lease is over, it is sent again.
      .catch((error: unknown) => this.warn(`The delivery ${delivery.id} could not be settled: ${messageOf(error)}`))
      .then(() => {
        flights.delete(flight);
        if (flights.size === 0) this.flights.delete(endpoint.id);
        // A slot is free again.
        this.wake(endpoint.id);
      });
    flights.add(flight);
  }

  private async deliver(endpoint: Endpoint, { id, eventId, body, attempt }: LeasedDelivery): Promise<void> {
    const now = this.scope.clock.now();
    const timestamp = Math.floor(now / 1000);
    const headers = {
      'user-agent': 'nexus-marketing',
      'webhook-id': eventId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatures(endpoint.secrets, { id: eventId, timestamp, body }, now),
    };
    const answer = await this.poster.post(endpoint.url, headers, body);
    const outcome = this.outcomeOf(answer, attempt);
    await this.scope.transaction(async (tx) => {
      if ((await settleDeliveries(tx, this.owner, [id], outcome)) === 0) return;
      if (outcome.state === 'delivered') await recovered(tx, endpoint);
      else if (outcome.state === 'dead' || !outcome.free) await this.failed(tx, endpoint, answer);
    });
  }

  private outcomeOf(answer: HttpAnswer, attempt: number): DeliveryOutcome {
    const now = this.scope.clock.now();
    if ('failed' in answer && this.poster.aborted) {
      return { state: 'waiting', dueAt: now, reason: 'This process ended.', free: true };
    }
    const status = 'status' in answer ? answer.status : undefined;
    if (status !== undefined && status >= 200 && status < 300) return { state: 'delivered', status };
    const reason = 'failed' in answer ? messageOf(answer.failed) : whatItMeans(answer.status);
    const told = status === undefined ? {} : { status };
    const retryAfter = 'retryAfter' in answer ? retryTime(answer.retryAfter, now) : undefined;
    const dueAt = status === 410 ? undefined : nextTry(attempt, now, this.deps.random ?? Math.random, retryAfter);
    if (dueAt !== undefined) return { state: 'waiting', dueAt, reason, ...told };
    const given = status === 410 ? reason : `Given up after ${MOST_TRIES} tries: ${reason}`;
    return { state: 'dead', reason: given, ...told };
  }

  /** Notes that an endpoint fails; disables one that is gone, or that has failed for days. */
  private async failed(tx: Scope, { id }: Endpoint, answer: HttpAnswer): Promise<void> {
    const now = tx.clock.now();
    await tx.run(
      'UPDATE marketing_subscriptions SET failing_since = COALESCE(failing_since, :now) WHERE tenant_id = :tenant AND id = :id',
      { id, now },
    );
    const gone = 'status' in answer && answer.status === 410;
    const reason = gone ? 'The endpoint answered 410 Gone.' : 'Nothing has reached the endpoint for five days.';
    const changed = await tx.run(
      `UPDATE marketing_subscriptions SET enabled = 0, disabled_reason = :reason, version = version + 1, updated_at = :now
        WHERE tenant_id = :tenant AND id = :id AND enabled = 1 AND failing_since <= :before`,
      { id, now, reason, before: gone ? now : now - FAILING_MS },
    );
    if (changed === 0) return;
    await record(tx, { event: 'webhook.disabled', actor: 'system', payload: { webhook: id, reason } });
    tx.afterCommit(() => this.warn(`The webhook ${id} was disabled: ${reason}`));
  }

  private async upkeep(now: number): Promise<void> {
    if (now - this.tidiedAt < TIDY_EVERY_MS && now - this.reclaimedAt < RECLAIM_EVERY_MS) return;
    this.reclaimedAt = now;
    const thorough = now - this.tidiedAt >= TIDY_EVERY_MS;
    if (thorough) this.tidiedAt = now;
    await tidy(this.scope, thorough);
  }

  private warn(text: string): void {
    this.deps.log?.warn(text);
  }
}

async function recovered(tx: Scope, { id, failingSince }: Endpoint): Promise<void> {
  if (failingSince === undefined) return;
  await tx.run('UPDATE marketing_subscriptions SET failing_since = NULL WHERE tenant_id = :tenant AND id = :id', {
    id,
  });
}

function whatItMeans(status: number): string {
  const redirect = status >= 300 && status < 400;
  return `The endpoint answered HTTP ${status}.${redirect ? ' Redirects are not followed: give the final URL.' : ''}`;
}
