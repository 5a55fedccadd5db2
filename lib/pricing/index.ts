/** Pricing: promotions as data on campaigns, and what carts cost with them. The only file of this folder that others import. */
export { checkRule } from './check';
export { price } from './price';
export type { PromotionOptions } from './promotions';
export type { Order } from './redemptions';
export { PricingService } from './service';
export type {
  BuyXGetY,
  Cart,
  CartLine,
  Coupon,
  Discount,
  Fixed,
  NewCoupons,
  NewPromotion,
  Offer,
  Percentage,
  PricedLine,
  Promotion,
  PromotionChanges,
  PromotionRule,
  Quote,
  QuoteOptions,
  Redemption,
  Refusal,
  Strategy,
  Tier,
  Tiered,
} from './types';
