import type { Condition } from '../conditions';

/** What decides about a condition's answer: lead fields and `did:<event>`. */
export function readsOf(condition: Condition): string[] {
  return [...new Set([...condition.attributes, ...condition.behaviours.map(({ event }) => `did:${event}`)])].sort();
}
