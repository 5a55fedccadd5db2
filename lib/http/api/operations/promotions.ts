import type {
  Cart,
  Coupon,
  NewCoupons,
  NewPromotion,
  Order,
  Promotion,
  PromotionChanges,
  QuoteOptions,
} from '../../../pricing';
import { by, idOrKey, milliseconds, withMoments } from '../present';
import { created, gone, idOf, idPage, ok, paged } from '../replies';
import {
  anything,
  flag,
  integer,
  list,
  map,
  moment,
  nullable,
  object,
  page,
  PAGING,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Promotions';
const KEY: Schema = object({ key: text(128, { description: 'The key of the promotion.' }) });
const RULE = map(anything(), {
  description:
    '`strategy`: `{"kind": "percentage", "percent"}`, `fixed`, `tiered` or `buy-x-get-y`; and what it is about: `products`, `categories`, `minOrder`, `needsCode` … Money is in minor units.',
  examples: [{ strategy: { kind: 'percentage', percent: 10 } }],
});
const CAMPAIGN = text(128, { description: 'The number or key of its campaign.' });
const CODES = list(text(64), 20);
const MONEY = integer(0, Number.MAX_SAFE_INTEGER, { description: 'In minor units: 1999 is 19.99 EUR.' });
const LINES = list(
  object(
    { id: text(191), product: text(191), quantity: integer(1, 1_000_000), unitPrice: integer(0, 1e12) },
    { category: text(191) },
  ),
  1_000,
  { minItems: 1 },
);
const CART = object({ lines: LINES }, { currency: text(3, { minLength: 3 }) });
const PRIORITY = integer(-1_000_000, 1_000_000, { description: 'Higher ones count first.' });
const DISCOUNT = object({ promotion: text(128), amount: MONEY, because: { type: 'string' } }, { code: text(64) });

export const PROMOTION_SCHEMAS: Readonly<Record<string, Schema>> = {
  Promotion: object(
    {
      id: integer(1),
      campaign: integer(1),
      key: text(128),
      name: text(255),
      rule: map(anything()),
      priority: PRIORITY,
      active: flag(),
      version: integer(1),
      createdAt: moment(),
      updatedAt: moment(),
    },
    { startsOn: moment(), endsOn: moment() },
    { description: 'A rule that takes something off while its campaign is active.' },
  ),
  Coupon: object(
    { id: integer(1), code: text(64), promotion: text(128), uses: integer(0), createdAt: moment() },
    { maxUses: integer(1), maxUsesPerCustomer: integer(1), expiresAt: moment() },
    { description: 'A code that lets its promotion count.' },
  ),
  Quote: object(
    {
      lines: list(
        object(
          {
            id: text(191),
            product: text(191),
            quantity: integer(1),
            unitPrice: MONEY,
            subtotal: MONEY,
            discount: MONEY,
            total: MONEY,
            discounts: list(DISCOUNT),
          },
          { category: text(191) },
        ),
      ),
      subtotal: MONEY,
      discount: MONEY,
      total: MONEY,
      applied: list(DISCOUNT),
      refused: list(object({ because: { type: 'string' } }, { promotion: text(128), code: { type: 'string' } })),
    },
    { currency: text(3) },
    { description: 'A cart with its price.' },
  ),
  Redemption: object(
    {
      order: text(191),
      fresh: flag({ description: 'False: this order had redeemed before; nothing was counted again.' }),
      coupons: list(object({ code: text(64), promotion: text(128), discount: MONEY })),
    },
    { quote: ref('Quote') },
  ),
};

interface Times {
  startsOn?: string | null;
  endsOn?: string | null;
}

function times({ startsOn, endsOn }: Times): Pick<PromotionChanges, 'startsOn' | 'endsOn'> {
  const ms = (value: string | null | undefined, name: string): object =>
    value === undefined ? {} : { [name]: value === null ? null : milliseconds(value, `/${name}`) };
  return { ...ms(startsOn, 'startsOn'), ...ms(endsOn, 'endsOn') };
}

function out(promotion: Promotion): object {
  return withMoments(promotion, ['createdAt', 'updatedAt', 'startsOn', 'endsOn']);
}
function reply(promotion: Promotion): Reply {
  return { body: out(promotion), version: promotion.version };
}
function couponOut(coupon: Coupon): object {
  return withMoments(coupon, ['createdAt', 'expiresAt']);
}

type Key = { params: { key: string } };

export const promotionOperations: readonly Operation[] = [
  operation<{ body: Omit<NewPromotion, 'startsOn' | 'endsOn' | 'campaign'> & Times & { campaign: string } }>({
    id: 'promotions.create',
    method: 'POST',
    path: '/promotions',
    tag: TAG,
    summary: 'Create a promotion',
    permission: 'campaign:write',
    body: object(
      { campaign: CAMPAIGN, key: text(128), rule: RULE },
      { name: text(255), priority: PRIORITY, startsOn: moment(), endsOn: moment(), active: flag() },
    ),
    responses: created('The new promotion.', ref('Promotion')),
    problems: [404],
    async handler({ services: { promotions }, body: { startsOn, endsOn, campaign, ...body }, actor }) {
      const on = times({ ...(startsOn ? { startsOn } : {}), ...(endsOn ? { endsOn } : {}) }) as Pick<
        NewPromotion,
        'startsOn' | 'endsOn'
      >;
      const promotion = await promotions.create({ ...body, ...on, campaign: idOrKey(campaign) }, { actor });
      return { ...reply(promotion), location: `/promotions/${encodeURIComponent(promotion.key)}` };
    },
  }),
  operation<{ query: { campaign?: string; limit: number; cursor?: string } }>({
    id: 'promotions.list',
    method: 'GET',
    path: '/promotions',
    tag: TAG,
    summary: 'List promotions',
    permission: 'campaign:read',
    query: object({}, { campaign: CAMPAIGN, ...PAGING }),
    responses: ok('A page of promotions.', page(ref('Promotion'))),
    problems: [404],
    async handler({ services: { promotions }, query, actor }) {
      const after = idOf(query.cursor);
      const found = await promotions.list(
        {
          limit: query.limit,
          ...(after === undefined ? {} : { after }),
          ...(query.campaign === undefined ? {} : { campaign: idOrKey(query.campaign) }),
        },
        { actor },
      );
      return paged(idPage(found, query.limit), out, query);
    },
  }),
  operation<{ body: QuoteOptions & { cart: Cart } }>({
    id: 'promotions.quote',
    method: 'POST',
    path: '/promotions/quote',
    tag: TAG,
    summary: 'Price a cart',
    description: 'What it costs now, and why. Uses nothing up.',
    permission: 'campaign:read',
    body: object({ cart: CART }, { codes: CODES, customer: text(191), campaigns: list(integer(1), 100) }),
    responses: ok('The cart with its price.', ref('Quote')),
    handler: async ({ services: { promotions }, body: { cart, ...ask }, actor }) => ({
      body: await promotions.quote(cart, ask, { actor }),
    }),
  }),
  operation<{ body: Order & { cart: Cart } }>({
    id: 'promotions.redeem',
    method: 'POST',
    path: '/promotions/redeem',
    tag: TAG,
    summary: 'Price an order and use up its coupons',
    description: 'The same order again changes nothing.',
    permission: 'campaign:write',
    body: object(
      { cart: CART, order: text(191) },
      { codes: CODES, customer: text(191), campaigns: list(integer(1), 100) },
    ),
    responses: ok('What the order took.', ref('Redemption')),
    handler: async ({ services: { promotions }, body: { cart, ...order }, actor }) => ({
      body: await promotions.redeem(cart, order, { actor }),
    }),
  }),
  operation<{ body: { order: string } }>({
    id: 'promotions.release',
    method: 'POST',
    path: '/promotions/release',
    tag: TAG,
    summary: 'Give back what an order used up',
    permission: 'campaign:write',
    body: object({ order: text(191) }),
    responses: ok('What the order had taken.', ref('Redemption')),
    handler: async ({ services: { promotions }, body, actor }) => ({
      body: await promotions.release(body.order, { actor }),
    }),
  }),
  operation<Key>({
    id: 'promotions.get',
    method: 'GET',
    path: '/promotions/{key}',
    tag: TAG,
    summary: 'Get a promotion',
    permission: 'campaign:read',
    params: KEY,
    responses: ok('The promotion.', ref('Promotion')),
    handler: async ({ services: { promotions }, params, actor }) => reply(await promotions.get(params.key, { actor })),
  }),
  operation<Key & { body: Omit<PromotionChanges, 'startsOn' | 'endsOn'> & Times }>({
    id: 'promotions.update',
    method: 'PATCH',
    path: '/promotions/{key}',
    tag: TAG,
    summary: 'Change a promotion',
    permission: 'campaign:write',
    params: KEY,
    versioned: true,
    body: object(
      {},
      {
        name: text(255),
        rule: RULE,
        priority: PRIORITY,
        startsOn: nullable(moment()),
        endsOn: nullable(moment()),
        active: flag(),
      },
      { minProperties: 1 },
    ),
    responses: ok('The promotion as it is now.', ref('Promotion')),
    async handler({ services: { promotions }, params, body: { startsOn, endsOn, ...body }, actor, version }) {
      const on = times({
        ...(startsOn === undefined ? {} : { startsOn }),
        ...(endsOn === undefined ? {} : { endsOn }),
      });
      const options = by({ actor, version });
      return reply(await promotions.update(params.key, { ...body, ...on }, options));
    },
  }),
  operation<Key>({
    id: 'promotions.delete',
    method: 'DELETE',
    path: '/promotions/{key}',
    tag: TAG,
    summary: 'Delete a promotion, with its coupons',
    description: 'Refused with 409 once orders have used it: make it inactive instead.',
    permission: 'campaign:write',
    params: KEY,
    versioned: true,
    responses: gone('The promotion is gone.'),
    async handler({ services: { promotions }, params, actor, version }) {
      await promotions.remove(params.key, by({ actor, version }));
      return {};
    },
  }),
  operation<Key & { body: Omit<NewCoupons, 'expiresAt'> & { expiresAt?: string } }>({
    id: 'promotions.createCoupons',
    method: 'POST',
    path: '/promotions/{key}/coupons',
    tag: TAG,
    summary: 'Create coupons',
    description: 'With the given `codes`, or `count` random ones.',
    permission: 'campaign:write',
    params: KEY,
    body: object(
      {},
      {
        codes: list(text(64), 10_000, { minItems: 1 }),
        count: integer(1, 10_000),
        prefix: text(32),
        length: integer(6, 32),
        maxUses: integer(1, 1e9),
        maxUsesPerCustomer: integer(1, 1e9),
        expiresAt: moment(),
      },
      { minProperties: 1, examples: [{ count: 10, prefix: 'SPRING-', maxUses: 1 }] },
    ),
    responses: created('The new coupons.', object({ items: list(ref('Coupon'), 10_000) })),
    async handler({ services: { promotions }, params, body: { expiresAt, ...body }, actor }) {
      const expires = expiresAt === undefined ? {} : { expiresAt: milliseconds(expiresAt, '/expiresAt') };
      const coupons = await promotions.createCoupons(params.key, { ...body, ...expires }, { actor });
      return { body: { items: coupons.map(couponOut) } };
    },
  }),
  operation<Key & { query: { limit: number; cursor?: string } }>({
    id: 'promotions.coupons',
    method: 'GET',
    path: '/promotions/{key}/coupons',
    tag: TAG,
    summary: 'List the coupons of a promotion',
    permission: 'campaign:read',
    params: KEY,
    query: object({}, PAGING),
    responses: ok('A page of coupons.', page(ref('Coupon'))),
    async handler({ services: { promotions }, params, query, actor }) {
      const after = idOf(query.cursor);
      const wanted = { limit: query.limit, ...(after === undefined ? {} : { after }) };
      return paged(idPage(await promotions.coupons(params.key, wanted, { actor }), query.limit), couponOut, query);
    },
  }),
];
