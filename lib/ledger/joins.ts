import { messageOf } from '../errors';
import type { Scope } from '../store';
import { Batcher } from './batcher';
import type { LedgerLog } from './host';
import { fireJoins, stationsWithJoins, timedOutAt, waitingAt } from './sql/joins';

/** Enrollments looked at in one transaction. */
const GROUP = 250;

/**
 * Looks after the joins of all definitions: whoever waits at one goes on when no other branch can come any more.
 *
 * Nothing is kept but which definitions have a join, so that the others cost nothing. It is looked again whenever a branch of such a
 * definition has arrived, ended or failed; what a crash leaves undone is found by {@link sweep}.
 */
export class Joins {
  /** Stations of definitions with a join. */
  private stations = new Set<number>();
  private joins: number[] = [];
  private readonly looking: Batcher<number, undefined>;
  /** Where the sweep has come to, by join. */
  private readonly swept = new Map<number, number>();

  constructor(
    private readonly options: {
      scope: Scope;
      log: LedgerLog;
      /** People go on from these joins. */
      fired(stations: ReadonlySet<number>): void;
    },
  ) {
    this.looking = new Batcher(async (enrollments) => {
      await this.fire([...new Set(enrollments)]);
      return enrollments.map(() => undefined);
    }, GROUP);
  }

  get busy(): boolean {
    return this.looking.busy;
  }

  idle(): Promise<void> {
    return this.looking.idle();
  }

  /** Reads which definitions have a join: after a deploy, here or elsewhere. */
  async reload(): Promise<void> {
    const rows = await stationsWithJoins(this.options.scope);
    this.stations = new Set(rows.map(({ id }) => id));
    this.joins = rows.filter(({ kind, state }) => kind === 'join' && state === 'active').map(({ id }) => id);
  }

  /** A branch of these enrollments has come to another step, or to its end, at or behind a station. */
  changed(station: number, enrollments: readonly number[]): void {
    if (!this.stations.has(station)) return;
    this.look(enrollments);
  }

  /** Branches of these enrollments have ended, wherever they stood. */
  ended(enrollments: readonly number[]): void {
    if (this.stations.size > 0) this.look(enrollments);
  }

  private look(enrollments: readonly number[]): void {
    for (const enrollment of enrollments) {
      this.looking.add(enrollment).catch((error: unknown) => {
        // They are still there: the sweep finds them.
        this.options.log.warn(`Looking who waits for other branches failed and is done again: ${messageOf(error)}`);
      });
    }
  }

  /** Has those go on through "timed out" whose time at a join is up. */
  async timeOut(station: number): Promise<void> {
    const { scope } = this.options;
    for (;;) {
      const steps = await timedOutAt(scope, station, scope.clock.now(), GROUP);
      if (steps.length === 0) return;
      const fired = await fireJoins(
        scope,
        steps.map(({ enrollment_id }) => enrollment_id),
        new Set(steps.map(({ id }) => id)),
      );
      // Nothing moved: another runtime has done it, or does it now.
      if (fired.size === 0 || steps.length < GROUP) return;
    }
  }

  /** Looks at some who wait at joins, the next ones each time; at all of them when `thorough`. */
  async sweep(thorough: boolean): Promise<void> {
    await this.reload();
    for (const join of this.joins) {
      if (thorough) this.swept.delete(join);
      for (;;) {
        const page = await waitingAt(this.options.scope, join, this.swept.get(join) ?? 0, GROUP);
        await this.fire(page.map(({ enrollment_id }) => enrollment_id));
        const last = page.at(-1);
        if (!last || page.length < GROUP) {
          this.swept.delete(join);
          break;
        }
        this.swept.set(join, last.id);
        if (!thorough) break;
      }
    }
  }

  private async fire(enrollments: readonly number[]): Promise<void> {
    if (enrollments.length === 0) return;
    const fired = await fireJoins(this.options.scope, enrollments);
    if (fired.size > 0) this.options.fired(fired);
  }
}
