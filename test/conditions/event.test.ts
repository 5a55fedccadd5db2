import assert from 'node:assert/strict';
import { compileCondition, compileEventCondition, eventFields, type JsonCondition } from '../../lib/conditions';

const SCHEMA = { lead: { city: 'string' }, campaign: {} } as const;

/** Whether a condition holds for an event with this metadata, of a lead in Graz. */
function holds(source: string | JsonCondition, metadata: Record<string, unknown>): boolean {
  const condition = compileEventCondition(source, SCHEMA, { infer: ['data'] });
  const event = eventFields({ type: 'bought', channel: 'shop', at: 5_000, metadata });
  return condition.test({ lead: { city: 'Graz', score: 3 }, now: 10_000, event, campaign: { data: { limit: 2 } } });
}

describe('conditions: what came with an event', () => {
  it('is read beside the lead and the campaign', () => {
    const source = 'event.value > 50 and event.product = "x" and lead.city = "Graz" and data.limit = 2';
    assert.equal(holds(source, { value: 51, product: 'x' }), true);
    assert.equal(holds(source, { value: 50, product: 'x' }), false);
    assert.equal(
      holds('event.cart.total >= 10 and event.`odd name` = true', { cart: { total: 10 }, 'odd name': true }),
      true,
    );
  });

  const rules: readonly (readonly [string, unknown, Record<string, unknown>, boolean])[] = [
    ['equals', 'x', { p: 'x' }, true],
    ['equals', 'x', { p: 'y' }, false],
    ['equals', true, { p: true }, true],
    ['equals', 5, { p: '5' }, false],
    ['not_equals', 5, { p: 6 }, true],
    ['contains', 'art', { p: 'cart' }, true],
    ['contains', 'art', { p: ['art'] }, false],
    ['greater_than', 5, { p: 6 }, true],
    ['greater_than', 5, { p: 5 }, false],
    ['less than', 5, { p: 4 }, true],
    ['Less-Than', 5, { p: null }, false],
    ['greater_or_equal', 5, { p: 5 }, true],
    ['less_or_equal', 5, {}, false],
    ['in', ['a', 'b'], { p: 'b' }, true],
    ['exists', undefined, { p: 0 }, true],
    ['after', '2026-01-01', { p: '2026-02-01T00:00:00Z' }, true],
  ];
  for (const [operator, value, metadata, expected] of rules) {
    it(`${operator} ${JSON.stringify(value)} is ${expected} of ${JSON.stringify(metadata)}`, () => {
      assert.equal(holds({ field: 'event.p', operator, value }, metadata), expected);
    });
  }

  it('is false, and nothing worse, when it is absent or of another type', () => {
    const odd: unknown[] = ['60', null, [60], { valueOf: 60 }, true, undefined, -0, Number.NaN, '__proto__'];
    for (const value of odd) {
      assert.equal(holds('event.value > 50', { value }), false);
      assert.equal(holds('event.value.amount > 50', { value }), false);
      assert.equal(holds('$contains(event.value, "zz")', { value }), false);
    }
    assert.equal(
      holds('event.value > 50', JSON.parse('{"__proto__": {"value": 60}}') as Record<string, unknown>),
      false,
    );
    assert.equal(holds('$exists(event.toString)', {}), false);
  });

  it('may not be called what JavaScript knows, and is read where it is allowed only', () => {
    for (const source of ['event.__proto__ = "x"', 'event.a.constructor = "x"', 'event.a.b.c = 1', 'event = 1']) {
      assert.throws(() => compileEventCondition(source, SCHEMA), { name: 'ConditionError' }, source);
    }
    assert.throws(() => compileCondition('event.value > 50', SCHEMA), { code: 'E_UNKNOWN_ATTRIBUTE' });
  });

  it('says the type, the channel and the moment, which what was sent may overrule', () => {
    assert.equal(holds('event.type = "bought" and event.channel = "shop" and event.at < $millis()', {}), true);
    assert.equal(holds('event.channel = "till"', { channel: 'till' }), true);
    assert.equal(
      holds({ field: 'event.cart.total', operator: 'greater_than', value: 1 }, { cart: { total: 2 } }),
      true,
    );
  });

  it('tells whether the lead is needed to decide', () => {
    const needs = (source: string): boolean => {
      const { attributes, behaviours } = compileEventCondition(source, SCHEMA);
      return attributes.length + behaviours.length > 0;
    };
    assert.deepEqual(['event.value > 1', 'event.value > 1 and score > 1', '$did("x")'].map(needs), [false, true, true]);
  });
});
