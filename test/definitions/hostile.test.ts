import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compileGuard, dataValidator, readDocument, type DataSchema } from '../../lib/definitions';
import { InputError } from '../../lib/errors';
import { LEVEL_2, LEVEL_3, PHASE_2, PHASE_3 } from './texts';

/** Runs it; anything but success and an InputError is a failure of the test. */
function onlyInputErrors(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    assert.ok(error instanceof InputError, `${String(error)}\n${error instanceof Error ? error.stack : ''}`);
    return false;
  }
}

/** A value nested `depth` times. */
function nested(depth: number, wrap: (inner: unknown) => unknown, core: unknown = 1): unknown {
  let value = core;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

/** Names and values that definitions are made of, so that what is generated gets past the first check. */
const WORDS = [
  ...[
    'id',
    'name',
    'stages',
    'transitions',
    'from',
    'to',
    'condition',
    'state',
    'active',
    'draft',
    'channels',
    'email',
  ],
  ...['automation', 'sequence', 'escalation', 'triggers', 'delay', 'after', '1 day', 'action', 'send_email', 'event'],
  ...['entities', 'campaign', 'fields', 'dataSchema', 'type', 'object', 'string', 'properties', 'required', 'default'],
  ...[
    'items',
    'enum',
    'values',
    'pattern',
    '^a',
    'anyOf',
    'targeting',
    'segment',
    'conditions',
    'field',
    'operator',
    'value',
  ],
  ...['data.a > 1', 'lead.score', '=', 'in', 'logic', 'OR', 'roi', 'threshold', '2x', 'compliance', 'gdpr', 'toString'],
];
const word = fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 8 }));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(word, fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 5 }),
  ),
}));

describe('definitions: hostile input', function () {
  this.timeout(60_000);

  it('any JSON value is read or refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (input) => void onlyInputErrors(() => readDocument(input))),
      { numRuns: 300 },
    );
  });

  it('any change to a good document is read or refused', () => {
    const documents = [PHASE_2, PHASE_3, LEVEL_2, LEVEL_3];
    const part = fc.constantFrom(
      'stages',
      'transitions',
      'channels',
      'targeting',
      'automation',
      'roi',
      'entities',
      'dataSchema',
    );
    fc.assert(
      fc.property(fc.constantFrom(...documents), part, value, (document, name, changed) => {
        onlyInputErrors(() => readDocument({ ...document, [name]: changed }));
      }),
      { numRuns: 500 },
    );
  });

  it('whatever schema is taken compiles, and then any data are taken or refused', () => {
    fc.assert(
      fc.property(fc.dictionary(word, value, { maxKeys: 6 }), value, (schema, data) => {
        for (const form of [schema, { ...schema, type: 'object' }]) {
          onlyInputErrors(() => {
            const validate = dataValidator(form);
            onlyInputErrors(() => validate(data));
            onlyInputErrors(() => validate(data, { partial: true }));
          });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('any text is a guard or is refused, and a guard never throws', () => {
    const token = fc.constantFrom(
      'data.a',
      'campaign.name',
      '>',
      '=',
      '5',
      '"x"',
      'and',
      'NOT',
      '(',
      ')',
      'in',
      '[1]',
      'today()',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), value, (tokens, a) => {
        onlyInputErrors(() => {
          const answer = compileGuard(tokens.join(' ')).test({ campaign: { name: a }, data: { a }, now: 0 });
          assert.equal(typeof answer, 'boolean');
        });
      }),
      { numRuns: 500 },
    );
  });

  const bombs: Readonly<Record<string, () => unknown>> = {
    'a document nested 100,000 deep': () => readDocument({ id: 'x', name: nested(100_000, (inner) => [inner]) }),
    'a schema nested 100,000 deep': () =>
      dataValidator(nested(100_000, (items) => ({ type: 'array', items })) as DataSchema),
    'a schema nested 9 deep': () =>
      dataValidator({ type: 'object', properties: { a: nested(9, (items) => ({ type: 'array', items }), {}) } }),
    'a document that contains itself': () => {
      const document: Record<string, unknown> = { id: 'x' };
      document['entities'] = document;
      return readDocument(document);
    },
    'a million stages': () => readDocument({ id: 'x', stages: Array.from({ length: 1_000_000 }, (_, i) => `s${i}`) }),
    'a list with a billion holes': () => readDocument({ id: 'x', stages: new Array(1_000_000_000) }),
    'a name of 10 MB': () => readDocument({ id: 'x', name: 'x'.repeat(10_000_000) }),
    'ten thousand data fields': () =>
      dataValidator({
        type: 'object',
        properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, { type: 'string' }])),
      }),
    'branches in branches': () =>
      dataValidator({ type: 'object', anyOf: Array(20).fill({ anyOf: Array(20).fill({ type: 'object' }) }) }),
    'a reference to itself': () => dataValidator({ type: 'object', properties: { a: { $ref: '#' } } }),
    'a remote reference': () => dataValidator({ type: 'object', $ref: 'https://example.org/schema.json' }),
    'a name that is a prototype': () => readDocument(JSON.parse('{"id":"x","__proto__":{"name":"y"}}')),
    'a field that is a prototype': () =>
      dataValidator(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}') as DataSchema),
    'data that are a prototype': () => dataValidator({})(JSON.parse('{"__proto__":{"admin":true}}')),
    'data nested 100,000 deep': () => dataValidator({})({ a: nested(100_000, (a) => ({ a })) }),
    'data with 100,000 entries': () => dataValidator({})({ a: Array(100_000).fill(1) }),
    'a pattern with a look-ahead': () => dataValidator({ a: { type: 'string', pattern: '(?=a)b' } }),
    'a pattern of repeated repetitions': () =>
      dataValidator({ a: { type: 'string', pattern: '((a{1,50}){1,50}){1,50}' } }),
    'a condition of 10,000 brackets': () =>
      readDocument({
        id: 'x',
        transitions: { go: { from: 'draft', to: 'active', condition: `${'('.repeat(900)}1${')'.repeat(900)}` } },
      }),
  };
  for (const [what, run] of Object.entries(bombs)) {
    it(`${what} is refused`, () => assert.equal(onlyInputErrors(run), false));
  }

  it('changes no prototype', () => {
    for (const run of Object.values(bombs)) onlyInputErrors(run);
    assert.equal(({} as Record<string, unknown>)['admin'], undefined);
    assert.equal(({} as Record<string, unknown>)['name'], undefined);
  });

  it('a pattern that hangs JavaScript’s engine answers', () => {
    const validate = dataValidator({ a: { type: 'string', pattern: '^(a+)+$' } });
    assert.deepEqual(validate({ a: 'aaa' }), { a: 'aaa' });
    assert.equal(
      onlyInputErrors(() => validate({ a: `${'a'.repeat(4_000)}!` })),
      false,
    );
  });

  it('code in names and values stays text', () => {
    const evil = '"];globalThis.hacked=1;//';
    onlyInputErrors(() => dataValidator({ [evil]: { type: 'string' } }));
    onlyInputErrors(() => dataValidator({ a: { type: 'string', default: evil, description: evil } })({}));
    onlyInputErrors(() =>
      dataValidator({ "']+globalThis.hacked": { type: 'enum', values: [evil] } })({ "']+globalThis.hacked": 1 }),
    );
    onlyInputErrors(() =>
      dataValidator({ type: 'object', properties: { "a'+globalThis.x": { const: evil } } })({ "a'+globalThis.x": 2 }),
    );
    assert.equal(Reflect.get(globalThis, 'hacked'), undefined);
  });
});
