/** Metrics: counters per campaign, variant, channel and hour. The only file of this folder that others import. */
export { createMetrics, figuresOf, Metrics, type CampaignFigures } from './metrics';
export * from './custom';
export { fromMicros, toMicros } from './money';
export { hourOf, moveMetrics, TOTAL } from './move';
export { noFigures, ratesOf } from './rates';
export {
  clickTypes,
  conversionOf,
  engagementOf,
  kindOf,
  messageChanged,
  settledOf,
  type CountedEngagement,
  type CountedMessage,
} from './rules';
export {
  METRICS,
  type FactFigures,
  type Figures,
  type MetricDelta,
  type MetricDifference,
  type MetricName,
  type MetricsGroup,
  type MetricsQuery,
  type MetricsReport,
  type Rates,
} from './types';
