import assert from 'node:assert/strict';
import { writeConversionEvents } from '../../lib/campaigns/conversion-fields';
import type { Conversion } from '../../lib/campaigns';
import { VirtualClock } from '../../lib/clock';
import type { Attributed } from '../../lib/conversions';
import { createMetrics } from '../../lib/metrics';
import type { Store } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import { eachDatabase } from '../kit/databases';
import { Sender } from '../metrics/sender';
import { addLead, DAY, happen, worldOf, type World } from '../scoring/world';

eachDatabase((db) =>
  describe('conversions', function () {
    this.timeout(60_000);
    let world: World;
    let store: Store;
    let clock: VirtualClock;
    let tenant = 0;
    let ada = 0;
    before(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
    });
    beforeEach(async () => {
      world = worldOf(store.tenant(`t${++tenant}`));
      ada = await addLead(world, 'ada@example.org');
    });
    afterEach(async () => {
      assert.deepEqual(await createMetrics(world.scope).differences(), [], 'the counters are what the rows say');
    });

    const campaign = async (key: string, conversion?: Conversion): Promise<number> => {
      const id = await campaignRow(world.scope, { key, currency: 'EUR' });
      await writeConversionEvents(world.scope, id, conversion);
      return id;
    };
    const senders = new Map<number, Sender>();
    /** Ada is sent a message of a campaign. */
    const send = async (id: number, variant = ''): Promise<void> => {
      const sender = new Sender(world.scope, id);
      senders.set(id, sender);
      await world.scope.run('DELETE FROM marketing_stations WHERE tenant_id = :tenant');
      await world.scope.run(
        `UPDATE marketing_enrollments SET entry_key = ${db.name === 'mysql' ? "CONCAT('x', id)" : "'x' || id"} WHERE tenant_id = :tenant`,
      );
      await sender.enter(ada);
      const steps = await sender.begin([0], { variant });
      await sender.settle(steps, { state: 'sent', variant, cost: 0 }, 'email');
    };
    const figures = async (id: number): Promise<[number, number]> => {
      const { figures: all } = await createMetrics(world.scope).of(id);
      return [all.converted, all.revenue];
    };
    const byModel = async (id: number): Promise<(readonly [string, number, number])[]> =>
      (await world.conversions.report(id)).models.map(({ model, attributed, revenue }) => [model, attributed, revenue]);

    it('go to campaigns by the touches before them, by each model', async () => {
      const a = await campaign('a', { event: 'purchase', model: 'first' });
      const b = await campaign('b', { event: ['purchase', 'donation'], model: 'last' });
      const c = await campaign('c', { event: 'purchase', model: 'linear' });
      const other = await campaign('d');
      await send(other);
      await send(a);
      await clock.advance(DAY);
      await send(b, 'B');
      await clock.advance(DAY);
      await send(c);
      await clock.advance(1_000);
      await happen(world, ada, 'email_clicked', { campaignId: c });
      await happen(world, ada, 'email_clicked', { campaignId: b, metadata: { machine: true } });
      await happen(world, ada, 'purchase', { metadata: { value: 100 } });
      assert.deepEqual(await byModel(a), [
        ['first', 1, 100],
        ['last', 0, 0],
        ['linear', 0.25, 25],
      ]);
      assert.deepEqual(await byModel(b), [
        ['first', 0, 0],
        ['last', 0, 0],
        ['linear', 0.25, 25],
      ]);
      assert.deepEqual(await byModel(c), [
        ['first', 0, 0],
        ['last', 1, 100],
        ['linear', 0.5, 50],
      ]);
      assert.deepEqual(await figures(a), [1, 100]);
      assert.deepEqual(await figures(b), [0, 0]);
      assert.deepEqual(await figures(c), [1, 50]);
      assert.deepEqual(await figures(other), [0, 0]);
      const { conversionRate, model } = await world.conversions.report(c);
      assert.deepEqual([conversionRate, model], [1, 'linear']);
      const { items } = await world.conversions.list(c);
      assert.deepEqual(
        items.map(({ lead, touch, share, value }) => [lead, touch, share, value]),
        [
          [ada, 'clicked', 0.25, 25],
          [ada, 'sent', 0.25, 25],
        ],
      );
    });

    it('count within each campaign’s own window, its last millisecond too, and not before the touch', async () => {
      const short = await campaign('short', { event: 'purchase', windowDays: 1, model: 'linear' });
      const long = await campaign('long', { event: 'purchase', windowDays: 30, model: 'linear' });
      await happen(world, ada, 'purchase', { metadata: { value: 1 }, at: clock.now() - 1 });
      await send(short);
      await send(long);
      await clock.advance(DAY);
      await happen(world, ada, 'purchase', { metadata: { value: 2 } });
      await clock.advance(1);
      await happen(world, ada, 'purchase', { metadata: { value: 8 } });
      await clock.advance(29 * DAY);
      await happen(world, ada, 'purchase', { metadata: { value: 100 } });
      assert.deepEqual(await figures(short), [1, 1]);
      assert.deepEqual(await figures(long), [2, 9]);
    });

    it('count what a campaign takes for a touch only', async () => {
      const clicks = await campaign('clicks', { event: 'purchase', touch: 'clicked' });
      const sent = await campaign('sent', { event: 'purchase', touch: 'sent' });
      await send(clicks);
      await happen(world, ada, 'email_clicked', { campaignId: sent });
      await happen(world, ada, 'purchase');
      assert.deepEqual(
        [await figures(clicks), await figures(sent)],
        [
          [0, 0],
          [0, 0],
        ],
      );
      await happen(world, ada, 'email_clicked', { campaignId: clicks });
      await happen(world, ada, 'purchase');
      assert.deepEqual(await figures(clicks), [1, 0]);
    });

    it('are worth a property or always the same, in the campaign’s currency', async () => {
      const property = await campaign('p', { event: 'signed_up', value: { property: 'plan_price' }, model: 'linear' });
      const fixed = await campaign('f', { event: 'signed_up', value: { fixed: 0.01 }, model: 'linear' });
      await send(property);
      await send(fixed);
      await send(fixed);
      await happen(world, ada, 'signed_up', { metadata: { plan_price: 10, value: 77 } });
      await happen(world, ada, 'signed_up', { metadata: { plan_price: 5, currency: 'USD' } });
      assert.deepEqual(await figures(property), [2, 3.333333]);
      assert.deepEqual(await figures(fixed), [2, 0.013334]);
    });

    it('that name their campaign are its own, and counted once', async () => {
      const named = await campaign('named', { event: ['purchase', 'signed_up'], value: { fixed: 7 } });
      const plain = await campaign('plain');
      const other = await campaign('other', { event: ['purchase', 'signed_up'] });
      await send(other);
      await happen(world, ada, 'purchase', { campaignId: named, metadata: { value: 20 } });
      assert.deepEqual(await figures(named), [1, 20]);
      await happen(world, ada, 'signed_up', { campaignId: named });
      assert.deepEqual(await figures(named), [2, 27]);
      await happen(world, ada, 'purchase', { campaignId: plain, metadata: { value: 3 } });
      await happen(world, ada, 'signed_up', { campaignId: plain, metadata: { value: 4 } });
      assert.deepEqual(await figures(plain), [1, 7]);
      assert.deepEqual(await figures(other), [0, 0]);
      assert.deepEqual(await byModel(plain), [
        ['first', 1, 3],
        ['last', 1, 3],
        ['linear', 1, 3],
      ]);
    });

    it('are told once per campaign, in the transaction, and recorded once', async () => {
      const told: Attributed[] = [];
      world.conversions.onAttributed((_tx, list) => {
        told.push(...list);
        return Promise.resolve();
      });
      const a = await campaign('a', { event: 'purchase', model: 'linear' });
      await send(a, 'A');
      await send(a, 'B');
      for (let n = 0; n < 2; n++) await happen(world, ada, 'purchase', { eventId: 'order-1', metadata: { value: 9 } });
      assert.deepEqual(
        told.map(({ campaign: of, variant, share, valueMicros, named }) => [of, variant, share, valueMicros, named]),
        [[a, 'B', 1_000_000, 9_000_000, false]],
      );
      await world.leads.remove(ada);
      assert.deepEqual(await figures(a), [1, 9]);
      const rows = await world.scope.all<{ lead_id: number; event_id: string }>(
        'SELECT lead_id, event_id FROM marketing_conversions WHERE tenant_id = :tenant',
      );
      assert.ok(rows.length > 0 && rows.every((row) => row.lead_id === 0 && !row.event_id.includes('order-1')));
    });
  }),
);
