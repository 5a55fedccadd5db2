import type { Clock } from '../clock';
import type { Woken } from './book';

/** How long the memory is believed before the database is asked again: bounds the harm of another process's cancel. */
const BELIEVED_MS = 60_000;
/** On a shared database another machine, whose clock runs ahead by at most this, may have rung already. */
const SKEW_MS = 5_000;

interface Known {
  at: number;
  readAt: number;
}

/** One write that is on its way, and who waits for it. */
interface Flight {
  at: number;
  data: unknown;
  /** Set when the timer rings meanwhile: what the write found is no longer true. */
  outdated: boolean;
  done: Promise<void>;
}

/**
 * Knows the earliest ring of each key, so that thousands of wake-ups cost one write. Wake-ups that come while a write
 * for the same key is on its way share the next one.
 */
export class WakeMemory {
  private readonly known = new Map<string, Known>();
  private readonly flying = new Map<string, Flight>();
  private readonly queued = new Map<string, Flight>();

  constructor(
    private readonly clock: Clock,
    private readonly shared: boolean,
  ) {}

  /** Sees to it that `id` rings at `at` or earlier, through `write` when that is not known to be so already. */
  async wake(
    id: string,
    at: number,
    data: unknown,
    write: (at: number, data: unknown) => Promise<Woken>,
  ): Promise<void> {
    if (this.covers(id, at)) return;
    const waiting = this.queued.get(id);
    if (waiting) {
      if (at < waiting.at) Object.assign(waiting, { at, data });
      return waiting.done;
    }
    const before = this.flying.get(id);
    const flight: Flight = { at, data, outdated: false, done: Promise.resolve() };
    if (before) this.queued.set(id, flight);
    flight.done = this.fly(id, flight, before, write);
    return flight.done;
  }

  /** The timer rings now: whatever comes later needs another ring. Call before its handler starts to read. */
  rang(id: string): void {
    this.known.delete(id);
    const flight = this.flying.get(id);
    if (flight) flight.outdated = true;
  }

  /** The timer was set, cancelled or changed otherwise. */
  forget(id: string): void {
    this.rang(id);
  }

  /** Drops what is no longer believed. */
  prune(): void {
    const now = this.clock.monotonic();
    for (const [id, known] of this.known) if (now - known.readAt > BELIEVED_MS) this.known.delete(id);
  }

  get size(): number {
    return this.known.size;
  }

  private covers(id: string, at: number): boolean {
    const known = this.known.get(id);
    if (!known || known.at > at) return false;
    if (this.clock.monotonic() - known.readAt > BELIEVED_MS) return false;
    return !this.shared || known.at > this.clock.now() + SKEW_MS;
  }

  private async fly(
    id: string,
    flight: Flight,
    before: Flight | undefined,
    write: (at: number, data: unknown) => Promise<Woken>,
  ): Promise<void> {
    if (before) {
      await before.done.catch(() => undefined);
      this.queued.delete(id);
    }
    this.flying.set(id, flight);
    try {
      // What the write before learnt may be enough, unless a ring began after it.
      if (this.covers(id, flight.at)) return;
      const woken = await write(flight.at, flight.data);
      if (!flight.outdated) this.known.set(id, { at: woken.at, readAt: this.clock.monotonic() });
    } finally {
      if (this.flying.get(id) === flight) this.flying.delete(id);
    }
  }
}
