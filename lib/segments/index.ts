/** Segments: named groups of leads. The only file of this folder that others import. */
export { createSegments, type Segments } from './segments';
export type { Predicate } from './predicate';
export type {
  Composition,
  MembershipChange,
  OnMembership,
  Preview,
  PreviewInput,
  RecalculationResult,
  Segment,
  SegmentChange,
  SegmentDefinition,
  SegmentInput,
  SegmentsDeps,
  Who,
} from './types';
