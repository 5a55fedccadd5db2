/** Statistics of experiments: pure functions, right far out in the tails. Each names its source; see docs/experiments.md. */
export { betaChances, betaPosterior, chancesOf, normalPosterior, type Chances, type Posterior } from './bayes';
export { betaQuantile, betaTails, lnGamma } from './beta';
export { chiSquareTail, lnChiSquareTail, pText, probability } from './chi-square';
export { benjaminiHochberg, bonferroni, holm } from './corrections';
export { sampleRatio, SRM_ALARM, type SampleRatio } from './health';
export { agrestiCaffo, clopperPearson, newcombe, waldDifference, wilson, zOf } from './intervals';
export { erfc, lnErfc, lnTwoSided, normalQuantile, normalTail } from './normal';
export { powerOf, sampleSize, sampleSizes, type Aim } from './planning';
export { alwaysValidP, lnMixtureRatio, lnRatioOf, tau2Of, varianceOfDifference } from './sequential';
export {
  chiSquareTest,
  cramersV,
  fisherTest,
  gTest,
  yatesTest,
  zTest,
  type Comparison,
  type Independence,
} from './tests';
export type { Counts, Interval } from './types';
