import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { eachDatabase } from '../kit/databases';
import { World, type Runtime } from './world';
import type { Person } from '../../lib/ledger';

const DAY = 86_400_000;
const TRANSIT = 300_000;

eachDatabase((db) => {
  describe('people on a wire', () => {
    let clock: VirtualClock;
    let world: World;
    const people = 12;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'wait', kind: 'delay', dueIn: DAY },
        ],
        wires: [{ from: 'start', to: 'wait' }],
      });
      await world.declare();
      await world.addLeads(people);
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    /** Time passes as it does: the watchdog looks every now and then. */
    async function pass(runtime: Runtime, ms: number): Promise<void> {
      const end = clock.now() + ms;
      while (clock.now() < end) {
        await clock.advance(Math.min(30_000, end - clock.now()));
        await runtime.ledger.sweep();
        await runtime.settle();
      }
    }

    it('who are received nowhere have left the flow, and it is said where', async () => {
      const runtime = await world.start({ onWire: (_wire, { lead }) => lead.id % 2 === 0 });
      await world.launch();
      await runtime.settle();
      await pass(runtime, TRANSIT - 1_000);
      assert.deepEqual(await world.standing(), { active: people });
      await pass(runtime, 2_000);
      assert.deepEqual(await world.standing(), { active: people / 2, 'ended: left the flow after start': people / 2 });
    });

    it('who turn up after they were given up are back in the flow', async () => {
      const late: Person[] = [];
      const runtime = await world.start({
        onWire: (_wire, person) => {
          if (person.lead.id % 2 === 0) return true;
          late.push(person);
          return false;
        },
      });
      await world.launch();
      await runtime.settle();
      await pass(runtime, TRANSIT + 1_000);
      const half = people / 2;
      assert.deepEqual(await world.standing(), { active: half, 'ended: left the flow after start': half });
      const [one] = late;
      assert.ok(one);
      await runtime.handles.get('wait')?.arrive({ journey: one.journey, dueAt: clock.now() + DAY });
      assert.deepEqual(await world.standing(), { active: half + 1, 'ended: left the flow after start': half - 1 });
      await clock.advance(DAY + 1);
      await runtime.settle();
      assert.deepEqual(await world.standing(), {
        'ended: completed': half + 1,
        'ended: left the flow after start': half - 1,
      });
    });

    it('do not count as lost while their runtime may still come back: the next one sends them on again', async () => {
      const first = await world.start({ onWire: () => false });
      await world.launch();
      await first.settle();
      await first.kill();
      await clock.advance(TRANSIT * 2);
      const second = await world.start();
      await second.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
      assert.deepEqual(await world.standing(), { active: people });
    });

    it('when the clock is put forward are not given up: they have not been there for long', async () => {
      const held: (() => void)[] = [];
      const runtime = await world.start({
        onWire: (_wire, person) => {
          held.push(
            () => void runtime.handles.get('wait')?.arrive({ journey: person.journey, dueAt: clock.now() + DAY }),
          );
          return false;
        },
      });
      await world.launch();
      await runtime.settle();
      await clock.advance(3_600_000);
      await runtime.ledger.sweep();
      assert.deepEqual(await world.standing(), { active: people });
      for (const go of held) go();
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
      assert.equal((await world.campaigns.get('journey')).state, 'active');
    });

    it('when a deploy cuts the wires are sent on again, and whoever had arrived arrives once', async () => {
      let cut = true;
      const runtime = await world.start({ onWire: (_wire, { lead }) => !cut || lead.id % 3 === 0 });
      await world.launch();
      await runtime.settle();
      const arrived = await world.count('steps', `state = 'waiting'`);
      assert.ok(arrived > 0 && arrived < people);
      cut = false;
      assert.equal(await runtime.ledger.redeliver(), people - arrived);
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
      assert.equal((await runtime.handles.get('wait')?.counts())?.entered, people);
    });

    it('and of whom the runtime knows nothing, because the answer of the database was lost, are sent on after all', async () => {
      let first = true;
      const runtime = await world.start({ onWire: () => !first });
      await world.launch();
      await runtime.settle();
      // As if the connection had broken after the commit: released in this runtime's name, and not in its memory.
      first = false;
      for (const handle of runtime.handles.values()) (handle as unknown as { forget(): void }).forget();
      await clock.advance(11_000);
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
    });

    it('are let go in portions: a station waits for the next one to keep up', async () => {
      const more = 3_000;
      await world.scope.run(`DELETE FROM marketing_leads WHERE tenant_id = :tenant`);
      await world.addLeads(more);
      let onTheWire = 0;
      const runtime = await world.start({
        onWire: () => {
          onTheWire++;
          return false;
        },
      });
      await world.launch();
      await runtime.settle();
      assert.ok(onTheWire <= 1_250, `${onTheWire} people are on the wire`);
      for (let i = 0; i < 6; i++) {
        await clock.advance(1_500);
        await runtime.settle();
      }
      assert.equal(onTheWire, more, 'those who are dropped on the way do not hold up the others for ever');
    });
  });
});
