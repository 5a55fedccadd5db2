import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../lib/errors';
import {
  checkRule,
  price,
  type Cart,
  type CartLine,
  type Offer,
  type PromotionRule,
  type Strategy,
} from '../../lib/pricing';

let numbers = 0;
function offer(rule: PromotionRule | Strategy, more: Partial<Offer> = {}): Offer {
  const key = `p${String(++numbers).padStart(4, '0')}`;
  return { key, name: key, priority: 0, rule: 'kind' in rule ? { strategy: rule } : rule, ...more };
}
const line = (id: string, unitPrice: number, quantity = 1, more: Partial<CartLine> = {}): CartLine => ({
  id,
  product: id,
  unitPrice,
  quantity,
  ...more,
});
const cart = (...lines: CartLine[]): Cart => ({ currency: 'EUR', lines });
/** What is left of each line. */
const totals = (basket: Cart, ...offers: Offer[]): number[] => price(basket, offers).lines.map(({ total }) => total);

describe('the price of a cart', () => {
  it('is the sum of its lines when nothing is taken off', () => {
    const quote = price(cart(line('tea', 499, 3), line('pot', 2_500)), []);
    assert.deepEqual(
      [quote.subtotal, quote.discount, quote.total, quote.applied, quote.refused],
      [3_997, 0, 3_997, [], []],
    );
  });

  it('takes percentages off each line, rounded half up', () => {
    assert.deepEqual(
      totals(cart(line('a', 999), line('b', 5), line('c', 15)), offer({ kind: 'percentage', percent: 10 })),
      [
        899, // 99.9 → 100
        4, // 0.5 → 1
        13, // 1.5 → 2
      ],
    );
    assert.deepEqual(totals(cart(line('a', 10_000)), offer({ kind: 'percentage', percent: 33.33 })), [6_667]);
  });

  it('spreads an amount off the order over its lines, to the last cent', () => {
    const quote = price(cart(line('a', 100), line('b', 100), line('c', 100)), [offer({ kind: 'fixed', amount: 100 })]);
    assert.deepEqual(
      quote.lines.map(({ discount }) => discount),
      [34, 33, 33],
    );
    assert.equal(quote.discount, 100);
  });

  it('never takes off more than there is', () => {
    assert.deepEqual(totals(cart(line('a', 300), line('b', 200)), offer({ kind: 'fixed', amount: 1_000 })), [0, 0]);
    assert.deepEqual(totals(cart(line('a', 300, 2)), offer({ kind: 'fixed', amount: 500, per: 'item' })), [0]);
  });

  it('takes an amount off each piece', () => {
    assert.deepEqual(totals(cart(line('a', 300, 4)), offer({ kind: 'fixed', amount: 50, per: 'item' })), [1_000]);
  });

  it('counts the highest tier that is reached, by pieces or by money', () => {
    const byPieces: Strategy = {
      kind: 'tiered',
      by: 'quantity',
      tiers: [
        { from: 10, percent: 20 },
        { from: 3, percent: 10 },
      ],
    };
    assert.deepEqual(
      [2, 3, 9, 10].map((quantity) => totals(cart(line('a', 100, quantity)), offer(byPieces))[0]),
      [200, 270, 810, 800],
    );
    const byMoney: Strategy = {
      kind: 'tiered',
      by: 'amount',
      tiers: [
        { from: 5_000, amount: 500 },
        { from: 10_000, amount: 1_500 },
      ],
    };
    assert.deepEqual(
      [4_999, 5_000, 10_000].map((value) => totals(cart(line('a', value)), offer(byMoney))[0]),
      [4_999, 4_500, 8_500],
    );
  });

  it('gives the cheapest of a set away', () => {
    const three: Strategy = { kind: 'buy-x-get-y', buy: 2, get: 1 };
    const quote = price(cart(line('shirt', 3_000), line('socks', 500, 4), line('hat', 1_000)), [offer(three)]);
    assert.deepEqual(
      quote.lines.map(({ total }) => total),
      [3_000, 1_000, 1_000], // 6 pieces: 2 free, the cheapest
    );
    assert.match(quote.applied[0]?.because ?? '', /buy 2, get 1: 2 free/);
  });

  it('gives away only of the same product where it says so, and half of it where it says that', () => {
    const same: Strategy = { kind: 'buy-x-get-y', buy: 1, get: 1, among: 'product', percent: 50 };
    assert.deepEqual(totals(cart(line('shirt', 3_000), line('socks', 500, 5), line('hat', 999, 2)), offer(same)), [
      3_000,
      2_000, // two of five at half the price
      1_498, // 499.5 → 500 off
    ]);
  });

  it('gives the last pieces away beyond the ones that are paid, and no more than it may', () => {
    const free = (pieces: number, most?: number): number => {
      const strategy: Strategy = { kind: 'buy-x-get-y', buy: 2, get: 2, ...(most === undefined ? {} : { most }) };
      return price(cart(line('a', 100, pieces)), [offer(strategy)]).discount / 100;
    };
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((pieces) => free(pieces)),
      [0, 0, 1, 2, 2, 2, 3, 4],
    );
    assert.equal(free(8, 3), 3);
  });

  it('bounds what is free over all products by the cheapest, wherever they stand in the cart', () => {
    const strategy: Strategy = { kind: 'buy-x-get-y', buy: 1, get: 1, among: 'product', most: 1 };
    assert.equal(price(cart(line('a', 900, 2), line('b', 100, 2)), [offer(strategy)]).discount, 100);
    assert.equal(price(cart(line('b', 100, 2), line('a', 900, 2)), [offer(strategy)]).discount, 100);
  });

  it('minds which products and categories a promotion is about', () => {
    const basket = cart(
      line('a', 100),
      line('b', 100, 1, { category: 'books' }),
      line('c', 100, 1, { category: 'books' }),
    );
    const half: Strategy = { kind: 'percentage', percent: 50 };
    assert.deepEqual(totals(basket, offer({ strategy: half, products: ['a'] })), [50, 100, 100]);
    assert.deepEqual(totals(basket, offer({ strategy: half, categories: ['books'] })), [100, 50, 50]);
    assert.deepEqual(totals(basket, offer({ strategy: half, products: ['a'], categories: ['books'] })), [50, 50, 50]);
    assert.deepEqual(totals(basket, offer({ strategy: half, exceptProducts: ['c'] })), [50, 50, 100]);
  });

  it('says why a promotion takes nothing off', () => {
    const percentage: Strategy = { kind: 'percentage', percent: 10 };
    const because = (rule: PromotionRule): string =>
      price(cart(line('a', 100)), [offer(rule)]).refused[0]?.because ?? '';
    assert.match(because({ strategy: percentage, minOrder: 101 }), /less than 101/);
    assert.match(because({ strategy: percentage, currency: 'USD' }), /USD only/);
    assert.match(because({ strategy: percentage, products: ['x'] }), /nothing in the cart/);
    assert.match(because({ strategy: { kind: 'buy-x-get-y', buy: 2, get: 1 } }), /too few/);
    assert.match(
      because({ strategy: { kind: 'tiered', by: 'quantity', tiers: [{ from: 2, percent: 5 }] } }),
      /no tier/,
    );
  });

  it('lets promotions count one after the other by priority, each on what is left', () => {
    const basket = cart(line('a', 10_000));
    const ten = offer({ kind: 'percentage', percent: 10 }, { priority: 1 });
    const fifty = offer({ kind: 'fixed', amount: 5_000 }, { priority: 2 });
    const quote = price(basket, [ten, fifty]);
    assert.deepEqual(
      quote.applied.map(({ promotion, amount }) => [promotion, amount]),
      [
        [fifty.key, 5_000],
        [ten.key, 500],
      ],
    );
    assert.deepEqual(quote.lines[0]?.discounts, quote.applied);
  });

  it('lets an exclusive promotion count alone', () => {
    const basket = cart(line('a', 1_000));
    const exclusive = (priority: number): Offer =>
      offer({ strategy: { kind: 'percentage', percent: 30 }, exclusive: true }, { priority });
    const ordinary = offer({ kind: 'percentage', percent: 10 }, { priority: 5 });
    assert.deepEqual(totals(basket, ordinary, exclusive(9)), [700]);
    assert.deepEqual(totals(basket, ordinary, exclusive(1)), [900]);
    assert.match(price(basket, [ordinary, exclusive(9)]).refused[0]?.because ?? '', /counts alone/);
    assert.match(price(basket, [ordinary, exclusive(1)]).refused[0]?.because ?? '', /another one counts/);
  });

  it('takes off at most what a promotion allows, and the same promotion once', () => {
    const capped = offer({ strategy: { kind: 'percentage', percent: 50 }, maxDiscount: 101 }, { code: 'A' });
    assert.deepEqual(totals(cart(line('a', 1_000), line('b', 1_000)), capped, { ...capped, code: 'B' }), [949, 950]);
  });

  it('is refused for what is no cart', () => {
    const bad: Cart[] = [
      cart(),
      cart(line('a', 1), line('a', 2)),
      cart(line('a', 1.5)),
      cart(line('a', -1)),
      cart(line('a', 1, 0)),
      cart(line('a', 1e13, 2)),
      cart(line('a', 9e12), line('b', 9e12)),
    ];
    for (const basket of bad) {
      assert.throws(
        () => price(basket, []),
        (error) => error instanceof InputError && error.code === 'E_CART',
        JSON.stringify(basket),
      );
    }
  });
});

