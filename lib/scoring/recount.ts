import { parseJson, type Scope } from '../store';
import { askedOf, holding, type Matching, type ScoredEvent } from './asked';
import type { ReadyRule, RuleBook } from './book';
import { withinCaps } from './caps';
import { removePoints, weighFacts } from './facts';
import { lockScores } from './move';
import { knownPoints, writePoints } from './points';

/** Leads that are counted again in one transaction. */
const SLICE = 200;

/** What one slice did. */
export interface Recounted {
  readonly scores: ReadonlyMap<number, number>;
  readonly deltas: ReadonlyMap<number, number>;
  readonly due: number | undefined;
  /** False: nothing is left to be counted again. */
  readonly more: boolean;
}

interface Waiting {
  id: number;
  recounting_from: number;
}

/**
 * Counts again what rules gave to the next leads: their points are taken back, and given by what the rules say now of what the
 * database remembers. How far it has come stands on the rules and moves in the same transaction: a crash goes on where it was.
 *
 * Events from before a lead's score was last set count for nothing: whoever set it has taken them into account.
 */
export async function recountSlice(tx: Scope, book: RuleBook, matching: Matching): Promise<Recounted> {
  const waiting = await tx.all<Waiting>(
    `SELECT id, recounting_from FROM marketing_score_rules WHERE tenant_id = :tenant AND recounting_from IS NOT NULL
     ORDER BY recounting_from, id ${tx.dialect.forUpdate}`,
  );
  const from = waiting[0]?.recounting_from;
  const nothing = { scores: new Map<number, number>(), deltas: new Map<number, number>(), due: undefined };
  if (from === undefined) return { ...nothing, more: false };
  const ids = waiting.filter((one) => one.recounting_from === from).map(({ id }) => id);
  const page = await tx.all<{ id: number }>(
    `SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id > :from ORDER BY id LIMIT ${SLICE}`,
    { from },
  );
  const leads = page.map(({ id }) => id);
  const last = leads.at(-1);
  await tx.run(
    `UPDATE marketing_score_rules SET recounting_from = :next WHERE tenant_id = :tenant
        AND id IN (SELECT r.rule FROM ${tx.dialect.rows('rows', { rule: 'int' }, 'r')})`,
    { next: last ?? null, rows: JSON.stringify(ids.map((id) => [id])) },
  );
  if (last === undefined) return { ...nothing, more: true };
  const rules = await book.ready(tx, ids);
  const scores = await lockScores(tx, leads);
  const deltas = await takeBack(tx, ids, leads);
  const points = [
    ...(await eventPoints(tx, rules, leads, matching)),
    ...(await weighFacts(tx, rules.filter(isOn('lead')), leads)).give,
  ];
  const written = await writePoints(tx, points);
  for (const [lead, delta] of written.deltas) deltas.set(lead, (deltas.get(lead) ?? 0) + delta);
  return { scores, deltas, due: written.due, more: true };
}

function isOn(kind: 'event' | 'lead') {
  return ({ rule }: ReadyRule): boolean => rule.on === kind && rule.active;
}

/** Removes what these rules gave, but for what has become part of somebody's base. @returns by lead, what scores lose */
async function takeBack(tx: Scope, rules: readonly number[], leads: readonly number[]): Promise<Map<number, number>> {
  const rows = await tx.all<{ id: number; lead_id: number; live: number }>(
    `SELECT p.id, p.lead_id, p.live FROM ${tx.dialect.rows('rows', { lead: 'int', rule: 'int' }, 'r')}
     ${tx.dialect.join} marketing_score_points p ON p.lead_id = r.lead AND p.rule_id = r.rule AND p.tenant_id = :tenant
     WHERE p.live <> 0 OR p.at > COALESCE((SELECT MAX(b.at) FROM marketing_score_points b
                                           WHERE b.tenant_id = :tenant AND b.lead_id = r.lead AND b.rule_id = 0 AND b.event = 'set'), -1)`,
    { rows: JSON.stringify(leads.flatMap((lead) => rules.map((rule) => [lead, rule]))) },
  );
  await removePoints(
    tx,
    rows.map(({ id }) => id),
  );
  const deltas = new Map<number, number>();
  for (const { lead_id, live } of rows) deltas.set(lead_id, (deltas.get(lead_id) ?? 0) - Number(live));
  return deltas;
}

interface EventRow {
  lead_id: number;
  type: string;
  event_id: string;
  channel: string | null;
  metadata: unknown;
  at: number;
}

/** What rules on events give for what these leads did since their scores were last set. */
async function eventPoints(
  tx: Scope,
  rules: readonly ReadyRule[],
  leads: readonly number[],
  matching: Matching,
): ReturnType<typeof withinCaps> {
  const onEvents = rules.filter(isOn('event'));
  if (onEvents.length === 0) return [];
  const types = onEvents.some(({ rule }) => rule.event === '*')
    ? undefined
    : [...new Set(onEvents.flatMap(({ rule }) => rule.event ?? []))];
  const rows = await tx.all<EventRow>(
    `SELECT e.lead_id, e.type, e.event_id, e.channel, e.metadata, e.tracked_at AS at
     FROM ${tx.dialect.rows('rows', { lead: 'int', did: 'text' }, 'r')}
     ${tx.dialect.join} marketing_engagements e ON e.lead_id = r.lead AND e.tenant_id = :tenant ${types ? 'AND e.type = r.did' : ''}
     WHERE e.tracked_at > COALESCE((SELECT MAX(b.at) FROM marketing_score_points b
                                    WHERE b.tenant_id = :tenant AND b.lead_id = r.lead AND b.rule_id = 0 AND b.event = 'set'), -1)
     ORDER BY e.tracked_at, e.id`,
    { rows: JSON.stringify(leads.flatMap((lead) => (types ?? ['']).map((type) => [lead, type]))) },
  );
  const now = tx.clock.now();
  const events = rows.map((row): ScoredEvent => {
    const metadata = parseJson<Record<string, unknown>>(row.metadata, {});
    return {
      leadId: row.lead_id,
      type: row.type,
      eventId: row.event_id,
      ...(row.channel === null ? {} : { channel: row.channel }),
      at: Math.min(row.at, now),
      metadata,
      machine: metadata['machine'] === true,
    };
  });
  // What was sent to somebody is noted without reactions, and gives nothing here either.
  const done = events.filter(({ eventId }) => !eventId.startsWith('sent:'));
  const asked = await holding(tx, askedOf(onEvents, done), matching);
  // What is part of somebody's base keeps its row, and is not given once more.
  const known = await knownPoints(
    tx,
    asked.map(({ ready, event }) => ({ rule: ready.rule.id, eventId: event.eventId })),
  );
  const due = asked
    .filter(({ ready, event }) => !known.has(`${ready.rule.id} ${event.eventId}`))
    .map(({ ready, event: { leadId, eventId, type, at } }) => ({ ready, lead: leadId, eventId, event: type, at }));
  return withinCaps(tx, due, { startFresh: true });
}
