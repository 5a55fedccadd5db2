import assert from 'node:assert/strict';
import {
  checkAttributeName,
  compileCondition,
  ConditionError,
  functionNames,
  type Condition,
  type ConditionSchema,
} from '../../lib/conditions';

const SCHEMA: ConditionSchema = {
  lead: {
    age: 'number',
    city: 'string',
    vip: 'boolean',
    signup: 'date',
    tags: 'string[]',
    'weird key': 'number',
    'a.b': 'string',
    industry: 'string',
  },
  campaign: { region: 'string', budget: 'number', regions: 'string[]' },
  event: { url: 'string', total: 'number' },
};
const NOW = Date.UTC(2026, 5, 15, 12);

const compile = (source: string): Condition => compileCondition(source, SCHEMA);
const normalised = (source: string): string => compile(source).normalised;

function problem(source: string, schema = SCHEMA): ConditionError {
  try {
    compileCondition(source, schema);
  } catch (error) {
    assert.ok(error instanceof ConditionError, String(error));
    return error;
  }
  return assert.fail(`accepted: ${source}`);
}

describe('conditions: what marketers type', () => {
  const spellings: readonly (readonly [string, string])[] = [
    ['lead.age == 5', 'lead.age = 5'],
    ['age <> 5', 'lead.age != 5'],
    ['age > 5 AND city = "x"', 'lead.age > 5 and lead.city = "x"'],
    ['age > 5 && city = "x"', 'lead.age > 5 and lead.city = "x"'],
    ['age > 5 Or vip', 'lead.age > 5 or lead.vip'],
    ['age > 5 || vip', 'lead.age > 5 or lead.vip'],
    ["city = 'x'", 'lead.city = "x"'],
    ['NOT vip', '$not(lead.vip)'],
    ['!vip', '$not(lead.vip)'],
    ['!!vip', '$not($not(lead.vip))'],
    ['not(vip)', '$not(lead.vip)'],
    ['not vip', '$not(lead.vip)'],
    ['$not(vip)', '$not(lead.vip)'],
    ['NOT age > 5 AND vip', '$not(lead.age > 5) and lead.vip'],
    ['NOT (age > 5 OR vip) AND city = "x"', '$not(lead.age > 5 or lead.vip) and lead.city = "x"'],
    ['NOT NOT vip', '$not($not(lead.vip))'],
    ['vip AND NOT age > 5', 'lead.vip and $not(lead.age > 5)'],
    ['!vip = true', '$not(lead.vip) = true'],
    ['!(age > 5) and vip', '$not(lead.age > 5) and lead.vip'],
    ['!$exists(city) or vip', '$not($exists(lead.city)) or lead.vip'],
    ['city NOT IN ("a", "b") and vip', '$not(lead.city in ["a", "b"]) and lead.vip'],
    ['vip or city not in ["a"]', 'lead.vip or $not(lead.city in ["a"])'],
    ['(city not in ["a"])', '$not(lead.city in ["a"])'],
    ['lower(city) not in ["a"]', '$not($lowercase(lead.city) in ["a"])'],
    ['city IN ("a")', 'lead.city in ["a"]'],
    ['age in (1, 2)', 'lead.age in [1, 2]'],
    ['"x" in (tags)', '"x" in lead.tags'],
    ['vip = TRUE', 'lead.vip = true'],
    ['vip = False', 'lead.vip = false'],
    ['signup <= today()', 'lead.signup <= $today()'],
    ['signup <= now()', 'lead.signup <= $millis()'],
    ['signup <= $millis()', 'lead.signup <= $millis()'],
    ['signup > "2026-01-01"', 'lead.signup > $toMillis("2026-01-01")'],
    ['"2026-01-01" < signup', '$toMillis("2026-01-01") < lead.signup'],
    ['signup > "2026-01-01T10:30:00+02:00"', 'lead.signup > $toMillis("2026-01-01T08:30:00.000Z")'],
    ['signup in ["2026-01-01"]', 'lead.signup in [$toMillis("2026-01-01")]'],
    ['$toMillis("2026-01-01") < signup', '$toMillis("2026-01-01") < lead.signup'],
    ['(signup ?? "2026-01-01") > 0', '(lead.signup ?? $toMillis("2026-01-01")) > 0'],
    ['contains(city, "x")', '$contains(lead.city, "x")'],
    ['starts_with(city, "x")', '$startsWith(lead.city, "x")'],
    ['exists(city)', '$exists(lead.city)'],
    ['lead_score > 50', 'lead.score > 50'],
    ['lead.lead_score > 50', 'lead.score > 50'],
    ['`weird key` = 1', 'lead.`weird key` = 1'],
    ['lead."weird key" = 1', 'lead.`weird key` = 1'],
    ['lead.`a.b` = "x"', 'lead.`a.b` = "x"'],
    ['campaign.key = "spring"', 'campaign.key = "spring"'],
    ['campaign.data.budget > 5', 'campaign.data.budget > 5'],
    ['data.budget > 5', 'campaign.data.budget > 5'],
    ['event.url = "x"', 'event.url = "x"'],
    ['city in campaign.data.regions', 'lead.city in campaign.data.regions'],
    ['/* why */ age > 5 /* because */', 'lead.age > 5'],
    ['age > 5\n  and vip', 'lead.age > 5 and lead.vip'],
    ['((age > 5))', 'lead.age > 5'],
    ['(vip or vip) and vip', '(lead.vip or lead.vip) and lead.vip'],
    ['vip or vip and vip', 'lead.vip or lead.vip and lead.vip'],
    ['age - (5 - score) > 0', 'lead.age - (5 - lead.score) > 0'],
    ['age - 5 - score > 0', 'lead.age - 5 - lead.score > 0'],
    ['(age + 1) * 2 > 0', '(lead.age + 1) * 2 > 0'],
    ['age * -2 > 0', 'lead.age * -2 > 0'],
    ['-age > -5', '-lead.age > -5'],
    ['-(age + 1) > 0', '-(lead.age + 1) > 0'],
    ['1 + 2 * 3 = age', '7 = lead.age'],
    ['vip ? age > 5 : age > 9', '(lead.vip ? lead.age > 5 : lead.age > 9)'],
    ['(age ?: 5) > 3', '(lead.age ?: 5) > 3'],
    ['city & "!" = "x!"', 'lead.city & "!" = "x!"'],
    ['$lowercase("ABC") = city', '"abc" = lead.city'],
    ['$number(vip) = 1', '$number(lead.vip) = 1'],
    ['$number(age) = 1', 'lead.age = 1'],
    ['$length(city) > 3', '$length(lead.city) > 3'],
    ['$boolean(city)', '$boolean(lead.city)'],
    ['$matches(city, "^a\\\\d")', '$matches(lead.city, "^a\\\\d")'],
    ['$did("email_opened")', '$did("email_opened")'],
    ['did("x", {"within": "48 hours", "atLeast": 2})', '$did("x", {"within":"2 days","atLeast":2})'],
    ['$now() != city', '$now() != lead.city'],
    ['age = 1e21', 'lead.age = 1e+21'],
    ['city = "\\"\\\\\\n\\u00e9"', 'lead.city = "\\"\\\\\\né"'],
  ];
  for (const [source, expected] of spellings) {
    it(`${JSON.stringify(source)} means ${expected}`, () => {
      assert.equal(normalised(source), expected);
      assert.equal(normalised(expected), expected, 'the normalised text is stable');
    });
  }

  it('never touches the inside of a text or of a quoted name', () => {
    const text = 'a == b AND !c NOT IN ("x") && today() || it\'s';
    assert.equal(normalised(`city = ${JSON.stringify(text)}`), `lead.city = ${JSON.stringify(text)}`);
    const schema: ConditionSchema = { lead: { 'NOT a == b AND c': 'number' } };
    assert.equal(compileCondition('lead.`NOT a == b AND c` == 1', schema).normalised, 'lead.`NOT a == b AND c` = 1');
  });

  it('prefers a declared attribute to the alias lead_score', () => {
    const own = compileCondition('lead_score = "high"', { lead: { lead_score: 'string' } });
    assert.deepEqual(own.attributes, ['lead_score']);
    assert.ok(own.test({ lead: { lead_score: 'high' }, now: NOW }));
  });

  it('takes names that are operators elsewhere when they follow a dot or stand in back-quotes', () => {
    const schema: ConditionSchema = { lead: { in: 'number', not: 'number', or: 'boolean' } };
    assert.equal(
      compileCondition('lead.in > 1 and lead.not > 1 and lead.or', schema).normalised,
      'lead.`in` > 1 and lead.`not` > 1 and lead.`or`',
    );
  });
});