const percents = fc.integer({ min: 1, max: 10_000 }).map((points) => points / 100);
const amounts = fc.integer({ min: 1, max: 1_000_000 });
const pieces = fc.integer({ min: 1, max: 12 });
const strategies: fc.Arbitrary<Strategy> = fc.oneof(
  fc.record({ kind: fc.constant('percentage' as const), percent: percents }),
  fc.record({
    kind: fc.constant('fixed' as const),
    amount: amounts,
    per: fc.constantFrom('order' as const, 'item' as const),
  }),
  fc
    .uniqueArray(fc.record({ from: amounts, percent: percents }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ from }) => from,
    })
    .map((tiers) => ({ kind: 'tiered' as const, by: 'amount' as const, tiers })),
  fc
    .uniqueArray(fc.record({ from: pieces, amount: amounts }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ from }) => from,
    })
    .map((tiers) => ({ kind: 'tiered' as const, by: 'quantity' as const, tiers })),
  fc.record({
    kind: fc.constant('buy-x-get-y' as const),
    buy: pieces,
    get: pieces,
    among: fc.constantFrom('product' as const, 'set' as const),
    percent: percents,
    most: pieces,
  }),
);
const products = fc.constantFrom('a', 'b', 'c', 'd');
const rules: fc.Arbitrary<PromotionRule> = fc.record(
  {
    strategy: strategies,
    currency: fc.constant('EUR'),
    products: fc.uniqueArray(products, { minLength: 1 }),
    minOrder: amounts,
    maxDiscount: amounts,
    exclusive: fc.boolean(),
  },
  { requiredKeys: ['strategy', 'currency'] },
);
const offers: fc.Arbitrary<Offer[]> = fc.uniqueArray(
  fc
    .record({ key: fc.string({ minLength: 1, maxLength: 3 }), priority: fc.integer({ min: 0, max: 2 }), rule: rules })
    .map((given) => ({ ...given, name: given.key })),
  { maxLength: 6, selector: ({ key }) => key },
);
const carts: fc.Arbitrary<Cart> = fc
  .array(
    fc.record({
      product: products,
      quantity: fc.oneof(pieces, fc.integer({ min: 1, max: 1_000_000 })),
      unitPrice: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 1_000_000 })),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((lines) => ({ currency: 'EUR', lines: lines.map((one, index) => ({ ...one, id: String(index) })) }));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('whatever the cart and its promotions', () => {
  it('no line falls below 0, and all sums agree to the last cent', () => {
    fc.assert(
      fc.property(carts, offers, (basket, given) => {
        const quote = price(basket, given);
        for (const { subtotal, discount, total, discounts, unitPrice, quantity } of quote.lines) {
          assert.ok(Number.isSafeInteger(total) && total >= 0 && discount >= 0);
          assert.equal(subtotal, unitPrice * quantity);
          assert.equal(subtotal - discount, total);
          assert.equal(sum(discounts.map(({ amount }) => amount)), discount);
          assert.ok(discounts.every(({ amount }) => amount > 0));
        }
        assert.equal(quote.total, sum(quote.lines.map(({ total }) => total)));
        assert.equal(quote.discount, sum(quote.applied.map(({ amount }) => amount)));
        assert.equal(quote.subtotal - quote.discount, quote.total);
        assert.equal(
          quote.applied.length + quote.refused.length,
          given.length,
          'each promotion counts or is explained',
        );
      }),
      { numRuns: 500 },
    );
  });

  it('the order in which promotions are given does not matter', () => {
    const shuffled = offers.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    );
    fc.assert(
      fc.property(carts, shuffled, (basket, [given, other]) => {
        assert.deepEqual(price(basket, other), price(basket, given));
      }),
      { numRuns: 300 },
    );
  });

  it('nothing takes off more than its bound, and a promotion never makes a cart dearer', () => {
    fc.assert(
      fc.property(carts, offers, (basket, given) => {
        for (const { promotion, amount } of price(basket, given).applied) {
          const bound = given.find(({ key }) => key === promotion)?.rule.maxDiscount ?? Infinity;
          assert.ok(amount <= bound);
        }
        const alone = given.slice(0, 1);
        assert.ok(price(basket, alone).total <= price(basket, []).total);
      }),
      { numRuns: 300 },
    );
  });

  it('an amount off the order takes exactly that, or all there is', () => {
    fc.assert(
      fc.property(carts, amounts, (basket, amount) => {
        const { subtotal, discount } = price(basket, [offer({ kind: 'fixed', amount })]);
        assert.equal(discount, Math.min(amount, subtotal));
      }),
    );
  });

  it('every rule that prices is a rule that can be saved', () => {
    fc.assert(fc.property(rules, (rule) => assert.deepEqual(checkRule(rule), [])));
  });
});

