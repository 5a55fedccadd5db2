/** Escalation: rules that act on campaigns after a time, and raising a campaign to the next person. */
export { escalate, type Raise, type Raised } from './escalate';
export { checkLevels, readLevels, writeLevels, type EscalationSettings } from './levels';
export { Escalations, type EscalationDeps } from './rules';
export { readEscalations, type EscalationEntry } from './rows';
export { delayOf, effectOf, type EscalationEffect } from './words';
