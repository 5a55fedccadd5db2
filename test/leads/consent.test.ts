import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createLeads, leadColumns, leadView, sendability, type LeadRow, type Leads } from '../../lib/leads';
import { parseJson, type Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('what leads allow and do', () => {
    let clock: VirtualClock;
    let scope: Scope;
    let leads: Leads;
    let ana: number;
    let bob: number;

    beforeEach(async () => {
      clock = new VirtualClock();
      scope = (await db.open({ clock })).tenant('acme');
      leads = createLeads(scope);
      await leads.upsertAll([
        { email: 'ana@example.com', country: 'DE', phone: '+49 30 23125000' },
        { email: 'bob@example.com', country: 'US' },
        { externalId: 'no mail', country: 'US' },
        { email: 'somewhere@example.com' },
      ]);
      const { emails } = await leads.ids({ emails: ['ana@example.com', 'bob@example.com'] });
      ana = emails.get('ana@example.com') ?? 0;
      bob = emails.get('bob@example.com') ?? 0;
    });

    const reason = async (id: number, ...how: [string, Parameters<typeof sendability>[3]?]): Promise<string> => {
      const answer = (await leads.sendability([id], how[0], how[1])).get(id);
      return answer?.allowed ? 'allowed' : (answer?.reason ?? 'absent');
    };
    const history = async (): Promise<unknown[]> => {
      const rows = await scope.all<{ event: string; payload: unknown }>(
        'SELECT event, payload FROM marketing_history WHERE tenant_id = :tenant ORDER BY id',
      );
      return rows.map((row) => [row.event, parseJson(row.payload, {})]);
    };

    it('needs consent in the EU, and elsewhere when that is asked for', async () => {
      assert.equal(await reason(ana, 'email'), 'no_consent');
      assert.equal(await reason(bob, 'email'), 'allowed');
      assert.equal(await reason(bob, 'email', { requireConsent: 'all' }), 'no_consent');
      assert.equal(await reason(ana, 'email', { requireConsent: 'none' }), 'allowed');
      const unknown = (await leads.get({ email: 'somewhere@example.com' }))?.id ?? 0;
      assert.equal(await reason(unknown, 'email'), 'no_consent');
      assert.equal(await reason(unknown, 'email', { unknownCountry: 'allow' }), 'allowed');
      await leads.setConsent(ana, 'email', 'granted', { source: 'form' });
      assert.equal(await reason(ana, 'email'), 'allowed');
      assert.equal(await reason(ana, 'sms'), 'no_consent');
      await leads.setConsent(ana, '*', 'granted', { source: 'form' });
      assert.equal(await reason(ana, 'sms'), 'allowed');
    });

    it('minds opt-outs from a channel and from everything, and addresses that are missing', async () => {
      await leads.setConsent(bob, 'email', 'revoked', { source: 'link' });
      assert.equal(await reason(bob, 'email'), 'opted_out');
      assert.equal(await reason(bob, 'webhook'), 'allowed');
      assert.equal(await reason(bob, 'email', { checkOptOut: false }), 'allowed');
      assert.equal(await reason(bob, 'sms'), 'no_address');
      await leads.setConsent(bob, '*', 'revoked', { source: 'link' });
      assert.equal(await reason(bob, 'webhook'), 'opted_out_all');
      await leads.setConsent(bob, 'email', 'granted', { source: 'form' });
      assert.equal(await reason(bob, 'email'), 'opted_out_all');
      const nobody = (await leads.get({ externalId: 'no mail' }))?.id ?? 0;
      assert.equal(await reason(nobody, 'email'), 'no_address');
      assert.equal((await leads.sendability([987_654_321], 'email')).size, 0);
    });

    it('keeps when consent was given after it was revoked, and one history row per change', async () => {
      const given = clock.now();
      assert.equal(await leads.setConsent(ana, 'email', 'granted', { source: 'form' }), true);
      assert.equal(await leads.setConsent(ana, 'email', 'granted', { source: 'form' }), false);
      await clock.advance(5_000);
      await leads.setConsent(ana, 'email', 'revoked', { source: 'link', at: given + 4_000 });
      assert.deepEqual(await leads.consentsOf(ana), [
        { channel: 'email', state: 'revoked', source: 'link', grantedAt: given, revokedAt: given + 4_000 },
      ]);
      assert.deepEqual(await history(), [
        ['consent.granted', { leadId: ana, channel: 'email' }],
        ['consent.revoked', { leadId: ana, channel: 'email' }],
      ]);
      await assert.rejects(leads.setConsent(987_654_321, 'email', 'granted', { source: 'x' }), {
        code: 'E_UNKNOWN_LEAD',
      });
      await assert.rejects(leads.setConsent(ana, 'No Channel', 'granted', { source: 'x' }), { code: 'E_CHANNEL' });
    });

    it('suppresses addresses, however they are written, and longer than the lead lives', async () => {
      assert.equal(await leads.suppress(' Bob@Example.COM', 'email', 'hard_bounce'), true);
      assert.equal(await leads.suppress('bob@example.com', 'email', 'complaint'), false);
      assert.equal(await reason(bob, 'email'), 'suppressed');
      assert.equal(await reason(bob, 'email', { checkSuppression: false }), 'allowed');
      await leads.suppress('+49 30 23125000', '*', 'manual');
      assert.equal(await reason(ana, 'sms', { requireConsent: 'none' }), 'suppressed');
      assert.equal(await reason(ana, 'email', { requireConsent: 'none' }), 'allowed');
      assert.equal(await leads.isSuppressed('+493023125000', 'whatsapp'), true);
      await leads.remove(bob);
      assert.equal(await leads.isSuppressed('bob@example.com', 'email'), true);
      assert.equal(await leads.unsuppress('bob@example.com', 'email', 'admin'), true);
      assert.equal(await leads.unsuppress('bob@example.com', 'email', 'admin'), false);
      assert.deepEqual(
        (await history()).map((row) => (row as unknown[])[0]),
        ['suppression.added', 'suppression.added', 'suppression.removed'],
      );
      await assert.rejects(leads.suppress('nobody', 'email', 'x'), { code: 'E_ADDRESS' });
    });

    it('sees, in a transaction, an opt-out that was committed before', async () => {
      await leads.setConsent(bob, 'email', 'revoked', { source: 'link' });
      const answer = await scope.transaction(async (tx) => (await sendability(tx, [bob], 'email')).get(bob));
      assert.equal(answer?.allowed, false);
    });

    it('records each event once and says which were new', async () => {
      const open = { leadId: ana, type: 'email_opened', eventId: 'e1', metadata: { ua: 'x' } };
      const first = await leads.engage([
        open,
        open,
        { leadId: bob, type: 'purchase' },
        { leadId: 987_654_321, type: 'purchase', eventId: 'e9' },
      ]);
      assert.deepEqual(
        first.map(({ outcome }) => outcome),
        ['new', 'known', 'new', 'unknown_lead'],
      );
      assert.deepEqual(
        (await leads.engage([open])).map(({ outcome }) => outcome),
        ['known'],
      );
      const racing = await Promise.all(Array.from({ length: 6 }, () => leads.engage([{ ...open, eventId: 'e2' }])));
      assert.equal(racing.flat().filter(({ outcome }) => outcome === 'new').length, 1);
      await assert.rejects(leads.engage([{ leadId: ana, type: '; drop' }]), { code: 'E_ENGAGEMENT' });
    });

    it('removes a lead with what is known about it', async () => {
      await leads.setConsent(ana, 'email', 'granted', { source: 'form' });
      await leads.engage([{ leadId: ana, type: 'visited' }]);
      assert.equal(await leads.remove(ana), true);
      assert.equal(await leads.remove(ana), false);
      for (const table of ['marketing_consents', 'marketing_engagements']) {
        assert.equal(
          (await scope.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE tenant_id = :tenant`))?.n,
          0,
          table,
        );
      }
    });

    it('lists page by page, and those whose address, id or name begin with a text', async () => {
      await leads.upsertAll(
        Array.from({ length: 25 }, (_, n) => ({
          email: `list${n}@example.com`,
          name: n % 5 ? `N${n}` : `50% Straße ${n}`,
        })),
      );
      const found: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await leads.list({ search: 'LIST', limit: 10, ...(cursor ? { cursor } : {}) });
        found.push(...page.leads.map((lead) => lead.id));
        cursor = page.cursor;
      } while (cursor);
      assert.equal(found.length, 25);
      assert.equal(new Set(found).size, 25);
      assert.equal((await leads.list({ search: '50%' })).leads.length, 5);
      assert.equal((await leads.list({ search: 'no m' })).leads[0]?.externalId, 'no mail');
      assert.equal((await leads.list({ search: "x' OR 1=1 --" })).leads.length, 0);
      await assert.rejects(leads.list({ limit: 0 }), { code: 'E_LIMIT' });
      await assert.rejects(leads.list({ cursor: 'x' }), { code: 'E_CURSOR' });
    });

    it('builds the view from any statement that joins the lead', async () => {
      const rows = await scope.all<LeadRow>(
        `SELECT ${leadColumns('p')} FROM marketing_leads p WHERE p.tenant_id = :tenant AND p.id = :id`,
        { id: ana },
      );
      assert.deepEqual(rows.map(leadView), [await leads.get(ana)]);
      assert.deepEqual(
        [...(await leads.views([ana, bob, 987_654_321])).keys()].sort((a, b) => a - b),
        [ana, bob],
      );
    });
  });
});
