import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { LeadChange } from '../../lib/leads';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { addLead, happen, scoreOf, worldOf, type World } from './world';

eachDatabase((db) =>
  describe('scores and their surroundings', function () {
    this.timeout(60_000);
    let world: World;
    let store: Store;
    let tenant = 0;
    let ada = 0;
    before(async () => {
      store = await db.open({ clock: new VirtualClock() });
    });
    beforeEach(async () => {
      world = worldOf(store.tenant(`t${++tenant}`));
      ada = await addLead(world, 'ada@example.org');
      await world.scoring.rules.create({ key: 'visit', event: 'visited', points: 3 });
      await world.scoring.rules.create({ key: 'any', event: '*', points: 1, cap: { points: 30, per: 'total' } });
    });

    it('add up exactly when events of one lead are recorded in parallel, by two runtimes', async () => {
      const other = worldOf(world.scope);
      await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          happen(n % 2 === 0 ? world : other, ada, 'visited', { eventId: `p${n % 35}` }),
        ),
      );
      assert.equal(await scoreOf(world, ada), 35 * 3 + 30);
      const { base } = await world.scoring.explain(ada);
      assert.equal(base, 0);
    });

    it('are seen by segments as soon as the event is recorded (BR-013)', async () => {
      await world.segments.create({ key: 'warm', kind: 'dynamic', condition: 'lead.score >= 4' });
      await world.segments.create({ key: 'de', kind: 'dynamic', condition: 'lead.country = "DE"' });
      await happen(world, ada, 'visited');
      assert.deepEqual(await world.segments.members('warm'), [ada]);
      await world.scoring.rules.create({ key: 'bounce', event: 'email_bounced', points: -10 });
      await happen(world, ada, 'email_bounced');
      assert.deepEqual(await world.segments.members('warm'), []);
    });

    it('are told to whoever reacts to them, in the transaction, with what they were', async () => {
      const seen: LeadChange[] = [];
      world.reactions.add({
        changed: (_tx, changes) => {
          seen.push(...changes);
          return Promise.resolve();
        },
      });
      await happen(world, ada, 'visited');
      assert.deepEqual(seen, [{ lead: ada, created: false, fields: ['score'], score: 4, formerScore: 0 }]);
      world.reactions.add({ changed: () => Promise.reject(new Error('no')) });
      await assert.rejects(happen(world, ada, 'visited', { eventId: 'refused' }), /no/);
      assert.equal(await scoreOf(world, ada), 4, 'both, or neither');
    });

    it('follow what a node asks, each key once', async () => {
      const ask = (
        key: string,
        action: Parameters<typeof world.scoring.apply>[0][number]['action'],
      ): Promise<unknown> => world.scoring.apply([{ lead: ada, key, source: 'node', action }]);
      await ask('a', { kind: 'add', points: 10 });
      await ask('a', { kind: 'add', points: 10 });
      assert.equal(await scoreOf(world, ada), 10);
      await ask('b', { kind: 'event', event: 'visited' });
      await ask('b', { kind: 'event', event: 'visited' });
      assert.equal(await scoreOf(world, ada), 14);
      await ask('c', { kind: 'set', score: 2 });
      await happen(world, ada, 'visited');
      await ask('c', { kind: 'set', score: 2 });
      assert.equal(await scoreOf(world, ada), 6, 'a set that comes once more sets nothing');
      const scores = await world.scoring.apply([
        { lead: ada, key: 'd', source: 'node', action: { kind: 'add', points: -1.5 } },
        { lead: ada, key: 'e', source: 'node', action: { kind: 'set', score: 0 } },
        { lead: ada, key: 'f', source: 'node', action: { kind: 'add', points: 1 } },
        { lead: 999_999_999, key: 'g', source: 'node', action: { kind: 'add', points: 1 } },
      ]);
      assert.deepEqual([...scores], [[ada, 1]]);
      const { reasons } = await world.scoring.explain(ada);
      assert.deepEqual(
        reasons.slice(0, 3).map(({ event, name, points }) => [event, name, points]),
        [
          ['node', 'node', 1],
          ['set', 'node', -4.5],
          ['node', 'node', -1.5],
        ],
      );
    });

    it('are held to roles', async () => {
      const viewer = { id: 'v', roles: ['viewer' as const] };
      await assert.rejects(world.scoring.rules.create({ key: 'x', event: 'a', points: 1 }, { actor: viewer }), {
        code: 'E_FORBIDDEN',
      });
      await assert.rejects(world.scoring.rules.startRecount(undefined, { actor: viewer }), { code: 'E_FORBIDDEN' });
      assert.equal((await world.scoring.rules.list({}, { actor: viewer })).length, 2);
    });
  }),
);
