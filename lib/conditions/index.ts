/**
 * Conditions: a safe subset of JSONata, compiled once to a JavaScript closure and to SQL on three databases.
 * All ways of evaluating agree on every lead.
 */
export { compileCondition } from './compile';
export { compileEventCondition, eventFields, type ConditionEvent } from './event-condition';
export { ConditionError, type ConditionErrorCode } from './errors';
export { registerConditionEvaluator, type ConditionEvaluator, type EvaluatorContext } from './evaluators';
export { parseDuration, parseMoment, printDuration } from './moments';
export { compileNumber, type NumericFormula } from './numeric';
export { compilePattern, type PatternTest } from './patterns';
export { checkAttributeName, fieldNames, LEAD_COLUMNS } from './schema';
export { functionNames } from './spelling';
export { sqliteFunctions, type ConditionSqliteFunction } from './sqlite-functions';
export type {
  AttributeType,
  Behaviour,
  CompileOptions,
  Condition,
  ConditionContext,
  ConditionSchema,
  FieldTypes,
  JsonCondition,
  JsonGroup,
  JsonNot,
  JsonRule,
  SqlPlacement,
  SqlPredicate,
  SqlTarget,
} from './types';
