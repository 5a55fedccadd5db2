import assert from 'node:assert/strict';
import { compileCondition, ConditionError, type Condition, type ConditionSchema } from '../../lib/conditions';

const SCHEMA: ConditionSchema = {
  lead: {
    age: 'number',
    industry: 'string',
    vip: 'boolean',
    signup: 'date',
    tags: 'string[]',
    'a.b c': 'string',
    data: 'string',
  },
  campaign: { region: 'string' },
};

const compile = (source: unknown): Condition =>
  compileCondition(source as Parameters<typeof compileCondition>[0], SCHEMA);
const rule = (field: string, operator: string, value?: unknown): object => ({ field, operator, value });

describe('conditions: the JSON form', () => {
  const rules: readonly (readonly [object, string])[] = [
    [rule('age', '==', 5), 'lead.age = 5'],
    [rule('age', '=', 5), 'lead.age = 5'],
    [rule('age', '!=', 5), 'lead.age != 5'],
    [rule('age', '>', 5), 'lead.age > 5'],
    [rule('age', '<', 5), 'lead.age < 5'],
    [rule('age', '>=', 5), 'lead.age >= 5'],
    [rule('age', '<=', 5), 'lead.age <= 5'],
    [rule('lead_score', '>', 50), 'lead.score > 50'],
    [rule('lead.age', '>', 5), 'lead.age > 5'],
    [rule('a.b c', '==', 'x'), 'lead.`a.b c` = "x"'],
    [rule('lead.a.b c', '==', 'x'), 'lead.`a.b c` = "x"'],
    [rule('campaign.key', '==', 'x'), 'campaign.key = "x"'],
    [rule('campaign.data.region', '==', 'x'), 'campaign.data.region = "x"'],
    [rule('data.region', '==', 'x'), 'campaign.data.region = "x"'],
    [rule('industry', 'in', ['tech', 'finance']), 'lead.industry in ["tech", "finance"]'],
    [rule('industry', 'in', 'tech'), 'lead.industry in ["tech"]'],
    [rule('industry', 'in', []), 'lead.industry in []'],
    [rule('industry', 'not_in', ['tech']), '$not(lead.industry in ["tech"])'],
    [rule('industry', 'NOT IN', ['tech']), '$not(lead.industry in ["tech"])'],
    [rule('industry', 'not-in', ['tech']), '$not(lead.industry in ["tech"])'],
    [rule('tags', 'in', ['a', 'b']), '"a" in lead.tags or "b" in lead.tags'],
    [rule('tags', 'in', ['a']), '"a" in lead.tags'],
    [rule('tags', 'in', []), 'false'],
    [rule('tags', 'not_in', ['a', 'b']), '$not("a" in lead.tags or "b" in lead.tags)'],
    [rule('tags', 'contains', 'a'), '"a" in lead.tags'],
    [rule('industry', 'contains', 'a'), '$contains(lead.industry, "a")'],
    [rule('industry', 'not_contains', 'a'), '$not($contains(lead.industry, "a"))'],
    [rule('industry', 'starts_with', 'a'), '$startsWith(lead.industry, "a")'],
    [rule('industry', 'ends_with', 'a'), '$endsWith(lead.industry, "a")'],
    [rule('industry', 'matches', '^a+$'), '$matches(lead.industry, "^a+$")'],
    [rule('signup', 'before', '2026-01-01'), 'lead.signup < $toMillis("2026-01-01")'],
    [rule('signup', 'after', '2026-01-01T12:00:00Z'), 'lead.signup > $toMillis("2026-01-01T12:00:00.000Z")'],
    [rule('signup', 'after', 1767225600000), 'lead.signup > 1767225600000'],
    [rule('signup', '>=', '2026-01-01'), 'lead.signup >= $toMillis("2026-01-01")'],
    [rule('signup', 'in', ['2026-01-01']), 'lead.signup in [$toMillis("2026-01-01")]'],
    [rule('age', 'between', [18, 65]), 'lead.age >= 18 and lead.age <= 65'],
    [rule('industry', 'between', ['a', 'c']), 'lead.industry >= "a" and lead.industry <= "c"'],
    [
      rule('signup', 'between', ['2026-01-01', '2026-01-31']),
      'lead.signup >= $toMillis("2026-01-01") and lead.signup < $toMillis("2026-02-01")',
    ],
    [
      rule('signup', 'between', ['2026-01-01', '2026-01-31T12:00:00Z']),
      'lead.signup >= $toMillis("2026-01-01") and lead.signup <= $toMillis("2026-01-31T12:00:00.000Z")',
    ],
    [rule('age', 'exists'), '$exists(lead.age)'],
    [rule('age', 'not_exists'), '$not($exists(lead.age))'],
    [rule('vip', '==', true), 'lead.vip = true'],
  ];
  for (const [source, expected] of rules) {
    it(`${JSON.stringify(source)} means ${expected}`, () => {
      assert.equal(compile(source).normalised, expected);
      assert.equal(compile(expected).normalised, expected);
    });
  }

  it('joins a group by AND unless it says otherwise, and nests', () => {
    const [a, b, c] = [rule('age', '>', 1), rule('vip', '==', true), rule('industry', '==', 'x')];
    assert.equal(compile([a, b]).normalised, 'lead.age > 1 and lead.vip = true');
    assert.equal(compile({ conditions: [a, b] }).normalised, 'lead.age > 1 and lead.vip = true');
    assert.equal(compile({ conditions: [a, b], logic: 'or' }).normalised, 'lead.age > 1 or lead.vip = true');
    assert.equal(
      compile({ conditions: [a, { conditions: [b, c], logic: 'OR' }], logic: 'AND' }).normalised,
      'lead.age > 1 and (lead.vip = true or lead.industry = "x")',
    );
    assert.equal(compile({ conditions: [a, b], logic: 'NOT' }).normalised, '$not(lead.age > 1 and lead.vip = true)');
    assert.equal(compile({ conditions: [a], logic: 'NOT' }).normalised, '$not(lead.age > 1)');
    assert.equal(compile({ not: a }).normalised, '$not(lead.age > 1)');
    assert.equal(compile({ not: [a, b] }).normalised, '$not(lead.age > 1 and lead.vip = true)');
    assert.equal(compile([a]).normalised, 'lead.age > 1');
    assert.equal(compile(a).normalised, 'lead.age > 1');
  });

  it('is the example of the requirement texts', () => {
    const condition = compile({
      conditions: [rule('lead_score', '>', 50), rule('industry', 'in', ['tech', 'finance'])],
      logic: 'AND',
    });
    assert.equal(condition.normalised, 'lead.score > 50 and lead.industry in ["tech", "finance"]');
    assert.ok(condition.test({ lead: { score: 51, industry: 'tech' }, now: 0 }));
    assert.ok(!condition.test({ lead: { score: 50, industry: 'tech' }, now: 0 }));
    assert.deepEqual(condition.attributes, ['score', 'industry']);
  });

  const problems: readonly (readonly [unknown, string, string, RegExp])[] = [
    ['x'.repeat(0) || 5, 'E_CONDITION_FORMAT', 'condition', /"conditions"/],
    [null, 'E_CONDITION_FORMAT', 'condition', /"conditions"/],
    [[], 'E_CONDITION_FORMAT', 'condition', /empty/],
    [{ conditions: [] }, 'E_CONDITION_FORMAT', 'conditions', /empty/],
    [{ conditions: 'x' }, 'E_CONDITION_FORMAT', 'conditions', /list/],
    [{ conditions: [rule('age', '>', 1)], logic: 'XOR' }, 'E_CONDITION_FORMAT', 'logic', /"AND", "OR" or "NOT"/],
    [{ conditions: [rule('age', '>', 1)], logic: 5 }, 'E_CONDITION_FORMAT', 'logic', /"AND"/],
    [
      { conditions: [rule('age', '>', 1), rule('age', '=>', 1)] },
      'E_CONDITION_FORMAT',
      'conditions[1].operator',
      /"=>"/,
    ],
    [{ conditions: [rule('age', 'betwen', 1)] }, 'E_CONDITION_FORMAT', 'conditions[0].operator', /"between"/],
    [{ conditions: [{ field: 'age', value: 1 }] }, 'E_CONDITION_FORMAT', 'conditions[0].operator', /no operator/],
    [{ conditions: [{ operator: '>', value: 1 }] }, 'E_CONDITION_FORMAT', 'conditions[0].field', /Name the field/],
    [{ conditions: [rule('agee', '>', 1)] }, 'E_UNKNOWN_ATTRIBUTE', 'conditions[0].field', /lead\.age/],
    [[rule('age', '>', '1')], 'E_CONDITION_TYPE', '[0].value', /without quotes/],
    [[rule('age', '>', null)], 'E_CONDITION_TYPE', '[0].value', /exists/],
    [[rule('age', '>', { a: 1 })], 'E_CONDITION_TYPE', '[0].value', /text, a number/],
    [[rule('age', '>')], 'E_CONDITION_TYPE', '[0].value', /text, a number/],
    [[rule('industry', 'in', ['a', 5])], 'E_CONDITION_TYPE', '[0].value[1]', /in quotes/],
    [[rule('age', 'before', '2026-01-01')], 'E_CONDITION_TYPE', '[0].operator', /not declared/],
    [[rule('signup', 'before', 'soon')], 'E_CONDITION_TYPE', '[0].value', /not a date/],
    [[rule('age', 'between', [1])], 'E_CONDITION_TYPE', '[0].value', /\[from, to\]/],
    [[rule('age', 'between', 1)], 'E_CONDITION_TYPE', '[0].value', /\[from, to\]/],
    [[rule('industry', 'matches', '(')], 'E_CONDITION_PATTERN', '[0].value', /not a pattern/],
    [
      { not: { conditions: [[rule('vip', '>', true)]] } },
      'E_CONDITION_TYPE',
      'not.conditions[0][0].operator',
      /cannot order/,
    ],
    [{ conditions: [rule('__proto__', '==', 'x')] }, 'E_UNKNOWN_ATTRIBUTE', 'conditions[0].field', /__proto__/],
    [rule('industry', 'constructor', 'x'), 'E_CONDITION_FORMAT', 'operator', /no operator/],
  ];
  for (const [source, code, path, message] of problems) {
    it(`refuses ${JSON.stringify(source).slice(0, 70)}, naming ${path}`, () => {
      assert.throws(
        () => compile(source),
        (error) => {
          assert.ok(error instanceof ConditionError);
          assert.match(error.message, message);
          assert.ok(error.message.startsWith(`${path}: `), error.message);
          assert.deepEqual([error.code, error.path, error.position], [code, path, undefined]);
          return true;
        },
      );
    });
  }

  it('does not take what it finds on a prototype', () => {
    const inherited: unknown = Object.create({ field: 'age', operator: '>', value: 1 });
    assert.throws(() => compile(inherited), /Name the field/);
  });

  it('keeps to the same limits', () => {
    const many = Array.from({ length: 100 }, (_, index) => rule('age', '==', index));
    assert.throws(
      () => compile(many),
      (error) => error instanceof ConditionError && error.code === 'E_CONDITION_LIMIT',
    );
  });
});