describe('conditions: what an error says', () => {
  const problems: readonly (readonly [source: string, code: string, position: number, message: RegExp])[] = [
    ['lead.agee > 5', 'E_UNKNOWN_ATTRIBUTE', 0, /"lead.agee".*Did you mean lead.age/],
    ['vip and lead.sity = "x"', 'E_UNKNOWN_ATTRIBUTE', 8, /Did you mean lead.city/],
    ['campaign.data.regoin = "x"', 'E_UNKNOWN_ATTRIBUTE', 0, /Did you mean campaign.data.region/],
    ['campaign.bugdet = 1', 'E_UNKNOWN_ATTRIBUTE', 0, /campaign.bugdet/],
    ['nosuchroot.x = 1', 'E_UNKNOWN_ATTRIBUTE', 0, /Declare it first/],
    ['age = "30"', 'E_CONDITION_TYPE', 6, /write 30 without quotes/],
    ['city == 30', 'E_CONDITION_TYPE', 8, /write "30" in quotes/],
    ['city = age', 'E_CONDITION_TYPE', 7, /lead.city is text, lead.age is a number/],
    ['vip = "true"', 'E_CONDITION_TYPE', 6, /without quotes/],
    ['vip = 1', 'E_CONDITION_TYPE', 6, /one type/],
    ['vip > false', 'E_CONDITION_TYPE', 4, /cannot order/],
    ['tags = "vip"', 'E_CONDITION_TYPE', 7, /use "vip" in lead.tags/],
    ['tags > tags', 'E_CONDITION_TYPE', 7, /lists/],
    ['"x" in city', 'E_CONDITION_TYPE', 7, /\$contains\(lead.city, "x"\)/],
    ['age in tags', 'E_CONDITION_TYPE', 0, /holds text/],
    ['age in [1, "2"]', 'E_CONDITION_TYPE', 11, /write 2 without quotes/],
    ['city in [tags]', 'E_CONDITION_TYPE', 9, /lead.city in lead.tags/],
    ['tags in ["x"]', 'E_CONDITION_TYPE', 0, /only a single value/],
    ['city + 1 = 2', 'E_CONDITION_TYPE', 0, /To join texts, write &/],
    ['age & "x" = "y"', 'E_CONDITION_TYPE', 0, /joins texts/],
    ['-city = 1', 'E_CONDITION_TYPE', 1, /works on numbers/],
    ['age / 0 > 1', 'E_CONDITION_TYPE', 6, /divides by zero/],
    ['age % 0 > 1', 'E_CONDITION_TYPE', 6, /divides by zero/],
    ['contains(age, "3")', 'E_CONDITION_TYPE', 9, /works on text/],
    ['contains(tags, "3")', 'E_CONDITION_TYPE', 9, /"…" in lead.tags/],
    ['signup > "soon"', 'E_CONDITION_TYPE', 9, /not a date/],
    ['signup > "2026-02-30"', 'E_CONDITION_TYPE', 9, /not a date/],
    ['$toMillis(signup) > 1', 'E_CONDITION_TYPE', 10, /is a date already/],
    ['$toMillis(city) > 1', 'E_CONDITION_TYPE', 0, /Declare lead.city as a date/],
    ['$number(city) > 1', 'E_CONDITION_TYPE', 8, /Declare lead.city as a number/],
    ['vip ? 1 : "x"', 'E_CONDITION_TYPE', 10, /one type/],
    ['$matches(city, name)', 'E_CONDITION_TYPE', 15, /in quotes/],
    ['$matches(city, "(")', 'E_CONDITION_PATTERN', 15, /not a pattern/],
    ['city = null', 'E_CONDITION_REFUSED', 7, /\$exists/],
    ['foo(1)', 'E_CONDITION_REFUSED', 0, /There is no function "foo".*\$contains/],
    ['$foo(1)', 'E_CONDITION_REFUSED', 0, /\$foo/],
    ['$length(city, 1) > 1', 'E_CONDITION_REFUSED', 0, /takes 1 value /],
    ['$contains(city)', 'E_CONDITION_REFUSED', 0, /takes 2 values/],
    ['today(1) > signup', 'E_CONDITION_REFUSED', 0, /takes nothing/],
    ['tags[0] = "x"', 'E_CONDITION_REFUSED', 0, /Filters/],
    ['age === 5', 'E_CONDITION_REFUSED', 4, /Write "="/],
    ['age > 5 vip', 'E_CONDITION_SYNTAX', 8, /missing before it/],
    ['age >', 'E_CONDITION_SYNTAX', 5, /ends too early/],
    ['age > 5 and', 'E_CONDITION_SYNTAX', 11, /ends too early/],
    ['AND age > 5', 'E_CONDITION_SYNTAX', 4, /missing before it/],
    ['vip AND AND vip', 'E_CONDITION_SYNTAX', 12, /cannot stand here/],
    ['vip or and', 'E_CONDITION_SYNTAX', 7, /both sides/],
    ['NOT', 'E_CONDITION_SYNTAX', 0, /Nothing follows NOT/],
    ['vip and !', 'E_CONDITION_SYNTAX', 8, /Nothing follows !/],
    ['vip NOT vip', 'E_CONDITION_SYNTAX', 4, /missing before NOT/],
    ['(age > 5', 'E_CONDITION_SYNTAX', 0, /never closed/],
    ['age > 5)', 'E_CONDITION_SYNTAX', 7, /closes nothing/],
    ['(age > 5]', 'E_CONDITION_SYNTAX', 8, /Write "\)"/],
    ['city = "x', 'E_CONDITION_SYNTAX', 7, /no closing "/],
    ['city = “x”', 'E_CONDITION_SYNTAX', 7, /typographic quote/],
    ['city = "\\q"', 'E_CONDITION_SYNTAX', 7, /backslash/],
    ['= 5', 'E_CONDITION_SYNTAX', 0, /something on its left/],
    ['age > * 5', 'E_CONDITION_REFUSED', 6, /Wildcards/],
    ['age € 5', 'E_CONDITION_SYNTAX', 4, /Unexpected character "€"/],
    ['$did(city)', 'E_CONDITION_TYPE', 0, /Name the event in quotes/],
    ['$did("x", {"within": "soon"})', 'E_CONDITION_TYPE', 21, /"30 days"/],
    ['$did("x", {"atleast": 1})', 'E_CONDITION_TYPE', 22, /Did you mean "atLeast"/],
    ['$did("x", {"colour": 1})', 'E_CONDITION_TYPE', 21, /It has within, atLeast/],
    ['$did("x", {"atLeast": 0})', 'E_CONDITION_TYPE', 22, /whole number/],
    ['$did("x", {"channel": 5})', 'E_CONDITION_TYPE', 22, /text in quotes/],
    ['$did("x", "30 days")', 'E_CONDITION_REFUSED', 10, /\{"within": "30 days"\}/],
    ['$did("x", {"within": city})', 'E_CONDITION_REFUSED', 21, /plain values/],
    ['$did("x", {city: 1})', 'E_CONDITION_REFUSED', 17, /Write the options/],
    ['$did("x", {}, 1)', 'E_CONDITION_REFUSED', 0, /a name and options/],
    ['$custom("nope")', 'E_UNKNOWN_EVALUATOR', 0, /registerConditionEvaluator/],
    ['$custom(5)', 'E_CONDITION_TYPE', 0, /Name the evaluator/],
  ];
  for (const [source, code, position, message] of problems) {
    it(`${JSON.stringify(source)}: ${code} at ${position}`, () => {
      const error = problem(source);
      assert.match(error.message, message);
      assert.deepEqual([error.code, error.position], [code, position], error.message);
    });
  }

  it('gives line and column, counted from 1, in the text as it was typed', () => {
    const error = problem('vip AND\n  NOT (city == 5)');
    assert.deepEqual([error.position, error.line, error.column], [23, 2, 16]);
    assert.deepEqual(error.details, { position: 23, line: 2, column: 16 });
  });

  it('knows the nearest names, and says nothing when none is near', () => {
    assert.match(problem('contry = "US"').message, /lead.country/);
    assert.match(problem('created > 5').message, /lead.createdAt/);
    assert.doesNotMatch(problem('xyzzy = 5').message, /Did you mean/);
  });

  it('lists the functions of the language', () => {
    assert.ok(functionNames().includes('$did') && functionNames().includes('$now'));
  });
});

describe('conditions: names of attributes', () => {
  it('takes spaces, dots, apostrophes and every script', () => {
    for (const name of ['age', 'weird key', "o'neil", 'a.b', 'größe', '日本', '😀', '$x', 'x'.repeat(64), 'NOT', '1st'])
      checkAttributeName(name);
  });
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /empty/],
    ['x'.repeat(65), /longer/],
    [' x', /white space/],
    ['x ', /white space/],
    ['a"b', /double quote/],
    ['a\\b', /backslash/],
    ['a`b', /back-quote/],
    ['a\nb', /control/],
    ['a\u0000b', /control/],
    ['\ud83d', /Unicode/],
    ['__proto__', /JavaScript/],
    ['constructor', /JavaScript/],
    ['email', /built-in/],
    ['score', /built-in/],
  ];
  for (const [name, why] of refused) {
    it(`refuses ${JSON.stringify(name).slice(0, 20)}`, () => {
      assert.throws(
        () => checkAttributeName(name),
        (error) => error instanceof ConditionError && error.code === 'E_ATTRIBUTE_NAME' && why.test(error.message),
      );
    });
  }
  it('never lets a name through that would not have been declared', () => {
    const schema = { lead: { 'a\\': 'number', constructor: 'number' } } as unknown as ConditionSchema;
    assert.equal(problem('lead.`a\\` = 1', schema).code, 'E_UNKNOWN_ATTRIBUTE');
    assert.equal(problem('lead.constructor = 1', schema).code, 'E_UNKNOWN_ATTRIBUTE');
  });
});

