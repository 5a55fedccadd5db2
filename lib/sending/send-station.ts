import { messageOf } from '../errors';
import type { LeasedStep, StationHandle, StationWork } from '../ledger';
import { Asides } from './asides';
import { BreakerWatch } from './breaker-watch';
import { Handover } from './handover';
import { judgeOf, type Settled } from './judging';
import { prepare, type Prepared } from './preparing';
import { Settling } from './settling';
import { ContentShelf } from './shelf';
import { openSource, type ContentSource } from './sources';
import type { SendDeps, SendOptions } from './types';

/** Messages marked `sending` in one transaction at most. */
const GROUP = 64;
/** How long people whose messages could not be prepared wait, ms. */
const PREPARE_AGAIN_MS = 5_000;

/**
 * The work of a send station: takes leased people, fills the content, asks once more whether each may be written to,
 * marks the messages `sending`, hands them to the account and writes what became of them.
 *
 * What is in flight at any moment is bounded by the account's capacity; only that much is in doubt after a crash.
 */
export class SendStation implements StationWork {
  private station: StationHandle | undefined;
  private readonly shelf: ContentShelf;
  private readonly source: ContentSource;
  private readonly settling: Settling;
  private readonly handover: Handover;
  private readonly asides: Asides;
  private readonly watch: BreakerWatch;
  private queue: Prepared[] = [];
  /** Leased, being prepared. */
  private preparing = 0;
  private pumping: Promise<void> | undefined;
  /** A timer or the account will say when there is room. */
  private waiting = false;
  private closed = false;
  private idleWaiters: (() => void)[] = [];

  /** @throws ContentError when the node's own content cannot be read */
  constructor(
    private readonly options: SendOptions,
    private readonly deps: SendDeps,
  ) {
    const { account, content, sender, language = 'en' } = options;
    const channel = 'from' in content ? account.channel : content.channel;
    this.shelf = new ContentShelf(deps.scope, { channel, sender, language });
    this.source = openSource(options, deps.scope, this.shelf);
    this.asides = new Asides(deps.log);
    this.settling = new Settling(deps, {
      channel,
      enough: (queued) => queued >= account.capacity / 2 || this.handover.unanswered === 0,
      died: (campaign) => this.asides.alongside(deps.died(campaign), 'looking after a campaign with dead letters'),
    });
    this.handover = new Handover({ account, channel }, deps, {
      judge: judgeOf(options, deps),
      settle: (settled) => this.settle(settled),
      stopped: (campaigns) => void this.giveBack(campaigns),
      written: () => this.afterOne(),
    });
    this.watch = new BreakerWatch(account, deps, this.asides, {
      station: () => this.station,
      giveBack: () => this.giveBack(),
      wake: () => this.wake(),
    });
  }

  /**
   * What one crash may leave in doubt at most: as many messages as the account takes, and as many again that it has
   * answered and whose answer is being written.
   */
  get inFlightBound(): number {
    return 2 * this.options.account.capacity;
  }

  /** True while messages are being prepared, handed over or written. */
  get busy(): boolean {
    return this.unfinished > 0 || this.asides.busy || this.pumping !== undefined || this.settling.busy;
  }

  private get unfinished(): number {
    return this.handover.inFlight + this.preparing;
  }

  /** Resolves when what is under way in this process is done. */
  async idle(): Promise<void> {
    await this.pumping;
    await this.settling.idle();
  }

  room(): number {
    const { breaker } = this.options.account;
    if (this.closed || breaker.room === 0) return 0;
    const buffer = breaker.state === 'closed' ? this.buffer : 1;
    return Math.max(0, buffer - this.queue.length - this.unfinished);
  }

  /** Steps held in memory at most, in flight or before it. */
  private get buffer(): number {
    return 2 * this.options.account.capacity + 2 * GROUP;
  }

  /** Asks for more people once there is room for a good many: leasing a few at a time costs a transaction each. */
  private refill(): void {
    const { breaker } = this.options.account;
    if (this.room() >= (breaker.state === 'closed' ? this.buffer / 2 : 1)) this.station?.poke();
  }

