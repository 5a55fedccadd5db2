import { campaignViews } from '../../campaigns';
import type { Reactions } from '../../leads';
import type { Ledger, LedgerLog } from '../../ledger';
import { effectiveRules, readTenantRules } from '../../pacing';
import type { Segments } from '../../segments';
import type { Scope } from '../../store';
import { Waiting, type TenantTimes } from '../../waiting';
import type { ConditionService } from '../condition-service';

/** People who wait until something happens, and the reaction that wakes them. */
export function waitingOf(
  scope: Scope,
  house: {
    log: LedgerLog;
    reactions: Reactions;
    segments: () => Segments;
    conditions: () => ConditionService;
    ledger: () => Ledger;
  },
): Waiting {
  const waiting = new Waiting(scope, {
    compile: (tx, source) => house.conditions().compile(source, tx),
    compileForEvent: (tx, source) => house.conditions().compileForEvent(source, tx),
    matching: (tx, leads, condition, constants) => house.segments().matchesCondition(leads, condition, constants, tx),
    inSegment: (tx, leads, segment) => house.segments().matching(leads, segment, tx),
    campaigns: campaignViews,
    times: timesOf,
    woken: (stations) => stations.forEach((id) => house.ledger().wakeStation(id)),
    warn: (text) => house.log.warn(text),
  });
  house.reactions.add(waiting.reaction());
  return waiting;
}

/** Zone, quiet hours, weekends and holidays of the tenant's send rules. */
async function timesOf(sql: Scope): Promise<TenantTimes> {
  const { timeZone, calendar, neverOpen, releaseMs } = effectiveRules({}, await readTenantRules(sql));
  // Rules that never open hold back messages until somebody changes them; nobody would ever come out of a delay.
  return { timeZone, calendar: neverOpen ? undefined : calendar, releaseMinutes: releaseMs / 60_000 };
}
