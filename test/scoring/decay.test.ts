import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VirtualClock } from '../../lib/clock';
import { decayOf, standing } from '../../lib/scoring/decay';
import { periodOf } from '../../lib/scoring/points';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { eventually } from '../kit/eventually';
import { addLead, DAY, happen, scoreOf, worldOf, type World } from './world';

describe('points as time goes by', () => {
  it('expire at once and to the millisecond, or halve towards 0', () => {
    const expire = decayOf({ expiresAfterDays: 10 });
    assert.deepEqual(standing(7, 100, expire, 100 + 10 * DAY - 1), { live: 7, dueAt: 100 + 10 * DAY });
    assert.deepEqual(standing(7, 100, expire, 100 + 10 * DAY), { live: 0, dueAt: null });
    const halve = decayOf({ halfLifeDays: 1 });
    const left = [0, 1, 2, 3, 4].map((days) => standing(-13, 0, halve, days * DAY).live);
    assert.deepEqual(left, [-13, -6, -3, -1, 0]);
    assert.equal(standing(1, 0, halve, 5_000 * DAY).dueAt, null);
    assert.deepEqual(standing(5, 100, undefined, 1e12), { live: 5, dueAt: null });
    assert.deepEqual(standing(5, 100, halve, 0), { live: 5, dueAt: 100 + DAY }, 'a clock that was put back');
  });

  it('come to the same, however often one looks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -10_000, max: 10_000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(40 * DAY), { maxLength: 8 }),
        (given, days, looks) => {
          const halve = decayOf({ halfLifeDays: days });
          for (const now of looks) {
            const { live, dueAt } = standing(given, 0, halve, now);
            assert.ok(Math.abs(live) <= Math.abs(given));
            if (dueAt === null) continue;
            assert.ok(dueAt > now);
            assert.equal(standing(given, 0, halve, dueAt - 1).live, live, 'nothing happens before it is due');
          }
        },
      ),
    );
  });

  it('are capped in weeks from Monday, days and hours of UTC', () => {
    const sunday = Date.UTC(2026, 0, 4, 23, 59);
    assert.equal(new Date(periodOf('week', sunday).from).toISOString(), '2025-12-29T00:00:00.000Z');
    assert.equal(periodOf('week', sunday).until, Date.UTC(2026, 0, 5));
    assert.equal(periodOf('day', sunday).from, Date.UTC(2026, 0, 4));
    assert.equal(periodOf('hour', -1).until, 0);
  });
});

eachDatabase((db) =>
  describe('points that decay', function () {
    this.timeout(60_000);
    let world: World;
    let store: Store;
    let clock: VirtualClock;
    let tenant = 0;
    let ada = 0;
    before(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
    });
    beforeEach(async () => {
      world = worldOf(store.tenant(`t${++tenant}`));
      ada = await addLead(world, 'ada@example.org', { score: 50 });
      await world.scoring.rules.create({ key: 'open', event: 'email_opened', points: 9, decay: { halfLifeDays: 1 } });
      await world.scoring.rules.create({ key: 'visit', event: 'visited', points: 4, decay: { expiresAfterDays: 2 } });
    });
    afterEach(() => world.timers.stop());

    it('become fewer by a timer, and segments follow', async () => {
      await world.timers.start();
      await world.segments.create({ key: 'hot', kind: 'dynamic', condition: 'lead.score >= 58' });
      await happen(world, ada, 'email_opened');
      await happen(world, ada, 'visited');
      assert.deepEqual(await world.segments.members('hot'), [ada]);
      const expected = [63, 58, 52, 51, 50, 50];
      for (const [day, score] of expected.entries()) {
        if (day > 0) await clock.advance(DAY);
        await eventually(async () => {
          // What is due at this very moment rings with the clock's next move.
          await clock.advance(0);
          assert.equal(await scoreOf(world, ada), score, `day ${day}`);
        });
      }
      await eventually(async () => assert.deepEqual(await world.segments.members('hot'), []));
      assert.deepEqual(world.warnings, []);
    });

    it('are done with once, whoever looks and however often, and after a crash', async () => {
      for (let n = 0; n < 3; n++) await happen(world, ada, 'visited');
      await clock.advance(5 * DAY);
      const other = worldOf(world.scope);
      await Promise.all([world.scoring.fade(), other.scoring.fade(), world.scoring.fade()]);
      assert.equal(await scoreOf(world, ada), 50);
      assert.equal(await world.scoring.fade(), 0);
    });

    it('never take of what somebody set', async () => {
      await happen(world, ada, 'visited');
      await world.leads.update(ada, { score: 40 });
      await happen(world, ada, 'visited');
      assert.equal(await scoreOf(world, ada), 44);
      await clock.advance(3 * DAY);
      await world.scoring.fade();
      assert.equal(await scoreOf(world, ada), 40);
      const { base, reasons } = await world.scoring.explain(ada);
      assert.equal(base, 40);
      assert.deepEqual(
        reasons.map(({ name, points, live }) => [name, points, live]),
        [
          ['visit', 4, 0],
          ['set', -14, 0],
          ['visit', 4, 0],
        ],
      );
    });

    it('that are of long ago have decayed when they are recorded', async () => {
      await happen(world, ada, 'email_opened', { at: clock.now() - DAY });
      await happen(world, ada, 'visited', { at: clock.now() - 2 * DAY });
      assert.equal(await scoreOf(world, ada), 54);
    });

    it('are explained: which rule gave what when, and what becomes of it', async () => {
      const now = clock.now();
      await happen(world, ada, 'email_opened', { eventId: 'first' });
      const { score, base, reasons } = await world.scoring.explain(ada);
      assert.deepEqual([score, base], [59, 50]);
      const [{ id: _id, ...reason } = { id: 0 }] = reasons;
      assert.deepEqual(reason, {
        rule: 'open',
        version: 1,
        name: 'open',
        event: 'email_opened',
        eventId: 'first',
        at: now,
        points: 9,
        live: 9,
        next: { at: now + DAY, points: -5 },
      });
      await assert.rejects(world.scoring.explain(999_999_999), { code: 'E_UNKNOWN_LEAD' });
    });

    it('go with the lead', async () => {
      await happen(world, ada, 'visited');
      await world.leads.remove(ada);
      const rows = await world.scope.all('SELECT id FROM marketing_score_points WHERE tenant_id = :tenant');
      assert.deepEqual(rows, []);
    });

    it('are counted again when a rule changes, without what somebody has set', async () => {
      const bob = await addLead(world, 'bob@example.org');
      for (const lead of [ada, bob]) for (let n = 0; n < 3; n++) await happen(world, lead, 'visited');
      await world.leads.update(bob, { score: 7 });
      await clock.advance(1_000);
      await happen(world, bob, 'visited');
      await world.scoring.rules.update('visit', { points: 10, cap: { points: 25, per: 'day' } }, { recount: true });
      assert.equal((await world.scoring.rules.get('visit')).recounting, true);
      await world.scoring.recount();
      assert.equal(await scoreOf(world, ada), 75);
      assert.equal(await scoreOf(world, bob), 17);
      assert.equal((await world.scoring.rules.get('visit')).recounting, false);
      await world.scoring.rules.remove('visit', { recount: true });
      await world.scoring.recount();
      assert.equal(await scoreOf(world, ada), 50);
      assert.equal(await scoreOf(world, bob), 7);
    });
  }),
);
