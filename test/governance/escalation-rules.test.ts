import assert from 'node:assert/strict';
import type { Campaign } from '../../lib/campaigns';
import { VirtualClock } from '../../lib/clock';
import { MarketingError } from '../../lib/errors';
import type { Escalation } from '../../lib/definitions/document';
import { delayOf, effectOf, Escalations } from '../../lib/governance';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { World } from '../schedules/world';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

describe('an escalation rule', () => {
  it('waits as long as it says, in either spelling', () => {
    const after = (text: string): number | undefined => delayOf({ after: text, action: 'x' });
    assert.deepEqual(
      ['24h', '24 hours', '1.5 h', '30m', '2 days', '1w'].map((text) => (after(text) ?? 0) / HOUR),
      [24, 24, 1.5, 0.5, 48, 168],
    );
    assert.deepEqual(['soon', '', '0h', '-1h'].map(after), [undefined, undefined, undefined, undefined]);
  });

  it('means what its action says', () => {
    assert.deepEqual(effectOf('pause_and_alert'), { kind: 'act', action: 'pause' });
    assert.deepEqual(effectOf('optimize'), { kind: 'act', action: 'optimize' });
    assert.deepEqual(effectOf('reassign_to_manager'), { kind: 'assign', role: 'manager' });
    assert.deepEqual(effectOf('notify_manager'), { kind: 'tell' });
    assert.deepEqual(effectOf('send_to_sales_team'), { kind: 'tell' });
  });
});

