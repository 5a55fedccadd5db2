import assert from 'node:assert/strict';
import { ConditionError } from '../../lib/conditions';
import { compileGuard, FACTS, factsFrom, type DataSchema, type Facts } from '../../lib/definitions';

const NOW = Date.UTC(2026, 0, 31, 12);

function holds(
  source: string | object,
  data: Record<string, unknown>,
  { schema, facts, campaign = {} }: { schema?: DataSchema; facts?: Facts; campaign?: Record<string, unknown> } = {},
): boolean {
  return compileGuard(source, schema).test({ campaign, data, ...(facts ? { facts } : {}), now: NOW });
}

describe('definitions: guards', () => {
  it('find the type of an undeclared field in what it is compared with', () => {
    const cases: readonly (readonly [string | object, Record<string, unknown>, boolean])[] = [
      ['data.segment > 100', { segment: 101 }, true],
      ['data.segment > 100', { segment: 100 }, false],
      ['100 < data.segment', { segment: 101 }, true],
      ['data.city = "Graz"', { city: 'Graz' }, true],
      ['data.vip = true', { vip: true }, true],
      ['data.vip', { vip: true }, true],
      ['data.vip', { vip: 'yes' }, true],
      ['data.vip', { vip: 0 }, false],
      ['NOT data.vip', { vip: false }, true],
      ['NOT data.vip', {}, false],
      ['$exists(data.vip)', { vip: 0 }, true],
      ['$exists(data.vip)', { vip: null }, false],
      ['data.a + data.b > 5', { a: 3, b: 3 }, true],
      ['-data.a < 0', { a: 3 }, true],
      ['data.a in [1, 2]', { a: 2 }, true],
      ['data.a in ["x", "y"]', { a: 'y' }, true],
      ['5 in [data.a, data.b]', { a: 1, b: 5 }, true],
      ['"vip" in data.tags', { tags: ['new', 'vip'] }, true],
      ['"vip" in data.tags', { tags: 'vip' }, false],
      ['$contains(data.city, "ra")', { city: 'Graz' }, true],
      ['$matches(data.city, "^G")', { city: 'Graz' }, true],
      ['$length($lowercase(data.city)) = 4', { city: 'Graz' }, true],
      ['data.first & data.last = "AdaLovelace"', { first: 'Ada', last: 'Lovelace' }, true],
      ['(data.a ?? 7) > 5', {}, true],
      ['data.when <= today()', { when: '2026-01-31' }, true],
      ['data.when <= today()', { when: '2026-02-01' }, false],
      ['data.when <= now()', { when: NOW }, true],
      ['data.when <= now()', { when: 'soon' }, false],
      [[{ field: 'data.when', operator: 'before', value: '2026-02-01' }], { when: '2026-01-31T23:59:59Z' }, true],
      [[{ field: 'data.a', operator: 'between', value: [1, 3] }], { a: 2 }, true],
      [{ conditions: [{ field: 'data.city', operator: 'starts_with', value: 'G' }] }, { city: 'Graz' }, true],
    ];
    for (const [source, data, expected] of cases)
      assert.equal(holds(source, data), expected, `${JSON.stringify(source)} of ${JSON.stringify(data)}`);
  });

  it('are false where a value is missing or of another type, and never fail', () => {
    const values = [undefined, null, '101', true, [101], { a: 101 }, NaN, Infinity, new Date(101)];
    for (const segment of values)
      assert.equal(holds('data.segment > 100', { segment }), false, JSON.stringify(segment));
    assert.equal(
      compileGuard('data.a > 1').test({ campaign: {}, data: Object.create(null) as Record<string, unknown>, now: 0 }),
      false,
    );
    assert.equal(holds('data.toString = "x"', {}), false);
  });

  it('use the types that a data schema declares', () => {
    const schema: DataSchema = {
      sent: { type: 'number' },
      when: { type: 'date' },
      level: { type: 'enum', values: ['a', 'b'] },
    };
    assert.equal(
      holds('data.when <= today() and data.level = "a"', { when: '2026-01-01', level: 'a' }, { schema }),
      true,
    );
    assert.throws(() => compileGuard('data.sent = "5"', schema), { code: 'E_CONDITION_TYPE' });
    assert.throws(() => compileGuard('data.sent = data.level', schema), { code: 'E_CONDITION_TYPE' });
  });

  it('see facts beside the campaign’s own data, which win', () => {
    assert.equal(holds('data.emails_sent >= 5', {}, { facts: { emails_sent: 5 } }), true);
    assert.equal(holds('data.emails_sent >= 5', { emails_sent: 4 }, { facts: { emails_sent: 5 } }), false);
    assert.equal(holds('data.emails_sent >= 5', { emails_sent: null }, { facts: { emails_sent: 5 } }), true);
    assert.deepEqual(compileGuard('data.roi < 2 and data.open_rate < 0.1 and data.own > 1').facts, [
      'open_rate',
      'roi',
    ]);
    assert.deepEqual(compileGuard('data.own > 1').facts, []);
  });

  it('see the campaign itself', () => {
    const campaign = { name: 'Spring', budget: 500, state: 'active', endsOn: NOW - 1, channels: ['email'] };
    for (const source of [
      'campaign.budget > 0',
      'campaign.name = "Spring"',
      'campaign.state = "active" and campaign.endsOn < now()',
      '"email" in campaign.channels',
      'campaign.data.x = 5',
    ])
      assert.equal(holds(source, { x: 5 }, { campaign }), true, source);
    assert.equal(holds('campaign.budget > 0', {}), false);
    assert.throws(() => compileGuard('campaign.bugdet > 0'), /Did you mean campaign\.budget/);
    assert.throws(() => compileGuard('campaign.budget > "0"'), { code: 'E_CONDITION_TYPE' });
  });

  it('do not look at a lead, unless they are about one', () => {
    assert.throws(
      () => compileGuard('lead.score > 5'),
      (error) => error instanceof ConditionError && /data\.score/.test(error.message),
    );
    assert.throws(() => compileGuard('score > 5'), { code: 'E_CONDITION_REFUSED' });
    assert.throws(() => compileGuard('$did("email_opened")'), { code: 'E_CONDITION_REFUSED' });
    const guard = compileGuard('lead.score >= 80 and lead.city = "Graz"', undefined, { lead: { city: 'string' } });
    assert.equal(guard.test({ campaign: {}, data: {}, lead: { score: 80, city: 'Graz' }, now: NOW }), true);
    assert.equal(guard.test({ campaign: {}, data: {}, now: NOW }), false);
  });

  it('say so when nothing tells a type', () => {
    assert.throws(() => compileGuard('data.a = data.b'), /Declare one of them/);
    assert.equal(holds('data.a = data.b', { a: 1, b: 1 }, { schema: { a: { type: 'number' } } }), true);
  });

  it('are a closed language', () => {
    for (const source of [
      'data.__proto__.x = 1',
      'data.constructor = 1',
      '$eval("1")',
      'data.a.b = 1',
      'process.env = 1',
    ])
      assert.throws(() => compileGuard(source), ConditionError, source);
  });

  it('get facts from figures; rates of nothing are absent', () => {
    const facts = factsFrom({
      figures: { queued: 210, sent: 200, opened: 50, clicked: 80, converted: 4, bounced: 10, revenue: 900, cost: 300 },
      email: { sent: 120 },
      audience: 210,
    });
    assert.deepEqual(
      {
        emails: facts.emails_sent,
        open: facts.open_rate,
        engagement: facts.engagement_rate,
        bounce: facts.bounce_rate,
        roi: facts.roi,
        audience: facts.audience,
        failed: facts.failed,
      },
      { emails: 120, open: 0.25, engagement: 0.4, bounce: 0.05, roi: 3, audience: 210, failed: 0 },
    );
    const none = factsFrom({ figures: {} });
    assert.equal(holds('data.engagement_rate < 0.1', {}, { facts: none }), false);
    assert.equal(holds('data.emails_sent < 5', {}, { facts: none }), true);
    for (const name of Object.keys(facts)) assert.ok((FACTS as readonly string[]).includes(name), name);
  });
});
