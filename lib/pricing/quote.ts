import { InputError } from '../errors';
import type { Scope } from '../store';
import { couponsByCode, normaliseCode } from './coupons';
import { price } from './price';
import { offerOf, runningPromotions, type CouponRow } from './rows';
import type { Cart, Offer, Quote, QuoteOptions, Refusal } from './types';

/** Codes that one order may bring. */
const MOST_CODES = 20;

/** A quote, and the coupons whose discounts are in it. */
export interface QuoteWithCoupons {
  readonly quote: Quote;
  readonly used: readonly { readonly coupon: CouponRow; readonly discount: number }[];
}

/**
 * Prices a cart with the promotions that count now. With `lock`, the coupons are locked before their limits are looked at, and
 * stay so until the end of the transaction.
 * @throws InputError `E_CART`, `E_CODES`
 */
export async function quoteCart(
  scope: Scope,
  cart: Cart,
  { codes = [], customer, campaigns }: QuoteOptions,
  lock = false,
): Promise<QuoteWithCoupons> {
  const given = codesOf(codes);
  const now = scope.clock.now();
  const coupons = await couponsByCode(scope, given, lock);
  const running = await runningPromotions(scope, now, campaigns);
  const uses = await usesBy(scope, coupons, customer);
  const offers: Offer[] = running.filter(({ rule }) => !rule.needsCode).map((promotion) => offerOf(promotion));
  const refused: Refusal[] = [];
  for (const code of given) {
    const coupon = coupons.find((one) => one.code === code);
    const promotion = running.find(({ id }) => id === coupon?.promotion_id);
    const because = coupon
      ? (limitOf(coupon, now, customer, uses.get(coupon.id) ?? 0) ??
        (promotion ? undefined : 'its promotion is not running'))
      : 'there is no such code';
    if (because !== undefined) refused.push({ ...(coupon ? { promotion: coupon.promotion_key } : {}), code, because });
    else if (promotion?.rule.needsCode) offers.push(offerOf(promotion, code));
    else refused.push({ code, because: 'its promotion counts without a code' });
  }
  const priced = price(cart, offers);
  const quote = { ...priced, refused: [...refused, ...priced.refused] };
  const used = coupons.flatMap((coupon) => {
    const discount = quote.applied.find(({ code }) => code === coupon.code);
    return discount ? [{ coupon, discount: discount.amount }] : [];
  });
  return { quote, used };
}

/** @throws InputError `E_CODES` */
export function codesOf(codes: readonly string[]): string[] {
  if (codes.length > MOST_CODES || codes.some((code) => typeof code !== 'string')) {
    throw new InputError('E_CODES', `An order brings at most ${MOST_CODES} codes, each of them a text.`);
  }
  return [...new Set(codes.map(normaliseCode))];
}

/** Why a coupon cannot be used (any more). */
function limitOf(coupon: CouponRow, now: number, customer: string | undefined, uses: number): string | undefined {
  if (coupon.expires_at !== null && coupon.expires_at <= now) return 'it has expired';
  if (coupon.max_uses !== null && coupon.uses >= coupon.max_uses) return 'it was used as often as it can be';
  if (coupon.max_uses_per_customer === null) return undefined;
  if (customer === undefined) return 'it is limited per customer, and nobody said who this is';
  if (uses >= coupon.max_uses_per_customer) return 'this customer has used it as often as anybody may';
  return undefined;
}

/** How often a customer has used each of these coupons. */
async function usesBy(
  scope: Scope,
  coupons: readonly CouponRow[],
  customer: string | undefined,
): Promise<Map<number, number>> {
  if (customer === undefined || coupons.length === 0) return new Map();
  const rows = await scope.all<{ id: number; uses: number }>(
    `SELECT r.coupon_id AS id, COUNT(*) AS uses
     FROM ${scope.dialect.rows('coupons', { coupon: 'int' }, 'c')}
     ${scope.dialect.join} marketing_redemptions r ON r.coupon_id = c.coupon AND r.tenant_id = :tenant
     WHERE r.customer = :customer GROUP BY r.coupon_id`,
    { coupons: JSON.stringify(coupons.map(({ id }) => [id])), customer },
  );
  return new Map(rows.map(({ id, uses }) => [id, Number(uses)]));
}