eachDatabase((db) => {
  describe('escalations', function () {
    this.timeout(60_000);
    let store: Store;
    let world: World;
    let escalations: Escalations;
    let rules: Escalation[];
    let asked: string[];
    let holds: boolean;

    async function start(): Promise<void> {
      await world.start((timers) => {
        escalations = new Escalations(world.scope, {
          timers,
          rules: () => Promise.resolve(rules),
          conditionHolds: (definition, source, campaign) => {
            asked.push(`${definition}: ${JSON.stringify(source)} of ${campaign.key}`);
            return Promise.resolve(holds);
          },
          campaigns: world.campaigns,
        });
      });
    }
    async function launch(): Promise<Campaign> {
      await world.campaigns.create({ key: 'spring', name: 'Spring', definition: 'plain' }).catch(() => undefined);
      const campaign = await world.campaigns.launch('spring');
      await escalations.launched(campaign);
      return campaign;
    }
    const outcomes = async (): Promise<string[]> =>
      (await escalations.list('spring')).map(({ run, rule, action, outcome }) => `${run}.${rule} ${action} ${outcome}`);
    const announced = (): unknown[] =>
      world.announced.filter(({ type }) => type === 'marketing.campaign.escalated').map(({ data }) => data['action']);

    beforeEach(async () => {
      rules = [{ after: '24 hours', action: 'pause' }];
      asked = [];
      holds = true;
      store = await db.open({ clock: new VirtualClock(START) });
      world = new World(store);
      await start();
    });
    afterEach(() => assert.deepEqual(world.failures, []));

    it('act when their time has come, not before', async () => {
      await launch();
      await world.until(START + 24 * HOUR - 1);
      assert.equal((await world.campaigns.get('spring')).state, 'active');
      await world.until(START + 24 * HOUR);
      assert.equal((await world.campaigns.get('spring')).state, 'paused');
      assert.deepEqual([await outcomes(), announced()], [['1.0 pause done'], ['pause']]);
      assert.ok((await world.events('spring')).includes('campaign.escalated'));
    });

    it('do each action of the requirement: pause, optimize, reassign, notify, and any other word', async () => {
      rules = ['optimize', 'reassign_to_manager', 'notify_manager', 'send_to_sales_team', 'pause_and_alert'].map(
        (action, index) => ({ after: `${index + 1}h`, action }),
      );
      const { id } = await launch();
      await world.until(START + 6 * HOUR);
      assert.deepEqual((await outcomes()).reverse(), [
        '1.0 optimize done',
        '1.1 reassign_to_manager done',
        '1.2 notify_manager told',
        '1.3 send_to_sales_team told',
        '1.4 pause_and_alert done',
      ]);
      assert.deepEqual(
        announced(),
        rules.map(({ action }) => action),
      );
      const events = await world.events('spring');
      assert.equal(events.filter((event) => event === 'campaign.escalated').length, 5);
      assert.ok(events.includes('campaign.optimized') && events.includes('campaign.assigned'));
      assert.deepEqual(
        (await world.campaigns.assignments(id)).map(({ kind, assignee }) => [kind, assignee]),
        [['role', 'manager']],
      );
    });

    it('ask for their condition at that time, and once', async () => {
      rules = [{ after: '24h', condition: 'data.engagement_rate < 0.1', action: 'reassign_to_manager' }];
      holds = false;
      await launch();
      await world.until(START + 25 * HOUR);
      assert.deepEqual(asked, ['plain: "data.engagement_rate < 0.1" of spring']);
      assert.deepEqual([await outcomes(), announced()], [['1.0 reassign_to_manager idle'], []]);
      holds = true;
      await escalations.recover();
      await world.until(START + 50 * HOUR);
      assert.equal(asked.length, 1);
    });

    it('leave alone what is paused, over, or in its next run', async () => {
      await launch();
      await world.campaigns.complete('spring');
      await world.clock.advance(HOUR);
      await launch();
      await world.until(START + 24 * HOUR);
      assert.deepEqual(await outcomes(), [], 'the first run is over');
      await world.until(START + 25 * HOUR);
      assert.deepEqual(await outcomes(), ['2.0 pause done']);
    });

    it('have their moment when a campaign that was paused at that time goes on', async () => {
      await launch();
      await world.campaigns.pause('spring');
      await world.until(START + 30 * HOUR);
      assert.deepEqual(await outcomes(), []);
      await escalations.launched(await world.campaigns.resume('spring'));
      await world.until(START + 31 * HOUR);
      assert.deepEqual(await outcomes(), ['1.0 pause done']);
      await escalations.launched(await world.campaigns.resume('spring'));
      await world.until(START + 60 * HOUR);
      assert.deepEqual([await outcomes(), (await world.campaigns.get('spring')).state], [['1.0 pause done'], 'active']);
    });

    it('act once, however often they ring', async () => {
      rules = [
        { after: '1h', action: 'reassign_to_manager' },
        { after: '2h', action: 'optimize' },
      ];
      const campaign = await launch();
      await world.until(START + 3 * HOUR);
      await escalations.launched(campaign);
      await world.until(START + 4 * HOUR);
      assert.deepEqual((await outcomes()).reverse(), ['1.0 reassign_to_manager done', '1.1 optimize done']);
      assert.equal(announced().length, 2);
      assert.equal((await world.events('spring')).filter((event) => event === 'campaign.optimized').length, 1);
    });

    it('act after a crash that came before their timer was set', async () => {
      await launch();
      await world.crash();
      await world.clock.advance(48 * HOUR);
      await start();
      await escalations.recover();
      await world.until(START + 48 * HOUR);
      assert.deepEqual(await outcomes(), ['1.0 pause done']);
    });

    it('say so when the campaign refuses', async () => {
      rules = [{ after: '1h', action: 'pause' }];
      world.campaigns.guard('pause', () => 'the board wants it');
      await launch();
      await world.until(START + HOUR);
      const [entry] = await escalations.list('spring');
      assert.equal(entry?.outcome, 'refused');
      assert.match(entry?.reason ?? '', /the board wants it/);
      assert.deepEqual([(await world.campaigns.get('spring')).state, announced()], ['active', ['pause']]);
    });

    it('are looked at by whoever may read', async () => {
      await launch();
      await assert.rejects(
        escalations.list('spring', { actor: { id: 'nobody', roles: [] } }),
        (error) => error instanceof MarketingError && error.code === 'E_FORBIDDEN',
      );
    });
  });
});
