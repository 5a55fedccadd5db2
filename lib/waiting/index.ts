/** Waiting until something happens. The only file of this folder that others import. */
export { Waiting } from './waiting';
export type { SeenEvent, Since, WaitFor, WaitingDeps, WaitSpec } from './types';
