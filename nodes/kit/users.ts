import type { Clock } from '../../lib/clock';

/**
 * Counts the users of something that must be let go only after the last of them: Node-RED closes config nodes at the
 * same time as the nodes that use them.
 */
export class Users {
  private count = 0;
  private waiters: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  get active(): number {
    return this.count;
  }

  /** Adds a user; returns a function that takes it off again, once. */
  add(): () => void {
    this.count += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.count -= 1;
      if (this.count === 0) for (const wake of this.waiters.splice(0)) wake();
    };
  }

  /** Resolves when nobody uses it any more, or after `ms`: a user that hangs must not keep the rest from closing. */
  async drained(ms: number): Promise<void> {
    if (this.count === 0) return;
    const limit = new AbortController();
    const last = new Promise<void>((resolve) => this.waiters.push(resolve)).then(() => limit.abort());
    await Promise.race([last, this.clock.sleep(ms, limit.signal)]);
  }
}
