import assert from 'node:assert/strict';
import { parkUnfinished } from '../../lib/campaigns';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { World } from '../ledger/world';

eachDatabase((db) => {
  describe('what is decided about a campaign', () => {
    let store: Store;
    let world: World;

    beforeEach(async () => {
      store = await db.open();
      world = new World(store, {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'wait', kind: 'delay', dueIn: 1_000_000 },
        ],
        wires: [{ from: 'start', to: 'wait' }],
      });
      await world.declare();
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    /** Declares the definition anew, with another segment and policy. */
    async function declare(
      segment: string,
      onUnknown: 'hold' | 'resend',
      entryMode: 'launch' | 'event' = 'launch',
    ): Promise<void> {
      const stations = world.declarations();
      const event = entryMode === 'event' ? { event: 'signed_up' } : {};
      await world.definitions.deploy('flow-1', [
        { key: 'journey', name: 'Journey', entry: 'start', entryMode, segment, onUnknown, stations, body: 0, ...event },
      ]);
    }

    /** People who wait at a station in the first run, written without a runtime. */
    async function enroll(people: number, campaign: number, state = 'waiting'): Promise<void> {
      await world.addLeads(people);
      await world.scope.run(
        `INSERT INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
         SELECT tenant_id, :campaign, id, 1, 'run:1', 'active', 0 FROM marketing_leads WHERE tenant_id = :tenant`,
        { campaign },
      );
      await world.scope.run(
        `INSERT INTO marketing_steps
           (tenant_id, campaign_id, enrollment_id, lead_id, station_id, parent_id, state, due_at, created_at, updated_at)
         SELECT e.tenant_id, e.campaign_id, e.id, e.lead_id, t.id, 0, :state, 9000000000000, 0, 0
         FROM marketing_enrollments e JOIN marketing_stations t ON t.tenant_id = e.tenant_id AND t.step = 'wait'
         WHERE e.tenant_id = :tenant`,
        { state },
      );
    }

    /** A launched campaign whose audience (of nobody) is written. */
    async function launched(): Promise<number> {
      const { id } = await world.launch();
      await world.scope.run(`UPDATE marketing_campaigns SET expanding_from = NULL WHERE tenant_id = :tenant`);
      return id;
    }

    it('follows the trigger node in what it was not given, before a launch, and says so in the history', async () => {
      await world.campaigns.ensure('journey');
      await declare('pros', 'resend');
      const followed = await world.campaigns.ensure('journey', { actor: 'ada' });
      assert.deepEqual([followed.segment, followed.onUnknown], ['pros', 'resend']);
      assert.equal(await world.count('history', `event = 'campaign.changed' AND actor = 'ada'`), 1);
      await world.campaigns.cancel('journey');
      await declare('others', 'hold');
      assert.equal((await world.campaigns.ensure('journey')).segment, 'pros', 'a cancelled one stays as it was');
    });

    it('keeps the segment and the policy that it was given', async () => {
      await world.campaigns.create({ key: 'journey', definition: 'journey', segment: 'mine', onUnknown: 'resend' });
      await declare('pros', 'hold');
      const kept = await world.campaigns.ensure('journey');
      assert.deepEqual([kept.segment, kept.onUnknown, kept.version], ['mine', 'resend', 1]);
      assert.equal(await world.count('history', `event = 'campaign.changed'`), 0);
    });

    it('is completed by itself only when everybody is through, never in a run that has just begun', async () => {
      const id = await launched();
      await world.scope.run(`UPDATE marketing_campaigns SET expanding_from = 0 WHERE tenant_id = :tenant`);
      await world.campaigns.finish(id);
      assert.equal((await world.campaigns.get(id)).state, 'active', 'its audience is not in');
      await world.scope.run(`UPDATE marketing_campaigns SET expanding_from = NULL WHERE tenant_id = :tenant`);
      await enroll(1, id);
      await world.campaigns.finish(id);
      assert.equal((await world.campaigns.get(id)).state, 'active', 'somebody is under way');
      await world.scope.run(`UPDATE marketing_enrollments SET state = 'ended' WHERE tenant_id = :tenant`);
      await declare('pros', 'hold', 'event');
      await world.campaigns.finish(id);
      assert.equal((await world.campaigns.get(id)).state, 'active', 'it listens now');
      await declare('pros', 'hold');
      await world.campaigns.finish(id);
      assert.equal((await world.campaigns.get(id)).state, 'completed');
    });

    it('knows whether its last run had an audience', async () => {
      assert.equal((await world.campaigns.ensure('journey')).hadAudience, false);
      const id = await launched();
      await world.campaigns.complete(id);
      assert.equal((await world.campaigns.get(id)).hadAudience, true);
      await declare('pros', 'hold', 'event');
      assert.equal((await world.campaigns.launch(id)).hadAudience, false);
    });

    it('ends thousands in several steps, and goes on with it after a crash', async () => {
      const people = 5_003;
      const id = await launched();
      await enroll(people, id);
      await world.scope.run(
        `UPDATE marketing_campaigns SET state = 'cancelled', parking = 1 WHERE tenant_id = :tenant`,
      );
      await parkUnfinished(world.scope);
      assert.deepEqual(await world.standing(), { 'ended: the campaign was cancelled': people });
      assert.equal(await world.count('steps', `state = 'cancelled'`), people);
      assert.equal(await world.count('campaigns', 'parking = 0'), 1);
    }).timeout(60_000);

    it('ends who is left of a former run before it is launched again, but nobody about whom somebody has to decide', async () => {
      const id = await launched();
      await enroll(4, id);
      const [first] = await world.scope.all<{ id: number }>(
        `SELECT id FROM marketing_steps WHERE tenant_id = :tenant ORDER BY id`,
      );
      await world.scope.run(`UPDATE marketing_steps SET state = 'failed' WHERE tenant_id = :tenant AND id = :id`, {
        id: first?.id ?? 0,
      });
      await world.scope.run(
        `UPDATE marketing_campaigns SET state = 'completed', parking = 1 WHERE tenant_id = :tenant`,
      );
      await world.campaigns.launch(id);
      assert.deepEqual(await world.standing(), { active: 1, 'ended: the campaign was completed': 3 });
      assert.equal(await world.count('steps', `state = 'failed'`), 1);
    });

    it('calls back whoever is still parked in an active campaign', async () => {
      const id = await launched();
      await enroll(3, id, 'paused');
      await parkUnfinished(world.scope);
      assert.equal(await world.count('steps', `state = 'waiting'`), 3);
    });

    it('puts nobody back into a campaign that is over; messages in doubt can be taken as sent all the same', async () => {
      const id = await launched();
      await enroll(2, id, 'unknown');
      await world.campaigns.complete(id);
      for (const again of [world.desk.retry(id), world.desk.reconcile(id, 'resend')]) {
        await assert.rejects(again, { code: 'E_CAMPAIGN_STATE', message: /is completed.*Launch it again/ });
      }
      assert.equal(await world.count('steps', `state = 'unknown'`), 2);
      assert.equal(await world.desk.reconcile(id, 'sent'), 2);
    });
  });
});
