import assert from 'node:assert/strict';
import { accounted } from '../../crash/kit/examine';
import { Random } from '../../crash/kit/random';
import { Rig } from '../../crash/kit/rig';
import { DEFINITION } from '../../crash/kit/words';
import { eachDatabase } from '../../kit/databases';
import { eventually } from '../../kit/eventually';

const PRICE = 0.01;
const AUDIENCE = 160;
/** Money for so many messages. */
const PAID = 100;

eachDatabase((db) =>
  describe('two workers at the last euro', function () {
    this.timeout(120_000);
    let rig: Rig;
    afterEach(() => rig.close());

    it('never overspend, killed or not; raised and resumed, everybody is served', async () => {
      await (await db.open()).close();
      const random = new Random(4);
      rig = await Rig.open({
        audience: AUDIENCE,
        policy: 'hold',
        database: db.url(),
        delay: () => random.between(2, 20),
        launch: false,
      });
      const { roi, campaigns, scope } = rig.marketing;
      await roi.setPrices({ channels: { email: PRICE } });
      await campaigns.update(DEFINITION, { budget: PAID * PRICE });
      await campaigns.launch(DEFINITION);

      const money = async (): Promise<{ used: number; spent: number; reserved: number }> => {
        const { spent, reserved, left = 0 } = await roi.report(DEFINITION);
        assert.ok(spent >= 0 && reserved >= 0 && left >= 0, JSON.stringify({ spent, reserved, left }));
        assert.ok(spent + reserved <= PAID * PRICE + 1e-9, `${spent} spent and ${reserved} reserved`);
        return { used: spent + reserved, spent, reserved };
      };

      const [first, second] = [rig.start({ sweepMs: 300 }), rig.start({ sweepMs: 300 })];
      await rig.arrived(random.whole(20, 60), first);
      await first.kill();
      await money();
      const third = rig.start({ sweepMs: 300 });
      const paused = async (): Promise<boolean> => (await campaigns.get(DEFINITION)).state === 'paused';
      await eventually(async () => {
        await money();
        assert.ok((await paused()) && (await messages('sending')) === 0);
      }, 60_000);
      assert.ok(rig.arrivals.total() <= PAID, `${rig.arrivals.total()} messages for the price of ${PAID}`);
      const doubtful = await messages('unknown');
      const { spent, reserved } = await money();
      assert.equal(reserved, round(doubtful * PRICE), 'what is in doubt stays reserved, and nothing else');
      assert.equal(spent, round((await messages('sent')) * PRICE));
      assert.equal(round(spent + reserved), PAID * PRICE, 'all of it was used');

      // Decided: some as sent, the others are sent again, with the money that they have.
      const stuck = await campaigns.unknown(DEFINITION);
      const half = stuck.slice(0, Math.ceil(stuck.length / 2)).map(({ step }) => step);
      if (half.length > 0) await campaigns.reconcile(DEFINITION, 'sent', { steps: half });
      assert.equal(round((await money()).used), PAID * PRICE);
      if (stuck.length > 0) await campaigns.reconcile(DEFINITION, 'resend');
      await campaigns.update(DEFINITION, { budget: 10 });
      await campaigns.resume(DEFINITION);
      await eventually(async () => assert.equal(await messages('sent'), AUDIENCE), 60_000);
      assert.ok(second.running && third.running);
      const report = await roi.report(DEFINITION);
      assert.deepEqual([report.spent, report.reserved], [round(AUDIENCE * PRICE), 0]);
      assert.deepEqual(await roi.differences(), []);
      assert.equal(rig.arrivals.duplicates() <= stuck.length, true, 'only what was in doubt may have come twice');
      assert.equal((await accounted(rig.marketing)).failed.size, 0);
      const told = await scope.get<{ n: number }>(
        `SELECT COUNT(*) AS n FROM marketing_history WHERE tenant_id = :tenant AND event = 'roi.budget_exceeded'`,
      );
      assert.equal(Number(told?.n), 1, 'told once');

      async function messages(state: string): Promise<number> {
        const row = await scope.get<{ n: number }>(
          `SELECT COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant AND state = :state`,
          { state },
        );
        return Number(row?.n);
      }
    });
  }),
);

function round(amount: number): number {
  return Math.round(amount * 1e6) / 1e6;
}
