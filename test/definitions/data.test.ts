import assert from 'node:assert/strict';
import { dataValidator, type DataSchema, type Problem } from '../../lib/definitions';
import { InputError } from '../../lib/errors';

function refusal(run: () => unknown): { code: string; problems: readonly Problem[] } {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return { code: error.code, problems: error.details['problems'] as readonly Problem[] };
  }
  assert.fail('it was taken');
}

const SHORT: DataSchema = {
  city: { type: 'string', required: true, minLength: 2, maxLength: 20, pattern: '^[A-Z]' },
  seats: { type: 'integer', min: 1, max: 500, default: 10 },
  price: { type: 'number', min: 0 },
  online: { type: 'boolean' },
  starts: { type: 'date', required: true },
  level: { type: 'enum', values: ['basic', 'pro'], default: 'basic' },
  speakers: { type: 'array', maxLength: 3 },
  venue: { type: 'object' },
};

const SCHEMA: DataSchema = {
  type: 'object',
  properties: {
    city: { type: 'string', minLength: 2 },
    seats: { type: 'integer', minimum: 1, default: 10 },
    starts: { type: 'string', format: 'date' },
    contact: {
      type: 'object',
      properties: { email: { type: 'string', format: 'email' } },
      required: ['email'],
      additionalProperties: false,
    },
    codes: { type: 'array', items: { type: 'string' }, uniqueItems: true },
    budget: {
      oneOf: [{ type: 'number' }, { type: 'object', properties: { max: { type: 'number' } }, required: ['max'] }],
    },
  },
  required: ['city', 'starts'],
  additionalProperties: false,
};

