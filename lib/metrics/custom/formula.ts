import { compileNumber, type NumericFormula } from '../../conditions';
import { ratesOf } from '../rates';
import { METRICS, type Figures } from '../types';

const RATES = [
  'delivery_rate',
  'bounce_rate',
  'open_rate',
  'click_rate',
  'conversion_rate',
  'unsubscribe_rate',
  'roi',
] as const;

/** What a formula may read: every figure, and the rates of analytics (with underscores). Money is in units of the currency. */
export const FORMULA_NAMES: readonly string[] = [...METRICS, ...RATES];

/** Formulas that are kept compiled. */
const MOST = 500;
const compiled = new Map<string, NumericFormula>();

/** A formula, compiled; the same one is compiled once. @throws ConditionError */
export function formulaOf(source: string): NumericFormula {
  const known = compiled.get(source);
  if (known) return known;
  const fresh = compileNumber(source, FORMULA_NAMES);
  if (compiled.size >= MOST) compiled.clear();
  compiled.set(source, fresh);
  return fresh;
}

/** The numbers that formulas read; rates of nothing are absent. */
export function numbersOf(figures: Figures): Record<string, number | undefined> {
  const rates = ratesOf(figures);
  const known = (rate: number | null): number | undefined => rate ?? undefined;
  return {
    ...figures,
    delivery_rate: known(rates.deliveryRate),
    bounce_rate: known(rates.bounceRate),
    open_rate: known(rates.openRate),
    click_rate: known(rates.clickRate),
    conversion_rate: known(rates.conversionRate),
    unsubscribe_rate: known(rates.unsubscribeRate),
    roi: known(rates.roi),
  };
}
