/**
 * How far a pace may lag behind and catch up, ms: timers ring up to a second late, and a station takes a moment. It bounds the
 * burst as well: within any span of `t` ms, no more than `1 + (t + 2,000) / interval` messages leave.
 */
export const CATCH_UP_MS = 2_000;

/** Those whose turn comes within the same so many ms come back together: one transaction for a handful of messages, not for each. */
export const TICK_MS = 250;

/** A pace as it is kept. Ms since 1970, with fractions. */
export interface PaceState {
  /** When the next message may leave. */
  readonly nextAt: number;
  /** The first time in the line that nobody has. */
  readonly lineEnd: number;
}

/**
 * One message after another, at equal distances: the generic cell rate algorithm (ITU-T I.371) with a line of those who wait.
 *
 * `nextAt` is the truth: nobody leaves before it, whoever they are and whichever worker asks. The line only says when it is
 * worth asking again, so a place in it that nobody uses (its worker was killed, the lead unsubscribed) is lost, and nothing else is.
 */
export class Pace {
  private nextAt: number;
  private lineEnd: number;
  changed = false;

  constructor(
    readonly intervalMs: number,
    state: PaceState = { nextAt: 0, lineEnd: 0 },
  ) {
    this.nextAt = state.nextAt;
    this.lineEnd = state.lineEnd;
  }

  get state(): PaceState {
    return { nextAt: this.nextAt, lineEnd: this.lineEnd };
  }

  /** Whether one may leave now. Who has not been in the line must not go before those who are. */
  mayGo(now: number, { lined }: { lined: boolean }): boolean {
    return this.nextAt <= now && (lined || this.lineEnd <= now);
  }

  /** One leaves now. */
  go(now: number): void {
    this.nextAt = Math.max(this.nextAt, now - CATCH_UP_MS) + this.intervalMs;
    this.changed = true;
  }

  /** When somebody who lines up now would have their turn. */
  turn(now: number): number {
    return Math.max(now, this.nextAt, this.lineEnd);
  }

  /** Somebody takes this turn, which {@link turn} has named. */
  lineUp(turn: number): void {
    this.lineEnd = turn + this.intervalMs;
    this.changed = true;
  }
}

/** When somebody with this turn comes back: never before it. */
export function tickOf(turn: number): number {
  return Math.ceil(turn / TICK_MS) * TICK_MS;
}
