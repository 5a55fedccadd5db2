import { Conversions } from '../../conversions';
import type { Leads, Reactions } from '../../leads';
import { Scoring } from '../../scoring';
import type { Segments } from '../../segments';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';

/** What scores and conversions are made of. */
interface Parts {
  readonly scope: Scope;
  readonly reactions: Reactions;
  readonly timers: Timers;
  readonly leads: Leads;
  readonly segments: Segments;
  warn(what: string): void;
}

/** Scores and conversions of one tenant, joined to what leads do. Before the timers start. */
export function scoringOf({ scope, reactions, timers, leads, segments, warn }: Parts): {
  scoring: Scoring;
  conversions: Conversions;
} {
  const scoring = new Scoring({
    scope,
    reactions,
    timers,
    schema: (tx) => leads.schema(tx),
    matching: (tx, ids, condition, constants) => segments.matchesCondition(ids, condition, constants, tx),
    refresh: (ids, fields) => segments.leadsChanged(ids, fields),
    warn,
  });
  const conversions = new Conversions(scope, (list) => leads.engage(list));
  reactions.add(conversions.reaction);
  reactions.add(scoring.reaction);
  return { scoring, conversions };
}
