import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VirtualClock } from '../../../lib/clock';
import { Roi } from '../../../lib/governance';
import { createMetrics } from '../../../lib/metrics';
import type { Scope } from '../../../lib/store';
import { ClockTimers } from '../../../lib/timers';
import { campaignRow } from '../../kit/campaign-rows';
import { eachDatabase } from '../../kit/databases';
import { Sender } from '../../metrics/sender';

const PEOPLE = 6;
const some = fc.array(fc.nat(PEOPLE - 1), { minLength: 1, maxLength: PEOPLE });

/** What may happen to messages and to money, in any order. Amounts in cents. */
const operation = fc.oneof(
  fc.record({
    do: fc.constant('send' as const),
    who: some,
    end: fc.constantFrom('sent', 'failed', 'unknown', 'deferred'),
    channel: fc.constantFrom('email', 'sms'),
  }),
  fc.record({ do: fc.constant('die' as const), who: some, channel: fc.constantFrom('email', 'sms') }),
  fc.record({ do: fc.constant('reconcile' as const), who: some }),
  fc.record({ do: fc.constant('price' as const), email: fc.nat(30), sms: fc.nat(30) }),
  fc.record({ do: fc.constant('budget' as const), cents: fc.nat(120) }),
  fc.record({ do: fc.constant('guard' as const), who: some, cents: fc.integer({ min: 1, max: 20 }) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface World {
  readonly scope: Scope;
  readonly campaign: number;
  readonly roi: Roi;
  readonly sender: Sender;
  readonly clock: VirtualClock;
}

async function open(scope: Scope, clock: VirtualClock): Promise<World> {
  const campaign = await campaignRow(scope, { key: 'spring', budget: 0.6 });
  const roi = new Roi(scope, {
    timers: new ClockTimers(clock),
    log: { warn: () => undefined, error: () => undefined },
    campaigns: {
      get: () => Promise.reject(new Error('not asked here')),
      act: () => Promise.resolve(),
      hold: () => Promise.resolve(),
    },
    definition: () => Promise.resolve(undefined),
  });
  await roi.setPrices({ channels: { email: 0.1, sms: 0.2 } });
  const sender = new Sender(scope, campaign, {
    gates: [roi.gate],
    onTaken: (tx, messages) => roi.takenAsSent(tx, messages),
  });
  for (let lead = 0; lead < PEOPLE; lead++) await sender.enter(lead + 1);
  return { scope, campaign, roi, sender, clock };
}

async function happen({ scope, campaign, roi, sender, clock }: World, one: Operation): Promise<void> {
  clock.advance(1_000).catch(() => undefined);
  switch (one.do) {
    case 'send': {
      const steps = await sender.begin(one.who, { channel: one.channel });
      if (steps.length > 0) await sender.settle(steps, { state: one.end }, one.channel);
      return;
    }
    case 'die':
      await sender.begin(one.who, { channel: one.channel });
      return sender.die();
    case 'reconcile':
      return void (await sender.reconcile(one.who));
    case 'price':
      return void (await roi.setPrices({ channels: { email: one.email / 100, sms: one.sms / 100 } }));
    case 'budget':
      return void (await scope.run(
        `UPDATE marketing_campaigns SET budget = :budget WHERE tenant_id = :tenant AND id = :campaign`,
        { campaign, budget: one.cents / 100 },
      ));
    case 'guard':
      return void (await roi.guard(
        one.who.map((step) => ({ campaign, step })),
        { node: 'print', cost: one.cents / 100, alsoLow: false },
      ));
  }
}

interface Money {
  reserved: number;
  spent: number;
  fixed: number;
  budget: number;
}

async function moneyOf({ scope, campaign }: World): Promise<Money> {
  const row = await scope.get<Money>(
    `SELECT COALESCE(a.reserved_micros, 0) AS reserved, COALESCE(a.spent_micros, 0) AS spent, COALESCE(a.fixed_micros, 0) AS fixed,
            c.budget AS budget
     FROM marketing_campaigns c LEFT JOIN marketing_roi a ON a.campaign_id = c.id AND a.tenant_id = :tenant
     WHERE c.tenant_id = :tenant AND c.id = :campaign`,
    { campaign },
  );
  assert.ok(row);
  return {
    reserved: Number(row.reserved),
    spent: Number(row.spent),
    fixed: Number(row.fixed),
    budget: Math.round(Number(row.budget) * 1e6),
  };
}

eachDatabase((db) =>
  describe('money after anything that may happen', function () {
    this.timeout(120_000);

    it('is never negative, never beyond the budget, and what the rows say', async () => {
      const store = await db.open({ clock: new VirtualClock() });
      const clock = store.clock as VirtualClock;
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 3, maxLength: 14 }), async (operations) => {
          const world = await open(store.tenant(`t${++round}`), clock);
          let before = 0;
          for (const one of operations) {
            await happen(world, one);
            const { reserved, spent, fixed, budget } = await moneyOf(world);
            const used = reserved + spent + fixed;
            assert.ok(reserved >= 0 && spent >= 0 && fixed >= 0, JSON.stringify({ reserved, spent, fixed }));
            // A budget may be lowered below what is used: then no more is used.
            assert.ok(used <= Math.max(budget, before), `${used} of ${budget} after ${JSON.stringify(one)}`);
            before = used;
          }
          assert.deepEqual(await world.roi.differences(), []);
          const { figures } = await createMetrics(world.scope).of(world.campaign);
          const { spent, reserved } = await moneyOf(world);
          assert.equal(figures.cost, spent / 1e6, 'the metrics say the same');
          const held = await world.scope.get<{ micros: number | null }>(
            `SELECT SUM(micros) AS micros FROM marketing_reservations WHERE tenant_id = :tenant`,
          );
          assert.equal(Number(held?.micros ?? 0), reserved);
        }),
        { numRuns: db.name === 'sqlite' ? 40 : 12, seed: 20_261_129 },
      );
    });

    it('that was tampered with is found, and put right', async () => {
      const store = await db.open({ clock: new VirtualClock() });
      const world = await open(store.tenant('tampered'), store.clock as VirtualClock);
      const steps = await world.sender.begin([0, 1, 2]);
      await world.sender.settle(steps.slice(0, 1), { state: 'sent' });
      await world.scope.run(
        `UPDATE marketing_roi SET reserved_micros = 7, spent_micros = 8, fixed_micros = 9 WHERE tenant_id = :tenant`,
      );
      await world.scope.run(
        `INSERT INTO marketing_reservations (tenant_id, step_id, campaign_id, micros, at) VALUES (:tenant, 999999, :campaign, 5, 0)`,
        { campaign: world.campaign },
      );
      assert.deepEqual(
        (await world.roi.differences()).map(({ name, counted, rows }) => [name, counted, rows]),
        [
          ['reserved', 0.000_007, 0.2],
          ['spent', 0.000_008, 0.1],
          ['fixed', 0.000_009, 0],
        ],
      );
      assert.equal(await world.roi.repair(), 1);
      assert.deepEqual(await world.roi.differences(), []);
      await world.sender.settle(steps.slice(1), { state: 'failed' });
      const { reserved, spent, fixed } = await moneyOf(world);
      assert.deepEqual([reserved, spent, fixed], [0, 100_000, 0]);
    });
  }),
);
