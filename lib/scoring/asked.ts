import { eventFields, type Condition } from '../conditions';
import { leadViews, type LeadView, type NewEngagement } from '../leads';
import type { Scope } from '../store';
import type { ReadyRule } from './book';

/** An event as rules look at it. */
export type ScoredEvent = Pick<
  NewEngagement,
  'leadId' | 'type' | 'eventId' | 'channel' | 'at' | 'metadata' | 'machine'
>;

/** Which of these leads a condition with `$did` is true of. */
export type Matching = (
  tx: Scope,
  leads: readonly number[],
  condition: Condition,
  constants: Readonly<Record<string, unknown>>,
) => Promise<Set<number>>;

/** An event and a rule that may give points for it. */
export interface Asked {
  readonly ready: ReadyRule;
  readonly event: ScoredEvent;
}

/** Rules on events and the events that they are about, whatever their conditions say; in the order of the events. */
export function askedOf(rules: readonly ReadyRule[], events: readonly ScoredEvent[]): Asked[] {
  return events.flatMap((event) =>
    rules
      .filter(({ rule, broken }) => {
        if (rule.on !== 'event' || broken !== undefined) return false;
        return (rule.event === '*' || rule.event === event.type) && (!event.machine || rule.machines === true);
      })
      .map((ready) => ({ ready, event })),
  );
}

/** Those whose conditions hold, by what the lead is now and what came with the event. */
export async function holding(tx: Scope, asked: readonly Asked[], matching: Matching): Promise<Asked[]> {
  const conditional = asked.filter(({ ready }) => ready.condition !== undefined);
  if (conditional.length === 0) return [...asked];
  const views: ReadonlyMap<number, LeadView> = await leadViews(tx, [
    ...new Set(conditional.map(({ event }) => event.leadId)),
  ]);
  const held: Asked[] = [];
  for (const one of asked) {
    const { condition } = one.ready;
    if (!condition) held.push(one);
    else if (await holds(tx, condition, one.event, views, matching)) held.push(one);
  }
  return held;
}

async function holds(
  tx: Scope,
  condition: Condition,
  event: ScoredEvent,
  views: ReadonlyMap<number, LeadView>,
  matching: Matching,
): Promise<boolean> {
  const lead = views.get(event.leadId);
  if (!lead) return false;
  const constants = { event: eventFields(event) };
  if (condition.behaviours.length > 0) {
    return (await matching(tx, [event.leadId], condition, constants)).has(event.leadId);
  }
  return condition.test({ ...constants, lead, now: tx.clock.now() });
}
