export { checkMetricName, registerMetric } from './calculators';
export { CustomMetrics } from './custom-metrics';
export { FORMULA_NAMES } from './formula';
export {
  METRIC_KINDS,
  type MetricCalculator,
  type MetricDefinition,
  type MetricInput,
  type MetricKind,
  type MetricValue,
} from './types';
