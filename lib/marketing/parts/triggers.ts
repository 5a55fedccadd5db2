import { campaignViews, type StorySource } from '../../campaigns';
import type { JsonCondition } from '../../conditions';
import { ControlGroups } from '../../experiments';
import { leadViews, type Leads, type Reactions } from '../../leads';
import type { LedgerLog } from '../../ledger';
import type { Segments } from '../../segments';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';
import { Triggers } from '../../triggers';
import type { ConditionService } from '../condition-service';

/** What lets people in by itself, wired to what it watches. */
export function triggersOf(
  scope: Scope,
  parts: {
    leads: Leads;
    segments: Segments;
    conditions: ConditionService;
    timers: Timers;
    reactions: Reactions;
    log: LedgerLog;
    wake(station: number): void;
    tenantZone?(): Promise<string | undefined>;
    /** What is told of enrollments: whom a trigger has kept out meanwhile is part of it. */
    stories: StorySource[];
  },
): Triggers {
  const { leads, segments, conditions, timers, reactions, log, wake, tenantZone, stories } = parts;
  const triggers = new Triggers(scope, {
    leads,
    timers,
    log,
    wake,
    ...(tenantZone ? { tenantZone } : {}),
    judge: {
      schema: (tx) => leads.schema(tx),
      leads: leadViews,
      campaigns: campaignViews,
      did: (tx, ids, condition) => segments.behaviours(ids, condition, tx),
      controlled: (tx, ids) => new ControlGroups(tx).members(ids),
      inSegment: (tx, ids, key) => segments.matching(ids, key, tx),
      matching: async (tx, ids, source, constants) =>
        segments.matchesCondition(ids, await conditions.compile(source as JsonCondition, tx), constants, tx),
    },
  });
  reactions.add(triggers.reaction());
  stories.push((sql, of) => triggers.story(sql, of));
  return triggers;
}
