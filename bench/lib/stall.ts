import { performance } from 'node:perf_hooks';

/** How often the meter looks, ms. */
const TICK_MS = 5;

/** Finds the longest time for which the event loop did nothing else: what a person at the editor would feel. */
export class StallMeter {
  private longestMs = 0;
  private last = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor() {
    this.timer = setInterval(() => {
      const now = performance.now();
      this.longestMs = Math.max(this.longestMs, now - this.last - TICK_MS);
      this.last = now;
    }, TICK_MS);
  }

  /** The longest stall since the meter was made, ms. Ends it. */
  stop(): number {
    clearInterval(this.timer);
    return Math.max(this.longestMs, performance.now() - this.last - TICK_MS);
  }
}
