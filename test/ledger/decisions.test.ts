import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { eachDatabase } from '../kit/databases';
import { Hands, World, type Runtime } from './world';

eachDatabase((db) => {
  describe('what people decide about those who are stuck', () => {
    let clock: VirtualClock;
    let world: World;
    let runtime: Runtime;
    let hands: Hands;
    const people = 10;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      hands = new Hands();
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
      });
      await world.declare();
      await world.addLeads(people);
      runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
    });
    afterEach(async () => {
      for (const each of world.runtimes) await each.close();
    });

    const atWait = (): Promise<number> =>
      world.count(
        'steps',
        `state = 'waiting' AND station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = 'wait')`,
      );

    /** Counters must be what counting the rows gives. */
    async function countersAgree(): Promise<void> {
      const { stations } = await world.desk.report('journey');
      for (const { step, counters, waiting } of stations) {
        const here = `station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = '${step}')`;
        assert.equal(counters['entered'] ?? 0, await world.count('steps', here), `entered ${step}`);
        assert.equal(
          waiting,
          await world.count('steps', `${here} AND state IN ('waiting', 'working', 'paused')`),
          `waiting at ${step}`,
        );
        if (step !== 'mail') continue;
        assert.equal(
          counters['sent'] ?? 0,
          await world.count('steps', `${here} AND port = 0 AND state IN ('released', 'done')`),
          'sent',
        );
        assert.equal(
          counters['failed'] ?? 0,
          await world.count('steps', `${here} AND port = 1 AND state IN ('released', 'done')`),
          'failed',
        );
      }
    }

    it('retry: everybody in the dead-letter list goes into the queue again, or those who are named', async () => {
      await hands.settle((step) => ({ step, kind: 'fail', reason: 'the template has a hole' }));
      const dead = await world.desk.deadLetters('journey');
      assert.equal(dead.length, people);
      assert.deepEqual(
        new Set(dead.map(({ station, reason }) => `${station}: ${reason}`)),
        new Set(['mail: the template has a hole']),
      );
      assert.equal(
        await world.desk.retry('journey', { steps: dead.slice(0, 3).map(({ step }) => step), actor: 'ann' }),
        3,
      );
      await runtime.settle();
      assert.equal(hands.steps.length, 3);
      assert.equal(await world.desk.retry('journey'), people - 3);
      await runtime.settle();
      assert.equal(hands.steps.length, people);
      assert.equal(await world.count('history', `event = 'campaign.retried' AND actor = 'ann'`), 1);
      await hands.finish();
      await runtime.settle();
      assert.equal(await atWait(), people);
      await countersAgree();
    });

    it('taken as sent: they go on as if the message had arrived', async () => {
      await hands.settle((step) => ({ step, kind: 'unknown', reason: 'dropped after the dot' }));
      assert.equal(await world.desk.reconcile('journey', 'sent', { actor: 'ann' }), people);
      await runtime.ledger.sweep();
      await runtime.settle();
      assert.equal(await atWait(), people);
      assert.equal(await world.desk.reconcile('journey', 'sent'), 0, 'there is nothing left to decide');
      await countersAgree();
    });

    it('sent again: they go through the same station once more', async () => {
      await hands.settle((step) => ({ step, kind: 'unknown', reason: 'dropped after the dot' }));
      assert.equal(await world.desk.reconcile('journey', 'resend'), people);
      await runtime.settle();
      assert.equal(hands.steps.length, people);
      await hands.finish();
      await runtime.settle();
      assert.equal(await atWait(), people);
      await countersAgree();
    });

    it('nothing, because a retry was set: they come again at that time, and not before', async () => {
      await hands.settle((step) => ({ step, kind: 'retry', dueAt: clock.now() + 60_000, reason: '450 later' }));
      await clock.advance(59_000);
      await runtime.settle();
      assert.equal(hands.steps.length, 0);
      await clock.advance(1_001);
      await runtime.settle();
      assert.equal(hands.steps.length, people);
      assert.match((await world.desk.why('journey', hands.steps[0]?.lead ?? 0)).at(-1)?.text ?? '', /mail: working/);
    });

    it('through an output that leads nowhere the journey ends, with the reason', async () => {
      await hands.settle((step) => ({ step, kind: 'release', port: 1, reason: '550 unknown user' }));
      assert.deepEqual(await world.standing(), { 'ended: failed: 550 unknown user': people });
      await countersAgree();
    });

    it('agree with the counters, whatever happened', async () => {
      const take = (count: number) => hands.steps.slice(0, count);
      await hands.finish(take(3));
      await hands.settle((step) => ({ step, kind: 'release', port: 1, reason: 'no' }), take(2));
      await hands.settle((step) => ({ step, kind: 'fail', reason: 'broken' }), take(2));
      await hands.settle((step) => ({ step, kind: 'return' }), take(1));
      await hands.settle((step) => ({ step, kind: 'unknown', reason: 'who knows' }), take(1));
      await runtime.settle();
      await countersAgree();
      const report = await world.desk.report('journey');
      const ended = Object.values(report.ended).reduce((sum, each) => sum + each, 0);
      assert.equal(report.audience, people);
      assert.equal(report.waiting + report.dead + report.unknown + report.orphaned + ended, people);
      assert.deepEqual([report.dead, report.unknown, ended], [2, 1, 2]);
    });

    it('is healed by the watchdog when an enrollment has nothing open and has not ended', async () => {
      await hands.finish();
      await runtime.settle();
      await world.scope.run(`UPDATE marketing_steps SET state = 'done' WHERE tenant_id = :tenant`);
      await clock.advance(61_000);
      await runtime.ledger.sweep();
      assert.deepEqual(await world.standing(), { 'ended: completed': people });
    });
  });
});
