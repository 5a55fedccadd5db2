import assert from 'node:assert/strict';
import { optOut } from '../../lib/http';
import { createLeads, type Leads } from '../../lib/leads';
import { createMetrics } from '../../lib/metrics';
import type { Scope, Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) =>
  describe('opting out', () => {
    let store: Store;
    let scope: Scope;
    let leads: Leads;
    let lead: number;

    beforeEach(async () => {
      store = await db.open();
      scope = store.tenant('acme');
      leads = createLeads(scope);
      const result = await leads.upsert({ email: 'ada@example.org', country: 'DE' });
      assert.ok(result.outcome === 'created');
      lead = result.id;
      await leads.setConsent(lead, 'email', 'granted', { source: 'form' });
    });

    const history = async (): Promise<string[]> =>
      (
        await scope.all<{ event: string }>('SELECT event FROM marketing_history WHERE tenant_id = :tenant ORDER BY id')
      ).map(({ event }) => event);

    it("revokes the channel's consent and suppresses the address, with history", async () => {
      await optOut(leads, { tenant: 'acme', lead, campaign: 5, channel: 'email' });
      assert.equal((await leads.consentOf(lead, 'email'))?.state, 'revoked');
      assert.equal(await leads.isSuppressed('ada@example.org', 'email'), true);
      assert.equal(await leads.isSuppressed('ada@example.org', 'sms'), false);
      assert.deepEqual(await history(), ['consent.granted', 'consent.revoked', 'suppression.added']);
      const sendability = await leads.sendability([lead], 'email');
      assert.equal(sendability.get(lead)?.allowed, false);
    });

    it("records it as something that the lead did, once, and counts it among the campaign's figures", async () => {
      const campaign = await scope.insert(
        `INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, definition_key, data, state, on_unknown, created_at, updated_at)
         VALUES (:tenant, 'spring', 'Spring', 'x', '{}', 'active', 'hold', 0, 0)`,
      );
      await optOut(leads, { tenant: 'acme', lead, campaign, channel: 'email' });
      await optOut(leads, { tenant: 'acme', lead, campaign, channel: 'email' });
      assert.equal((await createMetrics(scope).of(campaign)).figures.unsubscribed, 1);
      const rows = await scope.all<{ type: string; campaign_id: number }>(
        'SELECT type, campaign_id FROM marketing_engagements WHERE tenant_id = :tenant',
      );
      assert.deepEqual(
        rows.map(({ type, campaign_id }) => [type, Number(campaign_id)]),
        [['unsubscribed', campaign]],
      );
    });

    it('changes nothing the second time', async () => {
      await optOut(leads, { tenant: 'acme', lead, channel: 'email' });
      const before = await history();
      await optOut(leads, { tenant: 'acme', lead, channel: 'email' });
      assert.deepEqual(await history(), before);
    });

    it('stays after the lead asks for mail in a form once more, until the address is let go', async () => {
      await optOut(leads, { tenant: 'acme', lead, channel: 'email' });
      await leads.setConsent(lead, 'email', 'granted', { source: 'form' });
      assert.equal((await leads.sendability([lead], 'email')).get(lead)?.allowed, false);
      await leads.unsuppress('ada@example.org', 'email', 'support');
      assert.equal((await leads.sendability([lead], 'email')).get(lead)?.allowed, true);
    });

    it('says yes to somebody who was deleted meanwhile', async () => {
      await leads.remove(lead);
      await optOut(leads, { tenant: 'acme', lead, channel: 'email' });
      assert.deepEqual(
        (await history()).filter((event) => event.startsWith('suppression')),
        [],
      );
    });

    it('writes both or neither', async () => {
      await assert.rejects(optOut(leads, { tenant: 'acme', lead, channel: 'NO CHANNEL' }), { code: 'E_CHANNEL' });
      assert.equal((await leads.consentOf(lead, 'email'))?.state, 'granted');
      assert.equal(await leads.isSuppressed('ada@example.org', 'email'), false);
    });
  }),
);
