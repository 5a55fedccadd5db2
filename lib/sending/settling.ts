import { messageOf } from '../errors';
import { Batcher, type StationHandle } from '../ledger';
import type { Settled } from './judging';
import { writeOutcomes } from './messages';
import type { SendDeps } from './types';

/** How long an answer may wait to be written together with others, ms. */
const LINGER_MS = 20;
/** Answers written in one transaction at most. */
const GROUP = 256;

/** Writes what became of people and their messages: those of the same moment together, and as often as it takes. */
export class Settling {
  private station: StationHandle | undefined;
  private readonly finished: Batcher<Settled, undefined>;
  private readonly stopping = new AbortController();

  /**
   * @param enough true when so many are worth a transaction of their own, or nothing more is to come for now
   * @param died   told of campaigns with people in the dead-letter list
   */
  constructor(
    private readonly deps: Pick<SendDeps, 'clock' | 'log' | 'gates'>,
    private readonly options: {
      channel: string;
      enough(queued: number): boolean;
      died(campaign: number): void;
    },
  ) {
    this.finished = new Batcher((settled) => this.write(settled), GROUP, {
      ms: LINGER_MS,
      after: (ms, fn) => deps.clock.after(ms, fn),
      enough: (queued) => options.enough(queued),
    });
  }

  get busy(): boolean {
    return this.finished.busy;
  }

  idle(): Promise<void> {
    return this.finished.idle();
  }

  /** Says whose people these are. */
  serve(station: StationHandle): void {
    this.station = station;
  }

  /** From now on, what cannot be written is left: when this runtime is gone it becomes unknown or goes back, as after a crash. */
  stop(): void {
    this.stopping.abort();
  }

  /** Never fails. */
  async settle(settled: Settled): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        // After some failures alone: it might be another one of its group that cannot be written.
        await (tries < 3 ? this.finished.add(settled) : this.write([settled]));
        return;
      } catch (error) {
        this.deps.log.error(`Writing what became of a message failed and is tried again: ${messageOf(error)}`);
        if (this.stopping.signal.aborted) return;
        await this.deps.clock.sleep(Math.min(30_000, 500 * 2 ** tries), this.stopping.signal);
      }
    }
  }

  private async write(settled: Settled[]): Promise<undefined[]> {
    const { station } = this;
    if (!station) return [];
    await station.settle(
      settled.map(({ result }) => result),
      (tx, accepted) =>
        writeOutcomes(
          tx,
          this.options.channel,
          settled.flatMap(({ outcome }) => (outcome && accepted.has(outcome.step.id) ? [outcome] : [])),
          this.deps.gates,
        ),
    );
    const dead = settled.flatMap(({ result }) => (result.kind === 'fail' ? [result.step.campaign] : []));
    for (const campaign of new Set(dead)) this.options.died(campaign);
    return settled.map(() => undefined);
  }
}
