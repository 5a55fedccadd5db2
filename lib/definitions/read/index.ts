/** Reading definition documents. */
export { readDocument, type ReadOptions } from './read';
export { DEFINITION_SCHEMA } from './schema';
export {
  BREACH_ACTIONS,
  type BreachAction,
  type ConditionSource,
  type ReadChannel,
  type ReadDefinition,
  type ReadEscalation,
  type ReadField,
  type ReadStage,
  type ReadStep,
  type ReadTransition,
  type ReadTrigger,
} from './types';
