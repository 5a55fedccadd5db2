import type { Scope } from '../store';
import { cappedBy, lookBackOf, messagesOf } from './caps';
import { rulesOf } from './read';

/** Somebody on their way through a campaign. */
export interface CappedPerson {
  readonly lead: number;
  readonly campaign: number;
  readonly enrollment: number;
}

/** Who has had enough on a channel, by enrollment, with why (the end of a sentence about them). Two statements for all of them. */
export async function cappedPeople(
  scope: Scope,
  people: readonly CappedPerson[],
  channel: string,
): Promise<Map<number, string>> {
  const capped = new Map<number, string>();
  if (people.length === 0) return capped;
  const rules = await rulesOf(
    scope,
    people.map(({ campaign }) => campaign),
  );
  const lookBack = Math.max(0, ...[...rules.values()].map((its) => lookBackOf(its, channel)));
  if (lookBack === 0) return capped;
  const now = scope.clock.now();
  const messages = await messagesOf(
    scope,
    people.map(({ lead }) => lead),
    { since: now - lookBack },
  );
  for (const person of people) {
    const its = rules.get(person.campaign);
    const found = its && cappedBy(its, { ...person, channel }, messages.get(person.lead) ?? [], now);
    if (found) capped.set(person.enrollment, found.detail);
  }
  return capped;
}
