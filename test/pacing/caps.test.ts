import assert from 'node:assert/strict';
import type { GateVerdict } from '../../lib/sending';
import { eachDatabase } from '../kit/databases';
import { Bed, type Waiting } from './bed';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

eachDatabase((db) => {
  describe(`frequency caps on ${db.name}`, () => {
    let bed: Bed;
    let lead: number;
    beforeEach(async () => {
      bed = await Bed.open(db);
      lead = (await bed.leads([{}]))[0] ?? 0;
    });

    const one = (campaign: number, enrollment?: number): Waiting => {
      const [person] = bed.people(campaign, [lead]);
      assert.ok(person);
      return enrollment === undefined ? person : { ...person, enrollment };
    };
    /** Sends a message to the lead if it may have one, and says what stood against it. */
    const send = async (person: Waiting, channel = 'email'): Promise<GateVerdict | undefined> => {
      const verdict = (await bed.ask([person], bed.scope, channel)).get(person.step);
      if (!verdict) await bed.sent([person], channel);
      return verdict;
    };

    it('are 3 e-mails in any 7 days by default, from all campaigns together', async () => {
      const campaigns = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => bed.campaign(key)));
      for (const campaign of campaigns.slice(0, 3)) {
        assert.equal(await send(one(campaign)), undefined);
        await bed.clock.advance(2 * DAY);
      }
      const verdict = await send(one(campaigns[3] ?? 0));
      assert.ok(verdict?.kind === 'suppress' && verdict.reason === 'frequency_cap', JSON.stringify(verdict));
      assert.equal(await send(one(campaigns[3] ?? 0), 'sms'), undefined, 'another channel');
      await bed.clock.advance(1 * DAY + 1);
      assert.equal(await send(one(campaigns[3] ?? 0)), undefined, 'the first one is a week old');
      assert.equal((await send(one(campaigns[4] ?? 0)))?.kind, 'suppress');
    });

    it('let a campaign reach a lead once a day, however often it runs, and do not count the steps of one journey', async () => {
      await bed.tenantRules({ caps: [] });
      const campaign = await bed.campaign('welcome');
      const first = one(campaign);
      assert.equal(await send(first), undefined);
      await bed.clock.advance(HOUR);
      assert.equal(await send(one(campaign, first.enrollment)), undefined, 'the second mail of the same journey');
      await bed.clock.advance(HOUR);
      assert.equal((await send(one(campaign)))?.kind, 'suppress', 'the next run');
      await bed.clock.advance(23 * HOUR);
      assert.equal(await send(one(campaign)), undefined);
    });

    it('may be switched off, for the tenant or for a campaign', async () => {
      const campaign = await bed.campaign('often', { againAfterHours: 0 });
      await bed.tenantRules({ caps: [] });
      for (let times = 0; times < 5; times++) assert.equal(await send(one(campaign)), undefined);
    });

    it('do not hold back transactional messages, and do not count them', async () => {
      const receipt = await bed.campaign('receipt', { category: 'transactional' });
      const news = await bed.campaign('news');
      for (let times = 0; times < 5; times++) assert.equal(await send(one(receipt)), undefined);
      assert.equal(await send(one(news)), undefined);
    });

    it('go by channel and category', async () => {
      await bed.tenantRules({
        againAfterHours: 0,
        caps: [
          { messages: 1, days: 1, category: 'survey' },
          { messages: 3, days: 1 },
        ],
      });
      const survey = await bed.campaign('survey', { category: 'survey' });
      const news = await bed.campaign('news');
      assert.equal(await send(one(survey)), undefined);
      assert.equal((await send(one(survey), 'sms'))?.kind, 'suppress', 'one survey a day, on any channel');
      assert.equal(await send(one(news), 'sms'), undefined);
      assert.equal(await send(one(news)), undefined);
      assert.equal((await send(one(news)))?.kind, 'suppress', 'three of anything');
    });

    it('postpone until the oldest message leaves the window, where that is asked for', async () => {
      await bed.tenantRules({ caps: [{ messages: 2, days: 7, channel: 'email' }], whenCapped: 'postpone' });
      const campaigns = await Promise.all(['a', 'b', 'c'].map((key) => bed.campaign(key)));
      const start = bed.clock.now();
      await send(one(campaigns[0] ?? 0));
      await bed.clock.advance(DAY);
      await send(one(campaigns[1] ?? 0));
      const waiting = one(campaigns[2] ?? 0);
      assert.deepEqual(await send(waiting), { kind: 'later', at: start + 7 * DAY, reason: 'frequency_cap' });
      await bed.clock.advanceTo(start + 7 * DAY);
      assert.equal(await send(waiting), undefined);
    });

    it('count a message that may have gone out, and none that failed', async () => {
      await bed.tenantRules({ caps: [{ messages: 1, days: 7 }] });
      const [a, b] = [await bed.campaign('a'), await bed.campaign('b')];
      await send(one(a));
      const state = (to: string): Promise<number> =>
        bed.scope.run(`UPDATE marketing_messages SET state = :to WHERE tenant_id = :tenant`, { to });
      for (const [to, expected] of [
        ['unknown', 'suppress'],
        ['failed', undefined],
        ['deferred', undefined],
      ] as const) {
        await state(to);
        assert.equal((await bed.ask([one(b)])).values().next().value?.kind, expected, to);
        await bed.scope.run(`DELETE FROM marketing_messages WHERE tenant_id = :tenant AND campaign_id = :b`, { b });
      }
    });

    it('hold when many messages to the same leads leave at once, on two workers and within one group', async () => {
      const second = await db.open({ clock: bed.clock, keep: true });
      const scopes = [bed.scope, second.tenant('test')];
      const leads = await bed.leads(Array.from({ length: 20 }, () => ({})));
      const campaigns = await Promise.all(Array.from({ length: 8 }, (_, nth) => bed.campaign(`c${nth}`)));
      const groups = campaigns.map((campaign) => bed.people(campaign, leads));
      // Two campaigns in one group, four groups at the same moment.
      const pairs = [0, 2, 4, 6].map((nth) => [...(groups[nth] ?? []), ...(groups[nth + 1] ?? [])]);
      const answers = await Promise.all(pairs.map((people, nth) => bed.ask(people, scopes[nth % 2])));
      assert.equal(
        answers.reduce((sum, verdicts) => sum + verdicts.size, 0),
        20 * 5,
      );
      const rows = await bed.scope.all<{ n: number }>(
        `SELECT COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant GROUP BY lead_id`,
      );
      assert.deepEqual(new Set(rows.map(({ n }) => Number(n))), new Set([3]));
    });
  });
});
