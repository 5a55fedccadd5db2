import { releaseCampaigns } from '../campaigns';
import { backoff, type DeliveryResult, type OutgoingMessage } from '../channels';
import { messageOf } from '../errors';
import { Batcher, type LeasedStep, type StationHandle, type StationWork, type StepResult } from '../ledger';
import type { CampaignView, LeadView } from '../types';
import { compileContent, keepContent, loadContent, messageKeyOf } from './content';
import { earlierTries, markSending, writeOutcomes, type MessageOutcome, type Outgoing } from './messages';
import type { CompiledContent, SendDeps, SendOptions } from './types';

/** Outputs of a send node. */
export const SENT = 0;
export const FAILED = 1;
export const SUPPRESSED = 2;

/** Messages marked `sending` in one transaction at most. */
const GROUP = 64;
/** How long an answer may wait to be written together with others, ms. */
const LINGER_MS = 20;
/** How long templates are filled in one turn of the event loop, ms. */
const LONGEST_TURN_MS = 20;

interface Prepared {
  step: LeasedStep;
  lead: LeadView;
  campaign: CampaignView;
  content: CompiledContent;
  contentId: number;
  attempt: number;
  date: number;
}

interface Settled {
  result: StepResult;
  outcome?: MessageOutcome;
}

/**
 * The work of a send station: takes leased people, fills the content, asks once more whether each may be written to,
 * marks the messages `sending`, hands them to the account and writes what became of them.
 *
 * What is in flight at any moment is bounded by the account's capacity; only that much is in doubt after a crash.
 */
export class SendStation implements StationWork {
  private station: StationHandle | undefined;
  private readonly compiled: CompiledContent;
  private readonly versions = new Map<number, CompiledContent>();
  private contentId: Promise<number> | undefined;
  private queue: Prepared[] = [];
  /** Leased, being prepared. */
  private preparing = 0;
  /** Marked `sending` and not yet written as sent, failed …: what a crash would leave in doubt. */
  private inFlight = 0;
  /** Of these, handed over and not answered yet. */
  private unanswered = 0;
  private pumping: Promise<void> | undefined;
  private closed = false;
  private readonly closing = new AbortController();
  /** Holding and releasing campaigns, under way. */
  private asides = 0;
  private waiting = false;
  /** Holding and releasing, one after another: what was found out last is what stands in the end. */
  private aside: Promise<void> = Promise.resolve();
  private released = false;
  private readonly finished: Batcher<Settled, undefined>;
  private readonly stopListening: () => void;
  private idleWaiters: (() => void)[] = [];

