import assert from 'node:assert/strict';
import { createLeads, type Leads } from '../../lib/leads';
import { createSegments } from '../../lib/segments';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('leads by their numbers', function () {
    this.timeout(60_000);
    let store: Store;
    let leads: Leads;
    const changed: [readonly number[], readonly string[]][] = [];

    before(async () => {
      store = await db.open();
      leads = createLeads(store.tenant('acme'), {
        onChanged: (ids, fields) => {
          changed.push([ids, fields]);
          return Promise.resolve();
        },
      });
    });
    beforeEach(() => {
      changed.length = 0;
    });

    async function made(input: Record<string, unknown>): Promise<number> {
      const result = await leads.upsert(input);
      assert.equal(result.outcome, 'created', JSON.stringify(result));
      return 'id' in result ? result.id : 0;
    }

    it('change, their addresses too', async () => {
      const id = await made({ email: 'ada@example.org', name: 'Ada' });
      changed.length = 0;
      const result = await leads.update(id, { email: 'Ada.L@Example.org', name: null });
      assert.deepEqual(result, { outcome: 'updated', id, warnings: [] });
      const { email, name } = await leads.require(id);
      assert.deepEqual([email, name], ['ada.l@example.org', undefined]);
      assert.deepEqual(changed, [[[id], ['email', 'name']]]);
      assert.equal(await leads.get({ email: 'ada@example.org' }), undefined);
    });

    it('keep a key of their own, and take nobody else’s', async () => {
      const id = await made({ email: 'grace@example.org' });
      await made({ email: 'taken@example.org', externalId: 'x-1' });
      const codeOf = async (input: Record<string, unknown>): Promise<string | undefined> => {
        const result = await leads.update(id, input);
        return result.outcome === 'rejected' ? result.reason.code : undefined;
      };
      assert.equal(await codeOf({ email: 'taken@example.org' }), 'E_LEAD_CONFLICT');
      assert.equal(await codeOf({ externalId: 'x-1' }), 'E_LEAD_CONFLICT');
      assert.equal(await codeOf({ email: null }), 'E_LEAD_IDENTITY');
      assert.equal(await codeOf({ email: null, externalId: 'x-2' }), undefined);
      assert.equal((await leads.require(id)).externalId, 'x-2');
    });

    it('are nobody when nobody, or only another tenant, has the number', async () => {
      const id = await made({ email: 'alan@example.org' });
      const others = createLeads(store.tenant('globex'));
      for (const result of [await leads.update(999_999, { name: 'X' }), await others.update(id, { name: 'X' })])
        assert.equal(result.outcome === 'rejected' && result.reason.code, 'E_UNKNOWN_LEAD');
      assert.equal((await leads.require(id)).name, undefined);
    });

    it('are listed by segment, country and score, and counted the same', async () => {
      const ids: number[] = [];
      for (let i = 0; i < 6; i++)
        ids.push(await made({ email: `list${i}@example.org`, score: i * 10, country: i % 2 ? 'DE' : 'FR' }));
      const segments = createSegments(store.tenant('acme'), { leads });
      const { id: segment } = await segments.create({ key: 'some', kind: 'static' });
      await segments.add('some', { ids: ids.slice(0, 4) });
      const query = { segment, country: 'de', minScore: 10, maxScore: 30 };
      assert.deepEqual(
        (await leads.list(query)).leads.map(({ id }) => id),
        [ids[1], ids[3]],
      );
      assert.equal(await leads.count(query), 2);
      const { leads: second } = await leads.list({ segment, limit: 1, offset: 2 });
      assert.deepEqual(
        second.map(({ id }) => id),
        [ids[2]],
      );
      await assert.rejects(leads.list({ offset: -1 }), { code: 'E_LIMIT' });
    });
  });
});
