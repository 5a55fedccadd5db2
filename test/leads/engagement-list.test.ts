import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createEngagements, createLeads, type EngagementQuery, type Engagements } from '../../lib/leads';
import { listenersOf, type Announced } from '../../lib/outbox';
import type { Scope, Store } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) =>
  describe('the list of engagements', function () {
    this.timeout(60_000);
    const clock = new VirtualClock();
    const start = clock.now();
    let store: Store;
    let scope: Scope;
    let engagements: Engagements;
    let ana: number;
    let bob: number;
    let campaign: number;

    before(async () => {
      store = await db.open({ clock });
      scope = store.tenant('acme');
      engagements = createEngagements(scope);
      const leads = createLeads(scope);
      const made = await leads.upsertAll([{ email: 'ana@example.org' }, { email: 'bob@example.org' }]);
      [ana = 0, bob = 0] = made.flatMap((result) => ('id' in result ? [result.id] : []));
      campaign = await campaignRow(scope, { key: 'spring' });
      await leads.engage([
        { leadId: ana, type: 'email_opened', campaignId: campaign, channel: 'email', at: start + 1 },
        { leadId: bob, type: 'email_opened', campaignId: campaign, channel: 'email', at: start + 2, variant: 'B' },
        {
          leadId: ana,
          type: 'purchase',
          campaignId: campaign,
          at: start + 3,
          metadata: { value: 12.5, sku: 'ÄPFEL 100%' },
        },
        { leadId: ana, type: 'page_visited', at: start + 4, metadata: { url: '/plan_a' } },
        { leadId: bob, type: 'page_visited', at: start + 4, metadata: { url: '/planba' } },
      ]);
    });

    const types = async (query: EngagementQuery): Promise<string[]> =>
      (await engagements.list(query)).items.map(({ type, leadId }) => `${type} ${leadId === ana ? 'ana' : 'bob'}`);

    it('has the latest first', async () => {
      assert.deepEqual(await types({}), [
        'page_visited bob',
        'page_visited ana',
        'purchase ana',
        'email_opened bob',
        'email_opened ana',
      ]);
    });

    it('shows what was recorded', async () => {
      const [purchase] = (await engagements.list({ type: 'purchase' })).items;
      const { id, ...facts } = purchase ?? { id: 0 };
      assert.deepEqual(facts, {
        leadId: ana,
        campaignId: campaign,
        type: 'purchase',
        metadata: { value: 12.5, sku: 'ÄPFEL 100%' },
        value: 12.5,
        at: start + 3,
      });
      assert.deepEqual(await engagements.get(id), purchase);
      assert.equal((await engagements.list({ channel: 'email', leadId: bob })).items[0]?.variant, 'B');
    });

    it('is filtered by lead, campaign, types, channel and time, and these together', async () => {
      assert.deepEqual(await types({ leadId: bob }), ['page_visited bob', 'email_opened bob']);
      assert.deepEqual(await types({ campaignId: campaign, leadId: ana }), ['purchase ana', 'email_opened ana']);
      assert.deepEqual(await types({ type: ['purchase', 'email_opened'] }), [
        'purchase ana',
        'email_opened bob',
        'email_opened ana',
      ]);
      assert.deepEqual(await types({ channel: 'email' }), ['email_opened bob', 'email_opened ana']);
      assert.deepEqual(await types({ from: start + 2, to: start + 4 }), ['purchase ana', 'email_opened bob']);
      assert.deepEqual(await types({ type: `x' OR '1'='1` }), []);
    });

    it('is searched by a text in the metadata, whatever its case, and signs mean themselves', async () => {
      assert.deepEqual(await types({ text: 'PLAN_A' }), ['page_visited ana']);
      assert.deepEqual(await types({ text: 'plan' }), ['page_visited bob', 'page_visited ana']);
      assert.deepEqual(await types({ text: 'ÄPFEL' }), ['purchase ana']);
      assert.deepEqual(await types({ text: '100%' }), ['purchase ana']);
      assert.deepEqual(await types({ text: '%' }), ['purchase ana']);
      assert.deepEqual(await types({ text: '!' }), []);
      await assert.rejects(engagements.list({ text: 'x'.repeat(201) }), { code: 'E_SEARCH' });
    });

    it('comes in pages, filtered or not, each engagement once', async () => {
      for (const query of [{}, { type: ['page_visited', 'email_opened', 'purchase'] }]) {
        const seen: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await engagements.list({ ...query, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...page.items.map(({ id }) => id));
          ({ cursor } = page);
        } while (cursor !== undefined);
        assert.equal(seen.length, 5);
        assert.equal(new Set(seen).size, 5);
      }
      await assert.rejects(engagements.list({ cursor: '1 OR 1=1' }), { code: 'E_CURSOR' });
      await assert.rejects(engagements.list({ limit: 0 }), { code: 'E_LIMIT' });
    });

    it('is of one tenant, for those who may read leads', async () => {
      const other = createEngagements(store.tenant('other'));
      assert.deepEqual((await other.list()).items, []);
      const [first] = (await engagements.list()).items;
      await assert.rejects(other.get(first?.id ?? 0), { code: 'E_UNKNOWN_ENGAGEMENT' });
      await assert.rejects(engagements.list({ actor: { id: 'x', roles: [] } }), { code: 'E_FORBIDDEN' });
    });

    it('announces what is new in the words of the requirement, by ids', async () => {
      const heard: Announced[] = [];
      const stop = listenersOf(scope).on(['marketing.engagement.*'], (one) => void heard.push(one));
      const leads = createLeads(scope);
      const one = {
        leadId: bob,
        type: 'email_clicked',
        eventId: 'click',
        campaignId: campaign,
        metadata: { who: 'Bob' },
      };
      await leads.engage([one, { leadId: bob, type: 'purchased', metadata: { value: 2 } }]);
      await leads.engage([one]);
      await leads.engage([{ leadId: bob, type: 'webinar_left' }]);
      await new Promise((resolve) => setImmediate(resolve));
      stop();
      assert.deepEqual(
        heard.map(({ type, data }) => [type, data]),
        [
          ['marketing.engagement.email_clicked', { lead: bob, type: 'email_clicked', at: start, campaign }],
          ['marketing.engagement.conversion', { lead: bob, type: 'purchased', at: start, value: 2 }],
          ['marketing.engagement.tracked', { lead: bob, type: 'webinar_left', at: start }],
        ],
      );
    });
  }),
);