  /** @throws ContentError when the content cannot be read */
  constructor(
    private readonly options: SendOptions,
    private readonly deps: SendDeps,
  ) {
    this.compiled = compileContent(options.content, options.language);
    this.finished = new Batcher((settled) => this.write(settled), 256, {
      ms: LINGER_MS,
      after: (ms, fn) => deps.clock.after(ms, fn),
      // Worth a transaction of its own, or nothing more to come for now.
      enough: (queued) => queued >= options.account.capacity / 2 || this.unanswered === 0,
    });
    this.stopListening = options.account.breaker.on((event) => {
      if (event.type === 'open') this.inTurn(() => this.hold(event.reason), 'holding campaigns');
      if (event.type === 'close') this.inTurn(() => this.goOn(), 'releasing campaigns');
      if (event.type !== 'open') this.wake();
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
    return this.inFlight + this.preparing + this.asides > 0 || this.pumping !== undefined || this.finished.busy;
  }

  /** Resolves when what is under way in this process is done. */
  async idle(): Promise<void> {
    await this.pumping;
    await this.finished.idle();
  }

  room(): number {
    const { account } = this.options;
    if (this.closed || account.breaker.room === 0) return 0;
    const buffer = account.breaker.state === 'closed' ? this.buffer : 1;
    return Math.max(0, buffer - this.queue.length - this.preparing - this.inFlight);
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
    if (!this.released && this.options.account.breaker.state === 'closed') {
      // A former station of this account, in this process or another, may have left word and gone before it was over.
      this.released = true;
      this.inTurn(() => this.goOn(), 'releasing campaigns');
    }
    this.preparing += steps.length;
    this.prepare(steps)
      .catch((error: unknown) => {
        this.deps.log.error(
          `${station.spec.step}: preparing messages failed, they go back into the queue: ${messageOf(error)}`,
        );
        for (const step of steps)
          void this.settle({ result: { step, kind: 'retry', dueAt: this.deps.clock.now() + 5_000 } });
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
    this.closing.abort();
    this.stopListening();
    await this.pumping;
    this.giveBack();
    while (this.inFlight + this.preparing > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    await this.finished.idle();
  }

  /** Puts whom it has not begun with (of these campaigns, or of all) back into the ledger's queue. */
  private giveBack(campaigns?: ReadonlySet<number>): void {
    const going = (step: LeasedStep): boolean => campaigns === undefined || campaigns.has(step.campaign);
    const { queue } = this;
    this.queue = queue.filter(({ step }) => !going(step));
    for (const { step } of queue) if (going(step)) void this.settle({ result: { step, kind: 'return' } });
  }

  private async prepare(steps: LeasedStep[]): Promise<void> {
    const { scope } = this.deps;
    const [leads, campaigns, earlier] = await Promise.all([
      this.deps.leads(scope, [...new Set(steps.map(({ lead }) => lead))]),
      this.deps.campaigns(scope, [...new Set(steps.map(({ campaign }) => campaign))]),
      earlierTries(scope, steps),
    ]);
    const contentId = await this.ownContentId();
    for (const step of steps) {
      const lead = leads.get(step.lead);
      const campaign = campaigns.get(step.campaign);
      if (!lead || !campaign) {
        void this.settle({ result: { step, kind: 'release', port: FAILED, reason: 'the lead is gone' } });
        continue;
      }
      const former = earlier.get(step.id);
      const version = former && former.contentId !== contentId ? await this.version(former.contentId) : undefined;
      this.queue.push({
        step,
        lead,
        campaign,
        content: version ?? this.compiled,
        contentId: version && former ? former.contentId : contentId,
        attempt: former?.attempt ?? 0,
        date: former?.firstAt ?? this.deps.clock.now(),
      });
    }
  }

  private ownContentId(): Promise<number> {
    const { content, language = 'en' } = this.options;
    this.contentId ??= keepContent(this.deps.scope, content, language, this.compiled.hash).catch((error: unknown) => {
      this.contentId = undefined;
      throw error;
    });
    return this.contentId;
  }

  private async version(id: number): Promise<CompiledContent | undefined> {
    const known = this.versions.get(id);
    if (known) return known;
    const loaded = await loadContent(this.deps.scope, id);
    if (loaded) this.versions.set(id, loaded);
    return loaded;
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
      const room = Math.min(account.room(), this.inFlightBound - this.inFlight, this.queue.length, GROUP);
      // A transaction for one message at a time would cost more than the message: wait for a handful of places.
      const worthwhile = Math.min(this.queue.length, Math.ceil(account.capacity / 2), GROUP);
      if (room <= 0 || (room < worthwhile && this.inFlight > 0)) return;
      const { granted, waitMs } = account.pacer.take(room);
      if (granted === 0) {
        this.waitFor(waitMs);
        return;
      }
      const group = this.queue.splice(0, granted);
      const went = await this.dispatch(group);
      if (went < granted) account.pacer.refund(granted - went);
      if (waitMs > 0 && granted < room) {
        this.waitFor(waitMs);
        return;
      }
    }
  }

  /** Marks a group `sending` and hands it over; how many really went. */
  private async dispatch(group: Prepared[]): Promise<number> {
    const ready: { prepared: Prepared; message: OutgoingMessage; item: Outgoing }[] = [];
    let since = this.deps.clock.monotonic();
    for (const prepared of group) {
      const filled = this.fill(prepared);
      if (filled) ready.push(filled);
      if (this.deps.clock.monotonic() - since < LONGEST_TURN_MS) continue;
      // An elaborate template: let others have a turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
      since = this.deps.clock.monotonic();
    }
    if (ready.length === 0) return 0;
    let answers;
    try {
      answers = await markSending(
        this.deps.scope,
        ready.map(({ item }) => item),
        { channel: this.compiled.channel, account: this.options.account.key },
        (tx, leads, channel) => this.deps.maySend(tx, leads, channel),
      );
    } catch (error) {
      this.deps.log.error(`Marking messages failed, they go back into the queue: ${messageOf(error)}`);
      for (const { prepared } of ready) void this.settle({ result: { step: prepared.step, kind: 'return' } });
      return 0;
    }
    let went = 0;
    const stopped = new Set<number>();
    for (const { prepared, message } of ready) {
      const { step } = prepared;
      const answer = answers.get(step.id);
      if (!answer) continue; // Taken over by another runtime: its business now.
      if (answer === 'stopped') {
        stopped.add(step.campaign);
        void this.settle({ result: { step, kind: 'return' } });
        continue;
      }
      if (!answer.allowed) {
        void this.settle({
          result: {
            step,
            kind: 'release',
            port: SUPPRESSED,
            reason: answer.reason,
            outcome: { suppressed: answer.detail },
          },
        });
        continue;
      }
      went++;
      this.inFlight++;
      this.unanswered++;
      void this.options.account.execute(message).then(async (result) => {
        this.unanswered--;
        await this.settle(this.judge(prepared, result));
        // Not before the outcome is written: until then a crash leaves the message in doubt.
        this.inFlight--;
        this.afterOne();
      });
    }
    if (stopped.size > 0) this.giveBack(stopped);
    return went;
  }

  private fill(prepared: Prepared): { prepared: Prepared; message: OutgoingMessage; item: Outgoing } | undefined {
    const { step, lead, campaign, content, contentId, date } = prepared;
    const messageKey = messageKeyOf(this.deps.scope.tenant, step.id, this.deps.messageDomain);
    try {
      const message = content.fill({
        step: step.id,
        lead,
        campaign,
        messageKey,
        date,
        unsubscribeUrl: this.deps.unsubscribeUrl({
          lead: lead.id,
          campaign: campaign.id,
          step: step.id,
          channel: content.channel,
        }),
      });
      return { prepared, message, item: { step, address: message.to.address, messageKey, contentId, date } };
    } catch (error) {
      if (content.channel === 'email' && lead.email === undefined) {
        void this.settle({ result: { step, kind: 'release', port: SUPPRESSED, reason: 'no_address' } });
      } else void this.settle({ result: { step, kind: 'fail', reason: messageOf(error) } });
      return undefined;
    }
  }

  /** What a delivery result means for the step and its message. */
  private judge({ step, attempt, campaign }: Prepared, result: DeliveryResult): Settled {
    const tries = attempt + 1;
    const maxAttempts = this.options.maxAttempts ?? 5;
    switch (result.status) {
      case 'sent':
        return {
          result: { step, kind: 'release', port: SENT },
          outcome: { step, state: 'sent', charged: true, providerId: result.providerId },
        };
      case 'deferred': {
        const { reason } = result;
        if (tries >= maxAttempts) return failed(step, `given up after ${tries} tries: ${reason}`);
        return {
          result: { step, kind: 'retry', dueAt: result.retryAt ?? this.nextTry(tries), reason },
          outcome: { step, state: 'deferred', charged: true, reason },
        };
      }
      case 'rejected':
        return failed(step, result.reason);
      case 'unknown': {
        const { reason } = result;
        const outcome: MessageOutcome = { step, state: 'unknown', charged: true, reason };
        const resend = (this.options.onUnknown ?? campaign.onUnknown) === 'resend' && tries < maxAttempts;
        return resend
          ? { result: { step, kind: 'retry', dueAt: this.nextTry(tries), reason }, outcome }
          : { result: { step, kind: 'unknown', reason }, outcome };
      }
      case 'unavailable':
        return {
          result: { step, kind: 'return' },
          outcome: { step, state: 'deferred', charged: false, reason: result.reason },
        };
    }
  }

  private nextTry(tries: number): number {
    const { retryBaseMs = 60_000, retryMaxMs = 14_400_000 } = this.options;
    const random = this.deps.random;
    return (
      this.deps.clock.now() + backoff(tries, { base: retryBaseMs, max: retryMaxMs, ...(random ? { random } : {}) })
    );
  }

  /** Writes what became of a step, as often as it takes. Never fails. */
  private async settle(settled: Settled): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        // After some failures alone: it might be another one of its group that cannot be written.
        await (tries < 3 ? this.finished.add(settled) : this.write([settled]));
        return;
      } catch (error) {
        this.deps.log.error(`Writing what became of a message failed and is tried again: ${messageOf(error)}`);
        // The row stays leased: when this runtime is gone it becomes unknown or goes back, as after a crash.
        if (this.closed) return;
        await this.deps.clock.sleep(Math.min(30_000, 500 * 2 ** tries), this.closing.signal);
      }
    }
  }

  private async write(settled: Settled[]): Promise<undefined[]> {
    const station = this.station;
    if (!station) return [];
    await station.settle(
      settled.map(({ result }) => result),
      (tx, accepted) =>
        writeOutcomes(
          tx,
          this.compiled.channel,
          settled.flatMap(({ outcome }) => (outcome && accepted.has(outcome.step.id) ? [outcome] : [])),
        ),
    );
    const dead = new Set(settled.flatMap(({ result }) => (result.kind === 'fail' ? [result.step.campaign] : [])));
    for (const campaign of dead)
      this.background(this.deps.died(campaign), 'looking after a campaign with dead letters');
    return settled.map(() => undefined);
  }

  private afterOne(): void {
    if (this.queue.length > 0) this.pump();
    else this.refill();
    this.tellIdle();
  }

  private tellIdle(): void {
    if (this.inFlight + this.preparing === 0) for (const wake of this.idleWaiters.splice(0)) wake();
  }

  private waitForRoom(): void {
    if (this.inFlight > 0) return; // The next answer pumps.
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

  /** The account cannot be reached: gives back whom it has not begun with, and says so on the campaigns. */
  private async hold(reason: string): Promise<void> {
    const { account } = this.options;
    const held = new Set(this.queue.map(({ campaign }) => campaign.id));
    this.giveBack();
    const { station } = this;
    if (!station) return;
    const rows = await this.deps.scope.background((db) =>
      db.all<{ campaign_id: number }>(
        `SELECT DISTINCT campaign_id FROM marketing_steps
         WHERE tenant_id = :tenant AND station_id = :station AND state IN ('waiting', 'working')`,
        { station: station.id },
      ),
    );
    for (const { campaign_id } of rows) held.add(campaign_id);
    // That may have taken a while.
    if (account.breaker.state === 'closed') return;
    await this.deps.hold([...held], `${account.key}: ${reason}`);
  }

  /** The account can be reached: takes back what any of its stations has said about this definition's campaigns. */
  private async goOn(): Promise<void> {
    if (!this.station) return;
    const { definition } = this.station.spec;
    await releaseCampaigns(this.deps.scope, { definition, by: this.options.account.key });
  }

  private inTurn(work: () => Promise<void>, what: string): void {
    const turn = this.aside.then(work);
    this.aside = turn.catch(() => undefined);
    this.background(turn, what);
  }

  private background(work: Promise<void>, what: string): void {
    this.asides++;
    work
      .catch((error: unknown) => this.deps.log.warn(`${what} failed: ${messageOf(error)}`))
      .finally(() => {
        this.asides--;
      });
  }
}

function failed(step: LeasedStep, reason: string): Settled {
  return {
    result: { step, kind: 'release', port: FAILED, reason },
    outcome: { step, state: 'failed', charged: true, reason },
  };
}
