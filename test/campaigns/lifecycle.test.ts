import assert from 'node:assert/strict';
import { ConflictError, MarketingError } from '../../lib/errors';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { World } from '../ledger/world';

eachDatabase((db) => {
  describe('the life of a campaign', () => {
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

    it('writes each change into the history, with who did it', async () => {
      await world.campaigns.create({ key: 'spring', definition: 'journey' }, { actor: 'ada' });
      await world.campaigns.launch('spring', { actor: 'bob' });
      await world.campaigns.pause('spring', { actor: 'bob', reason: 'typo' });
      const rows = await world.scope.all<{ event: string; actor: string }>(
        `SELECT event, actor FROM marketing_history WHERE tenant_id = :tenant ORDER BY id`,
      );
      assert.deepEqual(
        rows.map(({ event, actor }) => `${event} by ${actor}`),
        ['campaign.created by ada', 'campaign.launched by bob', 'campaign.paused by bob'],
      );
    });

    it('lets one of many simultaneous changes win and tells the others that it changed', async () => {
      await world.campaigns.create({ key: 'spring', definition: 'journey' });
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => world.campaigns.launch('spring')));
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const result of results) {
        if (result.status === 'rejected') assert.ok(result.reason instanceof ConflictError, String(result.reason));
      }
      assert.equal((await world.campaigns.get('spring')).run, 1);
    });

    it('refuses a change that was decided on an older version', async () => {
      const draft = await world.campaigns.create({ key: 'spring', definition: 'journey' });
      await world.campaigns.launch('spring');
      await assert.rejects(world.campaigns.pause('spring', { version: draft.version }), { code: 'E_CONFLICT' });
    });

    it('refuses keys that are taken, that are none, and definitions that nobody knows', async () => {
      await world.campaigns.create({ key: 'spring', definition: 'journey' });
      await assert.rejects(world.campaigns.create({ key: 'spring', definition: 'journey' }), {
        code: 'E_CAMPAIGN_EXISTS',
      });
      await assert.rejects(world.campaigns.create({ key: 'a b', definition: 'journey' }), { code: 'E_CAMPAIGN_KEY' });
      await assert.rejects(world.campaigns.create({ key: 'x', definition: 'nope' }), { code: 'E_UNKNOWN_DEFINITION' });
      await assert.rejects(
        world.campaigns.get('nope'),
        (error: unknown) => error instanceof MarketingError && error.code === 'E_UNKNOWN_CAMPAIGN',
      );
    });

    it('does not launch a campaign whose flow is no longer deployed', async () => {
      await world.campaigns.create({ key: 'spring', definition: 'journey' });
      await world.definitions.deploy('flow-1', []);
      await assert.rejects(world.campaigns.launch('spring'), { code: 'E_DEFINITION_NOT_DEPLOYED' });
    });

    it('holds everybody while paused, skips nobody and repeats nobody when resumed', async () => {
      await world.addLeads(300);
      const runtime = await world.start();
      await world.launch();
      await world.campaigns.pause('journey');
      await runtime.settle();
      const waitingWhenPaused = await world.count('steps', `state IN ('waiting', 'paused')`);
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.equal(await world.count('steps', `state IN ('waiting', 'paused')`), waitingWhenPaused, 'nobody moves');
      await world.campaigns.resume('journey');
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.equal(await world.count('enrollments'), 300);
      assert.equal(await world.count('steps', `state = 'waiting'`), 300);
      assert.equal(await world.count('steps'), 600);
    });

    it('ends everybody when cancelled', async () => {
      await world.addLeads(20);
      const runtime = await world.start();
      await world.launch();
      await runtime.settle();
      await world.campaigns.cancel('journey');
      assert.deepEqual(await world.standing(), { 'ended: the campaign was cancelled': 20 });
      assert.equal(await world.count('steps', `state = 'cancelled'`), 20);
    });

    it('launches a completed campaign again as its next run, for everybody again', async () => {
      await world.addLeads(4);
      const runtime = await world.start();
      await world.launch();
      await runtime.settle();
      await world.campaigns.complete('journey');
      await world.campaigns.launch('journey');
      await runtime.settle();
      assert.equal((await world.campaigns.get('journey')).run, 2);
      assert.equal(await world.count('enrollments', `run = 2 AND state = 'active'`), 4);
    });
  });
});
