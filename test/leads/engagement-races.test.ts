import assert from 'node:assert/strict';
import { createLeads, type Engagement } from '../../lib/leads';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('the same event, recorded at the same moment', () => {
    it('is new once', async function () {
      this.timeout(60_000);
      const scope = (await db.open()).tenant('a');
      const leads = createLeads(scope);
      const lead = await leads.upsert({ email: 'ada@example.org' });
      assert.ok(lead.outcome !== 'rejected');
      for (let round = 0; round < 10; round++) {
        const engagement: Engagement = { leadId: lead.id, type: 'purchase', eventId: `order-${round}` };
        const results = await Promise.all(Array.from({ length: 8 }, () => leads.engage([engagement])));
        const fresh = results.flat().filter(({ outcome }) => outcome === 'new');
        assert.equal(fresh.length, 1, `round ${round}`);
      }
    });
  });
});
