/** What was counted in one arm of an experiment. */
export interface Counts {
  /** People in whom it succeeded: opened, clicked, converted. */
  readonly conversions: number;
  /** People who were exposed. */
  readonly n: number;
}

/** From, to. */
export type Interval = readonly [low: number, high: number];
