import assert from 'node:assert/strict';
import { checkMoney } from '../../../lib/governance/roi/check';
import { moveMetrics } from '../../../lib/metrics';
import { campaignRow } from '../../kit/campaign-rows';
import { eachDatabase } from '../../kit/databases';
import { eventually } from '../../kit/eventually';
import { sent } from '../../sending/fake-account';
import { MoneyWorld, type MoneyWorldOptions } from './money-world';

const HOUR = 3_600_000;

eachDatabase((db) =>
  describe('the check of all campaigns’ money', function () {
    this.timeout(30_000);
    let world: MoneyWorld;
    const escalated: string[] = [];

    const open = async (options: Partial<MoneyWorldOptions> = {}): Promise<void> => {
      escalated.length = 0;
      world = await MoneyWorld.open(db, {
        price: 1,
        escalate: (_tx, campaign, { cause }) => Promise.resolve(void escalated.push(`${campaign} ${cause}`)),
        ...options,
      });
    };
    const earns = async (revenue: number): Promise<void> => {
      const { id } = await world.campaign();
      const { scope } = world.sending.world;
      await scope.transaction((tx) =>
        moveMetrics(tx, [
          { campaign: id, channel: 'email', at: world.clock.now(), name: 'revenue', amount: revenue * 1e6 },
        ]),
      );
    };
    afterEach(() => world.close());

    it('announces each quarter of budget and target once, and the target', async () => {
      await open({ definition: { budget: 20, targetRevenue: 100, threshold: 0.5 } });
      await world.run(() => sent, { leads: 5 });
      await world.roi.check();
      assert.deepEqual(world.told(), ['milestone_reached budget 25']);
      await earns(60);
      await world.roi.check();
      await world.roi.check();
      assert.deepEqual(world.told().slice(1), ['milestone_reached target 25', 'milestone_reached target 50']);
      await earns(60);
      await world.roi.check();
      await world.roi.check();
      assert.deepEqual(world.told().slice(3), [
        'milestone_reached target 75',
        'milestone_reached target 100',
        'target_achieved',
      ]);
      const [first] = world.announced;
      assert.deepEqual(
        [first?.data['key'], first?.data['budget'], first?.data['cost'], first?.data['left']],
        ['journey', 20, 5, 15],
      );
      // Another target has quarters of its own.
      await world.roi.setRules('journey', { targetRevenue: 400 });
      await world.roi.check();
      assert.deepEqual(world.told().slice(6), ['milestone_reached target 25']);
    });

    it('escalates a low return once per run', async () => {
      await open({ definition: { budget: 10, threshold: 2 } });
      await world.run(() => sent, { leads: 6 });
      const { looked, low } = await world.roi.check();
      const { id } = await world.campaign();
      assert.deepEqual([looked, low], [1, [id]]);
      assert.deepEqual((await world.roi.check()).low, []);
      assert.deepEqual(escalated, [`${id} low_roi`]);
      assert.deepEqual(world.told().slice(-1), ['underperforming']);
      assert.equal((await world.roi.report('journey')).status, 'underperform');
      await earns(12);
      await world.roi.check();
      assert.equal((await world.roi.report('journey')).status, 'on_track');
      assert.deepEqual(escalated, [`${id} low_roi`]);
    });

    it('says a breach that came from entered costs, too', async () => {
      await open({ budget: 10 });
      await world.run(() => sent, { leads: 2 });
      await world.roi.addCost('journey', { label: 'Agency', amount: 50 });
      await world.roi.check();
      await world.roi.check();
      assert.deepEqual(
        world.told().filter((told) => told === 'budget_exceeded'),
        ['budget_exceeded'],
      );
    });

    it('tells it once when several processes check at the same moment', async () => {
      await open({ definition: { budget: 6, threshold: 2 } });
      await world.run(() => sent, { leads: 6 });
      const other = await db.open({ clock: world.clock, keep: true });
      const { scope } = world.sending.world;
      await Promise.all([checkMoney(scope), checkMoney(other.tenant('test')), checkMoney(scope)]);
      const rows = await scope.all<{ event: string; n: number }>(
        `SELECT event, COUNT(*) AS n FROM marketing_history WHERE tenant_id = :tenant AND event LIKE 'roi.%' GROUP BY event ORDER BY event`,
      );
      assert.deepEqual(
        rows.map(({ event, n }) => [event, Number(n)]),
        [
          ['roi.milestone_reached', 4],
          ['roi.underperforming', 1],
        ],
      );
    });

    it('comes by itself every minute while there is money to watch', async () => {
      await open({ definition: { budget: 4 } });
      await world.timers.start();
      await world.run(() => sent, { leads: 1 });
      assert.deepEqual(world.told(), []);
      await world.clock.advance(61_000);
      await eventually(() => assert.deepEqual(world.told(), ['milestone_reached budget 25']));
      await eventually(async () => {
        const [timer] = await world.timers.list('roi-check');
        assert.ok(timer && timer.at > world.clock.now(), 'it is set again');
      });
      await world.timers.stop();
    });

    it('begins with a budget that is given to a campaign under way, and with what a guard books', async () => {
      const isSet = (): Promise<void> =>
        eventually(async () => assert.equal((await world.timers.list('roi-check')).length, 1));
      await open();
      await world.run(() => sent, { leads: 2 });
      assert.equal((await world.timers.list('roi-check')).length, 0);
      const { id } = await world.campaign();
      const { scope } = world.sending.world;
      await scope.run('UPDATE marketing_campaigns SET budget = 8 WHERE tenant_id = :tenant AND id = :id', { id });
      await scope.transaction((tx) =>
        world.roi.gate.check(tx, [
          {
            step: {
              id: 999,
              lead: 1,
              campaign: id,
              enrollment: 1,
              dueAt: 0,
              createdAt: 0,
              attempt: 1,
              crashes: 0,
              owner: 'x',
            },
            channel: 'email',
            account: 'fake',
            variant: '',
            costMicros: 1_000_000,
          },
        ]),
      );
      await isSet();
      await world.timers.cancel('roi-check', 'all');
      const other = await campaignRow(scope, { key: 'other', state: 'active' });
      await world.roi.guard([{ campaign: other, step: 1 }], { node: 'gate', cost: 1, alsoLow: false });
      await isSet();
    });

    it('leaves alone campaigns that ended long ago, that are deleted, and other tenants’', async () => {
      await open();
      const { scope, store } = world.sending.world;
      const now = world.clock.now();
      const neighbour = store.tenant('other');
      const rows = [
        await campaignRow(scope, { key: 'old', state: 'completed', ended_at: now - 31 * 24 * HOUR }),
        await campaignRow(scope, { key: 'deleted', deleted_at: now }),
        await campaignRow(scope, { key: 'fresh', state: 'completed', ended_at: now - HOUR }),
      ];
      for (const campaign of rows) await account(scope, campaign);
      await account(neighbour, await campaignRow(neighbour, { key: 'theirs' }));
      assert.equal((await world.roi.check()).looked, 1);
    });

    function account(scope: typeof world.sending.world.scope, campaign: number): Promise<number> {
      return scope.run(
        `INSERT INTO marketing_roi (tenant_id, campaign_id, updated_at) VALUES (:tenant, :campaign, 0)`,
        { campaign },
      );
    }
  }),
);
