/** Conversions: attributed to the campaigns that led to them. The only file of this folder that others import. */
export { Conversions } from './conversions';
export { GOAL_EVENT, type ReachedGoal } from './goals';
export type { ConversionPage } from './report';
export type { Attributed, ConversionReport, ConversionView, Model, ModelFigures, OnAttributed } from './types';
