import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { LeasedStep } from '../../lib/ledger';
import { MAX_CRASHES, recoverRuntime } from '../../lib/ledger/sql/recover';
import { eachDatabase } from '../kit/databases';
import { Hands, World, type Runtime } from './world';

eachDatabase((db) => {
  describe('a lease', () => {
    let clock: VirtualClock;
    let world: World;
    const people = 60;

    async function open(onUnknown: 'hold' | 'resend' = 'hold'): Promise<void> {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'mail', kind: 'send' },
          { step: 'wait', kind: 'delay', dueIn: 3_600_000 },
        ],
        wires: [
          { from: 'start', to: 'mail' },
          { from: 'mail', to: 'wait' },
        ],
        onUnknown,
      });
      await world.declare();
      await world.addLeads(people);
    }
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    async function working(hands: Hands): Promise<Runtime> {
      const runtime = await world.start({ work: { mail: hands } });
      if ((await world.count('campaigns')) === 0) await world.launch();
      await runtime.settle();
      return runtime;
    }

    it('lets only its owner complete, and only the attempt that was leased', async () => {
      await open();
      const hands = new Hands();
      const runtime = await working(hands);
      const [one, two, three] = hands.steps as [LeasedStep, LeasedStep, LeasedStep];
      const mail = runtime.handles.get('mail');
      await mail?.settle([
        { step: { ...one, owner: 'somebody else' }, kind: 'release', port: 0 },
        { step: { ...two, attempt: two.attempt + 1 }, kind: 'release', port: 0 },
      ]);
      assert.equal(await world.count('steps', `state = 'working'`), people);
      await mail?.settle([{ step: three, kind: 'release', port: 0 }]);
      await mail?.settle([{ step: three, kind: 'fail', reason: 'too late' }]);
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'working'`), people - 1);
      assert.equal(await world.count('steps', `state = 'failed'`), 0);
    });

    it('whose runtime died is taken over at once; what the dead one completes late changes nothing', async () => {
      await open();
      const before = new Hands();
      const first = await working(before);
      await first.kill();
      const after = new Hands();
      const second = await working(after);
      assert.equal(after.steps.length, people);
      assert.ok(after.steps.every(({ attempt, crashes }) => attempt === 2 && crashes === 1));
      await before.finish();
      assert.equal(await world.count('steps', `state = 'working'`), people);
      await after.finish();
      await second.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
    });

    it('that was lost while the runtime stood still is noticed: it goes on under a new name', async () => {
      await open();
      const hands = new Hands();
      const runtime = await working(hands);
      const former = runtime.ledger.owner;
      await recoverRuntime(world.scope, { id: former, now: clock.now(), force: true });
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.notEqual(runtime.ledger.owner, former);
      const late = hands.steps.filter(({ owner }) => owner === former);
      await hands.finish(late);
      assert.equal(
        await world.count('steps', `state = 'working'`),
        people,
        'they were leased again, and the late completions refused',
      );
      await hands.finish();
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
    });

    it('is renewed with every round of the watchdog, and given back at the end', async () => {
      await open();
      const hands = new Hands();
      const runtime = await working(hands);
      for (let i = 0; i < 5; i++) {
        await clock.advance(15_000);
        await runtime.ledger.sweep();
      }
      const row = await world.scope.get<{ lease_until: number }>(
        `SELECT lease_until FROM marketing_runtimes WHERE tenant_id = :tenant`,
      );
      assert.ok(Number(row?.lease_until) > clock.now());
      await hands.settle((step) => ({ step, kind: 'return' }));
      await runtime.close();
      assert.equal(await world.count('runtimes', 'stopped_at IS NOT NULL'), 1);
      assert.equal(
        await world.count('steps', `state = 'waiting' AND crashes = 0`),
        people,
        'nobody is charged with an orderly end',
      );
    });

    it('in a name that no runtime has any more is found: nobody is held for ever by a ghost', async () => {
      await open();
      const hands = new Hands();
      const runtime = await working(hands);
      await world.scope.run(
        `UPDATE marketing_steps SET lease_owner = 'ghost' WHERE tenant_id = :tenant AND state = 'working'`,
      );
      hands.steps.splice(0);
      await runtime.ledger.sweep();
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.equal(hands.steps.length, people);
    });

    it('of which the runtime knows nothing, because the answer of the database was lost, is given back', async () => {
      await open();
      const hands = new Hands(people - 10);
      const runtime = await working(hands);
      await world.scope.run(
        `UPDATE marketing_steps SET state = 'working', lease_owner = :owner, attempt = 1 WHERE tenant_id = :tenant AND state = 'waiting'`,
        { owner: runtime.ledger.owner },
      );
      await hands.finish();
      await clock.advance(11_000);
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.equal(hands.steps.length, 10);
    });

    for (const policy of ['hold', 'resend'] as const) {
      it(`with a message on its way when the runtime died: "${policy}"`, async () => {
        await open(policy);
        const first = await working(new Hands());
        const step = await world.scope.get<{
          id: number;
          enrollment_id: number;
          campaign_id: number;
          lead_id: number;
          station_id: number;
        }>(
          `SELECT id, enrollment_id, campaign_id, lead_id, station_id FROM marketing_steps WHERE tenant_id = :tenant AND state = 'working' ORDER BY id LIMIT 1`,
        );
        assert.ok(step);
        await world.scope.run(
          `INSERT INTO marketing_messages (tenant_id, step_id, campaign_id, enrollment_id, lead_id, channel, account, message_key, content_id, state, attempt, sending_at)
           VALUES (:tenant, :step, :campaign, :enrollment, :lead, 'email', 'a', 'k', 1, 'sending', 1, 0)`,
          { step: step.id, campaign: step.campaign_id, enrollment: step.enrollment_id, lead: step.lead_id },
        );
        await first.kill();
        const hands = new Hands();
        await working(hands);
        assert.equal(await world.count('messages', `state = 'unknown' AND in_doubt = 1`), 1);
        assert.equal(hands.steps.length, policy === 'hold' ? people - 1 : people);
        assert.equal(await world.count('steps', `state = 'unknown'`), policy === 'hold' ? 1 : 0);
        assert.equal((await world.desk.report('journey')).unknown, policy === 'hold' ? 1 : 0);
      });
    }

    it('of somebody who kills the runtime each time is found in five deaths; the others are served', async () => {
      await open();
      const poison = 17;
      let deaths = 0;
      const served = new Set<number>();
      for (;;) {
        const hands = new Hands(50);
        const runtime = await working(hands);
        while (hands.steps.length > 0 && !hands.steps.some(({ lead }) => lead % people === poison % people)) {
          for (const { lead } of hands.steps) served.add(lead);
          await hands.finish();
          await runtime.settle();
        }
        if (hands.steps.length === 0) break;
        assert.ok(++deaths <= MAX_CRASHES, 'it does not die for ever');
        await runtime.kill();
      }
      assert.equal(deaths, MAX_CRASHES);
      assert.equal(served.size, people - 1);
      const dead = await world.desk.deadLetters('journey');
      assert.equal(dead.length, 1);
      assert.match(dead[0]?.reason ?? '', /^E_POISON/);
      assert.equal(
        (await world.desk.report('journey')).stations.find(({ step }) => step === 'mail')?.counters['dead'],
        1,
      );
    });

    it('is shared by two runtimes so that each person is worked once', async () => {
      await open();
      const [left, right] = [new Hands(20), new Hands(20)];
      const one = await world.start({ work: { mail: left } });
      const two = await world.start({ work: { mail: right } });
      await world.launch();
      const worked: number[] = [];
      for (let round = 0; round < 10; round++) {
        await one.settle();
        await two.settle();
        for (const hands of [left, right]) {
          worked.push(...hands.steps.map(({ lead }) => lead));
          await hands.finish();
        }
        one.ledger.pokeAll();
        two.ledger.pokeAll();
      }
      await one.settle();
      await two.settle();
      assert.equal(worked.length, people);
      assert.equal(new Set(worked).size, people);
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
    });
  });
});
