import assert from 'node:assert/strict';
import { compileCondition, parseDuration, printDuration, type ConditionSchema } from '../../lib/conditions';
import { isYes, openAll, type Engagement, type LeadDatabase } from './helpers/databases';
import { randomLead, Random } from './helpers/generator';

const SCHEMA: ConditionSchema = { lead: { age: 'number' } };
const NOW = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;

const CAMPAIGNS = [
  { id: 1, key: 'spring' },
  { id: 2, key: 'summer' },
];
const event = (
  lead_id: number,
  type: string,
  daysAgo: number,
  campaign_id: number | null = null,
  channel: string | null = 'email',
): Engagement => ({
  lead_id,
  type,
  channel,
  campaign_id,
  tracked_at: NOW - daysAgo * DAY,
});
const ENGAGEMENTS: readonly Engagement[] = [
  event(1, 'email_opened', 1, 1),
  event(1, 'email_opened', 10, 1),
  event(1, 'email_opened', 40, 2),
  event(2, 'email_opened', 30, 2),
  event(2, 'Email_Opened', 1),
  event(3, 'visited', 1, null, 'web'),
  event(4, 'email_opened', 30.001, 1, null),
  { ...event(5, 'email_opened', 1, 1), tenant_id: 'other' },
];

describe('conditions: what a lead did', () => {
  const cases: readonly (readonly [string, number[]])[] = [
    ['$did("email_opened")', [1, 2, 4]],
    ['$did("email_opened", {"within": "30 days"})', [1, 2]],
    ['$did("email_opened", {"within": "2 weeks", "atLeast": 2})', [1]],
    ['$did("email_opened", {"within": "12 hours"})', []],
    ['$did("email_opened", {"atLeast": 3})', [1]],
    ['$did("email_opened", {"atLeast": 4})', []],
    ['$did("email_opened", {"campaign": "summer"})', [1, 2]],
    ['$did("email_opened", {"campaign": "spring", "atLeast": 2})', [1]],
    ['$did("email_opened", {"campaign": "nowhere"})', []],
    ['$did("email_opened", {"channel": "email"})', [1, 2]],
    ['$did("visited", {"channel": "web"})', [3]],
    ['NOT $did("email_opened")', [3, 5]],
    ['$did("visited") or $did("email_opened", {"within": "5 days"})', [1, 3]],
    ['$did("visited") = $did("email_opened")', [5]],
    ['$exists($did("visited"))', [1, 2, 3, 4, 5]],
    ['$did("it\'s \\"odd\\"")', []],
  ];

  let databases: LeadDatabase[] = [];
  before(async () => {
    const random = new Random(1);
    databases = await openAll();
    for (const database of databases) {
      await database.fill([1, 2, 3, 4, 5].map((id) => randomLead(random, id)));
      await database.track(ENGAGEMENTS, CAMPAIGNS);
    }
  });
  after(async () => {
    for (const database of databases) await database.close();
  });

  for (const [source, expected] of cases) {
    it(`${source} is true of ${expected.join(', ') || 'nobody'}`, async () => {
      const condition = compileCondition(source, SCHEMA);
      assert.ok(condition.sqlExact);
      for (const database of databases) {
        const { text, values } = condition.toSql(database.target, { alias: 'l', prefix: 'c0_', now: NOW });
        const rows = await database.rows(
          `SELECT l.id, (${text}) FROM marketing_leads l WHERE l.tenant_id = :tenant ORDER BY l.id`,
          values,
        );
        assert.deepEqual(
          rows.filter(([, cell]) => isYes(cell)).map(([id]) => Number(id)),
          expected,
          `${database.label}: ${text}`,
        );
      }
      for (const id of [1, 2, 3, 4, 5]) {
        const done = condition.behaviours.map(({ event: type, within, atLeast, campaign, channel }) => {
          const campaignId = CAMPAIGNS.find(({ key }) => key === campaign)?.id;
          const found = ENGAGEMENTS.filter(
            (e) =>
              !e.tenant_id &&
              e.lead_id === id &&
              e.type === type &&
              (within === undefined || e.tracked_at >= NOW - within) &&
              (campaign === undefined || (campaignId !== undefined && e.campaign_id === campaignId)) &&
              (channel === undefined || e.channel === channel),
          );
          return found.length >= atLeast;
        });
        const answer = condition.test({ lead: {}, now: NOW, did: (index) => done[index] === true });
        assert.equal(answer, expected.includes(id), `closure, lead ${id}`);
      }
    });
  }

  it('lists each behaviour once', () => {
    const condition = compileCondition(
      '$did("a") or $did("b", {"within": "1 day", "channel": "sms"}) or $did("a") and lead.age > 5',
      SCHEMA,
    );
    assert.deepEqual(condition.behaviours, [
      { event: 'a', atLeast: 1 },
      { event: 'b', atLeast: 1, within: DAY, channel: 'sms' },
    ]);
  });

  it('counts as not done when nobody knows', () => {
    assert.equal(compileCondition('$did("a")', SCHEMA).test({ lead: {}, now: NOW }), false);
  });

  it('reads and prints durations', () => {
    const known: readonly (readonly [string, number, string])[] = [
      ['30 days', 30 * DAY, '30 days'],
      ['1 day', DAY, '1 day'],
      ['12 hours', DAY / 2, '12 hours'],
      ['2 weeks', 14 * DAY, '2 weeks'],
      ['45 minutes', 2_700_000, '45 minutes'],
      ['90 seconds', 90_000, '90 seconds'],
      ['1.5 hours', 5_400_000, '90 minutes'],
      [' 3 Days ', 3 * DAY, '3 days'],
    ];
    for (const [text, millis, printed] of known) {
      assert.equal(parseDuration(text), millis, text);
      assert.equal(printDuration(millis), printed);
    }
    for (const text of ['', 'soon', '3', '3 months', '-3 days', '0 days', '3 days ago'])
      assert.equal(parseDuration(text), undefined, text);
  });
});
