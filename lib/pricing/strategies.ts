import { basisPoints, portion, spread } from './money';
import type { BuyXGetY, Fixed, Strategy, Tiered } from './types';

/** A line as a strategy sees it: `left` is what promotions before it have left of its price. */
export interface OpenLine {
  readonly product: string;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly left: number;
}

/** What comes off each of the lines, in their order; and why, or why nothing does. */
export interface Outcome {
  readonly amounts: readonly number[];
  readonly because: string;
}

/** What a strategy takes off these lines (those that its promotion is about). Never more than a line has left. */
export function applyStrategy(strategy: Strategy, lines: readonly OpenLine[]): Outcome {
  switch (strategy.kind) {
    case 'percentage':
      return { amounts: percentOff(strategy.percent, lines), because: `${strategy.percent} % off` };
    case 'fixed':
      return applyFixed(strategy, lines);
    case 'tiered':
      return applyTiers(strategy, lines);
    case 'buy-x-get-y':
      return applyBuyXGetY(strategy, lines);
  }
}

/** Rounded half up on each line. */
function percentOff(percent: number, lines: readonly OpenLine[]): number[] {
  const points = basisPoints(percent) ?? 0;
  return lines.map(({ left }) => portion(left, points, 10_000));
}

function applyFixed({ amount, per = 'order' }: Fixed, lines: readonly OpenLine[]): Outcome {
  if (per === 'order') return { amounts: amountOff(amount, lines), because: `${amount} off the order` };
  return {
    amounts: lines.map(({ left, quantity }) => Math.min(left, amount * quantity)),
    because: `${amount} off each piece`,
  };
}

function amountOff(amount: number, lines: readonly OpenLine[]): number[] {
  const weights = lines.map(({ left }) => left);
  return spread(Math.min(amount, sum(weights)), weights);
}

function applyTiers({ by, tiers }: Tiered, lines: readonly OpenLine[]): Outcome {
  const reached = sum(lines.map(({ quantity, unitPrice }) => (by === 'quantity' ? quantity : quantity * unitPrice)));
  const tier = [...tiers].sort((a, b) => b.from - a.from).find(({ from }) => from <= reached);
  const unit = by === 'quantity' ? 'pieces' : 'money';
  if (!tier) return { amounts: lines.map(() => 0), because: `${reached} (${unit}) reaches no tier` };
  const because = `${reached} (${unit}) reaches the tier from ${tier.from}`;
  if (tier.percent !== undefined) {
    return { amounts: percentOff(tier.percent, lines), because: `${because}: ${tier.percent} % off` };
  }
  const amount = tier.amount ?? 0;
  return { amounts: amountOff(amount, lines), because: `${because}: ${amount} off the order` };
}

function applyBuyXGetY(strategy: BuyXGetY, lines: readonly OpenLine[]): Outcome {
  const { buy, get, among = 'set', percent = 100, most = Infinity } = strategy;
  const pools = new Map<string, Placed[]>();
  for (const placed of cheapestFirst(lines)) {
    const pool = among === 'product' ? placed.line.product : '';
    pools.set(pool, [...(pools.get(pool) ?? []), placed]);
  }
  const free = lines.map(() => 0);
  for (const pool of pools.values()) {
    const pieces = sum(pool.map(({ line }) => line.quantity));
    handOut(freePieces(pieces, buy, get), pool, (index, count) => (free[index] = count));
  }
  // A bound on all pools together leaves the cheapest ones free, so that the order of the cart does not matter.
  const bounded = lines.map(() => 0);
  const candidates = cheapestFirst(lines.map((line, index) => ({ ...line, quantity: free[index] ?? 0 })));
  handOut(Math.min(most, sum(free)), candidates, (index, count) => (bounded[index] = count));
  const count = sum(bounded);
  const points = basisPoints(percent) ?? 0;
  const off = percent === 100 ? 'free' : `${percent} % off`;
  return {
    amounts: lines.map(({ left, quantity }, index) => portion(left, (bounded[index] ?? 0) * points, quantity * 10_000)),
    because: count === 0 ? `buy ${buy}, get ${get}: too few pieces` : `buy ${buy}, get ${get}: ${count} ${off}`,
  };
}

interface Placed {
  readonly line: OpenLine;
  readonly index: number;
}

function cheapestFirst(lines: readonly OpenLine[]): Placed[] {
  return lines
    .map((line, index) => ({ line, index }))
    .sort((a, b) => a.line.unitPrice - b.line.unitPrice || a.index - b.index);
}

function handOut(pieces: number, to: readonly Placed[], give: (index: number, count: number) => void): void {
  let left = pieces;
  for (const { line, index } of to) {
    const count = Math.min(left, line.quantity);
    give(index, count);
    left -= count;
  }
}

/** Of every `buy + get` pieces `get` are free; of what is over, those beyond `buy`. */
function freePieces(pieces: number, buy: number, get: number): number {
  return Math.floor(pieces / (buy + get)) * get + Math.max(0, (pieces % (buy + get)) - buy);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