describe('a promotion’s rule', () => {
  const refused: [rule: unknown, path: string][] = [
    [undefined, '/rule'],
    [{}, '/rule/strategy'],
    [{ strategy: { kind: 'gift' } }, '/rule/strategy/kind'],
    [{ strategy: { kind: 'percentage', percent: 0 } }, '/rule/strategy/percent'],
    [{ strategy: { kind: 'percentage', percent: 100.01 } }, '/rule/strategy/percent'],
    [{ strategy: { kind: 'percentage', percent: 0.125 } }, '/rule/strategy/percent'],
    [{ strategy: { kind: 'percentage' } }, '/rule/strategy/percent'],
    [{ strategy: { kind: 'fixed', amount: 1.5 }, currency: 'EUR' }, '/rule/strategy/amount'],
    [{ strategy: { kind: 'fixed', amount: 100 } }, '/rule/currency'],
    [{ strategy: { kind: 'percentage', percent: 5 }, minOrder: 100 }, '/rule/currency'],
    [{ strategy: { kind: 'percentage', percent: 5 }, currency: 'euro' }, '/rule/currency'],
    [{ strategy: { kind: 'percentage', percent: 5 }, colour: 'red' }, '/rule/colour'],
    [{ strategy: { kind: 'percentage', percent: 5 }, products: [] }, '/rule/products'],
    [{ strategy: { kind: 'tiered', by: 'quantity', tiers: [] } }, '/rule/strategy/tiers'],
    [{ strategy: { kind: 'tiered', by: 'quantity', tiers: [{ from: 1 }] } }, '/rule/strategy/tiers/0'],
    [
      {
        strategy: {
          kind: 'tiered',
          by: 'quantity',
          tiers: [
            { from: 1, percent: 1 },
            { from: 1, percent: 2 },
          ],
        },
      },
      '/rule/strategy/tiers/1/from',
    ],
    [{ strategy: { kind: 'buy-x-get-y', buy: 0, get: 1 } }, '/rule/strategy/buy'],
    [{ strategy: { kind: 'buy-x-get-y', buy: 1, get: 1, among: 'all' } }, '/rule/strategy/among'],
  ];
  for (const [rule, path] of refused) {
    it(`is refused at ${path}: ${JSON.stringify(rule)}`, () => {
      assert.ok(
        checkRule(rule).some((problem) => problem.path === path),
        JSON.stringify(checkRule(rule)),
      );
    });
  }
});
