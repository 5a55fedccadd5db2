import type { Scope } from '../../store';
import type { Decision } from '../../types';
import { CounterDeltas } from './counters';

/** Who enters what. */
export interface Entry {
  campaign: number;
  run: number;
  station: number;
  entryKey: string;
  leads: readonly number[];
}

/**
 * Enrolls leads and puts them at their first station, in the caller's transaction. A lead that already entered for the
 * same cause (`entryKey`) is left alone.
 * @returns how many were new
 */
export async function enroll(tx: Scope, entry: Entry, now: number): Promise<number> {
  if (entry.leads.length === 0) return 0;
  const { dialect } = tx;
  const values = {
    campaign: entry.campaign,
    entryKey: entry.entryKey,
    rows: JSON.stringify(entry.leads.map((id) => [id])),
  };
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
     SELECT :tenant, :campaign, r.lead, :run, :entryKey, 'active', :now
     FROM ${dialect.rows('rows', { lead: 'int' }, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
    { ...values, run: entry.run, now },
  );
  const fresh = await tx.all<{ id: number; lead_id: number }>(
    `SELECT e.id, e.lead_id FROM ${dialect.rows('rows', { lead: 'int' }, 'r')}
     ${dialect.join} marketing_enrollments e ON e.campaign_id = :campaign AND e.lead_id = r.lead AND e.entry_key = :entryKey
       AND e.tenant_id = :tenant
     WHERE e.state = 'active' AND NOT EXISTS
       (SELECT 1 FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.enrollment_id = e.id)`,
    values,
  );
  if (fresh.length === 0) return 0;
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_steps
       (tenant_id, campaign_id, enrollment_id, lead_id, station_id, parent_id, state, due_at, created_at, updated_at)
     SELECT :tenant, :campaign, r.enrollment, r.lead, :station, 0, 'waiting', :now, :now, :now
     FROM ${dialect.rows('rows', { enrollment: 'int', lead: 'int' }, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
    {
      campaign: entry.campaign,
      station: entry.station,
      now,
      rows: JSON.stringify(fresh.map(({ id, lead_id }) => [id, lead_id])),
    },
  );
  const counters = new CounterDeltas();
  counters.add(entry.campaign, entry.station, 'entered', fresh.length);
  await counters.write(tx);
  return fresh.length;
}

/** One person who comes in, by a cause of its own. */
export interface Entering {
  readonly campaign: number;
  readonly run: number;
  readonly station: number;
  readonly lead: number;
  /** The cause; the same one lets a lead in once. At most 96 characters. */
  readonly key: string;
  /** When the person goes on, ms. */
  readonly dueAt: number;
  /** Why, for whoever asks later. */
  readonly decision?: Decision;
}

const ENTERING = {
  campaign: 'int',
  campaign_run: 'int',
  station: 'int',
  lead: 'int',
  cause: 'text',
  due: 'int',
  step_trail: 'text',
} as const;

/**
 * Enrolls people who come in by causes of their own, into any number of campaigns, in the caller's transaction: three statements
 * for all. Somebody who came in by the same cause before is left alone.
 * @returns those who are new
 */
export async function enrollEach(tx: Scope, list: readonly Entering[], now: number): Promise<Entering[]> {
  if (list.length === 0) return [];
  const { dialect } = tx;
  const rows = JSON.stringify(
    list.map(({ campaign, run, station, lead, key, dueAt, decision }) => [
      ...[campaign, run, station, lead, key, dueAt],
      decision === undefined ? null : JSON.stringify([decision]),
    ]),
  );
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
     SELECT :tenant, r.campaign, r.lead, r.campaign_run, r.cause, 'active', :now
     FROM ${dialect.rows('rows', ENTERING, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
    { rows, now },
  );
  const fresh = await tx.all<{ id: number; campaign_id: number; lead_id: number; entry_key: string }>(
    `SELECT e.id, e.campaign_id, e.lead_id, e.entry_key FROM ${dialect.rows('rows', ENTERING, 'r')}
     ${dialect.join} marketing_enrollments e ON e.campaign_id = r.campaign AND e.lead_id = r.lead AND e.entry_key = r.cause
       AND e.tenant_id = :tenant
     WHERE e.state = 'active' AND NOT EXISTS
       (SELECT 1 FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.enrollment_id = e.id)`,
    { rows },
  );
  if (fresh.length === 0) return [];
  const enrollments = new Map(fresh.map((row) => [`${row.campaign_id} ${row.lead_id} ${row.entry_key}`, row.id]));
  const entered: Entering[] = [];
  const steps: unknown[][] = [];
  const counters = new CounterDeltas();
  for (const one of list) {
    const name = `${one.campaign} ${one.lead} ${one.key}`;
    const enrollment = enrollments.get(name);
    // The same person by the same cause twice in one list is one.
    if (enrollment === undefined || !enrollments.delete(name)) continue;
    entered.push(one);
    const { campaign, station, lead, dueAt, decision } = one;
    steps.push([
      campaign,
      enrollment,
      lead,
      station,
      dueAt,
      decision === undefined ? null : JSON.stringify([decision]),
    ]);
    counters.add(campaign, station, 'entered');
  }
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_steps
       (tenant_id, campaign_id, enrollment_id, lead_id, station_id, parent_id, state, due_at, trail, created_at, updated_at)
     SELECT :tenant, r.campaign, r.enrollment, r.lead, r.station, 0, 'waiting', r.due, r.step_trail, :now, :now
     FROM ${dialect.rows(
       'rows',
       { campaign: 'int', enrollment: 'int', lead: 'int', station: 'int', due: 'int', step_trail: 'text' },
       'r',
     )} WHERE 1 = 1 ${dialect.ignoreTail}`,
    { rows: JSON.stringify(steps), now },
  );
  await counters.write(tx);
  return entered;
}

/** The cursor of a campaign whose audience is being written. */
export interface Expansion {
  id: number;
  run: number;
  expanding_from: number;
  expand_station_id: number;
}

/** Campaigns whose audience is not wholly written yet. */
export async function openExpansions(scope: Scope): Promise<Expansion[]> {
  return scope.all<Expansion>(
    `SELECT id, run, expanding_from, expand_station_id FROM marketing_campaigns
     WHERE tenant_id = :tenant AND state = 'active' AND expanding_from IS NOT NULL AND expand_station_id IS NOT NULL`,
  );
}

/**
 * Writes one page of an audience: moves the campaign's cursor and enrolls the page, or neither. Another runtime that
 * works on the same page, a pause and a crash all leave the cursor as the single truth.
 * @param last the last lead of the page; undefined when the audience is complete
 * @returns how many entered, or undefined when somebody else has moved the cursor
 */
export async function expandPage(
  scope: Scope,
  expansion: Expansion,
  leads: readonly number[],
  last: number | undefined,
  now: number,
): Promise<number | undefined> {
  return scope.transaction(async (tx) => {
    const moved = await tx.run(
      `UPDATE marketing_campaigns SET expanding_from = :last, updated_at = :now
       WHERE tenant_id = :tenant AND id = :id AND state = 'active' AND run = :run AND expanding_from = :from`,
      { id: expansion.id, run: expansion.run, from: expansion.expanding_from, last: last ?? null, now },
    );
    if (moved === 0) return undefined;
    return enroll(
      tx,
      {
        campaign: expansion.id,
        run: expansion.run,
        station: expansion.expand_station_id,
        entryKey: `run:${expansion.run}`,
        leads,
      },
      now,
    );
  });
}
