/** Scoring: rules as data, the points that they give, and why. The only file of this folder that others import. */
export type { Matching } from './asked';
export { Scoring, type ScoringDeps } from './scoring';
export { ScoreRules, type ScoreRuleOptions } from './rules';
export {
  CAP_PERIODS,
  type CapPeriod,
  type NewScoreRule,
  type ScoreAction,
  type ScoreCap,
  type ScoreDecay,
  type ScoreExplanation,
  type ScoreReason,
  type ScoreRequest,
  type ScoreRule,
  type ScoreRuleBody,
  type ScoreRuleChanges,
  type ScoreRuleVersion,
} from './types';
