import type { Timer } from '../../lib/timers';
import { systemClock } from './places';

/** One ring as a test saw it. */
export interface Ring extends Timer {
  /** Milliseconds after its time. */
  late: number;
}

/** Records rings and lets a test wait for them: no sleeping. */
export class Rings {
  readonly all: Ring[] = [];
  private waiting: { enough: () => boolean; resolve: () => void }[] = [];

  readonly record = (timer: Timer): Promise<void> => {
    this.all.push({ ...timer, late: systemClock.now() - timer.at });
    this.look();
    return Promise.resolve();
  };

  /** Resolves when `count` rings (of this key) were recorded. */
  async until(count: number, key?: string): Promise<Ring[]> {
    const heard = (): Ring[] => this.all.filter((ring) => key === undefined || ring.key === key);
    await this.when(
      () => heard().length >= count,
      () => `${count} rings${key ? ` of ${key}` : ''}, heard ${heard().length}`,
    );
    return heard();
  }

  of(key: string): Ring[] {
    return this.all.filter((ring) => ring.key === key);
  }

  private when(enough: () => boolean, what: () => string): Promise<void> {
    if (enough()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = systemClock.after(12_000, () => reject(new Error(`waited in vain for ${what()}`)));
      this.waiting.push({
        enough,
        resolve: () => {
          cancel();
          resolve();
        },
      });
    });
  }

  private look(): void {
    const done = this.waiting.filter((one) => one.enough());
    this.waiting = this.waiting.filter((one) => !done.includes(one));
    for (const { resolve } of done) resolve();
  }
}

/** A promise and the function that fulfils it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Repeats `look` until it gives something, at the pace of the event loop. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  const deadline = systemClock.monotonic() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.monotonic() > deadline) throw new Error(`waited in vain for ${what}`);
    await systemClock.sleep(5);
  }
}
