import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { Person, StepResult } from '../../lib/ledger';
import { eachDatabase } from '../kit/databases';
import { Hands, World, type Runtime, type WorldOptions } from './world';

const HOUR = 3_600_000;

/** A message and a goal at once: who buys while the message is being worked on is not written to later. */
const journey: WorldOptions = {
  stations: [
    { step: 'start', kind: 'trigger', forks: true, config: { branches: { expected: [2] }, prompt: 'yes' } },
    { step: 'mail', kind: 'send' },
  ],
  wires: [
    { from: 'start', to: 'mail' },
    { from: 'start', to: 'goal' },
  ],
};

eachDatabase((db) => {
  describe(`a goal that is reached while somebody is worked on (${db.name})`, () => {
    let clock: VirtualClock;
    let world: World;
    let hands: Hands;
    let buyer: Person | undefined;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), journey);
      [hands, buyer] = [new Hands(), undefined];
      await world.declare();
      await world.addLeads(1);
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    async function reached(): Promise<Runtime> {
      const runtime = await world.start({
        work: { mail: hands },
        onWire: ({ to }, person) => {
          if (to === 'goal') buyer = person;
          return to !== 'goal';
        },
      });
      await world.launch();
      await runtime.settle();
      assert.equal(hands.steps.length, 1, 'the message is being worked on');
      assert.ok(buyer);
      await runtime.ledger.reach(buyer.journey, 'bought', undefined, 'goal');
      return runtime;
    }

    for (const kind of ['later', 'retry', 'return'] as const) {
      it(`ends who is put back into the queue: ${kind}`, async () => {
        const runtime = await reached();
        await hands.settle((step): StepResult => {
          return kind === 'return' ? { step, kind } : { step, kind, dueAt: clock.now() + HOUR, reason: 'quiet_hours' };
        });
        await runtime.settle();
        await clock.advance(2 * HOUR);
        await runtime.settle();
        assert.equal(hands.steps.length, 0, 'nobody is worked on again');
        assert.deepEqual(await world.standing(), { 'ended: goal: bought': 1 });
      });
    }

    it('ends whom a runtime that died had in its hands', async () => {
      const first = await reached();
      await first.kill();
      hands = new Hands();
      const second = await world.start({ work: { mail: hands } });
      await second.ledger.sweep();
      await second.settle();
      assert.equal(hands.steps.length, 0);
      assert.deepEqual(await world.standing(), { 'ended: goal: bought': 1 });
    });
  });
});
