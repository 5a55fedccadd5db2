import { InputError } from '../errors';
import { assertMoney, MOST_MONEY, spread } from './money';
import { applyStrategy } from './strategies';
import type { Cart, CartLine, Discount, Offer, PromotionRule, Quote, Refusal } from './types';

/** A cart has at most this many lines. */
const MOST_LINES = 1_000;

/**
 * The price of a cart with these promotions. Pure: the same cart and offers give the same price, in whichever order the offers come.
 *
 * 1. Promotions count one after the other: higher priority first, then by key. Each takes its part of what those before it left.
 * 2. An `exclusive` one counts only while nothing has been taken off, and nothing counts after it.
 * 3. Percentages are rounded half up **on each line**. Amounts off the order are spread over its lines by what they have left,
 *    to the last unit (largest remainder).
 * 4. Conditions (`minOrder`, tiers) look at the price before any discount.
 * 5. No line goes below 0: nothing takes off more than is left.
 *
 * @throws InputError `E_CART`
 */
export function price(cart: Cart, offers: readonly Offer[]): Quote {
  checkCart(cart);
  const lines = cart.lines.map(openLine);
  const subtotal = sum(lines.map((line) => line.subtotal));
  if (subtotal > MOST_MONEY) throw cartError(`The cart is worth more than ${MOST_MONEY}.`);
  const applied: Discount[] = [];
  const refused: Refusal[] = [];
  let alone = false;
  for (const offer of [...offers].sort(firstThingsFirst)) {
    const told = { promotion: offer.key, ...(offer.code === undefined ? {} : { code: offer.code }) };
    const obstacle = applied.some(({ promotion }) => promotion === offer.key)
      ? 'the same promotion counts once per order'
      : obstacleOf(offer.rule, cart, subtotal, alone, applied.length > 0);
    const discount = obstacle ?? takeOff(offer.rule, lines, told);
    if (typeof discount === 'string') refused.push({ ...told, because: discount });
    else {
      applied.push(discount);
      alone = offer.rule.exclusive ?? false;
    }
  }
  const discount = sum(applied.map(({ amount }) => amount));
  return {
    ...(cart.currency === undefined ? {} : { currency: cart.currency }),
    lines: lines.map(({ line, subtotal: before, left, discounts }) => ({
      ...line,
      subtotal: before,
      discount: before - left,
      total: left,
      discounts,
    })),
    subtotal,
    discount,
    total: subtotal - discount,
    applied,
    refused,
  };
}

interface OpenLine {
  readonly line: CartLine;
  readonly subtotal: number;
  readonly discounts: Discount[];
  left: number;
}

function openLine(line: CartLine): OpenLine {
  const subtotal = line.quantity * line.unitPrice;
  return { line, subtotal, left: subtotal, discounts: [] };
}

/** By code unit, so that no machine's language has a say. */
function firstThingsFirst(a: Offer, b: Offer): number {
  return b.priority - a.priority || compare(a.key, b.key) || compare(a.code ?? '', b.code ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Why a promotion does not count for the cart as a whole. */
function obstacleOf(
  rule: PromotionRule,
  cart: Cart,
  subtotal: number,
  alone: boolean,
  notTheFirst: boolean,
): string | undefined {
  if (alone) return 'an exclusive promotion counts alone';
  if (rule.exclusive && notTheFirst) return 'it is exclusive, and another one counts already';
  if (rule.currency !== undefined && rule.currency !== cart.currency) return `it is for ${rule.currency} only`;
  if (rule.minOrder !== undefined && subtotal < rule.minOrder) return `the order is worth less than ${rule.minOrder}`;
  return undefined;
}

/** Takes a promotion's part off the lines it is about; what it took in all, or why it took nothing. */
function takeOff(
  rule: PromotionRule,
  lines: readonly OpenLine[],
  told: Pick<Discount, 'promotion' | 'code'>,
): Discount | string {
  const meant = lines.filter(({ line }) => isAbout(rule, line));
  if (meant.length === 0) return 'nothing in the cart is what it is about';
  const outcome = applyStrategy(
    rule.strategy,
    meant.map(({ line, left }) => ({ ...line, left })),
  );
  const wanted = sum(outcome.amounts);
  if (wanted === 0) return outcome.because;
  const capped = rule.maxDiscount !== undefined && wanted > rule.maxDiscount;
  const amounts = capped ? spread(rule.maxDiscount ?? 0, outcome.amounts) : outcome.amounts;
  const because = capped ? `${outcome.because}, at most ${rule.maxDiscount}` : outcome.because;
  meant.forEach((open, index) => {
    const amount = amounts[index] ?? 0;
    if (amount === 0) return;
    open.left -= amount;
    open.discounts.push({ ...told, amount, because });
  });
  return { ...told, amount: sum(amounts), because };
}

function isAbout({ products, categories, exceptProducts }: PromotionRule, line: CartLine): boolean {
  if (exceptProducts?.includes(line.product)) return false;
  if (!products && !categories) return true;
  return Boolean(
    products?.includes(line.product) || (line.category !== undefined && categories?.includes(line.category)),
  );
}

function checkCart({ lines }: Cart): void {
  if (lines.length < 1 || lines.length > MOST_LINES) {
    throw cartError(`A cart has 1 to ${MOST_LINES} lines.`);
  }
  if (new Set(lines.map(({ id }) => id)).size < lines.length) throw cartError('Each line of a cart needs its own id.');
  for (const { id, product, quantity, unitPrice } of lines) {
    if (typeof id !== 'string' || typeof product !== 'string') throw cartError('Each line needs an id and a product.');
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1_000_000) {
      throw cartError(`The quantity of the line "${id}" is no whole number from 1 to 1,000,000.`);
    }
    assertMoney(unitPrice, `The unit price of the line "${id}"`);
    assertMoney(quantity * unitPrice, `The price of the line "${id}"`);
  }
}

function cartError(sentence: string): InputError {
  return new InputError('E_CART', `${sentence} Correct the cart and ask again.`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
