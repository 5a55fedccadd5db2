import type { DeliveryResult, OutgoingMessage } from '../channels';
import { messageOf } from '../errors';
import { messageKeyOf } from './content';
import type { Judge, Settled } from './judging';
import { markSending, type Clearance, type Outgoing } from './messages';
import { SUPPRESSED } from './ports';
import type { Prepared } from './preparing';
import type { SendDeps, SendOptions } from './types';

/** How long templates are filled in one turn of the event loop, ms. */
const LONGEST_TURN_MS = 20;

/** A message that is filled and not marked yet. */
interface Filled {
  readonly prepared: Prepared;
  readonly message: OutgoingMessage;
  readonly item: Outgoing;
}

/** What the handover needs of its station. */
export interface HandoverHooks {
  readonly judge: Judge;
  settle(settled: Settled): Promise<void>;
  /** Campaigns that turned out to be stopped. */
  stopped(campaigns: ReadonlySet<number>): void;
  /** Called when what became of a message has been written. */
  written(): void;
}

/** Fills messages, marks them `sending` and hands them to the account, group by group. */
export class Handover {
  /** Marked `sending` and not yet written as sent, failed …: what a crash would leave in doubt. */
  inFlight = 0;
  /** Of these, handed over and not answered yet. */
  unanswered = 0;

  constructor(
    private readonly options: Pick<SendOptions, 'account'> & { channel: string },
    private readonly deps: SendDeps,
    private readonly hooks: HandoverHooks,
  ) {}

  /** Marks a group `sending` and hands it over; how many really went. */
  async dispatch(group: readonly Prepared[]): Promise<number> {
    const filled = await this.fillAll(group);
    if (filled.length === 0) return 0;
    const answers = await this.mark(filled);
    if (!answers) return 0;
    let went = 0;
    const stopped = new Set<number>();
    for (const { prepared, message } of filled) {
      const { step } = prepared;
      const answer = answers.get(step.id);
      if (!answer) continue; // Taken over by another runtime: its business now.
      if (answer === 'stopped') {
        stopped.add(step.campaign);
        void this.hooks.settle({ result: { step, kind: 'return' } });
        continue;
      }
      if ('at' in answer) {
        const { at: dueAt, reason } = answer;
        void this.hooks.settle({ result: { step, kind: 'later', dueAt, reason } });
        continue;
      }
      if (!answer.allowed) {
        const { reason, detail } = answer;
        const result = { step, kind: 'release', port: SUPPRESSED, reason, outcome: { suppressed: detail } } as const;
        void this.hooks.settle({ result });
        continue;
      }
      went++;
      this.inFlight++;
      this.unanswered++;
      const { costMicros } = answer;
      void this.options.account.execute(message).then((result) => this.answered(prepared, result, costMicros));
    }
    if (stopped.size > 0) this.hooks.stopped(stopped);
    return went;
  }

  private async answered(prepared: Prepared, result: DeliveryResult, costMicros: number | undefined): Promise<void> {
    this.unanswered--;
    const judged = this.hooks.judge(prepared, result);
    const outcome = judged.outcome && costMicros !== undefined ? { ...judged.outcome, costMicros } : judged.outcome;
    await this.hooks.settle({ ...judged, ...(outcome ? { outcome } : {}) });
    // Not before the outcome is written: until then a crash leaves the message in doubt.
    this.inFlight--;
    this.hooks.written();
  }

  private async fillAll(group: readonly Prepared[]): Promise<Filled[]> {
    const filled: Filled[] = [];
    let since = this.deps.clock.monotonic();
    for (const prepared of group) {
      const one = this.fill(prepared);
      if (one) filled.push(one);
      if (this.deps.clock.monotonic() - since < LONGEST_TURN_MS) continue;
      // An elaborate template: let others have a turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
      since = this.deps.clock.monotonic();
    }
    return filled;
  }

  private fill(prepared: Prepared): Filled | undefined {
    const { step, lead, campaign, version, date, variant } = prepared;
    const { content, id: contentId } = version;
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
      return {
        prepared,
        message,
        item: {
          step,
          address: message.to.address,
          messageKey,
          contentId,
          date,
          ...(variant === undefined ? {} : { variant }),
        },
      };
    } catch (error) {
      if (content.channel === 'email' && lead.email === undefined) {
        void this.hooks.settle({ result: { step, kind: 'release', port: SUPPRESSED, reason: 'no_address' } });
      } else void this.hooks.settle({ result: { step, kind: 'fail', reason: messageOf(error) } });
      return undefined;
    }
  }

  /** What was found about each; undefined when marking failed and all of them went back. */
  private async mark(filled: readonly Filled[]): Promise<Map<number, Clearance> | undefined> {
    const { account, channel } = this.options;
    try {
      return await markSending(
        this.deps.scope,
        filled.map(({ item }) => item),
        { channel, account: account.key },
        (tx, leads, by) => this.deps.maySend(tx, leads, by),
        this.deps.gates,
      );
    } catch (error) {
      this.deps.log.error(`Marking messages failed, they go back into the queue: ${messageOf(error)}`);
      for (const { prepared } of filled) void this.hooks.settle({ result: { step: prepared.step, kind: 'return' } });
      return undefined;
    }
  }
}
