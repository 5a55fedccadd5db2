import { authorise } from '../access';
import type { Scope } from '../store';
import { createCoupons, listCoupons } from './coupons';
import {
  createPromotion,
  getPromotion,
  listPromotions,
  removePromotion,
  updatePromotion,
  type PromotionOptions,
} from './promotions';
import { quoteCart } from './quote';
import { redeem, release, type Order } from './redemptions';
import type {
  Cart,
  Coupon,
  NewCoupons,
  NewPromotion,
  Promotion,
  PromotionChanges,
  Quote,
  QuoteOptions,
  Redemption,
} from './types';

/**
 * Promotions as data on campaigns, and what carts cost with them. All money is in minor units. A promotion counts only while its
 * campaign is active.
 */
export class PricingService {
  constructor(private readonly scope: Scope) {}

  /** @throws InputError `E_PROMOTION`; NotFoundError `E_UNKNOWN_CAMPAIGN`; ConflictError `E_PROMOTION_EXISTS`; ForbiddenError */
  create(input: NewPromotion, options: PromotionOptions = {}): Promise<Promotion> {
    return createPromotion(this.scope, input, options);
  }

  /** @throws InputError `E_PROMOTION`; NotFoundError `E_UNKNOWN_PROMOTION`; ConflictError `E_CONFLICT`; ForbiddenError */
  update(key: string, changes: PromotionChanges, options: PromotionOptions = {}): Promise<Promotion> {
    return updatePromotion(this.scope, key, changes, options);
  }

  /** @throws NotFoundError `E_UNKNOWN_PROMOTION`; ForbiddenError */
  get(key: string, options: PromotionOptions = {}): Promise<Promotion> {
    return getPromotion(this.scope, key, options);
  }

  /** In the order of their ids, at most 100 (default 20) after the id `after`. @throws InputError `E_PAGE` */
  list(
    query: { campaign?: number | string; after?: number; limit?: number } = {},
    options: PromotionOptions = {},
  ): Promise<Promotion[]> {
    return listPromotions(this.scope, query, options);
  }

  /** With its coupons. @throws NotFoundError `E_UNKNOWN_PROMOTION`; ConflictError `E_PROMOTION_REDEEMED`, `E_CONFLICT` */
  remove(key: string, options: PromotionOptions = {}): Promise<void> {
    return removePromotion(this.scope, key, options);
  }

  /** Codes for a promotion: given ones, or random ones without letters that look alike. @throws InputError `E_COUPONS` */
  createCoupons(promotion: string, input: NewCoupons, options: PromotionOptions = {}): Promise<Coupon[]> {
    return createCoupons(this.scope, promotion, input, options);
  }

  /** In the order of their ids, at most 100 (default 20) after the id `after`. */
  coupons(
    promotion: string,
    page: { after?: number; limit?: number } = {},
    options: PromotionOptions = {},
  ): Promise<Coupon[]> {
    return listCoupons(this.scope, promotion, page, options);
  }

  /** What a cart costs now, and why. Uses nothing up. @throws InputError `E_CART`, `E_CODES`; ForbiddenError */
  async quote(cart: Cart, ask: QuoteOptions = {}, { actor }: PromotionOptions = {}): Promise<Quote> {
    authorise(actor, 'campaign:read');
    return (await quoteCart(this.scope, cart, ask)).quote;
  }

  /** See {@link redeem}. */
  redeem(cart: Cart, order: Order, options: PromotionOptions = {}): Promise<Redemption & { quote?: Quote }> {
    return redeem(this.scope, cart, order, options);
  }

  /** See {@link release}. */
  release(order: string, options: PromotionOptions = {}): Promise<Redemption> {
    return release(this.scope, order, options);
  }
}
