/** Our side of the bench `segment`: the product opened as a store node opens it, with its ledger and timers at work. */
import { answerParent } from '../lib/child';
import { product } from '../lib/product';
import { StallMeter } from '../lib/stall';

type Lib = typeof import('../../lib');
type Marketing = Awaited<ReturnType<Lib['openMarketing']>>;

/** How long a recalculation took, and what it did to the event loop. */
export interface Recalculation {
  /** As the caller of `recalculate` sees it. */
  ms: number;
  entered: number;
  left: number;
  members: number;
  longestStallMs: number;
}

/** What the process does. */
export interface SegmentHostQuestions {
  open(databaseUrl: string): Promise<void>;
  /** Makes the segment anew, without members. */
  create(options: { key: string; condition: string }): Promise<void>;
  recalculate(key: string): Promise<Recalculation>;
  /** The longest stall while nothing is done for so long: what the machine itself does to a process. */
  idle(ms: number): Promise<number>;
  [question: string]: (argument: never) => unknown;
}

process.setSourceMapsEnabled(false);

let opened: Marketing | undefined;

answerParent<SegmentHostQuestions>(
  {
    async open(databaseUrl) {
      opened = await product<Lib>('lib/index').openMarketing({ database: { url: databaseUrl } });
    },
    async create({ key, condition }) {
      const { segments } = marketing();
      const known = (await segments.list()).some((segment) => segment.key === key);
      if (known) await segments.remove(key);
      await segments.create({ key, kind: 'dynamic', condition });
    },
    async recalculate(key) {
      const meter = new StallMeter();
      const start = performance.now();
      const { entered, left, members } = await marketing().segments.recalculate(key);
      const ms = performance.now() - start;
      return { ms, entered, left, members, longestStallMs: meter.stop() };
    },
    async idle(ms) {
      const meter = new StallMeter();
      await new Promise((resolve) => setTimeout(resolve, ms));
      return meter.stop();
    },
  },
  async () => {
    await opened?.close();
  },
);

function marketing(): Marketing {
  if (!opened) throw new Error('Nothing has been opened.');
  return opened;
}
