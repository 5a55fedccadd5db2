import assert from 'node:assert/strict';
import { InputError } from '../../lib/errors';
import { createLeads, type Leads } from '../../lib/leads';
import { announce, type Announced } from '../../lib/outbox';
import { createSegments } from '../../lib/segments';
import { eachDatabase } from '../kit/databases';
import { CREATED, House, LAUNCHED, type Tenant } from './kit/house';

/** What was heard, without what differs from run to run. */
function plain(heard: readonly Announced[]): [string, unknown][] {
  return heard.map(({ type, data }) => [type.replace('marketing.', ''), data]);
}
/** Listeners are called in a turn of their own. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

eachDatabase((db) => {
  describe('announcements', () => {
    let house: House;
    let acme: Tenant;
    let leads: Leads;
    let heard: Announced[];
    beforeEach(async () => {
      house = await House.open(db);
      acme = house.tenant();
      leads = createLeads(acme.scope);
      heard = [];
    });
    const hear = (...patterns: string[]): (() => void) => acme.outbox.on(patterns, (one) => void heard.push(one));

    it('reach the listeners of their tenant that asked for them, after the commit, until they stop listening', async () => {
      const stop = hear('marketing.campaign.*');
      house.tenant('globex').outbox.on('*', () => assert.fail('another tenant'));
      await acme.scope.transaction(async (tx) => {
        await announce(tx, [LAUNCHED, CREATED]);
        await turn();
        assert.deepEqual(heard, [], 'not before the commit');
      });
      await turn();
      assert.deepEqual(plain(heard), [['campaign.launched', { campaign: 1 }]]);
      assert.deepEqual([heard[0]?.tenant, heard[0]?.at], ['acme', house.clock.now()]);
      stop();
      await acme.announce(LAUNCHED);
      await turn();
      assert.equal(heard.length, 1);
    });

    it('of what was rolled back reach nobody', async () => {
      hear('*');
      await acme.webhooks.create({ url: 'https://example.org/', events: ['*'] });
      const failing = acme.scope.transaction(async (tx) => {
        await announce(tx, [LAUNCHED]);
        throw new Error('no');
      });
      await assert.rejects(failing, /^Error: no$/);
      await turn();
      assert.deepEqual([heard, (await acme.webhooks.deliveries()).items], [[], []]);
    });

    it('are not hurt by listeners that throw or reject, nor are the other listeners', async () => {
      acme.outbox.on('*', () => {
        throw new Error('thrown');
      });
      acme.outbox.on('*', () => Promise.reject(new Error('rejected')));
      hear('*');
      await acme.announce(LAUNCHED);
      await turn();
      assert.equal(heard.length, 1);
      assert.deepEqual(house.warnings.sort(), ['A listener failed: rejected', 'A listener failed: thrown']);
    });

    it('can be asked for by names that exist only', () => {
      assert.throws(() => hear('marketing.campaign.lunched'), InputError);
    });

    it('tell of leads by id: created, updated with the names of fields, scored', async () => {
      hear('marketing.lead.*');
      const ada = await leads.upsert({ email: 'ada@example.org', name: 'Ada', score: 5 });
      assert.ok(ada.outcome === 'created');
      await leads.upsert({ email: 'ada@example.org', name: 'Ada' });
      await leads.upsert({ email: 'ada@example.org', name: 'Ada L.', score: 40 });
      await leads.upsert({ email: 'none' });
      await turn();
      const lead = ada.id;
      assert.deepEqual(plain(heard), [
        ['lead.created', { lead }],
        ['lead.updated', { lead, fields: ['name', 'score'] }],
        ['lead.scored', { lead, score: 40 }],
      ]);
      assert.ok(!JSON.stringify(heard).includes('Ada'), 'no personal data');
    });

    it('tell of everybody in a mass change, once each, and of nobody when only others are wanted', async () => {
      const { id } = await acme.webhooks.create({ url: 'https://example.org/', events: ['marketing.lead.scored'] });
      const people = Array.from({ length: 1_200 }, (_person, n) => ({ email: `p${n}@example.org`, score: 1 }));
      await leads.upsertAll(people);
      assert.deepEqual((await acme.webhooks.deliveries({ webhook: id })).items, [], 'nobody wants to hear of new ones');
      hear('marketing.lead.updated');
      await leads.upsertAll(people.map((person) => ({ ...person, score: 2 })));
      await turn();
      const rows = await acme.scope.get<{ n: number; events: number }>(
        'SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS events FROM marketing_outbox WHERE tenant_id = :tenant',
      );
      assert.deepEqual(
        [rows?.n, rows?.events, new Set(heard.map(({ data }) => data['lead'])).size],
        [1_200, 1_200, 1_200],
      );
    });

    it('tell what leads do, once per event, by the words that there are for it, without metadata', async () => {
      hear('marketing.engagement.*');
      const ada = await leads.upsert({ email: 'ada@example.org' });
      assert.ok(ada.outcome === 'created');
      const engagement = { leadId: ada.id, metadata: { note: 'call her at home' } };
      for (const type of ['email_opened', 'conversion', 'page_visited', 'page_visited']) {
        await leads.engage([{ ...engagement, type, eventId: type }]);
      }
      await turn();
      assert.deepEqual(
        heard.map(({ type, data }) => [type.replace('marketing.engagement.', ''), data['lead'], data['type']]),
        [
          ['email_opened', ada.id, 'email_opened'],
          ['conversion', ada.id, 'conversion'],
          ['tracked', ada.id, 'page_visited'],
        ],
      );
      assert.ok(!JSON.stringify(heard).includes('at home'));
    });

    it('tell who entered and left a segment, whatever moved them', async () => {
      const segments = createSegments(acme.scope, { leads });
      await segments.create({ key: 'hot', kind: 'dynamic', condition: 'lead.score > 10' });
      await segments.create({ key: 'list', kind: 'static' });
      hear('marketing.lead.segment_changed');
      const ada = await leads.upsert({ email: 'ada@example.org', score: 20 });
      assert.ok(ada.outcome === 'created');
      await segments.recalculate('hot');
      await segments.add('list', { ids: [ada.id] });
      await leads.upsert({ email: 'ada@example.org', score: 1 });
      await segments.leadsChanged([ada.id], ['score']);
      await turn();
      const moved = (segment: string, change: string): [string, unknown] => [
        'lead.segment_changed',
        { lead: ada.id, segment, change },
      ];
      assert.deepEqual(plain(heard), [moved('hot', 'entered'), moved('list', 'entered'), moved('hot', 'left')]);
    });
  });
});
