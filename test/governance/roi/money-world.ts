/** The ROI guard around a sending world: prices, budgets, and what is announced. */
import type { Campaign } from '../../../lib/campaigns';
import type { VirtualClock } from '../../../lib/clock';
import { Roi, type DefinitionRoi, type RoiDeps } from '../../../lib/governance';
import { Outbox, type Announced } from '../../../lib/outbox';
import { ClockTimers } from '../../../lib/timers';
import type { TestDatabase } from '../../kit/databases';
import { SendingWorld, type Run, type RunOptions } from '../../sending/sending-world';

/** What a world of money is told. */
export interface MoneyWorldOptions {
  /** What an e-mail costs. */
  readonly price: number;
  readonly budget?: number;
  readonly definition?: DefinitionRoi;
  readonly escalate?: RoiDeps['escalate'];
}

export class MoneyWorld {
  readonly announced: Announced[] = [];

  private constructor(
    readonly sending: SendingWorld,
    readonly roi: Roi,
    readonly timers: ClockTimers,
    /** Warnings and errors. */
    readonly logged: readonly string[],
  ) {}

  static async open(db: TestDatabase, options: MoneyWorldOptions): Promise<MoneyWorld> {
    const sending = await SendingWorld.open(db);
    const { scope, campaigns } = sending.world;
    const timers = new ClockTimers(sending.clock);
    const logged: string[] = [];
    const roi = new Roi(scope, {
      timers,
      log: { warn: (text) => void logged.push(text), error: (text) => void logged.push(text) },
      campaigns,
      definition: () => Promise.resolve(options.definition),
      ...(options.escalate ? { escalate: options.escalate } : {}),
    });
    for (const going of ['launch', 'resume']) campaigns.on('before', going, (tx, campaign) => roi.begins(tx, campaign));
    await roi.setPrices({ channels: { email: options.price } });
    await campaigns.ensure('journey');
    if (options.budget !== undefined) await campaigns.update('journey', { budget: options.budget });
    const world = new MoneyWorld(sending, roi, timers, logged);
    new Outbox(scope).on('marketing.roi.*', (one) => void world.announced.push(one));
    return world;
  }

  get clock(): VirtualClock {
    return this.sending.clock;
  }

  campaign(): Promise<Campaign> {
    return this.sending.world.campaigns.get('journey');
  }

  /** Types of what was announced, with the percentage of milestones. */
  told(): string[] {
    return this.announced.map(({ type, data }) => {
      const { of, percent } = data;
      const more = typeof of === 'string' && typeof percent === 'number' ? ` ${of} ${percent}` : '';
      return `${type.replace('marketing.roi.', '')}${more}`;
    });
  }

  /** Launches the campaign, and lets the station work until nothing moves. */
  async run(answer: Parameters<SendingWorld['run']>[0], more: RunOptions = {}): Promise<Omit<Run, 'runtime'>> {
    const { delivered, settle: settled } = await this.sending.run(answer, { ...more, gates: [this.roi.gate] });
    const settle = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await settled();
        await this.roi.idle();
      }
    };
    await settle();
    return { delivered, settle };
  }

  async close(): Promise<void> {
    await this.roi.idle();
    await this.sending.close();
  }
}
