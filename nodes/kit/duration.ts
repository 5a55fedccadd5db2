/** Durations as nodes are configured with them. */
export { durationMs, UNIT_MS, type DelayUnit } from '../../lib/waiting';
