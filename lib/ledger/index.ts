/** The ledger: who stands where, and what is owed to them. */
export { Ledger, type LedgerOptions } from './ledger';
export type { LedgerLog } from './host';
export { portName } from './ports';
export { Batcher } from './batcher';
export { ASK, OPEN_STATES } from './types';
export type {
  Arrival,
  ArrivedStep,
  AudiencePage,
  DefinitionDeclaration,
  LeasedStep,
  Orphans,
  Person,
  StationCounts,
  StationDeclaration,
  StationHandle,
  StationSpec,
  StationWork,
  StepResult,
  StepState,
} from './types';
export { CounterDeltas } from './sql/counters';
export { enroll, enrollEach, type Entering } from './sql/enroll';
export { enrollmentsOf, forgetPerson } from './sql/forget';
export { endEnrollments, lockEnrollments } from './sql/enrollments';
export { wakeSteps, type WokenStep } from './sql/wake-steps';
export { isOver, lockCampaigns } from './sql/campaign-locks';
