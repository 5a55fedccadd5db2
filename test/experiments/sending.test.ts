import assert from 'node:assert/strict';
import type { OutgoingMessage } from '../../lib/channels';
import { controlGroupGate, ControlGroups, type Experiments } from '../../lib/experiments';
import { experimentsOf, variantSource } from '../../lib/marketing/parts/experiments';
import { ClockTimers } from '../../lib/timers';
import { eachDatabase } from '../kit/databases';
import { sent } from '../sending/fake-account';
import { SendingWorld } from '../sending/sending-world';

const SENDER = { from: { address: 'shop@example.org' } };
const subjectOf = ({ raw }: OutgoingMessage): string => /^Subject: (.*)\r$/m.exec(String(raw))?.[1] ?? '';

eachDatabase((db) => {
  describe('experiments and control groups at a send station', function () {
    this.timeout(30_000);
    let bed: SendingWorld;
    let experiments: Experiments;

    beforeEach(async () => {
      bed = await SendingWorld.open(db);
      const { world, clock } = bed;
      experiments = experimentsOf({
        scope: world.scope,
        timers: new ClockTimers(clock),
        campaigns: world.campaigns,
        audiences: { estimate: () => Promise.resolve({ audience: 120, heldOut: 0 }) },
      });
      await world.campaigns.ensure('journey');
      await world.scope.run(
        `UPDATE marketing_campaigns SET content = :content, version = version + 1 WHERE tenant_id = :tenant AND campaign_key = 'journey'`,
        { content: JSON.stringify({ email: { subject: 'Usual', text: 'Hello' } }) },
      );
    });
    afterEach(() => bed.close());

    const grouped = (rows: readonly { variant: string; n: number }[]): Record<string, number> =>
      Object.fromEntries(rows.map(({ variant, n }) => [variant, Number(n)]));

    it("sends each variant's own content, the campaign's to those without, and nothing to the control", async () => {
      const { world } = bed;
      const { id } = await experiments.create('journey', {
        name: 'Words',
        variants: [
          { key: 'A', name: 'Usual', share: 40 },
          { key: 'B', name: 'Other', share: 40, content: { email: { subject: 'Other', text: 'Hi' } } },
          { key: 'none', name: 'Nobody', share: 20, control: true },
        ],
      });
      await assert.rejects(
        experiments.create('journey', {
          key: 'second',
          variants: [
            { name: 'a', share: 50 },
            { name: 'b', share: 50 },
          ],
        }),
        { code: 'E_EXPERIMENT_EXISTS' },
      );
      const { delivered } = await bed.run(() => sent, {
        content: { from: 'campaign' },
        sender: SENDER,
        leads: 120,
        capacity: 50,
        variants: variantSource(world.scope, experiments),
      });
      const { variants } = await experiments.get(id);
      const [a = 0, b = 0, none = 0] = variants.map(({ counts }) => counts.exposed);
      assert.equal(a + b + none, 120);
      assert.equal(delivered.filter((message) => subjectOf(message) === 'Usual').length, a);
      assert.equal(delivered.filter((message) => subjectOf(message) === 'Other').length, b);
      assert.equal(delivered.length, a + b);
      const inMessages = await world.scope.all<{ variant: string; n: number }>(
        'SELECT variant, COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant GROUP BY variant ORDER BY variant',
      );
      assert.deepEqual(grouped(inMessages), { A: a, B: b });
      const inEngagements = await world.scope.all<{ variant: string; n: number }>(
        `SELECT variant, COUNT(*) AS n FROM marketing_engagements WHERE tenant_id = :tenant AND type = 'email_sent'
         GROUP BY variant ORDER BY variant`,
      );
      assert.deepEqual(grouped(inEngagements), { A: a, B: b });
      const inMetrics = await world.scope.all<{ variant: string; n: number }>(
        `SELECT variant, SUM(amount) AS n FROM marketing_metrics WHERE tenant_id = :tenant AND name = 'sent' AND hour = -1
         GROUP BY variant ORDER BY variant`,
      );
      assert.deepEqual(grouped(inMetrics), { A: a, B: b });
      const { ended } = await world.desk.report('journey');
      assert.equal(
        Object.values(ended).reduce((sum, n) => sum + n, 0),
        120,
      );
    });

    it("sends nothing to the tenant's control group, and says why", async () => {
      const { world } = bed;
      const groups = new ControlGroups(world.scope);
      await groups.set({ percent: 20 });
      const { delivered } = await bed.run(() => sent, { leads: 60, capacity: 50, gates: [controlGroupGate()] });
      const leads = await world.scope.all<{ id: number }>('SELECT id FROM marketing_leads WHERE tenant_id = :tenant');
      const members = await groups.members(leads.map(({ id }) => id));
      assert.ok(members.size > 2 && members.size < 30, String(members.size));
      assert.equal(delivered.length, 60 - members.size);
      const kept = await world.scope.all<{ lead_id: number }>(
        `SELECT lead_id FROM marketing_steps WHERE tenant_id = :tenant AND reason = 'control_group' ORDER BY lead_id`,
      );
      assert.deepEqual(
        kept.map(({ lead_id }) => lead_id),
        [...members].sort((one, other) => one - other),
      );
      assert.equal((await world.desk.report('journey')).suppressedAtSend, members.size);
    });
  });
});
