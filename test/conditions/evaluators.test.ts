import assert from 'node:assert/strict';
import {
  compileCondition,
  ConditionError,
  registerConditionEvaluator,
  type ConditionSchema,
} from '../../lib/conditions';

const SCHEMA: ConditionSchema = { lead: { age: 'number', city: 'string' } };

describe('conditions: custom evaluators', () => {
  const registered: (() => void)[] = [];
  const register: typeof registerConditionEvaluator = (name, evaluator) => {
    const undo = registerConditionEvaluator(name, evaluator);
    registered.push(undo);
    return undo;
  };
  afterEach(() => {
    for (const undo of registered.splice(0)) undo();
  });

  it('are called with the lead and the options of the condition', () => {
    register('older', { evaluate: ({ lead, args }) => Number(lead.age) > Number(args.than), attributes: ['age'] });
    const condition = compileCondition(
      '$custom("older", {"than": 30, "list": ["a", 1, true]}) and lead.city = "x"',
      SCHEMA,
    );
    assert.equal(condition.test({ lead: { age: 31, city: 'x' }, now: 0 }), true);
    assert.equal(condition.test({ lead: { age: 30, city: 'x' }, now: 0 }), false);
    assert.equal(condition.normalised, '$custom("older", {"than":30,"list":["a",1,true]}) and lead.city = "x"');
    assert.deepEqual(condition.attributes, ['city', 'age']);
  });

  it('count as reading every field when they do not say which', () => {
    register('any', { evaluate: () => true });
    assert.deepEqual(new Set(compileCondition('custom("any")', SCHEMA).attributes).has('externalId'), true);
    assert.ok(compileCondition('custom("any")', SCHEMA).attributes.includes('city'));
  });

  it('are false when they throw, and somebody hears of it', () => {
    register('broken', {
      evaluate: () => {
        throw new Error('no weather today');
      },
    });
    const errors: unknown[] = [];
    const condition = compileCondition('$custom("broken")', SCHEMA);
    assert.equal(condition.test({ lead: {}, now: 0, onError: (error) => errors.push(error) }), false);
    assert.equal(condition.test({ lead: {}, now: 0 }), false);
    assert.match(String(errors[0]), /no weather today/);
  });

  it('are false unless they answer true itself', () => {
    register('truthy', { evaluate: () => 1 as unknown as boolean });
    assert.equal(compileCondition('$custom("truthy")', SCHEMA).test({ lead: {}, now: 0 }), false);
  });

  it('may check their options when a condition is saved', () => {
    register('strict', {
      evaluate: () => true,
      validate: (args) => {
        if (typeof args.zip !== 'string') throw new Error('"zip" is missing');
      },
    });
    assert.throws(
      () => compileCondition('lead.age > 5 and $custom("strict")', SCHEMA),
      (error) =>
        error instanceof ConditionError &&
        error.code === 'E_CONDITION_TYPE' &&
        error.position === 17 &&
        /"zip" is missing/.test(error.message),
    );
    assert.ok(compileCondition('$custom("strict", {"zip": "10115"})', SCHEMA));
  });

  it('cannot become SQL', () => {
    register('any', { evaluate: () => true });
    const condition = compileCondition('$custom("any") or lead.age > 5', SCHEMA);
    assert.equal(condition.sqlExact, false);
    assert.throws(
      () => condition.toSql({ name: 'sqlite', mariadb: false }, { alias: 'l', prefix: 'c', now: 0 }),
      (error) => error instanceof ConditionError && error.code === 'E_NOT_SQL',
    );
  });

  it('have plain names, can be replaced and taken back', () => {
    assert.throws(() => registerConditionEvaluator('two words', { evaluate: () => true }), /cannot name an evaluator/);
    const undoFirst = register('e', { evaluate: () => false });
    register('e', { evaluate: () => true });
    undoFirst();
    assert.equal(compileCondition('$custom("e")', SCHEMA).test({ lead: {}, now: 0 }), true);
    assert.throws(() => compileCondition('$custom("ee")', SCHEMA), /There is no evaluator "ee"/);
  });

  it('take options without a prototype', () => {
    let seen: object | undefined;
    register('look', {
      evaluate: ({ args }) => {
        seen = args;
        return true;
      },
    });
    compileCondition('$custom("look", {"__proto__": 5})', SCHEMA).test({ lead: {}, now: 0 });
    assert.equal(Object.getPrototypeOf(seen), null);
    assert.deepEqual(Object.keys(seen ?? {}), ['__proto__']);
  });
});
