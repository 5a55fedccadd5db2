import assert from 'node:assert/strict';
import { eachDatabase } from '../../kit/databases';
import { sent } from '../../sending/fake-account';
import { MoneyWorld, type MoneyWorldOptions } from './money-world';

const LEADS = 30;

eachDatabase((db) =>
  describe('sending with a budget', function () {
    this.timeout(30_000);
    let world: MoneyWorld;

    const open = async (options: Partial<MoneyWorldOptions> = {}): Promise<MoneyWorld> =>
      (world = await MoneyWorld.open(db, { price: 0.5, ...options }));
    const run = (): ReturnType<MoneyWorld['run']> => world.run(() => sent, { leads: LEADS, capacity: 4 });
    afterEach(() => world.close());

    it('pauses when it is used up; raised and resumed, everybody gets one message', async () => {
      await open({ budget: 10.25 });
      const { delivered, settle } = await run();
      assert.equal(delivered.length, 20, '20 messages for 10.00; 0.25 is less than one costs');
      const paused = await world.campaign();
      assert.equal(paused.state, 'paused');
      assert.match(paused.holdReason ?? '', /budget is used up/);
      const report = await world.roi.report('journey');
      assert.deepEqual(
        { spent: report.spent, reserved: report.reserved, left: report.left, status: report.status },
        { spent: 10, reserved: 0, left: 0.25, status: 'over_budget' },
      );
      assert.equal(await world.sending.world.count('messages', `state = 'sent'`), 20);
      assert.equal(await world.sending.world.count('steps', `state IN ('paused', 'waiting')`), LEADS - 20);

      const { campaigns } = world.sending.world;
      // Without more money nothing happens but that it pauses again, and nobody is told twice.
      await campaigns.resume('journey');
      await settle();
      assert.equal((await world.campaign()).state, 'paused');
      assert.equal(delivered.length, 20);
      assert.deepEqual(world.told(), ['budget_exceeded']);

      await campaigns.update('journey', { budget: 100 });
      await campaigns.resume('journey');
      await settle();
      assert.equal(delivered.length, LEADS);
      assert.equal(new Set(delivered.map(({ to }) => to.address)).size, LEADS);
      assert.deepEqual(await world.sending.world.standing(), { 'ended: completed': LEADS });
      const after = await world.roi.report('journey');
      assert.deepEqual([after.spent, after.reserved, after.status], [15, 0, 'on_track']);
      assert.equal(await world.sending.world.count('reservations'), 0);
      assert.deepEqual(await world.roi.differences(), []);
    });

    it('lets people without money go on through "suppressed" when they are to be routed', async () => {
      await open({ budget: 10, definition: { breach: ['route'] } });
      const { delivered } = await run();
      assert.equal(delivered.length, 20);
      assert.deepEqual(await world.sending.world.standing(), {
        'ended: completed': 20,
        'ended: suppressed: no_budget': LEADS - 20,
      });
      assert.deepEqual(world.told(), ['budget_exceeded']);
    });

    it('goes on when only an alert is asked for, and says so once', async () => {
      await open({ budget: 10, definition: { breach: ['alert'] } });
      const { delivered } = await run();
      assert.equal(delivered.length, LEADS);
      const report = await world.roi.report('journey');
      assert.deepEqual([report.spent, report.left, report.status], [15, -5, 'over_budget']);
      assert.deepEqual(world.told(), ['budget_exceeded']);
    });

    it('takes the money back of messages that were not sent, and keeps that of messages in doubt', async () => {
      await open({ budget: 100 });
      const { settle } = await world.run(
        (_message, nth) =>
          nth <= 3
            ? { status: 'rejected', kind: 'address', reason: 'no such user' }
            : nth <= 5
              ? { status: 'unknown', reason: 'the connection broke' }
              : nth <= 7
                ? { status: 'deferred', reason: 'try later' }
                : sent,
        { leads: 10, capacity: 1 },
      );
      const figures = async (): Promise<unknown[]> => {
        const { spent, reserved } = await world.roi.report('journey');
        return [spent, reserved, await world.sending.world.count('reservations')];
      };
      assert.deepEqual(await figures(), [1.5, 1, 2]);
      await world.clock.advance(600_000);
      await settle();
      assert.deepEqual(await figures(), [2.5, 1, 2], 'put off and sent: paid once');
      assert.deepEqual(await world.roi.differences(), []);
    });

    it('takes its budget and what is wanted from the definition where the campaign says none', async () => {
      await open({ definition: { budget: 5, targetRevenue: 50, threshold: 2, breach: ['pause'] } });
      const draft = await world.roi.report('journey');
      assert.deepEqual([draft.budget, draft.targetRevenue, draft.threshold, draft.left], [5, 50, 2, 5]);
      const { delivered } = await run();
      assert.equal(delivered.length, 10);
      const report = await world.roi.report('journey');
      assert.deepEqual([report.budget, report.spent, report.targetRevenue, report.breach], [5, 5, 50, ['pause']]);
      await world.roi.setRules('journey', { threshold: 3, breach: ['route'] });
      const changed = await world.roi.report('journey');
      assert.deepEqual(
        [changed.targetRevenue, changed.threshold, changed.breach, changed.own],
        [50, 3, ['route'], { threshold: 3, breach: ['route'] }],
      );
    });

    it('spends what costs were entered, too', async () => {
      await open({ budget: 10 });
      await world.roi.addCost('journey', { label: 'Photographs', amount: 7.5, ref: 'invoice-1' });
      const again = await world.roi.addCost('journey', { label: 'Photographs', amount: 7.5, ref: 'invoice-1' });
      const { delivered, settle } = await run();
      assert.equal(delivered.length, 5);
      await world.roi.removeCost('journey', again.id);
      await assert.rejects(world.roi.removeCost('journey', again.id), { code: 'E_UNKNOWN_COST' });
      await world.sending.world.campaigns.resume('journey');
      await settle();
      assert.equal(delivered.length, 20);
    });

    it('costs nothing where nobody watches: no account, no reservation', async () => {
      await open();
      const { delivered } = await run();
      assert.equal(delivered.length, LEADS);
      assert.equal(await world.sending.world.count('roi'), 0);
      assert.equal(await world.sending.world.count('reservations'), 0);
      const report = await world.roi.report('journey');
      assert.deepEqual([report.spent, report.budget, report.left], [15, undefined, undefined]);
    });

    it('puts messages off when a campaign cannot be paused, instead of asking again and again', async () => {
      await open({ budget: 5 });
      const { campaigns } = world.sending.world;
      const end = campaigns.guard('pause', () => 'never');
      const { delivered, settle } = await run();
      assert.equal(delivered.length, 10);
      assert.equal((await world.campaign()).state, 'active');
      assert.match(world.logged.join('\n'), /could not be stopped: .*never/);
      assert.equal(
        await world.sending.world.count('steps', `state = 'waiting' AND due_at > ${world.clock.now()}`),
        LEADS - 10,
      );
      end();
      await world.clock.advance(61_000);
      await settle();
      assert.equal((await world.campaign()).state, 'paused');
      assert.equal(delivered.length, 10);
    });
  }),
);
