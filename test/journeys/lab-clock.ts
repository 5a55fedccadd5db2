import type { Clock } from '../../lib/clock';
import { VirtualClock } from '../../lib/clock';

interface Alarm {
  at: number;
  fn: () => void;
}

/**
 * A clock that is put forward in jumps. Unlike a {@link VirtualClock} it does not live through every alarm on the way (a month
 * has a million sweeps): whatever was set for the time that was jumped over rings once, at the end of the jump, as on a
 * machine that slept.
 */
export class LabClock implements Clock {
  private alarms = new Set<Alarm>();
  private readonly start: number;

  constructor(private current: number) {
    this.start = current;
  }
  now(): number {
    return this.current;
  }
  monotonic(): number {
    return this.current - this.start;
  }
  after(ms: number, fn: () => void): () => void {
    const alarm = { at: this.current + Math.max(0, ms), fn };
    this.alarms.add(alarm);
    return () => void this.alarms.delete(alarm);
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return VirtualClock.prototype.sleep.call(this, ms, signal);
  }
  /** Puts the clock forward and rings what has come due. What is set meanwhile rings at the next jump. */
  jumpTo(time: number): void {
    this.current = Math.max(this.current, time);
    const due = [...this.alarms].filter(({ at }) => at <= this.current).sort((a, b) => a.at - b.at);
    for (const alarm of due) {
      if (!this.alarms.delete(alarm)) continue;
      alarm.fn();
    }
  }
}