  take(steps: LeasedStep[], station: StationHandle): void {
    this.station = station;
    this.settling.serve(station);
    this.watch.begin();
    this.preparing += steps.length;
    this.prepare(steps)
      .catch((error: unknown) => {
        this.deps.log.error(
          `${station.spec.step}: preparing messages failed, they go back into the queue: ${messageOf(error)}`,
        );
        const dueAt = this.deps.clock.now() + PREPARE_AGAIN_MS;
        for (const step of steps) void this.settle({ result: { step, kind: 'retry', dueAt } });
      })
      .finally(() => {
        this.preparing -= steps.length;
        if (this.closed) this.giveBack();
        else this.pump();
        this.tellIdle();
      });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.settling.stop();
    this.watch.stop();
    await this.pumping;
    this.giveBack();
    while (this.unfinished > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    await this.settling.idle();
  }

  /** Puts whom it has not begun with (of these campaigns, or of all) back into the ledger's queue; their campaigns. */
  private giveBack(campaigns?: ReadonlySet<number>): Set<number> {
    const goes = ({ step }: Prepared): boolean => campaigns === undefined || campaigns.has(step.campaign);
    const gone = this.queue.filter(goes);
    this.queue = this.queue.filter((prepared) => !goes(prepared));
    for (const { step } of gone) void this.settle({ result: { step, kind: 'return' } });
    return new Set(gone.map(({ step }) => step.campaign));
  }

  private async prepare(steps: readonly LeasedStep[]): Promise<void> {
    const { ready, done } = await prepare(steps, this.deps, { source: this.source, shelf: this.shelf });
    for (const result of done) void this.settle({ result });
    this.queue.push(...ready);
  }

  private settle(settled: Settled): Promise<void> {
    return this.settling.settle(settled);
  }

  private pump(): void {
    this.pumping ??= this.dispatchAll()
      .catch((error: unknown) => {
        this.deps.log.error(`Handing messages over failed; goes on: ${messageOf(error)}`);
      })
      .finally(() => {
        this.pumping = undefined;
        // What came in while the last group was being marked.
        if (this.queue.length > 0 && !this.waiting && !this.closed) this.waitForRoom();
        this.refill();
      });
  }

  private async dispatchAll(): Promise<void> {
    const { account } = this.options;
    while (this.queue.length > 0 && !this.closed) {
      const { inFlight } = this.handover;
      const room = Math.min(account.room(), this.inFlightBound - inFlight, this.queue.length, GROUP);
      // A transaction for one message at a time would cost more than the message: wait for a handful of places.
      const worthwhile = Math.min(this.queue.length, Math.ceil(account.capacity / 2), GROUP);
      if (room <= 0 || (room < worthwhile && inFlight > 0)) return;
      const { granted, waitMs } = account.pacer.take(room);
      if (granted === 0) {
        this.waitFor(waitMs);
        return;
      }
      const went = await this.handover.dispatch(this.queue.splice(0, granted));
      if (went < granted) account.pacer.refund(granted - went);
      if (waitMs > 0 && granted < room) {
        this.waitFor(waitMs);
        return;
      }
    }
  }

  private afterOne(): void {
    if (this.queue.length > 0) this.pump();
    else this.refill();
    this.tellIdle();
  }

  private tellIdle(): void {
    if (this.unfinished === 0) for (const wake of this.idleWaiters.splice(0)) wake();
  }

  private waitForRoom(): void {
    if (this.handover.inFlight > 0) return; // The next answer pumps.
    this.waiting = true;
    void this.options.account.whenReady().then(() => {
      this.waiting = false;
      this.wake();
    });
  }

  private waitFor(ms: number): void {
    if (this.waiting) return;
    this.waiting = true;
    this.deps.clock.after(Math.max(1, ms), () => {
      this.waiting = false;
      this.pump();
    });
  }

  private wake(): void {
    if (this.closed) return;
    this.pump();
    this.station?.poke();
  }
}
