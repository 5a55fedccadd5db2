import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { Why } from '../../lib/campaigns';
import { eachDatabase } from '../kit/databases';
import { Hands, World } from '../ledger/world';

eachDatabase((db) => {
  describe('asking why', () => {
    let clock: VirtualClock;
    let world: World;
    let hands: Hands;

    beforeEach(async () => {
      clock = new VirtualClock();
      hands = new Hands();
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'mail', kind: 'send' },
        ],
        wires: [{ from: 'start', to: 'mail' }],
      });
      await world.declare();
      await world.addLeads(1);
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    const texts = ({ lines }: Why): string[] => lines.map(({ kind, text }) => `${kind}: ${text}`);

    it('tells holds, tries, pauses and the version of the flow, in order', async () => {
      const runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
      await clock.advance(1_000);
      const until = clock.now() + 60_000;
      await hands.settle((step) => ({ step, kind: 'later', dueAt: until, reason: 'quiet hours' }));
      await world.campaigns.pause('journey', { actor: 'ann', reason: 'a typo' });
      await clock.advance(61_000);
      const changed = world.declarations();
      await world.declare(changed.map((station) => ({ ...station, hash: `${station.hash}-2` })));
      await clock.advance(1_000);
      await world.campaigns.resume('journey', { actor: 'ann' });
      await runtime.settle();
      await clock.advance(1_000);
      await hands.settle((step) => ({ step, kind: 'retry', dueAt: clock.now() + 5_000, reason: '451 later' }));
      await clock.advance(6_000);
      await runtime.settle();
      await hands.finish();
      await runtime.settle();

      const lead = (await world.scope.get<{ id: number }>('SELECT id FROM marketing_leads WHERE tenant_id = :tenant'))
        ?.id;
      const [why] = await world.desk.stories('journey', lead ?? 0);
      assert.ok(why);
      assert.deepEqual(
        texts(why).map((text) => text.replace(/ \(saw .*/, '')),
        [
          'trigger: start: entered',
          'hold: mail: put off: quiet hours',
          'campaign: the campaign was paused by ann: a typo',
          'campaign: the campaign was resumed by ann',
          'hold: mail: tried again: 451 later',
          'send: mail: passed',
          'end: ended: completed',
        ],
      );
      assert.deepEqual(
        why.lines.map(({ version }) => version),
        [1, 1, 1, 2, 2, 2, 2],
      );
      assert.deepEqual(why.lines[1]?.saw, { until: new Date(until).toISOString() });
      assert.equal(why.cause, 'run:1');
      assert.deepEqual(await world.desk.whyEnrollment(why.enrollment), why);
    });

    it('keeps a trail from growing without end', async () => {
      const runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
      for (let round = 0; round < 120; round++) {
        await hands.settle((step) => ({ step, kind: 'later', dueAt: clock.now(), reason: 'x'.repeat(190) }));
        await clock.advance(1);
        await runtime.settle();
      }
      const row = await world.scope.get<{ trail: string }>(
        `SELECT trail FROM marketing_steps WHERE tenant_id = :tenant AND trail IS NOT NULL`,
      );
      assert.ok((row?.trail.length ?? 0) < 21_000);
      assert.ok((JSON.parse(row?.trail ?? '') as unknown[]).length > 50);
    });

    it('knows no enrollment of another tenant', async () => {
      const runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
      await assert.rejects(world.desk.whyEnrollment(999_999), { code: 'E_UNKNOWN_ENROLLMENT' });
    });
  });
});
