/**
 * The check of all campaigns' money: how long one takes that looks at every campaign, announces what is new and writes what has
 * changed; against the usual way, a loop that asks for each campaign. Both sides read the same rows in SQLite files of the same form
 * (campaign, budget, costs, revenue of the counters), judge by the same function, and write the status where it changed; the loop has its
 * statements prepared, holds one transaction for all its writes, and announces nothing.
 */
import Database from 'better-sqlite3';
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { makeCampaigns } from './lib/campaigns';
import { withFolder } from './lib/folder';
import { fileOf } from './lib/people';
import { product } from './lib/product';
import { medianOf } from './lib/rounds';
import { StallMeter } from './lib/stall';
import { significant } from './lib/statistics';

type Lib = typeof import('../lib');
type Governance = typeof import('../lib/governance');

/** Requirement PR-003 asks for 2 s for 10,000. */
const AIM_MS = 200;

interface Round {
  readonly oursMs: number;
  readonly theirMs: number;
  readonly changed: number;
}

interface SizeFigures {
  readonly campaigns: number;
  /** The first check: every status is new to it. */
  readonly firstMs: number;
  /** Later ones: one campaign in a hundred has earned something. */
  readonly checkMs: number;
  readonly loopMs: number;
  readonly changed: number;
  readonly longestStallMs: number;
}

export const bench: Bench = {
  name: 'roi',
  summary: 'a check of all campaigns’ money, against a loop over campaigns',
  options: {
    sizes: { default: '10000,100000', says: 'campaigns, with a budget each' },
    rounds: { default: 5, says: 'checks, of which the median counts' },
  },
  async run(context) {
    const sizes = context.text('sizes').split(',').map(Number);
    const figures: SizeFigures[] = [];
    for (const size of sizes) figures.push(await measure(context, size));
    const [first] = figures;
    return {
      aimMs: AIM_MS,
      ratio: first ? significant(first.loopMs / first.checkMs) : null,
      sizes: figures,
    };
  },
};

async function measure(context: BenchContext, campaigns: number): Promise<SizeFigures> {
  return withFolder('roi', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    context.say(`${campaigns} campaigns …`);
    const { openMarketing } = product<Lib>('lib/index');
    const { statusOf } = product<Governance>('lib/governance/index');
    await (await openMarketing({ database: { url: databaseUrl }, work: false })).close();
    makeCampaigns(databaseUrl, campaigns, { owner: 'ann' });
    spend(databaseUrl);
    const loop = new Loop(databaseUrl, statusOf);
    const marketing = await openMarketing({ database: { url: databaseUrl }, work: false });
    try {
      const stall = new StallMeter();
      const start = performance.now();
      const { looked } = await marketing.roi.check();
      const firstMs = performance.now() - start;
      if (looked !== campaigns) throw new Error(`${looked} campaigns were looked at.`);
      const rounds: Round[] = [];
      for (let round = 0; round < context.number('rounds'); round++) {
        earn(databaseUrl, round);
        const begin = performance.now();
        const { changed } = await marketing.roi.check();
        const oursMs = performance.now() - begin;
        earn(databaseUrl, round + 50);
        rounds.push({ oursMs, theirMs: loop.check(), changed });
      }
      const figures = {
        campaigns,
        firstMs: significant(firstMs),
        checkMs: significant(medianOf(rounds, ({ oursMs }) => oursMs)),
        loopMs: significant(medianOf(rounds, ({ theirMs }) => theirMs)),
        changed: medianOf(rounds, ({ changed }) => changed),
        longestStallMs: significant(stall.stop()),
      };
      context.say(`  a check ${figures.checkMs} ms (the first ${figures.firstMs} ms), the loop ${figures.loopMs} ms`);
      return figures;
    } finally {
      loop.close();
      await marketing.close();
    }
  });
}

/** Accounts in every state: spent from nothing to beyond the budget, with revenue from none to four times that. */
function spend(databaseUrl: string): void {
  write(databaseUrl, (database) => {
    database.exec(
      `INSERT INTO marketing_roi (tenant_id, campaign_id, budget_micros, target_micros, threshold, spent_micros, fixed_micros, started_at, updated_at)
       SELECT tenant_id, id, NULL, 4000000000, 2, (id % 1300) * 1000000, (id % 50) * 100000, created_at, created_at FROM marketing_campaigns;
       INSERT INTO marketing_metrics (tenant_id, campaign_id, variant, channel, hour, name, amount, updated_at)
       SELECT c.tenant_id, c.id, '', h.value, -1, n.value, (c.id % 1300) * 1000000 * (c.id % 5) / 2, c.created_at
         FROM marketing_campaigns c CROSS JOIN json_each('["email","sms"]') h CROSS JOIN json_each('["sent","revenue","cost"]') n
        ORDER BY c.id, n.value, h.value;`,
    );
  });
}

/** One campaign in a hundred earns what brings it further. */
function earn(databaseUrl: string, nth: number): void {
  write(databaseUrl, (database) => {
    database
      .prepare(
        `UPDATE marketing_metrics SET amount = amount + 1500000000 WHERE name = 'revenue' AND campaign_id % 100 = ?`,
      )
      .run(nth % 100);
  });
}

function write(databaseUrl: string, work: (database: Database.Database) => void): void {
  const database = new Database(fileOf(databaseUrl));
  try {
    database.pragma('synchronous = OFF');
    database.transaction(() => work(database))();
  } finally {
    database.close();
  }
}

/** The usual way. */
class Loop {
  private readonly database: Database.Database;

  constructor(
    databaseUrl: string,
    private readonly statusOf: Governance['statusOf'],
  ) {
    this.database = new Database(fileOf(databaseUrl));
    // What our connections have too.
    this.database.pragma('cache_size = -16384');
    this.database.pragma('synchronous = NORMAL');
  }

  check(): number {
    const { database } = this;
    const start = performance.now();
    const ids = database
      .prepare(`SELECT campaign_id FROM marketing_roi WHERE tenant_id = 'default'`)
      .pluck()
      .all() as number[];
    const campaign = database.prepare(
      `SELECT budget, state, starts_on, ends_on, started_at FROM marketing_campaigns WHERE tenant_id = 'default' AND id = ?`,
    );
    const account = database.prepare(`SELECT * FROM marketing_roi WHERE tenant_id = 'default' AND campaign_id = ?`);
    const revenue = database.prepare(
      `SELECT SUM(amount) AS revenue FROM marketing_metrics WHERE tenant_id = 'default' AND campaign_id = ? AND hour = -1 AND name = 'revenue'`,
    );
    const update = database.prepare(
      `UPDATE marketing_roi SET status = ?, updated_at = ? WHERE tenant_id = 'default' AND campaign_id = ?`,
    );
    database.transaction(() => {
      for (const id of ids) {
        const one = campaign.get(id) as { budget: number; state: string; ends_on: number | null; started_at: number };
        const money = account.get(id) as Readonly<Record<string, number>> & { status: string };
        const status = this.statusOf({
          budget: one.budget * 1e6,
          cost: (money['spent_micros'] ?? 0) + (money['fixed_micros'] ?? 0),
          revenue: (revenue.get(id) as { revenue: number }).revenue,
          target: money['target_micros'],
          threshold: money['threshold'],
          breached: false,
          from: one.started_at,
          to: one.ends_on ?? undefined,
          over: one.state === 'completed',
          now: Date.now(),
        });
        if (status !== money.status) update.run(status, Date.now(), id);
      }
    })();
    return performance.now() - start;
  }

  close(): void {
    this.database.close();
  }
}
