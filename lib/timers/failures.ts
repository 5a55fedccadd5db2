import type { Clock } from '../clock';
import { codeOf, messageOf } from '../errors';
import type { Timer, TimerErrorListener, TimersLogger } from './types';

/** A database that is down fails every poll: the same sentence is told again only after this. */
const REPEAT_MS = 60_000;

/** Tells listeners and the log about failures; a listener that throws disturbs nobody. */
export class FailureReport {
  private readonly listeners = new Set<TimerErrorListener>();
  private last: { message: string; at: number } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly logger?: TimersLogger,
  ) {}

  listen(listener: TimerErrorListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A handler failed; it will be called again at `retryAt`. */
  handler(error: unknown, timer: Timer, retryAt: number): void {
    this.logger?.warn(
      { kind: timer.kind, key: timer.key, code: codeOf(error), retryAt, err: error },
      `The timer ${timer.kind}/${timer.key} failed and is tried again: ${messageOf(error)}`,
    );
    this.tell(error, timer);
  }

  /** The machinery failed; it goes on by itself. */
  machinery(error: unknown): void {
    const message = messageOf(error);
    const now = this.clock.monotonic();
    if (this.last?.message === message && now - this.last.at < REPEAT_MS) return;
    this.last = { message, at: now };
    this.logger?.warn({ code: codeOf(error), err: error }, `Timers are in trouble: ${message}`);
    this.tell(error);
  }

  private tell(error: unknown, timer?: Timer): void {
    for (const listener of this.listeners) {
      try {
        listener(error, timer);
      } catch (thrown) {
        this.logger?.warn({ err: thrown }, 'A listener for timer errors threw an error itself.');
      }
    }
  }
}
