/** Triggers: what lets people into campaigns by themselves, and whom it keeps out. The only file of this folder that others import. */
export { checkTriggerConfig, whatItListensTo } from './config';
export {
  registerTrigger,
  triggerContract,
  triggerContracts,
  type EntryCause,
  type EntryOutcome,
  type TriggerContext,
  type TriggerContract,
  type TriggerHandle,
} from './contract';
export { daysOfYear, occurrences, type Occurrence } from './dates';
export type { TriggerRow } from './entrances';
export type { JudgeDeps } from './judge';
export { keptOut, STRANGER, type Standing } from './reentry';
export { eventKey } from './reaction';
export type { Refusal } from './refusals';
export { Triggers, type TriggerReport, type TriggersDeps } from './triggers';
export { REFUSALS, type DateRule, type Listens, type Reentry, type RefusalReason, type TriggerConfig } from './types';
export { mapInbound, type InboundEvent, type InboundMapping } from './inbound';
