import type { DeliveryResult, OutgoingMessage } from '../../lib/channels';
import { campaignViews } from '../../lib/campaigns';
import { VirtualClock } from '../../lib/clock';
import { leadViews, sendability } from '../../lib/leads';
import { SendStation, type SendDeps, type SendGate, type SendOptions } from '../../lib/sending';
import type { TestDatabase } from '../kit/databases';
import { silent, World, type Runtime, type Wire } from '../ledger/world';
import { fakeAccount } from './fake-account';

/** What a run of a send station is told. */
export type RunOptions = Partial<SendOptions> & {
  capacity?: number;
  rate?: number;
  /** How many leads there are. Default 3. */
  leads?: number;
  /** True when the campaign has been launched already. */
  launched?: boolean;
  gates?: readonly SendGate[];
  /** Which variants of experiments people's messages are of. */
  variants?: SendDeps['variants'];
};

/** A run: its runtime, and what was handed to the account so far. */
export interface Run {
  readonly runtime: Runtime;
  readonly delivered: OutgoingMessage[];
  settle(): Promise<void>;
}

/** A trigger, a send station behind it, and an account whose server is a function. */
export class SendingWorld {
  /** Reasons for which campaigns were held. */
  readonly held: string[] = [];
  /** How often campaigns were told of people in the dead-letter list. */
  died = 0;

  private constructor(
    readonly clock: VirtualClock,
    readonly world: World,
  ) {}

  static async open(
    db: TestDatabase,
    options: { onUnknown?: 'hold' | 'resend'; wires?: Wire[] } = {},
  ): Promise<SendingWorld> {
    const clock = new VirtualClock(Date.UTC(2026, 0, 1));
    const world = new World(await db.open({ clock }), {
      stations: [
        { step: 'start', kind: 'trigger' },
        { step: 'mail', kind: 'send' },
      ],
      wires: options.wires ?? [{ from: 'start', to: 'mail' }],
      onUnknown: options.onUnknown ?? 'hold',
    });
    await world.declare();
    return new SendingWorld(clock, world);
  }

  /** Launches the campaign and lets the station work until nothing moves. */
  async run(
    answer: (message: OutgoingMessage, nth: number) => DeliveryResult | Promise<DeliveryResult>,
    more: RunOptions = {},
  ): Promise<Run> {
    const { world, clock } = this;
    const { account, delivered } = fakeAccount(clock, answer, more);
    const work = this.station({
      account,
      content: {
        channel: 'email',
        email: { subject: 'Hello {{ lead.name }}', text: 'Hi {{ lead.name }}', from: { address: 'a@example.org' } },
      },
      ...more,
      gates: more.gates ?? [],
      variants: more.variants,
    });
    if (!more.launched) await world.addLeads(more.leads ?? 3);
    const runtime = await world.start({ work: { mail: work } });
    if (more.launched) await runtime.ledger.sweep();
    else await world.launch();
    const settle = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3;) {
        await runtime.settle();
        await work.idle();
        await new Promise((resolve) => setImmediate(resolve));
        quiet = work.busy ? 0 : quiet + 1;
      }
    };
    await settle();
    return { runtime, delivered, settle };
  }

  async close(): Promise<void> {
    for (const runtime of this.world.runtimes) await runtime.close();
  }

  private station({
    gates,
    variants,
    ...options
  }: SendOptions & { gates: readonly SendGate[]; variants: SendDeps['variants'] | undefined }): SendStation {
    const { world, clock } = this;
    return new SendStation(options, {
      scope: world.scope,
      clock,
      log: silent,
      leads: leadViews,
      campaigns: campaignViews,
      gates,
      ...(variants ? { variants } : {}),
      maySend: (tx, ids, channel) => sendability(tx, ids, channel, { requireConsent: 'none' }),
      unsubscribeUrl: ({ lead }) => `https://example.org/u/${lead}`,
      messageDomain: 'example.org',
      hold: async (ids, reason) => {
        this.held.push(reason);
        await world.campaigns.hold(ids, reason);
      },
      died: () => {
        this.died++;
        return Promise.resolve();
      },
      random: () => 0,
    });
  }
}
