import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { NewScoreRule } from '../../lib/scoring';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { addLead, DAY, happen, scoreOf, worldOf, type World } from './world';

eachDatabase((db) =>
  describe('score rules', function () {
    this.timeout(60_000);
    let world: World;
    let tenant = 0;
    let ada = 0;
    let store: Store;
    before(async () => {
      store = await db.open({ clock: new VirtualClock() });
    });
    beforeEach(async () => {
      world = worldOf(store.tenant(`t${++tenant}`));
      ada = await addLead(world, 'ada@example.org', { country: 'DE' });
    });
    const rule = (input: Partial<NewScoreRule> & { points: number }): Promise<unknown> =>
      world.scoring.rules.create({ key: `r${++tenant}`, event: 'email_opened', ...input });

    it('give points for events, each event once, positive and negative ones', async () => {
      await rule({ points: 5 });
      await rule({ points: -3, event: 'unsubscribed' });
      await rule({ points: 1, event: '*' });
      await happen(world, ada, 'email_opened', { eventId: 'one' });
      await happen(world, ada, 'email_opened', { eventId: 'one' });
      assert.equal(await scoreOf(world, ada), 6);
      await happen(world, ada, 'unsubscribed');
      assert.equal(await scoreOf(world, ada), 4);
      await happen(world, ada, 'visited');
      assert.equal(await scoreOf(world, ada), 5);
      assert.deepEqual(world.warnings, []);
    });

    it('do nothing while they are inactive, and after they were removed', async () => {
      await world.scoring.rules.create({ key: 'open', event: 'email_opened', points: 5, active: false });
      await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), 0);
      await world.scoring.rules.update('open', { active: true });
      await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), 5);
      await world.scoring.rules.remove('open');
      await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), 5, 'what it gave stays');
      await world.scoring.rules.create({ key: 'open', event: 'email_opened', points: 1 });
      await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), 6, 'its key is free for another rule');
    });

    it('ask the lead and the event', async () => {
      await rule({ points: 10, event: 'purchase', condition: 'lead.country = "DE" and event.value > 50' });
      await happen(world, ada, 'purchase', { metadata: { value: 20 } });
      assert.equal(await scoreOf(world, ada), 0);
      await happen(world, ada, 'purchase', { metadata: { value: 80 } });
      assert.equal(await scoreOf(world, ada), 10);
      const bob = await addLead(world, 'bob@example.org', { country: 'FR' });
      await happen(world, bob, 'purchase', { metadata: { value: 80 } });
      assert.equal(await scoreOf(world, bob), 0);
    });

    it('ask what the lead did, with this event', async () => {
      await rule({ points: 10, condition: '$did("email_opened", {"atLeast": 3})' });
      for (let n = 0; n < 4; n++) await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), 20, 'the third and the fourth');
    });

    it('leave out what programs did, unless they are told not to', async () => {
      await rule({ points: 5 });
      await rule({ points: 1, machines: true });
      await happen(world, ada, 'email_opened', { metadata: { machine: true } });
      assert.equal(await scoreOf(world, ada), 1);
    });

    it('give no more than a cap allows, in whole days of UTC whatever the order of the events', async () => {
      await rule({ points: 8, cap: { points: 20, per: 'day' } });
      const noon = world.clock.now() + DAY / 2;
      await world.clock.advanceTo(noon + DAY);
      for (const at of [noon, noon + 10, noon + DAY, noon + 20, noon + 30]) {
        await happen(world, ada, 'email_opened', { at });
      }
      assert.equal(await scoreOf(world, ada), 28, '20 of the first day, 8 of the second');
      const bob = await addLead(world, 'bob@example.org');
      await world.leads.engage(
        Array.from({ length: 5 }, (_, n) => ({ leadId: bob, type: 'email_opened', eventId: `b${tenant}-${n}` })),
      );
      assert.equal(await scoreOf(world, bob), 20, 'in one call, too');
    });

    it('cap a total by what is still in the score', async () => {
      await rule({ points: -10, cap: { points: 20, per: 'total' }, decay: { expiresAfterDays: 2 } });
      for (let n = 0; n < 3; n++) await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), -20);
      await world.clock.advance(2 * DAY);
      await world.scoring.fade();
      assert.equal(await scoreOf(world, ada), 0);
      await happen(world, ada, 'email_opened');
      assert.equal(await scoreOf(world, ada), -10);
    });

    it('hold for as long as something is true of the lead', async () => {
      await rule({ on: 'lead', event: undefined, points: 15, condition: 'lead.country = "AT"' });
      await world.leads.update(ada, { country: 'AT' });
      assert.equal(await scoreOf(world, ada), 15);
      await world.leads.update(ada, { name: 'Ada' });
      assert.equal(await scoreOf(world, ada), 15);
      const eve = await addLead(world, 'eve@example.org', { country: 'AT', score: 5 });
      assert.equal(await scoreOf(world, eve), 20);
      await world.leads.update(ada, { country: 'CH' });
      assert.equal(await scoreOf(world, ada), 0);
    });

    it('are refused with all that is wrong', async () => {
      await assert.rejects(rule({ points: 0.5 }), { code: 'E_SCORE_RULE' });
      await assert.rejects(rule({ points: 1, cap: { points: 1, per: 'year' as 'day' } }), /cap\/per must be one of/);
      await assert.rejects(rule({ points: 1, decay: { expiresAfterDays: 1, halfLifeDays: 2 } }), /either/);
      await assert.rejects(rule({ points: 1, condition: 'lead.nothing = 1' }), { code: 'E_UNKNOWN_ATTRIBUTE' });
      await assert.rejects(rule({ on: 'lead', event: undefined, points: 1, condition: 'lead.score > 1' }), {
        code: 'E_SCORE_RULE',
      });
      await assert.rejects(world.scoring.rules.update('nothing', {}), { code: 'E_UNKNOWN_SCORE_RULE' });
      await world.scoring.rules.create({ key: 'one', event: 'a', points: 1 });
      await assert.rejects(world.scoring.rules.create({ key: 'one', event: 'a', points: 1 }), {
        code: 'E_SCORE_RULE_EXISTS',
      });
      await assert.rejects(world.scoring.rules.update('one', { points: 2 }, { version: 7 }), { code: 'E_CONFLICT' });
    });

    it('keep the attributes that they read, and all their versions', async () => {
      await world.leads.declare('plan', 'string');
      await world.scoring.rules.create(
        { key: 'one', event: 'a', points: 1, condition: 'lead.plan = "pro"' },
        { actor: 'eve' },
      );
      assert.deepEqual(await world.scoring.readersOf('plan'), ['the score rule "one"']);
      await world.scoring.rules.update('one', { points: 2, condition: null });
      const versions = await world.scoring.rules.versions('one');
      assert.deepEqual(
        versions.map(({ version, createdBy, rule: { points } }) => [version, createdBy, points]),
        [
          [2, 'system', 2],
          [1, 'eve', 1],
        ],
      );
      assert.deepEqual(await world.scoring.readersOf('plan'), []);
    });
  }),
);
