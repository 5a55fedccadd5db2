/**
 * What every account does, whatever it sends through: bounds what is in flight, asks the breaker, counts, and
 * turns every way of failing into exactly one result. A kind of account brings only its {@link Transport}.
 */
import type { Clock } from '../clock';
import { MarketingError, messageOf } from '../errors';
import { Breaker, type BreakerOptions } from './breaker';
import { Pacer, type Rate } from './pacer';
import type { Account, AccountStats, DeliveryResult, OutgoingMessage } from './types';

/** Sends one prepared message. A throw counts as `unknown`. */
export type Send = () => Promise<DeliveryResult>;

/** The part of an account that knows how to reach the other side. */
export interface Transport {
  /**
   * Checks a message and returns how to send it, or the result when it cannot be sent at all. That result says
   * nothing about the connection, so the breaker does not hear of it.
   */
  prepare(message: OutgoingMessage): Send | DeliveryResult;
  /**
   * Checks connection and credentials; sends nothing. Absent: nothing can be checked beforehand.
   * @throws an error whose sentence says what is wrong
   */
  verify?(): Promise<void>;
  /** Finishes within `graceMs`; afterwards every `Send` has been answered. */
  close?(graceMs: number): Promise<void>;
}

/** What all accounts have in common. */
export interface AccountOptions {
  /** Names the account in logs and figures; never a secret. */
  readonly key: string;
  readonly channel: string;
  /** How many may be in flight. At least 1. */
  readonly capacity: number;
  readonly rates?: readonly Rate[];
  readonly breaker?: Omit<BreakerOptions, 'probe'>;
}

const CLOSING: DeliveryResult = { status: 'unavailable', reason: 'The account is closing; nothing was sent.' };

/** Puts an account around a transport. */
export function createAccount(options: AccountOptions, transport: Transport, clock: Clock): Account {
  return new TransportAccount(options, transport, clock);
}

class TransportAccount implements Account {
  readonly key: string;
  readonly channel: string;
  readonly capacity: number;
  readonly breaker: Breaker;
  readonly pacer: Pacer;
  private inFlight = 0;
  private closing: Promise<void> | undefined;
  private readonly waiting: { send: Send; resolve: (result: DeliveryResult) => void }[] = [];
  private readyWaiters: (() => void)[] = [];
  private readonly counts = { sent: 0, deferred: 0, rejected: 0, unknown: 0, unavailable: 0 };

  constructor(
    options: AccountOptions,
    private readonly transport: Transport,
    clock: Clock,
  ) {
    this.key = options.key;
    this.channel = options.channel;
    this.capacity = Math.max(1, Math.floor(options.capacity));
    this.pacer = new Pacer(clock, options.rates);
    const probe = transport.verify ? { probe: (): Promise<void> => this.verify() } : {};
    this.breaker = new Breaker(clock, { ...options.breaker, ...probe });
  }

  room(): number {
    if (this.closing) return 0;
    return Math.max(0, Math.min(this.breaker.room, this.capacity - this.inFlight - this.waiting.length));
  }

  execute(message: OutgoingMessage): Promise<DeliveryResult> {
    if (this.closing) return Promise.resolve(this.count(CLOSING));
    const send = this.prepare(message);
    if (typeof send !== 'function') return Promise.resolve(this.count(send));
    if (this.inFlight < this.capacity) return this.start(send);
    return new Promise((resolve) => this.waiting.push({ send, resolve }));
  }

  async whenReady(): Promise<void> {
    while (!this.closing && this.room() === 0) {
      if (this.breaker.room === 0) await this.breaker.whenReady();
      else await new Promise<void>((resolve) => this.readyWaiters.push(resolve));
    }
  }

  async verify(): Promise<void> {
    if (this.closing) throw new MarketingError('E_CHANNEL_UNAVAILABLE', 'The account is closed; open it again.');
    await this.transport.verify?.();
  }

  close(graceMs: number): Promise<void> {
    this.closing ??= this.shutDown(graceMs);
    return this.closing;
  }

  stats(): AccountStats {
    return { inFlight: this.inFlight, waiting: this.waiting.length, ...this.counts, breaker: this.breaker.state };
  }

  private async shutDown(graceMs: number): Promise<void> {
    // The next line must run before the first await: `closing` is not set yet, but nothing else can run either.
    for (const { resolve } of this.waiting.splice(0)) resolve(this.count(CLOSING));
    this.breaker.stop();
    this.wakeReady();
    await this.transport.close?.(graceMs);
  }

  private start(send: Send): Promise<DeliveryResult> {
    const ticket = this.breaker.enter();
    if (ticket === undefined) {
      const why = this.breaker.reason;
      return Promise.resolve(this.count({ status: 'unavailable', reason: `Waiting for the connection: ${why}` }));
    }
    this.inFlight += 1;
    return this.attempt(send).then((result) => {
      this.inFlight -= 1;
      this.report(ticket, result);
      this.next();
      return this.count(result);
    });
  }

  private prepare(message: OutgoingMessage): Send | DeliveryResult {
    try {
      return this.transport.prepare(message);
    } catch (error) {
      return { status: 'rejected', kind: 'content', reason: messageOf(error) };
    }
  }

  private async attempt(send: Send): Promise<DeliveryResult> {
    try {
      return await send();
    } catch (error) {
      return { status: 'unknown', reason: `Sending broke off: ${messageOf(error)}` };
    }
  }

  /** `unknown` counts against the connection too: a server that dies on every message must not get them all. */
  private report(ticket: number, result: DeliveryResult): void {
    switch (result.status) {
      case 'sent':
      case 'deferred':
      case 'rejected':
        return this.breaker.succeeded(ticket);
      case 'unknown':
      case 'unavailable':
        return this.breaker.failed(ticket, result.reason);
    }
  }

  private next(): void {
    while (this.waiting.length > 0 && this.inFlight < this.capacity) {
      const head = this.waiting.shift();
      if (head) void this.start(head.send).then(head.resolve);
    }
    if (this.room() > 0) this.wakeReady();
  }

  private wakeReady(): void {
    const waiters = this.readyWaiters;
    if (waiters.length === 0) return;
    this.readyWaiters = [];
    for (const resolve of waiters) resolve();
  }

  private count(result: DeliveryResult): DeliveryResult {
    this.counts[result.status] += 1;
    return result;
  }
}
