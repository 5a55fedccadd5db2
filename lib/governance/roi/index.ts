/** The ROI guard: budgets, costs and returns of campaigns. The only file of this folder that others import. */
export type { MoneyDifference } from './accounts';
export type { Escalate, MoneyCheck } from './check';
export type { NewCost } from './costs';
export type { GuardAnswer, GuardedPerson, GuardQuestion } from './guard';
export { Roi, type RoiDeps } from './roi';
export { percentages, progressOf, quartersOf, statusOf, type StatusFacts } from './status';
export {
  BREACH_ACTIONS,
  ROI_STATUSES,
  type BreachAction,
  type Cost,
  type DefinitionRoi,
  type RoiReport,
  type RoiRules,
  type RoiStatus,
} from './types';
