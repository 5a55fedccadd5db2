import assert from 'node:assert/strict';
import { InputError, type MarketingError, type NotFoundError } from '../../lib/errors';
import { VirtualClock } from '../../lib/clock';
import type { Journey } from '../../lib/types';
import { eachDatabase } from '../kit/databases';
import { World, type Runtime } from './world';

const DAY = 86_400_000;

eachDatabase((db) => {
  describe('arriving at a station', () => {
    let clock: VirtualClock;
    let world: World;
    let runtime: Runtime;
    const tokens: Journey[] = [];

    beforeEach(async () => {
      tokens.length = 0;
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'wait', kind: 'delay', dueIn: DAY },
          { step: 'other', kind: 'delay', dueIn: DAY },
        ],
        wires: [{ from: 'start', to: 'wait' }],
      });
      await world.declare();
      await world.addLeads(5);
    });
    afterEach(async () => {
      for (const each of world.runtimes) await each.close();
    });

    /** Everybody is on the wire behind the trigger, and the test has their tokens. */
    async function onTheWire(): Promise<void> {
      runtime = await world.start({
        onWire: (_wire, person) => {
          tokens.push(person.journey);
          return false;
        },
      });
      await world.launch();
      await runtime.settle();
      assert.equal(tokens.length, 5);
    }

    const token = (index = 0): Journey => tokens[index] as Journey;
    const arrive = (journey: Journey, step = 'wait'): Promise<void> =>
      runtime.handles.get(step)?.arrive({ journey, dueAt: clock.now() + DAY }) ??
      Promise.reject(new Error('no station'));

    const leadOf = async ({ enrollment }: Journey): Promise<number> =>
      (
        await world.scope.get<{ lead_id: number }>(
          `SELECT lead_id FROM marketing_enrollments WHERE tenant_id = :tenant AND id = :enrollment`,
          { enrollment },
        )
      )?.lead_id ?? 0;

    it('twice from the same step is arriving once, one after the other and at the same moment', async () => {
      await onTheWire();
      await arrive(token(0));
      await arrive(token(0));
      await Promise.all([arrive(token(1)), arrive(token(1)), arrive(token(1))]);
      assert.equal(await world.count('steps', `state = 'waiting'`), 2);
      assert.equal((await runtime.handles.get('wait')?.counts())?.entered, 2);
    });

    it('at two stations from the same step is a fork that nobody declared: both are kept', async () => {
      await onTheWire();
      await Promise.all([arrive(token()), arrive(token(), 'other')]);
      assert.equal(await world.count('steps', `state = 'waiting'`), 2);
      await clock.advance(DAY + 1);
      await runtime.settle();
      assert.equal(await world.count('enrollments', `reason = 'completed'`), 1);
    });

    it('stores the trail of the switches on the way', async () => {
      await onTheWire();
      await arrive({
        ...token(),
        trail: [{ node: 'over 25', kind: 'segment', outcome: 'matches', because: 'age > 25', saw: { age: 30 } }],
      });
      const story = await world.desk.why('journey', await leadOf(token()));
      assert.deepEqual(
        story.map(({ text }) => text.split(' until')[0]),
        ['start: entered', 'over 25: matches: age > 25 (saw {"age":30})', 'wait: waits'],
      );
    });

    it('needs a token', async () => {
      await onTheWire();
      for (const wrong of [undefined, null, {}, { step: '1' }, { step: 1.5, trail: [] }, { step: 1 }]) {
        await assert.rejects(arrive(wrong as unknown as Journey), (error: InputError) => error.code === 'E_NO_JOURNEY');
      }
    });

    it('refuses the token of another tenant, and a step that is not there', async () => {
      await onTheWire();
      await assert.rejects(arrive({ ...token(), tenant: 'somebody-else' }), (error: InputError) => {
        assert.match(error.message, /another tenant/);
        return error instanceof InputError && error.code === 'E_NO_JOURNEY';
      });
      await assert.rejects(
        arrive({ ...token(), step: 999_999 }),
        (error: NotFoundError) => error.code === 'E_UNKNOWN_STEP',
      );
      const stranger = world.store.tenant('somebody-else');
      assert.deepEqual(await stranger.all(`SELECT id FROM marketing_steps WHERE tenant_id = :tenant`), []);
    });

    it('is refused, to be tried again, when the ledger has closed', async () => {
      await onTheWire();
      await runtime.close();
      await assert.rejects(
        arrive(token()),
        (error: MarketingError) => error.code === 'E_LEDGER_CLOSED' && error.retryable,
      );
      const next = await world.start();
      await next.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), 5, 'the next runtime sends them on again');
    });

    it('once more, after it is over, does not begin the journey again, whoever else arrives at that moment', async () => {
      await onTheWire();
      await arrive(token(0));
      await clock.advance(DAY + 1);
      await runtime.settle();
      assert.equal(await world.count('enrollments', `reason = 'completed'`), 1);
      await Promise.all([arrive(token(0)), arrive(token(1))]);
      assert.equal(await world.count('enrollments', `reason = 'completed'`), 1);
      assert.equal(await world.count('steps', `state = 'waiting'`), 1);
    });

    it('ends with the reason that a node gives, and twice is once', async () => {
      await onTheWire();
      const decision = { node: 'goal', kind: 'goal', outcome: 'reached' };
      await runtime.ledger.end(token(), 'goal reached', decision);
      await runtime.ledger.end(token(), 'goal reached', decision);
      assert.deepEqual(await world.standing(), { active: 4, 'ended: goal reached': 1 });
      assert.equal(await world.count('steps', `state = 'done' AND outcome IS NOT NULL`), 1);
    });

    it('is not offered to a station that was never deployed', async () => {
      await onTheWire();
      await assert.rejects(
        runtime.ledger.attach({
          definition: 'journey',
          step: 'nowhere',
          kind: 'delay',
          wired: () => false,
          emit: () => undefined,
        }),
        (error: NotFoundError) => error.code === 'E_UNKNOWN_STATION',
      );
    });

    it('of a lead that was erased ends the journey', async () => {
      runtime = await world.start();
      await world.launch();
      await runtime.settle();
      await world.scope.run(`DELETE FROM marketing_leads WHERE tenant_id = :tenant AND email = 'lead1@example.com'`);
      await clock.advance(DAY + 1);
      await runtime.settle();
      assert.deepEqual(await world.standing(), { 'ended: completed': 4, 'ended: the lead is gone': 1 });
    });
  });
});
