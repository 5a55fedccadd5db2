import { InputError } from '../errors';
import { basisPoints, isMoney } from './money';
import type { PromotionRule } from './types';

/** Something that is wrong with what was given, and where (a JSON pointer). */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;
/** What is wrong with a value, as the end of a sentence. */
type Check = (value: unknown) => string | undefined;

const money: Check = (value) =>
  isMoney(value) && value > 0 ? undefined : 'must be money: a whole number of minor units, more than 0';
const percent: Check = (value) =>
  typeof value === 'number' && value > 0 && value <= 100 && basisPoints(value) !== undefined
    ? undefined
    : 'must be more than 0, at most 100, with at most two decimals';
const pieces: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1_000_000
    ? undefined
    : 'must be a whole number from 1 to 1,000,000';
const names: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.length <= 10_000 && value.every((one) => typeof one === 'string')
    ? undefined
    : 'must be a list of 1 to 10,000 texts';
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const oneOf =
  (...allowed: string[]): Check =>
  (value) =>
    allowed.includes(value as string) ? undefined : `must be one of ${allowed.join(', ')}`;
const currency: Check = (value) =>
  typeof value === 'string' && /^[A-Z]{3}$/.test(value) ? undefined : 'must be an ISO 4217 code such as "EUR"';

interface Shape {
  readonly required: Readonly<Record<string, Check>>;
  readonly optional: Readonly<Record<string, Check>>;
}

const anything: Check = () => undefined;
const STRATEGIES: Readonly<Record<string, Shape>> = {
  percentage: { required: { percent }, optional: {} },
  fixed: { required: { amount: money }, optional: { per: oneOf('order', 'item') } },
  tiered: { required: { by: oneOf('quantity', 'amount'), tiers: anything }, optional: {} },
  'buy-x-get-y': {
    required: { buy: pieces, get: pieces },
    optional: { among: oneOf('product', 'set'), percent, most: pieces },
  },
};
const RULE: Shape = {
  required: { strategy: anything },
  optional: {
    products: names,
    categories: names,
    exceptProducts: names,
    minOrder: money,
    maxDiscount: money,
    currency,
    exclusive: flag,
    needsCode: flag,
  },
};

/** Everything that is wrong with a promotion's rule; empty when it can be used. Paths begin with `/rule`. */
export function checkRule(rule: unknown): readonly Problem[] {
  if (!isFields(rule)) return [{ path: '/rule', message: 'must be an object with a strategy' }];
  const problems = [...checkShape(rule, RULE, '/rule'), ...checkStrategy(rule['strategy'])];
  if (problems.length === 0 && namesMoney(rule as unknown as PromotionRule) && rule['currency'] === undefined) {
    return [{ path: '/rule/currency', message: 'is needed, because the rule names amounts of money' }];
  }
  return problems;
}

/** @throws InputError `E_PROMOTION` with `details.problems` */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const said = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new InputError('E_PROMOTION', `The promotion cannot be used: ${said}.`, { details: { problems } });
}

function checkStrategy(strategy: unknown): Problem[] {
  const path = '/rule/strategy';
  if (!isFields(strategy)) return [{ path, message: 'must be an object with a kind' }];
  const { kind, ...fields } = strategy;
  const shape = typeof kind === 'string' && Object.hasOwn(STRATEGIES, kind) ? STRATEGIES[kind] : undefined;
  if (!shape) return [{ path: `${path}/kind`, message: `must be one of ${Object.keys(STRATEGIES).join(', ')}` }];
  return [
    ...checkShape(fields, shape, path),
    ...(kind === 'tiered' ? checkTiers(fields['tiers'], `${path}/tiers`, fields['by']) : []),
  ];
}

function checkTiers(tiers: unknown, path: string, by: unknown): Problem[] {
  if (!Array.isArray(tiers) || tiers.length === 0 || tiers.length > 100) {
    return [{ path, message: 'must be a list of 1 to 100 tiers' }];
  }
  const from = by === 'quantity' ? pieces : money;
  const starts = tiers.map((tier: unknown) => (isFields(tier) ? tier['from'] : undefined));
  return tiers.flatMap((tier: unknown, index): Problem[] => {
    const at = `${path}/${index}`;
    if (!isFields(tier)) return [{ path: at, message: 'must be an object with "from" and "percent" or "amount"' }];
    if ((tier['percent'] === undefined) === (tier['amount'] === undefined)) {
      return [{ path: at, message: 'must have either "percent" or "amount"' }];
    }
    const twice = starts.indexOf(starts[index]) < index;
    return [
      ...checkShape(tier, { required: { from }, optional: { percent, amount: money } }, at),
      ...(twice ? [{ path: `${at}/from`, message: 'is the start of another tier too' }] : []),
    ];
  });
}

function checkShape(fields: Fields, { required, optional }: Shape, path: string): Problem[] {
  const all = { ...required, ...optional };
  const unknown = Object.keys(fields)
    .filter((name) => !Object.hasOwn(all, name))
    .map((name) => ({ path: `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, message: 'is not known' }));
  const wrong = Object.entries(all).flatMap(([name, check]) => {
    const value = fields[name];
    if (value === undefined)
      return Object.hasOwn(required, name) ? [{ path: `${path}/${name}`, message: 'is missing' }] : [];
    const message = check(value);
    return message === undefined ? [] : [{ path: `${path}/${name}`, message }];
  });
  return [...unknown, ...wrong];
}

function namesMoney({ strategy, minOrder, maxDiscount }: PromotionRule): boolean {
  if (minOrder !== undefined || maxDiscount !== undefined) return true;
  if (strategy.kind === 'fixed') return true;
  if (strategy.kind !== 'tiered') return false;
  return strategy.by === 'amount' || strategy.tiers.some(({ amount }) => amount !== undefined);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
