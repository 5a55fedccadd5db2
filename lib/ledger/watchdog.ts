import { messageOf } from '../errors';
import type { LedgerHost } from './host';
import type { RuntimeLease } from './runtime-lease';
import { findFinishedCampaigns, healEnrollments, recordLeftTheFlow, settleForks, type SearchPlace } from './sql/watch';
import type { Station } from './station';

/** How long the branches of a fork have to arrive before the fork is closed. */
const FORK_MS = 10_000;
/** The same where nothing on the way lets people wait (core switch, change, link, our switches): since the last one arrived. */
const PROMPT_FORK_MS = 2_000;
/** People dealt with in one transaction. */
const PAGE = 500;
/** How long an answer of the database may be under way before what it says is taken for lost. */
const ANSWER_MS = 10_000;
/** A sweep that has not ended after two leases never will: whoever waits for this runtime need not wait any longer. */
const MOST_BEATS = 8;
/** Longer than this the watchdog does not pause by itself. */
const JUMP_MS = 60_000;
/** Every how many sweeps the slower checks run. */
const SLOW_EVERY = 5;
/** Every how many sweeps everybody under way is looked at. */
const HEAL_EVERY = 60;

interface WatchdogOptions {
  everyMs: number;
  transitMs: number;
  lease: RuntimeLease;
  finished(campaign: number): Promise<void>;
  upkeep(): Promise<void>;
  expand(): Promise<void>;
  lostLease(): void;
  stations(): Station[];
  recover(): Promise<void>;
  /** Has people sent on again who could not be before. */
  refloat(): Promise<void>;
}

/**
 * Keeps the promise that everybody has a next wake-up or a reason: renews the lease, takes over from the dead, wakes
 * stations whose timer was missed, records who left the flow, closes forks, completes campaigns.
 */
export class Watchdog {
  private cancel: (() => void) | undefined;
  private cancelBeat: (() => void) | undefined;
  private beating: Promise<void> = Promise.resolve();
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;
  private inSweep = false;
  /** When people on wires were last looked at, ms. */
  private lookedAt: number;
  private jumpedAt = -Infinity;
  /** Where the search for campaigns that are through goes on. */
  private searched: SearchPlace | undefined;
  private round = 0;

  constructor(
    private readonly host: LedgerHost,
    private readonly options: WatchdogOptions,
  ) {
    this.lookedAt = host.clock.now();
  }

  start(): void {
    this.lookedAt = this.host.clock.now();
    this.schedule();
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
    this.cancelBeat?.();
  }

  async idle(): Promise<void> {
    await this.beating;
    await this.sweeping;
  }

  /** A sweep that takes long (a lock, a large table) must not cost the lease. */
  private keepBeating(beats = MOST_BEATS): void {
    if (this.stopped || !this.inSweep || beats === 0) return;
    this.cancelBeat = this.host.clock.after(this.options.lease.leaseMs / 4, () => {
      this.beating = this.beat().finally(() => this.keepBeating(beats - 1));
    });
  }

  private beat(): Promise<void> {
    return this.attempt('renewing the lease', async () => {
      if (!(await this.options.lease.renew())) this.options.lostLease();
    });
  }

  private schedule(): void {
    if (this.stopped) return;
    this.cancel = this.host.clock.after(this.options.everyMs, () => {
      this.inSweep = true;
      this.keepBeating();
      this.sweeping = this.sweep().finally(() => {
        this.inSweep = false;
        this.cancelBeat?.();
        this.schedule();
      });
    });
  }

  /** One round. @param thorough run the slow checks too */
  async sweep(thorough = false): Promise<void> {
    const { options, host } = this;
    await this.beat();
    await this.attempt('taking over from runtimes that are gone', () => options.recover());
    const round = this.round++;
    const slow = thorough || round % SLOW_EVERY === 0;
    if (slow) {
      await this.attempt('looking for people whom a broken connection left behind', async () => {
        for (const station of options.stations()) await station.audit(host.clock.now() - ANSWER_MS, options.transitMs);
      });
    }
    await this.attempt('sending stranded people on', () => options.refloat());
    for (const station of options.stations()) station.poke();
    await this.attempt('writing audiences', () => options.expand());
    if (thorough || round % HEAL_EVERY === HEAL_EVERY - 1) {
      await this.attempt('looking for people of runtimes that are forgotten', () => options.lease.bury());
      await this.attempt('healing enrollments', () => healEnrollments(host.scope, host.clock.now()));
    }
    const now = host.clock.now();
    // Before anybody is given up who has not had their time, whatever the clock says.
    this.noticeJump(now);
    if (now - this.jumpedAt >= FORK_MS) {
      const [before, quiet] = [now - FORK_MS, now - PROMPT_FORK_MS];
      await this.attempt('closing forks', () => this.inPages(() => settleForks(host.scope, { before, quiet, now })));
    }
    if (!slow) {
      await this.attempt('completing campaigns', () => this.complete(thorough));
      return;
    }
    await this.attempt('looking for people adrift', async () => {
      for (const station of options.stations()) await station.takeUpAdrift();
    });
    if (now - this.jumpedAt >= options.transitMs) {
      await this.attempt('recording who left the flow', async () => {
        await this.inPages(() => recordLeftTheFlow(host.scope, now - options.transitMs, now));
      });
    }
    await this.attempt('looking for people who wait at joins', () => host.joins.sweep(thorough));
    await this.attempt('upkeep', () => options.upkeep());
    await this.attempt('completing campaigns', () => this.complete(thorough));
  }

  /** Does it again while there are more; who waits for those branches at a join need not do so any more. */
  private async inPages(work: () => Promise<number[]>): Promise<void> {
    for (let ended = await work(); ended.length > 0; ended = ended.length < PAGE ? [] : await work()) {
      this.host.joins.ended(ended);
    }
  }

  /**
   * After the clock was put forward, or the machine slept, people seem to have been on a wire for long who have not been:
   * nobody is given up until they have had their time.
   */
  private noticeJump(now: number): void {
    if (now - this.lookedAt > JUMP_MS + SLOW_EVERY * this.options.everyMs) this.jumpedAt = now;
    this.lookedAt = now;
  }

  /** Of very many active campaigns, each sweep looks at some: what takes long must not be done every other second. */
  private async complete(all: boolean): Promise<void> {
    if (all) this.searched = undefined;
    do {
      const { finished, next } = await findFinishedCampaigns(this.host.scope, this.searched);
      this.searched = next;
      for (const campaign of finished) await this.options.finished(campaign);
    } while (all && this.searched && !this.stopped);
  }

  private async attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.stopped) return;
    try {
      await work();
    } catch (error) {
      if (!this.stopped) this.host.log.warn(`The watchdog could not go on with ${what}: ${messageOf(error)}`);
    }
  }
}
