import assert from 'node:assert/strict';
import { createDashboards, type Dashboards, type DashboardPage, type DashboardQuery } from '../../lib/analytics';
import { VirtualClock } from '../../lib/clock';
import { moveMetrics, type MetricName } from '../../lib/metrics';
import type { Scope, Store } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) =>
  describe('dashboards', function () {
    this.timeout(60_000);
    let clock: VirtualClock;
    let store: Store;
    let scope: Scope;
    let dashboards: Dashboards;

    beforeEach(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
      scope = store.tenant('acme');
      dashboards = createDashboards(scope);
    });

    const campaign = (key: string, more: Record<string, string | number> = {}, where = scope): Promise<number> =>
      campaignRow(where, { key, search_name: key.toLowerCase(), ...more });
    const assign = (id: number, kind: string, assignee: string): Promise<unknown> =>
      scope.run(
        `INSERT INTO marketing_assignments (tenant_id, campaign_id, kind, assignee, assigned_by, assigned_at)
         VALUES (:tenant, :id, :kind, :assignee, 'x', 0)`,
        { id, kind, assignee },
      );
    const count = (id: number, figures: Partial<Record<MetricName, number>>): Promise<void> =>
      scope.transaction((tx) =>
        moveMetrics(
          tx,
          Object.entries(figures).map(([name, amount]) => ({
            campaign: id,
            channel: 'email',
            at: clock.now(),
            name: name as MetricName,
            amount,
          })),
        ),
      );
    const keys = ({ items }: DashboardPage): string[] => items.map(({ key }) => key);
    const ana = (query?: DashboardQuery): Promise<DashboardPage> =>
      dashboards.MarketingDashboard.forUser('ana').activeCampaigns(query);

    it('show what somebody owns or was assigned to: directly, by a role or by a team', async () => {
      await campaign('owned', { owner: 'ana' });
      await assign(await campaign('assigned'), 'user', 'ana');
      await assign(await campaign('for marketers'), 'role', 'marketer');
      await assign(await campaign('for the north'), 'team', 'north');
      const both = await campaign('both', { owner: 'ana' });
      await assign(both, 'user', 'ana');
      await campaign("somebody else's", { owner: 'bob' });
      await campaign('deleted', { owner: 'ana', deleted_at: 5 });
      await campaign('of another tenant', { owner: 'ana' }, store.tenant('other'));
      assert.deepEqual(keys(await ana()), ['both', 'assigned', 'owned']);
      const principal = { id: 'ana', roles: ['marketer' as const], teams: ['north', 'south'] };
      const page = await dashboards.MarketingDashboard.forUser(principal).activeCampaigns();
      assert.deepEqual(keys(page), ['both', 'for the north', 'for marketers', 'assigned', 'owned']);
      assert.equal(page.totals?.campaigns, 5);
    });

    it('show active campaigns, or those with another status, stage, channel or time of launch', async () => {
      const spring = await campaign('spring', { owner: 'ana', started_at: 1_000 });
      await campaign('summer', { owner: 'ana', state: 'paused', stage: 'closed' });
      await campaign('autumn', { owner: 'ana', started_at: 2_000 });
      await campaign('winter', { owner: 'ana', state: 'draft' });
      await scope.run(
        `INSERT INTO marketing_campaign_channels (tenant_id, campaign_id, channel) VALUES (:tenant, :id, 'sms')`,
        { id: spring },
      );
      assert.deepEqual(keys(await ana()), ['autumn', 'spring']);
      assert.deepEqual(keys(await ana({ status: ['paused', 'draft'] })), ['winter', 'summer']);
      assert.deepEqual(keys(await ana({ status: 'paused', stage: 'closed' })), ['summer']);
      assert.deepEqual(keys(await ana({ stage: 'active', sort: 'createdAt' })), ['spring', 'autumn']);
      assert.deepEqual(keys(await ana({ channel: 'sms' })), ['spring']);
      assert.deepEqual(keys(await ana({ from: 1_000, to: 2_000 })), ['spring']);
      assert.deepEqual(keys(await ana({ channel: `sms' OR '1'='1` })), []);
      await assert.rejects(ana({ status: 'running' as 'active' }), { code: 'E_QUERY' });
      await assert.rejects(ana({ sort: 'id; DROP' as 'name' }), { code: 'E_QUERY' });
    });

    it('show the figures of each campaign as they are now, and what to look at', async () => {
      const id = await campaign('spring', {
        owner: 'ana',
        budget: 500,
        currency: 'EUR',
        hold_reason: 'mail: down',
        hold_since: 1,
      });
      await count(id, { queued: 110, sent: 100, failed: 10, bounced: 5, opened: 38, clicked: 19, converted: 2 });
      await count(id, { cost: 10_000_000, revenue: 25_500_000 });
      const [item] = (await ana()).items;
      assert.equal(item?.updatedAt, clock.now());
      assert.deepEqual(
        [item?.sent, item?.failed, item?.openRate, item?.clickRate, item?.conversionRate],
        [100, 10, 38 / 95, 19 / 95, 0.02],
      );
      assert.deepEqual([item?.budget, item?.spent, item?.revenue, item?.roi], [500, 10, 25.5, 1.55]);
      assert.deepEqual(item?.alerts, [
        { code: 'held', message: 'mail: down' },
        { code: 'delivery_rate', message: 'Only 86.3 % of its messages arrive.' },
      ]);
      await count(id, { sent: 1 });
      assert.equal((await ana()).items[0]?.sent, 101);
    });

    it('add everything up, money per currency', async () => {
      const [euro, dollar] = [
        await campaign('a', { owner: 'ana', currency: 'EUR', budget: 10 }),
        await campaign('b', { owner: 'ana', currency: 'USD', budget: 20 }),
      ];
      await campaign('c', { owner: 'ana', currency: 'USD', budget: 5 });
      await count(euro, { sent: 10, failed: 10, cost: 1_000_000, revenue: 3_000_000 });
      await count(dollar, { sent: 20, opened: 5, cost: 2_000_000 });
      const { totals } = await ana({ limit: 1 });
      assert.deepEqual(
        [totals?.campaigns, totals?.sent, totals?.openRate, totals?.deliveryRate, totals?.lowDelivery, totals?.held],
        [3, 30, 5 / 30, 30 / 40, 1, 0],
      );
      assert.deepEqual(totals?.money, [
        { currency: 'EUR', budget: 10, spent: 1, revenue: 3, roi: 2 },
        { currency: 'USD', budget: 25, spent: 2, revenue: 0, roi: -1 },
      ]);
    });

    for (const sort of ['createdAt', '-createdAt', 'name', '-name'] as const) {
      it(`come in pages, sorted by ${sort}, each campaign once`, async () => {
        const names = ['Delta', 'alpha', 'Charlie', 'bravo', 'echo', 'Foxtrot', 'golf'];
        for (const [index, name] of names.entries()) {
          const id = await campaign(name, index % 2 === 0 ? { owner: 'ana' } : {});
          if (index % 3 !== 2) await assign(id, 'user', 'ana');
        }
        const shown: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await ana({ sort, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
          shown.push(...keys(page));
          ({ cursor } = page);
        } while (cursor !== undefined);
        const mine = names.filter((_name, index) => index % 2 === 0 || index % 3 !== 2);
        const sorted = sort.endsWith('name')
          ? [...mine].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
          : [...mine];
        assert.deepEqual(shown, sort.startsWith('-') ? sorted.reverse() : sorted);
        await assert.rejects(ana({ sort, cursor: 'nonsense' }), { code: 'E_CURSOR' });
      });
    }

    it('with many campaigns are the same, but for the totals: those are counted in the background', async () => {
      const rows = Array.from({ length: 1_500 }, (_, index) => [`c${String(index).padStart(5, '0')}`]);
      const { dialect } = scope;
      await scope.run(
        `INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, search_name, definition_key, data, state, on_unknown, owner, created_at, updated_at)
         SELECT :tenant, r.label, r.label, r.label, 'journey', ${dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, 'active', 'hold', 'ana', 0, 0
         FROM ${dialect.rows('rows', { label: 'text' }, 'r')} WHERE 1 = 1`,
        { rows: JSON.stringify(rows) },
      );
      const held = await campaign('last', { owner: 'ana', hold_reason: 'mail: down', hold_since: 1 });
      await count(held, { sent: 3 });
      const first = await ana({ limit: 2 });
      assert.deepEqual(keys(first), ['last', 'c01499']);
      assert.equal(first.totals, undefined);
      await dashboards.idle();
      const second = await ana({ limit: 2, cursor: first.cursor ?? '' });
      assert.deepEqual(keys(second), ['c01498', 'c01497']);
      assert.deepEqual([second.totals?.campaigns, second.totals?.sent, second.totals?.held], [1_501, 3, 1]);
      const byName = await ana({ limit: 2, sort: 'name' });
      assert.deepEqual(keys(byName), ['c00000', 'c00001']);
      assert.deepEqual(keys(await ana({ limit: 1, sort: 'name', cursor: byName.cursor ?? '' })), ['c00002']);
      await count(held, { sent: 1 });
      assert.equal((await ana()).totals?.sent, 3, 'not at once');
      await clock.advance(60_000);
      await ana();
      await dashboards.idle();
      assert.equal((await ana()).totals?.sent, 4);
    });

    it('speak the words of sales, too', async () => {
      await campaign('deal', { owner: 'ana', stage: 'negotiation' });
      const page = await dashboards.SmDashboard.forUser('ana').active({ stage: 'negotiation', sort: 'name' });
      assert.deepEqual(
        page.items.map(({ key, stage }) => [key, stage]),
        [['deal', 'negotiation']],
      );
    });

    it('show the whole tenant at a glance', async () => {
      await campaign('a', { owner: 'ana', state: 'draft' });
      await count(await campaign('b', { owner: 'bob' }), { sent: 7 });
      const held = await campaign('c', { hold_reason: 'mail: down', hold_since: 1 });
      await campaign('of another tenant', {}, store.tenant('other'));
      const glance = await dashboards.dashboard();
      assert.deepEqual(glance.campaigns, { draft: 1, active: 2 });
      assert.deepEqual([glance.active?.campaigns, glance.active?.sent], [2, 7]);
      assert.deepEqual(glance.held, [{ id: held, key: 'c', reason: 'mail: down' }]);
    });

    it('are for those who may see campaigns and figures', async () => {
      const nobody = { id: 'x', roles: [] };
      await assert.rejects(ana({ actor: nobody }), { code: 'E_FORBIDDEN' });
      await assert.rejects(dashboards.dashboard({ actor: nobody }), { code: 'E_FORBIDDEN' });
      assert.ok(await dashboards.dashboard({ actor: { id: 'x', roles: ['viewer'] } }));
    });
  }),
);
