/**
 * Time, injected. Nothing else in `lib/` reads the wall clock or starts a timer, so a test or a simulation
 * can hand in a {@link VirtualClock} and drive a year in milliseconds.
 *
 * A *business* delay (waiting two days) is never a timer: it is a database row with a due time.
 * `after` exists for the short technical waits only: back-off, batching, heartbeats.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01T00:00Z. May jump. */
  now(): number;
  /** Milliseconds that only ever grow; for measuring how long something took and for rate limits. */
  monotonic(): number;
  /** Calls `fn` once after `ms` (at most 24 days). Returns a function that cancels it. Never keeps the process alive. */
  after(ms: number, fn: () => void): () => void;
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** The machine's clock. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }
  monotonic(): number {
    return performance.now();
  }
  after(ms: number, fn: () => void): () => void {
    const timer = setTimeout(fn, Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    return () => clearTimeout(timer);
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}

interface Alarm {
  at: number;
  order: number;
  fn: () => void;
}

/** A clock that stands still until it is told to move. For tests and simulations. */
export class VirtualClock implements Clock {
  private alarms: Alarm[] = [];
  private order = 0;
  private readonly start: number;

  constructor(private current = Date.UTC(2026, 0, 1)) {
    this.start = current;
  }
  now(): number {
    return this.current;
  }
  monotonic(): number {
    return this.current - this.start;
  }
  after(ms: number, fn: () => void): () => void {
    const alarm: Alarm = { at: this.current + Math.max(0, ms), order: this.order++, fn };
    this.alarms.push(alarm);
    return () => {
      this.alarms = this.alarms.filter((other) => other !== alarm);
    };
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
  /** When the next alarm rings, or undefined when none is set. */
  get nextAlarm(): number | undefined {
    return this.alarms.reduce<number | undefined>(
      (soonest, alarm) => (soonest === undefined ? alarm.at : Math.min(soonest, alarm.at)),
      undefined,
    );
  }
  /** Moves time forward by `ms`, ringing every alarm on the way in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.current + ms);
  }
  /** Moves time forward to `time` (milliseconds since 1970). */
  async advanceTo(time: number): Promise<void> {
    for (;;) {
      const due = this.alarms.filter((alarm) => alarm.at <= time).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.alarms = this.alarms.filter((alarm) => alarm !== due);
      this.current = Math.max(this.current, due.at);
      due.fn();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.current = Math.max(this.current, time);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