describe('conditions: what a compiled condition tells', () => {
  it('names the fields that decide, once each', () => {
    const condition = compile('age > 5 and (city = "x" or age < 3) and campaign.key = "k" and score > 1');
    assert.deepEqual(condition.attributes, ['age', 'city', 'score']);
  });

  it('knows whether the time matters', () => {
    assert.equal(compile('age > 5').usesNow, false);
    assert.equal(compile('signup > today()').usesNow, true);
    assert.equal(compile('$now() > city').usesNow, true);
    assert.equal(compile('$did("x")').usesNow, false);
    assert.equal(compile('$did("x", {"within": "1 day"})').usesNow, true);
  });

  it('keeps the source', () => {
    assert.equal(compile('age  ==  5').source, 'age  ==  5');
  });

  it('shows the values it saw, shortened, null for absent ones', () => {
    const condition = compile('age > 5 and city = "x" and "a" in tags and campaign.key = "k" and vip');
    const lead = { age: 30, city: 'y'.repeat(100), tags: ['1', '2', '3', '4', '5', '6', '7'], vip: 'yes' };
    assert.deepEqual(condition.seen({ lead, now: NOW, campaign: { key: 'spring' } }), {
      age: 30,
      city: `${'y'.repeat(60)}…`,
      tags: ['1', '2', '3', '4', '5', '…'],
      'campaign.key': 'spring',
      vip: null,
    });
  });

  it('reads the campaign and other roots', () => {
    const condition = compile('campaign.key = "k" and campaign.data.budget > 5 and event.total >= 10');
    const lead = {};
    assert.ok(condition.test({ lead, now: NOW, campaign: { key: 'k', data: { budget: 6 } }, event: { total: 10 } }));
    assert.ok(!condition.test({ lead, now: NOW, campaign: { key: 'k', data: { budget: '6' } }, event: { total: 10 } }));
    assert.ok(!condition.test({ lead, now: NOW }));
  });

  it('does not offer the campaign unless it is declared', () => {
    assert.equal(problem('campaign.key = "k"', { lead: {} }).code, 'E_UNKNOWN_ATTRIBUTE');
  });

  it('takes the start of the UTC day for today()', () => {
    const condition = compile('signup = today()');
    assert.ok(condition.test({ lead: { signup: Date.UTC(2026, 5, 15) }, now: NOW }));
    assert.ok(!condition.test({ lead: { signup: NOW }, now: NOW }));
  });
});