describe('definitions: a campaign’s data', () => {
  const good = { city: 'Graz', starts: '2026-05-01' };

  it('in the short form is completed with defaults, and keeps what is not declared', () => {
    const given = { ...good, emails_sent: 3 };
    assert.deepEqual(dataValidator(SHORT)(given), { ...given, seats: 10, level: 'basic' });
    assert.deepEqual(given, { ...good, emails_sent: 3 }, 'what was given is left alone');
  });

  it('in the form of JSON Schema is held to it', () => {
    const data = { ...good, contact: { email: 'a@example.org' }, codes: ['a', 'b'], budget: { max: 5 } };
    assert.deepEqual(dataValidator(SCHEMA)(data), { ...data, seats: 10 });
    const { code, problems } = refusal(() =>
      dataValidator(SCHEMA)({ city: 'G', seats: 0, starts: 'soon', contact: { e: 1 }, codes: ['a', 'a'], more: 1 }),
    );
    assert.equal(code, 'E_CAMPAIGN_DATA');
    assert.deepEqual(problems.map(({ path }) => path).sort(), [
      '/city',
      '/codes',
      '/contact/e',
      '/contact/email',
      '/more',
      '/seats',
      '/starts',
    ]);
  });

  const wrong: readonly (readonly [Record<string, unknown>, string, string])[] = [
    [{ city: 5 }, '/city', 'This must be text.'],
    [{ city: 'G' }, '/city', 'This must have 2 characters or more.'],
    [{ city: 'Xxxxxxxxxxxxxxxxxxxxxxxxxx' }, '/city', 'This must have 20 characters or fewer.'],
    [{ city: 'graz' }, '/city', 'This does not match the pattern ^[A-Z].'],
    [{ city: undefined }, '/city', 'This is missing.'],
    [{ city: null }, '/city', 'This is missing.'],
    [{ seats: 1.5 }, '/seats', 'This must be a whole number.'],
    [{ seats: 501 }, '/seats', 'This must be 500 or less.'],
    [{ price: '5' }, '/price', 'This must be a number.'],
    [{ price: NaN }, '/price', 'This is not a number that JSON can hold.'],
    [{ online: 'yes' }, '/online', 'This must be true or false.'],
    [{ starts: '2026-02-30' }, '/starts', 'This must be a date such as "2026-01-31" or "2026-01-31T09:00:00Z".'],
    [{ starts: 'tomorrow' }, '/starts', 'This must be a date such as "2026-01-31" or "2026-01-31T09:00:00Z".'],
    [{ level: 'gold' }, '/level', 'This must be one of: "basic", "pro".'],
    [{ speakers: [1, 2, 3, 4] }, '/speakers', 'This must have 3 entries or fewer.'],
    [{ speakers: 'Ada' }, '/speakers', 'This must be a list.'],
    [{ venue: [] }, '/venue', 'This must be an object.'],
  ];
  for (const [part, path, message] of wrong) {
    it(`is refused at ${path}: ${message}`, () => {
      assert.deepEqual(refusal(() => dataValidator(SHORT)({ ...good, ...part })).problems, [{ path, message }]);
    });
  }

  it('takes dates as text, as milliseconds and as Date objects', () => {
    const validate = dataValidator(SHORT);
    const starts = (value: unknown): unknown => validate({ city: 'Graz', starts: value })['starts'];
    assert.equal(starts('2026-05-01T09:00:00+02:00'), '2026-05-01T09:00:00+02:00');
    assert.equal(starts(1_777_000_000_000), 1_777_000_000_000);
    assert.equal(starts(new Date(0)), '1970-01-01T00:00:00.000Z');
  });

  it('may be incomplete in a draft, but not wrong, and gets no defaults there', () => {
    for (const schema of [SHORT, SCHEMA]) {
      const validate = dataValidator(schema);
      assert.deepEqual(validate({}, { partial: true }), {});
      assert.deepEqual(validate({ city: 'Graz' }, { partial: true }), { city: 'Graz' });
      assert.equal(refusal(() => validate({ city: 7 }, { partial: true })).problems[0]?.path, '/city');
    }
    assert.deepEqual(dataValidator(SCHEMA)({ contact: {}, budget: {} }, { partial: true }), {
      contact: {},
      budget: {},
    });
  });

  it('is anything where nothing is declared, as long as it is data', () => {
    const validate = dataValidator(undefined);
    assert.deepEqual(validate({ a: [1, { b: null }], c: null }), { a: [1, { b: null }] });
    assert.deepEqual(validate(undefined), {});
    assert.equal(refusal(() => validate([])).problems[0]?.path, '');
    assert.equal(refusal(() => validate({ a: { b: () => 1 } })).problems[0]?.path, '/a/b');
    assert.equal(refusal(() => validate({ a: new Map() })).problems[0]?.path, '/a');
  });

  it('is checked by a validator that is made once for the same schema', () => {
    assert.equal(dataValidator(SHORT), dataValidator(structuredClone(SHORT)));
    assert.notEqual(dataValidator(SHORT), dataValidator({ ...SHORT, more: { type: 'string' } }));
  });

  it('tells two patterns of one schema apart', () => {
    const validate = dataValidator({
      a: { type: 'string', pattern: '^a+$' },
      b: { type: 'string', pattern: '^b+$' },
    });
    assert.deepEqual(validate({ a: 'aa', b: 'bb' }), { a: 'aa', b: 'bb' });
    assert.deepEqual(
      refusal(() => validate({ a: 'bb', b: 'aa' })).problems.map(({ path }) => path),
      ['/a', '/b'],
    );
  });

  const schemas: readonly (readonly [object, string])[] = [
    [{ type: 'object', properties: { a: { $ref: '#' } } }, '/properties/a/$ref'],
    [{ type: 'object', $id: 'https://example.org/x' }, '/$id'],
    [{ type: 'object', $defs: {} }, '/$defs'],
    [{ type: 'object', patternProperties: { '^(a+)+$': {} } }, '/patternProperties'],
    [{ type: 'object', not: {} }, '/not'],
    [{ type: 'object', properties: { a: { type: 'text' } } }, '/properties/a/type'],
    [{ type: 'object', properties: { a: { minimum: '1' } } }, '/properties/a/minimum'],
    [{ type: 'object', properties: { a: { minLength: -1 } } }, '/properties/a/minLength'],
    [{ type: 'object', properties: { a: { format: 'regex' } } }, '/properties/a/format'],
    [{ type: 'object', properties: { a: { enum: [] } } }, '/properties/a/enum'],
    [{ type: 'object', properties: { a: { type: 'array', uniqueItems: true } } }, '/properties/a/uniqueItems'],
    [{ type: 'object', properties: [] }, '/properties'],
    [{ type: 'object', required: 'a' }, '/required'],
    [{ type: 'object', anyOf: [] }, '/anyOf'],
    [{ type: 'object', properties: { a: { type: 'number', default: 'x' } } }, '/properties/a/default'],
    [{ a: { type: 'string', min: 5 } }, '/a/min'],
    [{ a: { type: 'number', min: 5, max: 4 } }, '/a/max'],
    [{ a: { type: 'enum', values: [1, 1] } }, '/a/values'],
    [{ a: 'string' }, '/a'],
    [{ 'a"b': { type: 'string' } }, '/a"b'],
    [{ constructor: { type: 'string' } }, '/constructor'],
  ];
  for (const [schema, path] of schemas) {
    it(`has a schema without ${path}`, () => {
      const { code, problems } = refusal(() => dataValidator(schema as DataSchema));
      assert.deepEqual([code, problems.map((problem) => problem.path)], ['E_DEFINITION', [path]]);
    });
  }
});
