import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createLeads, type Leads } from '../../lib/leads';
import { factsFrom } from '../../lib/definitions';
import { createMetrics, hourOf, noFigures, type Figures, type Metrics } from '../../lib/metrics';
import type { Scope, Store } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import { eachDatabase } from '../kit/databases';
import { Sender } from './sender';

const HOUR = 3_600_000;

eachDatabase((db) =>
  describe('metrics', function () {
    this.timeout(60_000);
    let clock: VirtualClock;
    let store: Store;
    let scope: Scope;
    let metrics: Metrics;
    let leads: Leads;
    let campaign: number;
    let sender: Sender;
    let people: number[];

    beforeEach(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
      scope = store.tenant('acme');
      metrics = createMetrics(scope);
      leads = createLeads(scope);
      campaign = await campaignRow(scope, { key: 'spring', currency: 'EUR' });
      sender = new Sender(scope, campaign);
      people = (await leads.upsertAll(['a', 'b', 'c', 'd'].map((name) => ({ email: `${name}@example.org` })))).flatMap(
        (result) => ('id' in result ? [result.id] : []),
      );
      for (const lead of people) await sender.enter(lead);
    });

    /** Figures that are not 0. */
    const figures = async (of = campaign): Promise<Partial<Figures>> =>
      Object.fromEntries(Object.entries((await metrics.of(of)).figures).filter(([, amount]) => amount !== 0));
    const agree = async (): Promise<void> => assert.deepEqual(await metrics.differences(), []);

    it('count messages by what became of them, with their cost', async () => {
      await sender.settle(await sender.begin([0, 1]), { state: 'sent', cost: 0.1 });
      await sender.settle(await sender.begin([2]), { state: 'failed', reason: '550' });
      await sender.settle(await sender.begin([3]), { state: 'deferred', reason: '450' });
      assert.deepEqual(await figures(), { queued: 4, sent: 2, failed: 1, cost: 0.2 });
      await agree();
    });

    it('take a message out of "unknown" when it is taken as sent, or tried again in another hour', async () => {
      await sender.settle(await sender.begin([0, 1]), { state: 'unknown', reason: 'dropped', cost: 0.07 });
      assert.deepEqual(await figures(), { queued: 2, unknown: 2 });
      await clock.advance(2 * HOUR);
      assert.equal(await sender.reconcile([0]), 1);
      assert.equal(await sender.reconcile([0]), 0, 'once');
      assert.deepEqual(await figures(), { queued: 2, unknown: 1, sent: 1, cost: 0.07 });
      const again = await sender.begin([1]);
      assert.deepEqual(await figures(), { queued: 2, sent: 1, cost: 0.07 });
      await sender.settle(again, { state: 'sent', cost: 0.07 });
      assert.deepEqual(await figures(), { queued: 2, sent: 2, cost: 0.14 });
      await agree();
    });

    it('count what a runtime that died had in its hands as unknown', async () => {
      await sender.begin([0, 1, 2]);
      await sender.die();
      assert.deepEqual(await figures(), { queued: 3, unknown: 3 });
      await agree();
    });

    it('follow a message that is tried again on another channel', async () => {
      await sender.settle(await sender.begin([0]), { state: 'unknown' });
      await sender.settle(
        await sender.begin([0], { channel: 'sms', variant: 'B' }),
        { state: 'sent', variant: 'B' },
        'sms',
      );
      const { groups } = await metrics.of(campaign, { by: 'channel' });
      assert.deepEqual(
        groups.map(({ key, figures: { queued, unknown, sent } }) => [key, queued, unknown, sent]),
        [
          ['email', 0, 0, 0],
          ['sms', 1, 0, 1],
        ],
      );
      await agree();
    });

    it('count engagements of a campaign by their kind, each event once, and nothing else', async () => {
      const [lead = 0] = people;
      const did = (type: string, eventId: string, more = {}): Parameters<Leads['engage']>[0][number] => ({
        leadId: lead,
        campaignId: campaign,
        type,
        eventId,
        channel: 'email',
        ...more,
      });
      const events = [
        did('email_delivered', '1'),
        did('email_opened', '2'),
        did('email_opened', '3'),
        did('email_clicked', '4'),
        did('email_bounced', '5'),
        did('unsubscribed', '6'),
        did('purchase', '7', { metadata: { value: 19.99 } }),
        did('conversion', '8', { metadata: { value: 0.01, currency: 'eur' } }),
        did('page_visited', '9'),
        did('cart_opened', '10'),
        did('fax_opened', '11', { channel: 'fax' }),
        did('email_opened', '12', { campaignId: undefined }),
      ];
      await leads.engage(events);
      await leads.engage([...events].reverse());
      assert.deepEqual(await figures(), {
        delivered: 1,
        opened: 3,
        clicked: 1,
        bounced: 1,
        unsubscribed: 1,
        converted: 2,
        revenue: 20,
      });
      await agree();
    });

    it('keep money exact, and count none in another currency, or that is no amount', async () => {
      const [lead = 0] = people;
      const worth = (metadata: Record<string, unknown>): Parameters<Leads['engage']>[0][number] => ({
        leadId: lead,
        campaignId: campaign,
        type: 'order_line',
        metadata,
      });
      await leads.engage(Array.from({ length: 1_000 }, () => worth({ value: 0.1 })));
      assert.deepEqual(await figures(), { revenue: 100 });
      await leads.engage([
        worth({ value: 5, currency: 'USD' }),
        worth({ value: -5 }),
        worth({ value: '5' }),
        worth({ value: 1e12 }),
      ]);
      assert.deepEqual(await figures(), { revenue: 100 });
      await agree();
    });

    it('do not let one tenant touch the figures of another', async () => {
      const other = store.tenant('other');
      const theirs = await createLeads(other).upsert({ email: 'x@example.org' });
      await createLeads(other).engage([
        { leadId: 'id' in theirs ? theirs.id : 0, campaignId: campaign, type: 'purchase', metadata: { value: 9 } },
      ]);
      assert.deepEqual(await figures(), {});
      await assert.rejects(createMetrics(other).of(campaign), { code: 'E_UNKNOWN_CAMPAIGN' });
      assert.deepEqual(await createMetrics(other).differences(), []);
    });

    it('are shown per hour, day, channel and variant, and for a time', async () => {
      const start = clock.now();
      const steps = await sender.begin([0, 1, 2]);
      for (const step of steps) {
        await sender.settle([step], { state: 'sent' });
        await clock.advance(23 * HOUR);
      }
      const by = async (query: Parameters<Metrics['of']>[1]): Promise<unknown[]> =>
        (await metrics.of(campaign, query)).groups.map(({ key, figures: { queued, sent } }) => [key, queued, sent]);
      assert.deepEqual(await by({ by: 'hour' }), [
        [start, 3, 1],
        [start + 23 * HOUR, 0, 1],
        [start + 46 * HOUR, 0, 1],
      ]);
      assert.deepEqual(await by({ by: 'day' }), [
        [start, 3, 2],
        [start + 24 * HOUR, 0, 1],
      ]);
      assert.deepEqual(await by({ by: 'channel' }), [['email', 3, 3]]);
      assert.deepEqual(await by({ by: 'variant' }), [['', 3, 3]]);
      const later = await metrics.of(campaign, { from: start + 1, to: start + 46 * HOUR });
      assert.deepEqual([later.figures.queued, later.figures.sent, later.groups], [0, 1, []]);
      assert.equal((await metrics.of(campaign, { channel: 'sms' })).figures.sent, 0);
      assert.equal((await metrics.of(campaign, { channel: 'sms', by: 'day' })).figures.sent, 0);
    });

    it('say when they moved last, and know no rate where nothing has happened', async () => {
      const nothing = await metrics.of(campaign);
      assert.equal(nothing.updatedAt, undefined);
      assert.ok(Object.values(nothing.rates).every((rate) => rate === null));
      await sender.settle(await sender.begin([0, 1, 2]), { state: 'sent', cost: 1 });
      await sender.settle(await sender.begin([3]), { state: 'failed' });
      await clock.advance(5_000);
      const [lead = 0] = people;
      await leads.engage([
        { leadId: lead, campaignId: campaign, type: 'email_bounced' },
        { leadId: lead, campaignId: campaign, type: 'email_opened' },
        { leadId: lead, campaignId: campaign, type: 'purchase', metadata: { value: 12 } },
      ]);
      const { rates, updatedAt } = await metrics.of(campaign);
      assert.equal(updatedAt, clock.now());
      assert.deepEqual(rates, {
        deliveryRate: 2 / 4,
        bounceRate: 1 / 3,
        openRate: 1 / 2,
        clickRate: 0,
        conversionRate: 1 / 3,
        unsubscribeRate: 0,
        roi: 3,
      });
    });

    it('are facts for conditions', async () => {
      assert.deepEqual(await metrics.facts(campaign), { figures: noFigures(), email: noFigures() });
      await sender.settle(await sender.begin([0, 1]), { state: 'sent' });
      await sender.settle(await sender.begin([2, 3], { channel: 'sms' }), { state: 'sent' }, 'sms');
      const [lead = 0] = people;
      await leads.engage(
        ['email_opened', 'email_opened', 'email_clicked', 'page_visited'].map((type) => ({
          leadId: lead,
          campaignId: campaign,
          type,
        })),
      );
      const facts = await scope.transaction((tx) => metrics.facts(campaign, tx));
      assert.deepEqual([facts.figures.sent, facts.email?.sent, facts.engaged], [4, 2, 1]);
      const { sent, emails_sent: emails, engagement_rate: rate } = factsFrom(facts);
      assert.deepEqual([sent, emails, rate], [4, 2, 1 / 4]);
    });

    it('stay when a lead is removed', async () => {
      const [lead = 0] = people;
      await leads.engage([
        {
          leadId: lead,
          campaignId: campaign,
          type: 'purchase',
          eventId: 'a@b.example',
          metadata: { value: 5, who: 'Ana' },
        },
      ]);
      await leads.remove(lead);
      assert.deepEqual(await figures(), { converted: 1, revenue: 5 });
      await agree();
      const rows = await scope.all('SELECT event_id, metadata FROM marketing_engagements WHERE tenant_id = :tenant');
      assert.doesNotMatch(JSON.stringify(rows), /Ana|a@b/);
    });

    it('that are wrong are found, with what the rows say, and put right', async () => {
      await sender.settle(await sender.begin([0, 1]), { state: 'sent', cost: 0.5 });
      await scope.run(
        `UPDATE marketing_metrics SET amount = 7 WHERE tenant_id = :tenant AND name = 'sent' AND hour >= 0`,
      );
      await scope.run(`DELETE FROM marketing_metrics WHERE tenant_id = :tenant AND name = 'cost' AND hour < 0`);
      const base = { campaign, variant: '', channel: 'email' };
      assert.deepEqual(
        (await metrics.differences()).sort((a, b) => (a.name < b.name ? -1 : 1)),
        [
          { ...base, name: 'cost', counted: 0, rows: 1_000_000 },
          { ...base, hour: hourOf(clock.now()), name: 'sent', counted: 7, rows: 2 },
        ],
      );
      assert.equal(await metrics.recompute(), 2);
      assert.deepEqual(await figures(), { queued: 2, sent: 2, cost: 1 });
      await agree();
      assert.equal(await metrics.recompute(campaign), 0);
    });

    it('of campaigns that are gone are found, too', async () => {
      await scope.run(
        `INSERT INTO marketing_metrics (tenant_id, campaign_id, variant, channel, hour, name, amount, updated_at)
         VALUES (:tenant, 999999, '', 'email', 0, 'sent', 3, 0)`,
      );
      assert.equal((await metrics.differences()).length, 1);
    });

    it('are for those who may see them', async () => {
      await assert.rejects(metrics.of(campaign, { actor: { id: 'x', roles: [] } }), { code: 'E_FORBIDDEN' });
      assert.ok(await metrics.of(campaign, { actor: { id: 'x', roles: ['viewer'] } }));
    });
  }),
);
