import assert from 'node:assert/strict';
import { CampaignDesk, parkUnfinished } from '../../lib/campaigns';
import { VirtualClock } from '../../lib/clock';
import type { Scope, SqlValues } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { Hands, World, type Runtime } from './world';

const HOUR = 3_600_000;

eachDatabase((db) => {
  describe('the state of a campaign', () => {
    let clock: VirtualClock;
    let world: World;
    let hands: Hands;
    const people = 30;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      hands = new Hands();
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'wait', kind: 'delay', dueIn: HOUR },
          { step: 'mail', kind: 'send' },
        ],
        wires: [
          { from: 'start', to: 'wait' },
          { from: 'wait', to: 'mail' },
        ],
      });
      await world.declare();
      await world.addLeads(people);
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    async function launched(): Promise<Runtime> {
      const runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
      return runtime;
    }

    it('paused: everybody stays where they are, parked out of the way, and nobody becomes due', async () => {
      const runtime = await launched();
      await world.campaigns.pause('journey');
      assert.equal(await world.count('steps', `state = 'paused'`), people);
      await clock.advance(2 * HOUR);
      await runtime.settle();
      await runtime.ledger.sweep();
      assert.equal(hands.steps.length, 0);
      assert.deepEqual(await world.standing(), { active: people });
    });

    it('resumed: nobody is skipped and nobody repeated, with the due times of before', async () => {
      const runtime = await launched();
      await world.campaigns.pause('journey');
      await clock.advance(HOUR / 2);
      await world.campaigns.resume('journey');
      await runtime.settle();
      assert.equal(hands.steps.length, 0, 'an hour is not over');
      await clock.advance(HOUR / 2 + 1);
      await runtime.settle();
      assert.equal(new Set(hands.steps.map(({ lead }) => lead)).size, people);
      assert.equal(hands.steps.length, people);
      await hands.finish();
      assert.deepEqual(await world.standing(), { 'ended: completed': people });
    });

    it('paused and resumed again and again while people walk: everybody gets through once', async () => {
      const runtime = await launched();
      for (let i = 0; i < 10; i++) {
        await world.campaigns.pause('journey');
        await clock.advance(HOUR / 8);
        await world.campaigns.resume('journey');
        await clock.advance(HOUR / 8);
        await runtime.settle();
      }
      await hands.finish();
      assert.deepEqual(await world.standing(), { 'ended: completed': people });
      assert.equal(await world.count('steps'), 3 * people);
    });

    it('paused while somebody is worked on: that is finished, and who arrives meanwhile stays', async () => {
      const runtime = await launched();
      await clock.advance(HOUR + 1);
      await runtime.settle();
      await world.campaigns.pause('journey');
      await hands.finish(hands.steps.slice(0, 10));
      assert.equal(await world.count('steps', `state = 'working'`), people - 10);
      await hands.settle((step) => ({ step, kind: 'return' }));
      await runtime.settle();
      assert.equal(hands.steps.length, 0);
      await world.campaigns.resume('journey');
      await runtime.settle();
      assert.equal(hands.steps.length, people - 10);
    });

    it('half parked when a crash came: the next runtime goes on with it', async () => {
      const runtime = await launched();
      await world.scope.run(`UPDATE marketing_campaigns SET state = 'paused', parking = 1 WHERE tenant_id = :tenant`);
      await runtime.kill();
      await parkUnfinished(world.scope);
      assert.equal(await world.count('steps', `state = 'paused'`), people);
      assert.equal(await world.count('campaigns', 'parking = 0'), 1);
    });

    it('cancelled: nobody goes on, and what is worked on at that moment ends by itself', async () => {
      const runtime = await launched();
      await clock.advance(HOUR + 1);
      await runtime.settle();
      await hands.finish(hands.steps.slice(0, 5));
      await hands.settle((step) => ({ step, kind: 'return' }), hands.steps.slice(0, 5));
      await world.campaigns.cancel('journey');
      await runtime.settle();
      const working = hands.steps.length;
      assert.equal(await world.count('enrollments', `state = 'active'`), working);
      await hands.finish();
      assert.equal(await world.count('enrollments', `state = 'active'`), 0);
      assert.equal(await world.count('enrollments', `reason = 'the campaign was cancelled'`), people - 5 - working);
      await runtime.ledger.sweep();
      assert.equal((await world.campaigns.get('journey')).state, 'cancelled');
    });

    it('cancelled while people are on a wire: they arrive nowhere', async () => {
      const held: (() => void)[] = [];
      const runtime = await world.start({
        work: { mail: hands },
        onWire: (wire, person) => {
          if (wire.to !== 'wait') return true;
          held.push(
            () => void runtime.handles.get('wait')?.arrive({ journey: person.journey, dueAt: clock.now() + HOUR }),
          );
          return false;
        },
      });
      await world.launch();
      await runtime.settle();
      await world.campaigns.cancel('journey');
      for (const go of held) go();
      await runtime.settle();
      await clock.advance(2 * HOUR);
      await runtime.settle();
      assert.equal(await world.count('steps', `state NOT IN ('cancelled')`), 0);
      assert.equal(await world.count('enrollments', `state = 'active'`), 0);
      assert.equal(hands.steps.length, 0);
    });

    it('completed by itself once everybody is through; launched again, everybody enters again', async () => {
      const runtime = await launched();
      for (let run = 1; run <= 2; run++) {
        if (run === 2) await world.launch();
        await runtime.settle();
        await clock.advance(HOUR + 1);
        await runtime.settle();
        assert.equal(hands.steps.length, people);
        await runtime.ledger.sweep();
        assert.equal((await world.campaigns.get('journey')).state, 'active', 'somebody is still under way');
        await hands.finish();
        await runtime.ledger.sweep();
        assert.equal((await world.campaigns.get('journey')).state, 'completed');
      }
      assert.equal(await world.count('enrollments'), 2 * people);
    });

    it('is not completed as long as somebody is in the dead-letter list or in doubt', async () => {
      const runtime = await launched();
      await clock.advance(HOUR + 1);
      await runtime.settle();
      const [dead, doubtful, ...others] = hands.steps;
      assert.ok(dead && doubtful);
      await hands.settle((step) => ({ step, kind: 'fail', reason: 'cannot be rendered' }), [dead]);
      await hands.settle((step) => ({ step, kind: 'unknown', reason: 'dropped' }), [doubtful]);
      await hands.finish(others);
      await runtime.ledger.sweep();
      assert.equal((await world.campaigns.get('journey')).state, 'active');
      const report = await world.desk.report('journey');
      assert.deepEqual(
        {
          audience: report.audience,
          dead: report.dead,
          unknown: report.unknown,
          waiting: report.waiting,
          ended: report.ended,
        },
        { audience: people, dead: 1, unknown: 1, waiting: 0, ended: { completed: people - 2 } },
      );
    });

    it('is told as of one moment: nobody is missed or counted twice who goes on while it is counted', async () => {
      await launched();
      let ended = 0;
      const restless = interrupted(world.scope, async () => {
        const next = await world.scope.get<{ id: number }>(
          `SELECT MIN(id) AS id FROM marketing_enrollments WHERE tenant_id = :tenant AND state = 'active'`,
        );
        ended += await world.scope.run(
          `UPDATE marketing_enrollments SET state = 'ended', reason = 'meanwhile' WHERE tenant_id = :tenant AND id = :id`,
          { id: next?.id ?? 0 },
        );
      });
      const report = await new CampaignDesk(restless, world.campaigns, () => undefined).report('journey');
      assert.ok(ended > 1);
      assert.equal(report.audience, people);
    });
  });
});

/** A scope that lets something happen between any two statements of background work. */
function interrupted(scope: Scope, happen: () => Promise<void>): Scope {
  const after = <T>(result: Promise<T>): Promise<T> => result.then((value) => happen().then(() => value));
  return Object.assign(Object.create(scope) as Scope, {
    all: (text: string, values?: SqlValues) => after(scope.all(text, values)),
    get: (text: string, values?: SqlValues) => after(scope.get(text, values)),
    background: <T>(work: (db: Scope) => Promise<T>) => scope.background((db) => work(interrupted(db, happen))),
  });
}
