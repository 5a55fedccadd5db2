/** Experiments: which variant does better, without fooling oneself. The only file of this folder that others import. */
export { bucketOf, BUCKETS, ownerOf, reallocate, seedOf, type Range } from './allocation';
export type { Arriving, Assigned } from './assign';
export { checkExperiment, defaultsOf, keyOf, SMALLEST_AUDIENCE, type ExperimentProblem } from './check';
export { controlGroupGate, ControlGroups, type ControlGroup } from './control-group';
export { reportCsv } from './csv';
export { exposedKey, forgetExposures, noteEngagements, variantsOf, type Exposed } from './facts';
export { judge, METHOD, type Arm, type Judgement, type Verdict } from './judge';
export { reportOn, type ExperimentReport, type ReportedPair, type ReportedVariant, type ReportWarning } from './report';
export { Experiments, type ExperimentDeps, type ExperimentOptions } from './service';
export { pText } from './statistics';
export { exposureStory } from './story';
export * from './types';
