import assert from 'node:assert/strict';
import { AudienceReader, isHeldOut, type Audience, type Campaign } from '../../lib/campaigns';
import { registerConditionEvaluator, type JsonCondition } from '../../lib/conditions';
import { openMarketing, type Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('the audience of a campaign', function () {
    this.timeout(60_000);
    let marketing: Marketing;
    const PEOPLE = 60;
    let forget: () => void;

    before(() => {
      // What only code can decide, so that no database can.
      forget = registerConditionEvaluator('numbered', {
        evaluate: ({ lead, args }) => (args['of'] as unknown[]).includes(lead['email']),
      });
    });
    after(() => forget());
    beforeEach(async () => {
      await (await db.open()).close();
      marketing = await openMarketing({
        database: { url: db.url() },
        clock: new VirtualClock(Date.UTC(2026, 0, 1)),
        logger: { error: console.log },
      });
      await marketing.definitions.deploy('flow', [
        {
          key: 'hello',
          name: 'Hello',
          entry: 'start',
          entryMode: 'launch',
          onUnknown: 'hold',
          stations: [{ step: 'start', kind: 'trigger', node: 'n1', hash: 'h', forks: false }],
          body: {},
        },
      ]);
      await marketing.ledger.attach({
        definition: 'hello',
        step: 'start',
        kind: 'trigger',
        wired: () => false,
        emit: () => undefined,
      });
      await marketing.leads.upsertAll(
        Array.from({ length: PEOPLE }, (_, index) => ({
          email: `p${index + 1}@example.org`,
          score: index + 1,
          country: index % 2 ? 'DE' : 'US',
        })),
      );
      await marketing.segments.create({ key: 'even', name: 'Even', kind: 'dynamic', condition: 'country = "DE"' });
      await marketing.segments.create({ key: 'high', name: 'High', kind: 'dynamic', condition: 'score > 40' });
      await marketing.segments.create({ key: 'vips', name: 'VIPs', kind: 'static' });
      await marketing.segments.add('vips', { emails: ['p1@example.org', 'p2@example.org', 'p60@example.org'] });
    });
    afterEach(async () => {
      await marketing.close();
    });

    /** The scores of those whom a launch entered. */
    async function enteredBy(campaign: Campaign): Promise<number[]> {
      await marketing.ledger.idle();
      const rows = await marketing.scope.all<{ score: number }>(
        `SELECT l.score FROM marketing_enrollments e
         JOIN marketing_leads l ON l.id = e.lead_id AND l.tenant_id = :tenant
         WHERE e.tenant_id = :tenant AND e.campaign_id = :id ORDER BY l.id`,
        { id: campaign.id },
      );
      return rows.map(({ score }) => score);
    }
    const create = (audience: Audience, more: object = {}): Promise<Campaign> =>
      marketing.campaigns.create({ name: 'x', definition: 'hello', audience, ...more });
    const numbers = (test: (score: number) => boolean): number[] =>
      Array.from({ length: PEOPLE }, (_, index) => index + 1).filter(test);

    const even = (score: number): boolean => score % 2 === 0;
    const high = (score: number): boolean => score > 40;
    const vip = (score: number): boolean => [1, 2, 60].includes(score);
    const CASES: [string, Audience, object, (score: number) => boolean][] = [
      ['everybody', { include: [] }, {}, () => true],
      ['any of some segments', { include: ['high', 'vips'] }, {}, (n) => high(n) || vip(n)],
      ['all of some segments', { include: ['even', 'high'], match: 'all' }, {}, (n) => even(n) && high(n)],
      [
        'a segment without another',
        { include: ['even'], exclude: ['high', 'vips'] },
        {},
        (n) => even(n) && !high(n) && !vip(n),
      ],
      ['a condition', { condition: 'score >= 10 and score < 15' }, {}, (n) => n >= 10 && n < 15],
      ['a condition in the JSON form', { condition: { field: 'score', operator: '>', value: 55 } }, {}, (n) => n > 55],
      ['a condition about the campaign', { condition: 'score > 57 and campaign.name = "x"' }, {}, (n) => n > 57],
      [
        'a segment of its own and more',
        { exclude: ['vips'], condition: 'score < 10' },
        { segment: 'even' },
        (n) => even(n) && n < 10 && !vip(n),
      ],
      [
        'what the database cannot decide',
        { include: ['even'], condition: '$custom("numbered", {"of": ["p12@example.org", "p13@example.org"]})' },
        {},
        (n) => n === 12,
      ],
    ];
    for (const [what, audience, more, belongs] of CASES) {
      it(`is ${what}: in its estimate and when it is launched`, async () => {
        const campaign = await create(audience, more);
        const expected = numbers(belongs);
        const { scope, segments, conditions } = marketing;
        const reader = new AudienceReader({
          scope,
          segmentSql: (key, alias, prefix) => segments.predicate(key, alias, prefix),
          compile: (condition) => conditions.compile(condition as JsonCondition),
          matching: (ids, condition, constants) => segments.matchesCondition(ids, condition, constants),
        });
        assert.deepEqual(await reader.estimate(campaign), { audience: expected.length, heldOut: 0 });
        const halved = await reader.estimate({ ...campaign, audience: { ...audience, holdout: 20 } });
        const heldOut = Math.round(expected.length * 0.2);
        assert.deepEqual(halved, { audience: expected.length - heldOut, heldOut });
        await marketing.campaigns.launch(campaign.id);
        assert.deepEqual(await enteredBy(campaign), expected);
      });
    }

    it('is found out when it runs: who has come since belongs to it, who has changed does not', async () => {
      const campaign = await create({ condition: 'score > 58' });
      await marketing.leads.upsert({ email: 'new@example.org', score: 99 });
      await marketing.leads.upsert({ email: 'p60@example.org', score: 0 });
      await marketing.campaigns.launch(campaign.id);
      assert.deepEqual(await enteredBy(campaign), [59, 99]);
    });

    it('without its holdout is about its share less, the same people in every run, others in another campaign', async () => {
      const held = async (): Promise<number[]> => {
        const campaign = await create({ holdout: 20 });
        await marketing.campaigns.launch(campaign.id);
        const first = await enteredBy(campaign);
        await marketing.campaigns.complete(campaign.id);
        await marketing.campaigns.launch(campaign.id);
        await marketing.ledger.idle();
        const again = await marketing.scope.all<{ run: number; people: number }>(
          `SELECT run, COUNT(*) AS people FROM marketing_enrollments WHERE tenant_id = :tenant AND campaign_id = :id GROUP BY run ORDER BY run`,
          { id: campaign.id },
        );
        assert.deepEqual(
          again.map(({ people }) => Number(people)),
          [first.length, first.length],
        );
        assert.equal(new Set(await enteredBy(campaign)).size, first.length);
        return first;
      };
      const [one, other] = [await held(), await held()];
      for (const { length } of [one, other]) assert.ok(length > 36 && length < 58, `${length} of ${PEOPLE}`);
      assert.notDeepEqual(one, other);
    });

    it('goes on behind pages of which nobody belongs to it', async () => {
      await marketing.scope.run(
        `INSERT INTO marketing_leads (tenant_id, email, score, attributes, created_at, updated_at)
         SELECT :tenant, r.address, 7, ${db.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, 0, 0
         FROM ${marketing.store.dialect.rows('rows', { address: 'text' }, 'r')} WHERE 1 = 1`,
        { rows: JSON.stringify(Array.from({ length: 2_500 }, (_, index) => [`crowd${index}@example.org`])) },
      );
      await marketing.leads.upsert({ email: 'last@example.org', score: 1_000 });
      const campaign = await create({
        condition: '$custom("numbered", {"of": ["p1@example.org", "last@example.org"]})',
      });
      await marketing.campaigns.launch(campaign.id);
      assert.deepEqual(await enteredBy(campaign), [1, 1_000]);
    });

    it('keeps a segment from being deleted as long as it may be used', async () => {
      const campaign = await create({ include: ['even'], exclude: ['high'] });
      for (const key of ['even', 'high']) {
        await assert.rejects(marketing.segments.remove(key), { code: 'E_SEGMENT_IN_USE' });
      }
      await marketing.segments.remove('vips');
      await marketing.campaigns.cancel(campaign.id);
      await marketing.segments.remove('even');
    });

    it('of a recurring campaign is asked anew in each run; between them it is scheduled, not completed', async () => {
      const campaign = await create({ include: ['vips'] });
      await marketing.scope.transaction((tx) =>
        marketing.campaigns.setSchedule(tx, campaign.id, { nextRunAt: Date.UTC(2026, 0, 2) }),
      );
      await marketing.campaigns.launch(campaign.id);
      await enteredBy(campaign);
      await marketing.ledger.sweep();
      const rested = await marketing.campaigns.get(campaign.id);
      assert.deepEqual(
        [rested.state, rested.stage, rested.run, rested.nextRunAt],
        ['scheduled', 'scheduled', 1, Date.UTC(2026, 0, 2)],
      );
      await marketing.segments.add('vips', { emails: ['p30@example.org'] });
      await marketing.scope.transaction((tx) => marketing.campaigns.setSchedule(tx, campaign.id, { nextRunAt: null }));
      await marketing.campaigns.launch(campaign.id);
      await marketing.ledger.idle();
      await marketing.ledger.sweep();
      const through = await marketing.campaigns.get(campaign.id);
      assert.deepEqual([through.state, through.run], ['completed', 2]);
      const runs = await marketing.scope.all<{ run: number; people: number }>(
        `SELECT run, COUNT(*) AS people FROM marketing_enrollments WHERE tenant_id = :tenant GROUP BY run ORDER BY run`,
      );
      assert.deepEqual(
        runs.map(({ people }) => Number(people)),
        [3, 4],
      );
    });
  });
});

describe('the people held out', () => {
  it('are their share of many, whichever campaign it is', () => {
    for (const [id, holdout] of [
      [1, 5],
      [2, 20],
      [77, 0.5],
      [78, 0],
    ] as const) {
      const held = Array.from({ length: 20_000 }, (_, lead) => lead + 1).filter((lead) =>
        isHeldOut({ id, audience: { holdout } }, lead),
      ).length;
      assert.ok(Math.abs(held / 200 - holdout) < 1, `${held} of 20000 for ${holdout} %`);
    }
    assert.equal(isHeldOut({ id: 1 }, 1), false);
  });
});
