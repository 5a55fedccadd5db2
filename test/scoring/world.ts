import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createLeads, Reactions, type Leads } from '../../lib/leads';
import { scoringOf } from '../../lib/marketing/parts/scoring';
import type { Conversions } from '../../lib/conversions';
import type { Scoring } from '../../lib/scoring';
import { createSegments, type Segments } from '../../lib/segments';
import type { Scope } from '../../lib/store';
import { ClockTimers } from '../../lib/timers';

export const DAY = 86_400_000;

/** One tenant's leads, segments, scores and conversions, wired as `openMarketing` does it. */
export interface World {
  readonly scope: Scope;
  readonly clock: VirtualClock;
  readonly leads: Leads;
  readonly segments: Segments;
  readonly scoring: Scoring;
  readonly conversions: Conversions;
  readonly reactions: Reactions;
  readonly timers: ClockTimers;
  readonly warnings: string[];
}

export function worldOf(scope: Scope): World {
  const { clock } = scope;
  assert.ok(clock instanceof VirtualClock);
  const reactions = new Reactions();
  const timers = new ClockTimers(clock);
  const warnings: string[] = [];
  const leads: Leads = createLeads(scope, {
    reactions,
    onChanged: async (ids, fields) =>
      void (await segments.leadsChanged(ids, await parts.scoring.fieldsFor(ids, fields))),
  });
  const segments: Segments = createSegments(scope, { leads });
  const parts = scoringOf({ scope, reactions, timers, leads, segments, warn: (what) => void warnings.push(what) });
  return { scope, clock, leads, segments, reactions, timers, warnings, ...parts };
}

export async function addLead(world: World, email: string, fields: Record<string, unknown> = {}): Promise<number> {
  const result = await world.leads.upsert({ email, ...fields });
  assert.ok(result.outcome !== 'rejected');
  return result.id;
}

export async function scoreOf({ leads }: World, lead: number): Promise<number> {
  return (await leads.require(lead)).score;
}

let events = 0;
/** One event of a lead. */
export async function happen(
  { leads }: World,
  lead: number,
  type: string,
  more: { eventId?: string; at?: number; metadata?: Record<string, unknown>; campaignId?: number } = {},
): Promise<void> {
  await leads.engage([{ leadId: lead, type, eventId: `e${++events}`, ...more }]);
}
