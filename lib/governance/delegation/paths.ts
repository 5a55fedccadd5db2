import { DEEPEST_DELEGATION, type Delegation, type Matter } from './types';

/** What of a delegation decides where things go. */
export type Link = Pick<Delegation, 'delegator' | 'delegatee' | 'scope' | 'scopeId' | 'startsAt' | 'endsAt'> & {
  /** Later ones win where several say the same. */
  readonly id?: number;
};

/** Whether two names mean the same person: without regard to case and outer spaces, which nobody should get around a rule by. */
export function isSamePerson(one: string, other: string): boolean {
  return fold(one) === fold(other);
}

function fold(name: string): string {
  return name.trim().toLowerCase();
}

/** Whether a delegation is about this. */
export function covers({ scope, scopeId }: Link, matter: Matter): boolean {
  switch (scope) {
    case 'all':
      return true;
    case 'approvals':
    case 'campaigns':
      return matter.kind === scope;
    case 'campaign':
      return matter.campaign !== undefined && matter.campaign === scopeId;
    case 'team':
      return matter.team !== undefined && matter.team === scopeId;
  }
}

/** Whether some matter at some time may fall under both. */
function meet(one: Link, other: Link): boolean {
  return one.startsAt < (other.endsAt ?? Infinity) && other.startsAt < (one.endsAt ?? Infinity) && share(one, other);
}

function share(one: Link, other: Link): boolean {
  const scopes = [one.scope, other.scope];
  if (scopes.includes('approvals') && scopes.includes('campaigns')) return false;
  if (one.scope !== other.scope) return true;
  return (one.scope !== 'campaign' && one.scope !== 'team') || one.scopeId === other.scopeId;
}

/**
 * What speaks against a new delegation beside those that there are: `cycle`, or how many steps the longest way through it would have
 * (more than {@link DEEPEST_DELEGATION} are too many). Only those that may count at the same time and for the same matter are looked at.
 */
export function obstacleTo(fresh: Link, others: readonly Link[]): 'cycle' | 'depth' | undefined {
  const beside = others.filter((other) => meet(fresh, other));
  if (reaches(beside, fresh.delegatee, fresh.delegator)) return 'cycle';
  const before = longest(beside, fresh.delegator, 'delegatee', 'delegator');
  const after = longest(beside, fresh.delegatee, 'delegator', 'delegatee');
  return before + 1 + after > DEEPEST_DELEGATION ? 'depth' : undefined;
}

function reaches(links: readonly Link[], from: string, to: string): boolean {
  const seen = new Set([fold(from)]);
  for (const name of seen) {
    if (name === fold(to)) return true;
    for (const link of links) if (fold(link.delegator) === name) seen.add(fold(link.delegatee));
  }
  return false;
}

/** Steps of the longest way that begins (or ends) at somebody, counted up to one more than are allowed. */
function longest(
  links: readonly Link[],
  at: string,
  near: 'delegator' | 'delegatee',
  far: 'delegator' | 'delegatee',
): number {
  let reached = new Set([fold(at)]);
  for (let steps = 0; steps <= DEEPEST_DELEGATION; steps++) {
    reached = new Set(links.filter((link) => reached.has(fold(link[near]))).map((link) => fold(link[far])));
    if (reached.size === 0) return steps;
  }
  return DEEPEST_DELEGATION + 1;
}

/**
 * How somebody has come to act for a delegator: the shortest path, both included; undefined when they may not. Never through one of
 * `barred`: who may not decide does not choose who decides either.
 * @param links those that are in force
 */
export function pathBetween(
  links: readonly Link[],
  { from, to, matter, barred = [] }: { from: string; to: string; matter: Matter; barred?: readonly string[] },
): readonly string[] | undefined {
  const own = links.filter((link) => covers(link, matter));
  const isBarred = (name: string): boolean => barred.some((one) => isSamePerson(one, name));
  if (isBarred(from)) return undefined;
  let paths: readonly (readonly string[])[] = [[from]];
  for (let steps = 0; steps < DEEPEST_DELEGATION; steps++) {
    paths = paths.flatMap((path) =>
      own
        .filter(({ delegator }) => isSamePerson(delegator, path.at(-1) ?? ''))
        .filter(({ delegatee }) => !isBarred(delegatee) && !path.some((name) => isSamePerson(name, delegatee)))
        .map(({ delegatee }) => [...path, delegatee]),
    );
    const found = paths.find((path) => isSamePerson(path.at(-1) ?? '', to));
    if (found) return found;
  }
  return undefined;
}

/**
 * Who acts for somebody in the end: of several delegations the narrowest counts, then the newest. Data that lead round in a circle or on
 * for too long (which saving refuses) lead nowhere: the person themselves is to act.
 * @param links those that are in force
 */
export function pathFrom(links: readonly Link[], person: string, matter: Matter): readonly string[] {
  const path = [person];
  for (;;) {
    const next = best(links.filter((link) => isSamePerson(link.delegator, path.at(-1) ?? '') && covers(link, matter)));
    if (!next) return path;
    const circle = path.some((name) => isSamePerson(name, next.delegatee));
    if (circle || path.length > DEEPEST_DELEGATION) return [person];
    path.push(next.delegatee);
  }
}

const NARROWEST: readonly Link['scope'][] = ['campaign', 'team', 'approvals', 'campaigns', 'all'];

function best(links: readonly Link[]): Link | undefined {
  return [...links].sort(
    (a, b) => NARROWEST.indexOf(a.scope) - NARROWEST.indexOf(b.scope) || (b.id ?? 0) - (a.id ?? 0),
  )[0];
}
