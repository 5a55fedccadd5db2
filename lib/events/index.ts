/** Events: what leads do, recorded once, and what it sets off. */
export { Events, type EventInput, type EventOutcome } from './events';
