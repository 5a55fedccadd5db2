import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { eachDatabase } from '../kit/databases';
import { World, type Runtime } from './world';

const HOUR = 3_600_000;

eachDatabase((db) => {
  describe('a fork', () => {
    let clock: VirtualClock;
    let world: World;
    const people = 20;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger', forks: true },
          { step: 'short', kind: 'delay', dueIn: HOUR },
          { step: 'long', kind: 'delay', dueIn: 3 * HOUR },
        ],
        wires: [
          { from: 'start', to: 'short' },
          { from: 'start', to: 'long' },
        ],
      });
      await world.declare();
      await world.addLeads(people);
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    async function launched(options: Parameters<World['start']>[0] = {}): Promise<Runtime> {
      const runtime = await world.start(options);
      await world.launch();
      await runtime.settle();
      return runtime;
    }

    /** Time passes; afterwards the watchdog has had the time it gives to those who were on a wire when the clock jumped. */
    async function pass(runtime: Runtime, ms: number): Promise<void> {
      await clock.advance(ms);
      for (let i = 0; i < 2; i++) {
        await runtime.settle();
        await runtime.ledger.sweep();
        await clock.advance(11_000);
      }
      await runtime.settle();
      await runtime.ledger.sweep();
    }

    const at = (step: string, state: string): Promise<number> =>
      world.count(
        'steps',
        `state = '${state}' AND station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = '${step}')`,
      );

    it('takes everybody down both branches, and ends when both have ended', async () => {
      const runtime = await launched();
      assert.equal(await at('short', 'waiting'), people);
      assert.equal(await at('long', 'waiting'), people);
      await pass(runtime, HOUR + 1);
      assert.deepEqual(await world.standing(), { active: people });
      await pass(runtime, 2 * HOUR);
      assert.deepEqual(await world.standing(), { 'ended: completed': people });
      assert.equal(await at('start', 'done'), people);
    });

    it('of which one branch was lost in a crash is taken up again: only the missing branch is new', async () => {
      const first = await launched({ onWire: (wire) => wire.to === 'short' });
      assert.equal(await at('short', 'waiting'), people);
      assert.equal(await at('long', 'waiting'), 0);
      await first.kill();
      const second = await world.start();
      await second.settle();
      assert.equal(await at('short', 'waiting'), people);
      assert.equal(await at('long', 'waiting'), people);
      assert.equal((await second.handles.get('short')?.counts())?.entered, people);
    });

    it('closes when its branches have had time to arrive; a branch that ended at once does not end the others', async () => {
      const runtime = await launched({ onWire: (wire) => wire.to === 'short' });
      await pass(runtime, 20_000);
      assert.equal(await at('start', 'done'), people);
      assert.deepEqual(await world.standing(), { active: people });
    });

    it('whose one branch leads out of the flow goes on in the other', async () => {
      const runtime = await world.start({
        onWire: (wire, person) => {
          if (wire.to === 'long') void runtime.ledger.end(person.journey, 'not for them');
          return wire.to === 'short';
        },
      });
      await world.launch();
      await runtime.settle();
      await pass(runtime, 30_000);
      assert.deepEqual(await world.standing(), { active: people });
      await pass(runtime, HOUR);
      assert.equal(await world.count('enrollments', `state = 'ended'`), people);
    });
  });
});
