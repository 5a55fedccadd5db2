import type { Clock } from '../clock';
import { messageOf } from '../errors';
import { backoff } from './backoff';

/** What a {@link Breaker} does when. All optional. */
export interface BreakerOptions {
  /** Consecutive failures that open it. Default 3. */
  readonly threshold?: number;
  /** First pause, ms. Default 1 s. */
  readonly baseMs?: number;
  /** Longest pause, ms. Default 5 min. */
  readonly maxMs?: number;
  /** Random part of a pause, 0 … 1. Default 0.5. */
  readonly jitter?: number;
  readonly random?: () => number;
  /**
   * Asked when a pause is over, before any message is risked: rejects while the other side cannot be reached.
   * Without it the first message is the only probe.
   */
  readonly probe?: () => Promise<void>;
}

/** closed: works. open: nothing goes through until the pause is over. half-open: one trial at a time. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What a breaker tells its listeners. */
export type BreakerEvent =
  | { readonly type: 'open'; readonly reason: string; readonly retryInMs: number }
  | { readonly type: 'half-open' }
  | { readonly type: 'close' };

/** Given by {@link Breaker.enter}; hand it back with the outcome. */
export type Ticket = number;

/**
 * Circuit breaker on the injected clock: after `threshold` consecutive failures nothing goes through for a
 * pause that doubles (with jitter) each time the trial fails. After a pause the probe runs, then exactly one
 * message is let through; its success closes the breaker, its failure starts the next pause.
 *
 * An outcome counts only in the period in which its ticket was given, so answers that come in late, from
 * messages that were already in flight, neither prolong a pause nor end it.
 */
export class Breaker {
  private current: BreakerState = 'closed';
  private failures = 0;
  private pauses = 0;
  private period = 1;
  private trialRunning = false;
  private why = '';
  private stopped = false;
  private cancelPause: (() => void) | undefined;
  private waiters: (() => void)[] = [];
  private readonly listeners = new Set<(event: BreakerEvent) => void>();

  constructor(
    private readonly clock: Clock,
    private readonly options: BreakerOptions = {},
  ) {}

  get state(): BreakerState {
    return this.current;
  }

  /** Why it is open; empty when closed. */
  get reason(): string {
    return this.current === 'closed' ? '' : this.why;
  }

  /** How many may enter now. */
  get room(): number {
    if (this.current === 'closed') return Infinity;
    return this.current === 'half-open' && !this.trialRunning ? 1 : 0;
  }

  /** Asks to let one message through; undefined: not now. The outcome must be reported with the ticket. */
  enter(): Ticket | undefined {
    if (this.room === 0) return undefined;
    if (this.current === 'half-open') this.trialRunning = true;
    return this.period;
  }

  /** The other side answered; what it answered does not matter. */
  succeeded(ticket: Ticket): void {
    if (ticket !== this.period) return;
    this.failures = 0;
    if (this.current === 'closed') return;
    this.current = 'closed';
    this.pauses = 0;
    this.trialRunning = false;
    this.period += 1;
    this.emit({ type: 'close' });
    this.wake();
  }

  /** The other side could not be reached, or broke off. */
  failed(ticket: Ticket, reason: string): void {
    if (ticket !== this.period) return;
    this.why = reason;
    this.failures += 1;
    if (this.current === 'half-open' || this.failures >= (this.options.threshold ?? 3)) this.open();
  }

  /** Resolves when somebody may enter. Several may wait for one place: ask {@link enter} or {@link room} again. */
  whenReady(): Promise<void> {
    if (this.stopped || this.room > 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** Listens; returns a function that stops it. What a listener throws is dropped. */
  on(listener: (event: BreakerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Cancels the pause and lets everybody who waits go on. Nothing is probed any more. */
  stop(): void {
    this.stopped = true;
    this.cancelPause?.();
    this.wake();
  }

  private open(): void {
    this.current = 'open';
    this.failures = 0;
    this.trialRunning = false;
    this.period += 1;
    this.pauses += 1;
    const { baseMs: base = 1000, maxMs: max = 300_000, jitter, random } = this.options;
    const retryInMs = backoff(this.pauses, {
      base,
      max,
      ...(jitter === undefined ? {} : { jitter }),
      ...(random === undefined ? {} : { random }),
    });
    if (!this.stopped) this.cancelPause = this.clock.after(retryInMs, () => this.pauseOver());
    this.emit({ type: 'open', reason: this.why, retryInMs });
  }

  private pauseOver(): void {
    const { probe } = this.options;
    if (!probe) return this.halfOpen();
    const { period } = this;
    probe().then(
      () => {
        if (this.period === period && !this.stopped) this.halfOpen();
      },
      (error: unknown) => {
        if (this.period !== period || this.stopped) return;
        this.why = messageOf(error);
        this.open();
      },
    );
  }

  private halfOpen(): void {
    this.current = 'half-open';
    this.emit({ type: 'half-open' });
    this.wake();
  }

  private wake(): void {
    const waiting = this.waiters;
    this.waiters = [];
    for (const resolve of waiting) resolve();
  }

  private emit(event: BreakerEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch {
        // Somebody else's mistake must not decide whether mail goes out.
      }
    }
  }
}
