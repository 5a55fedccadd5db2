/** Metrics: counters per campaign, variant, channel and hour. The only file of this folder that others import. */
export { hourOf, moveMetrics } from './move';
export { METRICS, type Figures, type MetricDelta, type MetricName } from './types';
