/** Compensation: undoing what was done, strictly in reverse. */
export { type CompensateConfig } from './arrivals';
export { Compensations, type CompensationDeps, type UndoQuery } from './compensation';
export { forgetUndos } from './forgetting';
export { registersMessages, UNSENDABLE } from './messages';
export { undoStory } from './story';
export type {
  Compensation,
  CompensationEntry,
  NewUndo,
  Undo,
  UndoCause,
  UndoContext,
  UndoHandler,
  UndoResult,
  UndoState,
  UndoView,
} from './types';
