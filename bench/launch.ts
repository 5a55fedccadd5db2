/**
 * The time from `campaigns.launch()` to its answer, for an audience of 10,000 people, with 1, 1,000 and 100,000 campaigns existing.
 *
 * **Ours**: the product in this process as a store node has it, ledger at work. Each launch is of a new campaign of the same saved
 * segment; nothing else happens meanwhile (what the launch before has set off is waited for, outside of the measurement). The answer
 * comes when the campaign is active and its audience is sure to be entered whatever happens; the people are written after it, in
 * the background. `throughMs` is how long that takes.
 *
 * **Theirs**: what a launch costs that writes its audience before it answers: the state, then one `INSERT … SELECT` of the same
 * 10,000 people into a table of the same shape, by better-sqlite3, in one transaction, in a file of its own with the same settings.
 *
 * `ratio` is their median divided by ours with the most campaigns existing; `flat` our median with the most divided by that
 * with the fewest.
 */
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Marketing } from '../lib';
import type { Bench, BenchContext } from './lib/bench';
import { makeCampaigns } from './lib/campaigns';
import { withFolder } from './lib/folder';
import { fileOf, makePeople } from './lib/people';
import { product } from './lib/product';
import { median, percentile, significant } from './lib/statistics';

type Lib = typeof import('../lib');

interface SizeFigures {
  campaigns: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  throughMs: number;
}

export const bench: Bench = {
  name: 'launch',
  summary: 'launching a campaign of 10,000 people, with few and with many campaigns existing',
  options: {
    people: { default: 10_000, says: 'the audience' },
    launches: { default: 30, says: 'launches per size' },
    most: { default: 100_000, says: 'campaigns existing in the last size' },
  },
  async run(context) {
    return withFolder('launch', async (folder) => {
      const sizes: SizeFigures[] = [];
      for (const campaigns of [1, 1_000, context.number('most')]) sizes.push(await ours(context, folder, campaigns));
      const theirs = await naive(context, folder);
      const [least, most] = [sizes[0], sizes.at(-1)];
      return {
        ratio: significant(median(theirs) / (most?.p50Ms ?? NaN)),
        ratioIs: 'time of a launch that writes its audience first / ours, with the most campaigns existing',
        flat: significant((most?.p50Ms ?? NaN) / (least?.p50Ms ?? NaN)),
        people: context.number('people'),
        sizes,
        theirs: { p50Ms: significant(median(theirs)), p99Ms: significant(percentile(theirs, 0.99)) },
      };
    });
  },
};

async function ours(context: BenchContext, folder: string, campaigns: number): Promise<SizeFigures> {
  const url = `sqlite:${path.join(folder, `ours-${campaigns}.sqlite`)}`;
  await makePeople(url, context.number('people'));
  makeCampaigns(url, campaigns);
  const { openMarketing } = product<Lib>('lib/index');
  const marketing = await openMarketing({ database: { url } });
  try {
    await marketing.definitions.deploy('bench', [
      {
        key: 'mailing',
        name: 'Mailing',
        entry: 'launch',
        entryMode: 'launch',
        onUnknown: 'hold',
        stations: [{ step: 'launch', kind: 'trigger', node: 'n1', hash: 'h1', forks: false }],
        body: {},
      },
    ]);
    // Somebody has to serve the trigger; behind an output that leads nowhere people are through at once.
    await marketing.ledger.attach({
      definition: 'mailing',
      step: 'launch',
      kind: 'trigger',
      wired: () => false,
      emit: () => undefined,
    });
    await marketing.segments.create({ key: 'everybody', kind: 'dynamic', condition: 'lead.score >= 0' });
    const times: number[] = [];
    const through: number[] = [];
    for (let round = 0; round < context.number('launches'); round++) {
      const { id } = await marketing.campaigns.create({
        key: `launch-${round}`,
        definition: 'mailing',
        segment: 'everybody',
      });
      const start = performance.now();
      await marketing.campaigns.launch(id, { approved: true });
      times.push(performance.now() - start);
      await entered(marketing, id, context.number('people'));
      through.push(performance.now() - start);
    }
    const figures = {
      campaigns,
      p50Ms: significant(median(times)),
      p99Ms: significant(percentile(times, 0.99)),
      maxMs: significant(Math.max(...times)),
      throughMs: significant(median(through)),
    };
    context.say(`  ${campaigns} campaigns: ${JSON.stringify(figures)}`);
    return figures;
  } finally {
    await marketing.close();
  }
}

/** Waits until everybody is in: the figures count only then. */
async function entered({ scope }: Marketing, campaign: number, people: number): Promise<void> {
  for (;;) {
    const row = await scope.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM marketing_enrollments WHERE tenant_id = :tenant AND campaign_id = :campaign`,
      { campaign },
    );
    if (row?.n === people) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function naive(context: BenchContext, folder: string): Promise<number[]> {
  const url = `sqlite:${path.join(folder, 'theirs.sqlite')}`;
  await makePeople(url, context.number('people'));
  makeCampaigns(url, context.number('most'));
  const database = new Database(fileOf(url));
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    const activate = database.prepare(`UPDATE marketing_campaigns SET state = 'active', run = run + 1 WHERE id = ?`);
    const enter = database.prepare(
      `INSERT INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
       SELECT 'default', :campaign, id, 1, 'run:1', 'active', 0 FROM marketing_leads WHERE tenant_id = 'default' AND score >= 0`,
    );
    const launch = database.transaction((campaign: number) => {
      activate.run(campaign);
      enter.run({ campaign });
    });
    const times: number[] = [];
    for (let campaign = 1; campaign <= context.number('launches'); campaign++) {
      const start = performance.now();
      launch(campaign);
      times.push(performance.now() - start);
    }
    return times;
  } finally {
    database.close();
  }
}
