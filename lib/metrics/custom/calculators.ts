import { ConflictError, InputError } from '../../errors';
import { FORMULA_NAMES } from './formula';
import { METRIC_KINDS, type MetricCalculator } from './types';

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const calculators = new Map<string, MetricCalculator>();

/** @throws InputError `E_METRIC_NAME` */
export function checkMetricName(name: string): void {
  if (!NAME.test(name)) {
    throw new InputError(
      'E_METRIC_NAME',
      'A metric is named by small letters, digits and underscores, at most 64, such as revenue_per_mille.',
    );
  }
  if (FORMULA_NAMES.includes(name))
    throw new InputError('E_METRIC_NAME', `"${name}" is a figure that every campaign has. Choose another name.`);
}

/**
 * Makes a metric available that a program computes: it appears in the analytics of every campaign, of every tenant of this process. What
 * it returns takes it back.
 * @throws InputError `E_METRIC_NAME`; ConflictError `E_METRIC_EXISTS`
 */
export function registerMetric(calculator: MetricCalculator): () => void {
  checkMetricName(calculator.name);
  if (!METRIC_KINDS.includes(calculator.kind))
    throw new InputError('E_METRIC', `A metric is one of ${METRIC_KINDS.join(', ')}.`);
  const present = calculators.get(calculator.name);
  if (present && present !== calculator)
    throw new ConflictError('E_METRIC_EXISTS', `A metric "${calculator.name}" is registered already.`);
  calculators.set(calculator.name, calculator);
  return () => {
    if (calculators.get(calculator.name) === calculator) calculators.delete(calculator.name);
  };
}

/** Those that programs registered. */
export function registeredMetrics(): MetricCalculator[] {
  return [...calculators.values()];
}
