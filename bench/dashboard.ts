/**
 * One page of somebody's dashboard, with 1,000 and with 100,000 active campaigns of theirs, against the query that comes to mind first.
 *
 * **Ours**: `MarketingDashboard.forUser(user).activeCampaigns(…)`: 20 campaigns with their figures, rates and alerts, and the totals of
 * all. In turn the newest ones, the page after them, those of a channel, and in the order of names. The totals of
 * more than a hundred campaigns are those of some seconds ago; `totalsMs` is how long counting them takes, in the background. They are
 * counted anew while pages are asked for, as it would be.
 *
 * **Theirs**: better-sqlite3, the same file and tables: the counters grouped by campaign, joined with the active campaigns of the user,
 * the newest 20, and the sum of all in a second query. Blocks its event loop from begin to end.
 *
 * `ratio` is their median divided by ours with the most campaigns; `flat` our median with the most divided by that with the fewest.
 */
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Bench, BenchContext } from './lib/bench';
import { makeCampaigns } from './lib/campaigns';
import { withFolder } from './lib/folder';
import { fileOf } from './lib/people';
import { product } from './lib/product';
import { median, percentile, significant } from './lib/statistics';

type Lib = typeof import('../lib');
type Analytics = typeof import('../lib/analytics');

const USER = 'ann';
const FIGURES = ['queued', 'sent', 'opened', 'clicked', 'revenue', 'cost'];

interface SizeFigures {
  campaigns: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  totalsMs: number;
  theirP50Ms: number;
  theirP99Ms: number;
}

export const bench: Bench = {
  name: 'dashboard',
  summary: 'a page of a dashboard with many active campaigns, against one GROUP BY',
  options: {
    few: { default: 1_000, says: 'campaigns of the first size' },
    many: { default: 100_000, says: 'campaigns of the second size' },
    hours: { default: 2, says: 'hours that each campaign has counters of' },
    pages: { default: 400, says: 'pages asked for per size' },
    theirs: { default: 10, says: 'times that the other side is asked' },
  },
  async run(context) {
    const sizes: SizeFigures[] = [];
    for (const campaigns of [context.number('few'), context.number('many')])
      sizes.push(await measure(context, campaigns));
    const [few, many] = [sizes[0], sizes.at(-1)];
    return {
      ratio: significant((many?.theirP50Ms ?? NaN) / (many?.p50Ms ?? NaN)),
      ratioIs: 'time of the GROUP BY / time of a page, with the most campaigns',
      flat: significant((many?.p50Ms ?? NaN) / (few?.p50Ms ?? NaN)),
      sizes,
    };
  },
};

async function measure(context: BenchContext, campaigns: number): Promise<SizeFigures> {
  return withFolder('dashboard', async (folder) => {
    const databaseUrl = `sqlite:${path.join(folder, 'bench.sqlite')}`;
    context.say(`${campaigns} campaigns …`);
    const { openMarketing } = product<Lib>('lib/index');
    await (await openMarketing({ database: { url: databaseUrl }, work: false })).close();
    makeCampaigns(databaseUrl, campaigns, { owner: USER });
    count(databaseUrl, context.number('hours'));
    const marketing = await openMarketing({ database: { url: databaseUrl }, work: false });
    try {
      const dashboards = product<Analytics>('lib/analytics/index').createDashboards(marketing.scope);
      const dashboard = dashboards.MarketingDashboard.forUser(USER);
      const start = performance.now();
      await dashboard.activeCampaigns();
      await dashboards.idle();
      const totalsMs = performance.now() - start;
      const { cursor = '', totals } = await dashboard.activeCampaigns();
      if (totals?.campaigns !== campaigns) throw new Error(`The totals are of ${totals?.campaigns ?? 0} campaigns.`);
      const queries = [{}, { cursor }, { channel: 'email' }, { sort: 'name' as const }];
      const times: number[] = [];
      for (let nth = 0; nth < context.number('pages'); nth++) {
        const begin = performance.now();
        const { items } = await dashboard.activeCampaigns(queries[nth % queries.length]);
        times.push(performance.now() - begin);
        if (items.length !== 20) throw new Error(`A page has ${items.length} campaigns.`);
      }
      await dashboards.idle();
      const theirs = groupBy(databaseUrl, context.number('theirs'));
      const figures = {
        campaigns,
        p50Ms: significant(median(times)),
        p99Ms: significant(percentile(times, 0.99)),
        maxMs: significant(Math.max(...times)),
        totalsMs: significant(totalsMs),
        theirP50Ms: significant(median(theirs)),
        theirP99Ms: significant(percentile(theirs, 0.99)),
      };
      context.say(
        `  a page ${figures.p50Ms} ms (p99 ${figures.p99Ms}), totals ${figures.totalsMs} ms, GROUP BY ${figures.theirP50Ms} ms`,
      );
      return figures;
    } finally {
      await marketing.close();
    }
  });
}

/** Gives each campaign counters, hour by hour and in all. */
function count(databaseUrl: string, hours: number): void {
  const database = new Database(fileOf(databaseUrl));
  try {
    database.pragma('synchronous = OFF');
    database.pragma('cache_size = -131072');
    database.transaction(() => {
      database.prepare(`UPDATE marketing_campaigns SET search_name = LOWER(name) WHERE search_name IS NULL`).run();
      const insert = database.prepare(
        `INSERT INTO marketing_metrics (tenant_id, campaign_id, variant, channel, hour, name, amount, updated_at)
         SELECT c.tenant_id, c.id, '', 'email', CASE h.value WHEN -1 THEN -1 ELSE 1700000000000 / 3600000 * 3600000 + h.value * 3600000 END,
                n.value, CASE h.value WHEN -1 THEN :hours ELSE 1 END * (c.id % 1000), 1700000000000
           FROM marketing_campaigns c CROSS JOIN json_each(:hourList) h CROSS JOIN json_each(:names) n ORDER BY c.id, 5, n.value`,
      );
      const hourList = JSON.stringify([-1, ...Array.from({ length: hours }, (_, hour) => hour)]);
      insert.run({ hours, hourList, names: JSON.stringify(FIGURES) });
    })();
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

function groupBy(databaseUrl: string, rounds: number): number[] {
  const database = new Database(fileOf(databaseUrl), { readonly: true });
  try {
    // What our connections have too.
    database.pragma('cache_size = -16384');
    const sums = FIGURES.map((name) => `SUM(CASE WHEN name = '${name}' THEN amount ELSE 0 END) AS ${name}`).join(', ');
    const grouped = `SELECT campaign_id, ${sums} FROM marketing_metrics WHERE tenant_id = 'default' AND hour >= 0 GROUP BY campaign_id`;
    const mine = `marketing_campaigns c LEFT JOIN (${grouped}) m ON m.campaign_id = c.id
      WHERE c.tenant_id = 'default' AND c.owner = ? AND c.state = 'active' AND c.deleted_at IS NULL`;
    const page = database.prepare(`SELECT c.*, m.* FROM ${mine} ORDER BY c.id DESC LIMIT 20`);
    const totals = database.prepare(
      `SELECT COUNT(*), SUM(c.budget), ${FIGURES.map((name) => `SUM(m.${name})`).join(', ')} FROM ${mine}`,
    );
    return Array.from({ length: rounds }, () => {
      const begin = performance.now();
      page.all(USER);
      totals.all(USER);
      return performance.now() - begin;
    });
  } finally {
    database.close();
  }
}
