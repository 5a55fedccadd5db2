/*
 * Words of this folder
 *   money       whole numbers of the currency's minor unit (1999 = 19.99 EUR, 500 = 500 JPY); never fractions, never below 0
 *   promotion   a rule that takes something off, as data on a campaign; it counts while that campaign is active
 *   coupon      a code that lets its promotion count, with limits
 *   offer       a promotion that may count for one cart: it has begun, has not ended, and brought its code where it needs one
 *   redemption  one use of a coupon, by one order
 */

/** One position of a cart. */
export interface CartLine {
  /** Unique in the cart. */
  readonly id: string;
  readonly product: string;
  readonly category?: string;
  /** A whole number from 1 to 1,000,000. */
  readonly quantity: number;
  /** Money, for one piece. */
  readonly unitPrice: number;
}

/** What somebody is about to buy. */
export interface Cart {
  /** ISO 4217. A promotion in another currency does not count. */
  readonly currency?: string;
  readonly lines: readonly CartLine[];
}

/** A step of {@link Tiered}: from this quantity or amount on. Gives `percent`, or `amount` off. */
export interface Tier {
  readonly from: number;
  readonly percent?: number;
  readonly amount?: number;
}

/** So many percent off each line: more than 0, at most 100, at most two decimals. */
export interface Percentage {
  readonly kind: 'percentage';
  readonly percent: number;
}

/** So much money off: of the order (spread over its lines by their price), or of each piece. */
export interface Fixed {
  readonly kind: 'fixed';
  readonly amount: number;
  /** Default `order`. */
  readonly per?: 'order' | 'item';
}

/** The more, the cheaper. The highest tier that is reached counts, for everything that the promotion is about. */
export interface Tiered {
  readonly kind: 'tiered';
  /** Counts pieces, or money before any discount. */
  readonly by: 'quantity' | 'amount';
  readonly tiers: readonly Tier[];
}

/** Of every `buy` + `get` pieces the cheapest `get` are free (or `percent` off). */
export interface BuyXGetY {
  readonly kind: 'buy-x-get-y';
  readonly buy: number;
  readonly get: number;
  /** `product`: pieces of the same product only. `set` (default): any pieces that the promotion is about. */
  readonly among?: 'product' | 'set';
  /** What comes off the free pieces. Default 100. */
  readonly percent?: number;
  /** The most pieces that are free in one order. */
  readonly most?: number;
}

/** How much comes off. */
export type Strategy = Percentage | Fixed | Tiered | BuyXGetY;

/** What a promotion says. */
export interface PromotionRule {
  readonly strategy: Strategy;
  /** Only these products; with `categories`: or these categories. Absent: everything. */
  readonly products?: readonly string[];
  readonly categories?: readonly string[];
  /** Never these products. */
  readonly exceptProducts?: readonly string[];
  /** Money: the whole cart must be worth this before any discount. */
  readonly minOrder?: number;
  /** Money: never more off than this per order. */
  readonly maxDiscount?: number;
  /** The currency of its amounts. Needed when it names any. */
  readonly currency?: string;
  /** True: counts alone. Default false: counts together with others, on what those before it left. */
  readonly exclusive?: boolean;
  /** True: counts only for those who give one of its coupons. */
  readonly needsCode?: boolean;
}

/** What a new promotion needs. */
export interface NewPromotion {
  /** The campaign that it belongs to: its id or key. */
  campaign: number | string;
  /** Unique in the tenant. */
  key: string;
  /** Default: the key. */
  name?: string;
  rule: PromotionRule;
  /** Higher ones count first. Default 0. */
  priority?: number;
  /** Ms since 1970, inclusive. */
  startsOn?: number;
  /** Ms since 1970, exclusive. */
  endsOn?: number;
  /** Default true. */
  active?: boolean;
}

/** What may be changed; what is absent stays, `null` removes. */
export interface PromotionChanges {
  name?: string;
  rule?: PromotionRule;
  priority?: number;
  startsOn?: number | null;
  endsOn?: number | null;
  active?: boolean;
}

/** A promotion. */
export interface Promotion {
  id: number;
  /** Id of its campaign. */
  campaign: number;
  key: string;
  name: string;
  rule: PromotionRule;
  priority: number;
  startsOn?: number;
  endsOn?: number;
  active: boolean;
  version: number;
  createdAt: number;
  updatedAt: number;
}

/** A promotion that may count for a cart, with the code that brought it. */
export interface Offer {
  readonly key: string;
  readonly name: string;
  readonly priority: number;
  readonly rule: PromotionRule;
  readonly code?: string;
}

/** What one promotion takes off one line, or off the whole order. */
export interface Discount {
  readonly promotion: string;
  readonly code?: string;
  readonly amount: number;
  /** Why, in a few words of English. */
  readonly because: string;
}

/** A line with its price. `subtotal` = `discount` + `total`. */
export interface PricedLine extends CartLine {
  readonly subtotal: number;
  readonly discount: number;
  readonly total: number;
  readonly discounts: readonly Discount[];
}

/** A promotion or a code that takes nothing off, and why. */
export interface Refusal {
  readonly promotion?: string;
  readonly code?: string;
  readonly because: string;
}

/** A cart with its price. All sums are those of the lines. */
export interface Quote {
  readonly currency?: string;
  readonly lines: readonly PricedLine[];
  readonly subtotal: number;
  readonly discount: number;
  readonly total: number;
  /** What counts, first things first; `amount` is the sum over the lines. */
  readonly applied: readonly Discount[];
  readonly refused: readonly Refusal[];
}

/** Codes to be made: either given, or `count` random ones. */
export interface NewCoupons {
  codes?: readonly string[];
  /** 1 to 10,000. */
  count?: number;
  /** Stands before each random code. */
  prefix?: string;
  /** Random letters and digits per code: 6 to 32, default 8. */
  length?: number;
  /** How often each code can be used in all. Absent: any number of times. */
  maxUses?: number;
  /** How often by the same customer. */
  maxUsesPerCustomer?: number;
  /** Ms since 1970, exclusive. */
  expiresAt?: number;
}

/** A code. */
export interface Coupon {
  id: number;
  code: string;
  /** Key of its promotion. */
  promotion: string;
  maxUses?: number;
  maxUsesPerCustomer?: number;
  uses: number;
  expiresAt?: number;
  createdAt: number;
}

/** Whose cart it is, and what they brought. */
export interface QuoteOptions {
  codes?: readonly string[];
  /** An id of the shop's customer or of a lead; never an e-mail address. Needed for coupons with a limit per customer. */
  customer?: string;
  /** Only promotions of these campaigns (ids). Default: of all that are active. */
  campaigns?: readonly number[];
}

/** What an order took. */
export interface Redemption {
  readonly order: string;
  /** False when this order had redeemed before: nothing was counted again. */
  readonly fresh: boolean;
  /** The coupons that were used, and what each took off in money. */
  readonly coupons: readonly { readonly code: string; readonly promotion: string; readonly discount: number }[];
}
