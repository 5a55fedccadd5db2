import { authorise, nameOf } from '../access';
import { ConflictError, InputError } from '../errors';
import { recordAll } from '../history';
import type { Scope } from '../store';
import { couponsByCode, lockCoupons } from './coupons';
import type { PromotionOptions } from './promotions';
import { codesOf, quoteCart } from './quote';
import type { Cart, Quote, QuoteOptions, Redemption } from './types';

/** What an order is, besides its cart. */
export interface Order extends QuoteOptions {
  /** The order's own id, 1 to 191 characters: redeeming it again counts nothing again. */
  order: string;
}

interface RedemptionRow {
  coupon_id: number;
  code: string;
  promotion_key: string;
  campaign_id: number;
  discount: number;
}

/**
 * Prices an order and uses up its coupons, in one transaction: limits hold however many orders come at once. The same order again
 * changes nothing and gets the coupons that it used the first time.
 * @throws InputError `E_CART`, `E_CODES`, `E_ORDER`; ConflictError `E_ORDER_REDEEMED` (the order has used other coupons); ForbiddenError
 */
export async function redeem(
  scope: Scope,
  cart: Cart,
  order: Order,
  { actor }: PromotionOptions = {},
): Promise<Redemption & { quote?: Quote }> {
  authorise(actor, 'campaign:write');
  checkOrder(order);
  const codes = codesOf(order.codes ?? []);
  return scope.transaction(async (tx) => {
    // Locked before anything else is read: of two calls for the same order the second one finds what the first has done.
    await couponsByCode(tx, codes, true);
    const known = await redemptionsOf(tx, order.order);
    if (known.length > 0) {
      if (known.some(({ code }) => !codes.includes(code))) throw redeemedOtherwise(order.order);
      return { ...outcomeOf(order.order, known), fresh: false };
    }
    const { quote, used } = await quoteCart(tx, cart, order, true);
    if (used.length > 0) {
      await tx.run(
        `INSERT INTO marketing_redemptions (tenant_id, coupon_id, customer, order_key, discount, redeemed_at)
         SELECT :tenant, r.coupon, :customer, :order, r.money, :now
         FROM ${tx.dialect.rows('rows', { coupon: 'int', money: 'int' }, 'r')} WHERE 1 = 1`,
        {
          customer: order.customer ?? '',
          order: order.order,
          now: tx.clock.now(),
          rows: JSON.stringify(used.map(({ coupon, discount }) => [coupon.id, discount])),
        },
      );
      await count(
        tx,
        used.map(({ coupon }) => coupon.id),
        1,
      );
    }
    const rows = await redemptionsOf(tx, order.order);
    await tell(tx, 'coupon.redeemed', order.order, rows, nameOf(actor));
    return { ...outcomeOf(order.order, rows), fresh: true, quote };
  });
}

/**
 * Gives back what an order used (it was cancelled, it failed): its coupons can be used again. Twice is once.
 * @throws InputError `E_ORDER`; ForbiddenError
 */
export async function release(scope: Scope, order: string, { actor }: PromotionOptions = {}): Promise<Redemption> {
  authorise(actor, 'campaign:write');
  checkOrder({ order });
  return scope.transaction(async (tx) => {
    await lockCoupons(
      tx,
      (await redemptionsOf(tx, order)).map(({ coupon_id }) => ({ id: coupon_id })),
    );
    // Read again: somebody else may have given them back while we waited.
    const rows = await redemptionsOf(tx, order);
    if (rows.length > 0) {
      await tx.run(`DELETE FROM marketing_redemptions WHERE tenant_id = :tenant AND order_key = :order`, { order });
      await count(
        tx,
        rows.map(({ coupon_id }) => coupon_id),
        -1,
      );
      await tell(tx, 'coupon.released', order, rows, nameOf(actor));
    }
    return { ...outcomeOf(order, rows), fresh: rows.length > 0 };
  });
}

async function redemptionsOf(tx: Scope, order: string): Promise<RedemptionRow[]> {
  return tx.all<RedemptionRow>(
    `SELECT r.coupon_id, u.code, p.promotion_key, p.campaign_id, r.discount
     FROM marketing_redemptions r
     JOIN marketing_coupons u ON u.id = r.coupon_id AND u.tenant_id = :tenant
     JOIN marketing_promotions p ON p.id = u.promotion_id AND p.tenant_id = :tenant
     WHERE r.tenant_id = :tenant AND r.order_key = :order ORDER BY r.id`,
    { order },
  );
}

async function count(tx: Scope, coupons: readonly number[], by: 1 | -1): Promise<void> {
  const { dialect } = tx;
  await tx.run(
    dialect.updateFrom(
      'marketing_coupons',
      dialect.rows('rows', { coupon: 'int' }, 'r'),
      `uses = uses + ${by}`,
      'marketing_coupons.tenant_id = :tenant AND marketing_coupons.id = coupon',
    ),
    { rows: JSON.stringify(coupons.map((id) => [id])) },
  );
}

/** Says which coupon which order used; not who the customer is. */
async function tell(
  tx: Scope,
  event: string,
  order: string,
  rows: readonly RedemptionRow[],
  actor: string,
): Promise<void> {
  await recordAll(
    tx,
    rows.map(({ campaign_id, coupon_id, promotion_key, discount }) => ({
      event,
      campaign: campaign_id,
      actor,
      payload: { order, promotion: promotion_key, coupon: coupon_id, discount },
    })),
  );
}

function outcomeOf(order: string, rows: readonly RedemptionRow[]): Omit<Redemption, 'fresh'> {
  return {
    order,
    coupons: rows.map(({ code, promotion_key, discount }) => ({ code, promotion: promotion_key, discount })),
  };
}

function checkOrder({ order, customer }: { order: string; customer?: string }): void {
  if (typeof order !== 'string' || order.length < 1 || order.length > 191) {
    throw new InputError('E_ORDER', 'An order needs its own id of 1 to 191 characters.');
  }
  if (customer !== undefined && (typeof customer !== 'string' || customer.length > 191)) {
    throw new InputError('E_ORDER', 'A customer is named by an id of at most 191 characters.');
  }
}

function redeemedOtherwise(order: string): ConflictError {
  return new ConflictError(
    'E_ORDER_REDEEMED',
    `The order "${order}" has used other coupons already. Release it first, or give the new order its own id.`,
  );
}
