/** Waiting: until something happens, or until a moment by the clock of the person. The only file of this folder that others import. */
export { dueAt, isDelayPlan, type DelayPlan, type Hold, type Shift, type Until, type Waiter } from './due';
export { durationMs, momentOf, namesZone, readMoment, UNIT_MS, type DelayUnit, type Written } from './moments';
export { waitStory } from './story';
export type { SeenEvent, Since, TenantTimes, WaitFor, WaitingDeps, WaitSpec } from './types';
export { Waiting } from './waiting';
