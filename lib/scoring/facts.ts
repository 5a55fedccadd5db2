import { leadViews, type LeadChange } from '../leads';
import type { Scope } from '../store';
import type { ReadyRule } from './book';
import type { Points } from './points';

/** What rules on leads give and take back. */
export interface FactPoints {
  readonly give: readonly Points[];
  /** Rows to be removed, with what of them is live. */
  readonly takeBack: readonly { readonly id: number; readonly lead: number; readonly live: number }[];
}

/** The rules on leads that look at a field that has changed. */
export function factsTouched(rules: readonly ReadyRule[], changes: readonly LeadChange[]): ReadyRule[] {
  const facts = rules.filter(({ rule, condition }) => rule.on === 'lead' && condition);
  if (facts.length === 0 || changes.some(({ created }) => created)) return facts;
  const fields = new Set(changes.flatMap((change) => change.fields));
  return facts.filter(({ condition }) => condition?.attributes.some((name) => fields.has(name)));
}

/**
 * Holds rules on leads against these leads: points for those of whom they are true and who have none yet, back from those of
 * whom they are not any more.
 */
export async function weighFacts(
  tx: Scope,
  rules: readonly ReadyRule[],
  leads: readonly number[],
): Promise<FactPoints> {
  if (rules.length === 0 || leads.length === 0) return { give: [], takeBack: [] };
  const now = tx.clock.now();
  const views = await leadViews(tx, leads);
  const rows = await tx.all<{ id: number; lead_id: number; rule_id: number; live: number }>(
    `SELECT p.id, p.lead_id, p.rule_id, p.live
     FROM ${tx.dialect.rows('rows', { lead: 'int', rule: 'int' }, 'r')}
     ${tx.dialect.join} marketing_score_points p ON p.tenant_id = :tenant AND p.lead_id = r.lead AND p.rule_id = r.rule`,
    { rows: JSON.stringify([...views.keys()].flatMap((lead) => rules.map(({ rule }) => [lead, rule.id]))) },
  );
  const had = new Map(rows.map((row) => [`${row.lead_id} ${row.rule_id}`, row]));
  const give: Points[] = [];
  const takeBack: { id: number; lead: number; live: number }[] = [];
  for (const [lead, view] of views) {
    for (const { rule, condition, broken } of rules) {
      if (broken !== undefined || !condition) continue;
      const row = had.get(`${lead} ${rule.id}`);
      const holds = condition.test({ lead: view, now });
      if (row && !holds) takeBack.push({ id: row.id, lead, live: Number(row.live) });
      if (holds && !row) give.push(factOf(rule, lead, now));
    }
  }
  return { give, takeBack };
}

function factOf(rule: ReadyRule['rule'], lead: number, at: number): Points {
  const base = { lead, rule: rule.id, version: rule.version, eventId: `lead:${lead}`, event: 'lead', at };
  return { ...base, given: rule.points, live: true };
}

/** Removes rows of points. */
export async function removePoints(tx: Scope, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.run(
    `DELETE FROM marketing_score_points WHERE tenant_id = :tenant
        AND id IN (SELECT r.gone FROM ${tx.dialect.rows('rows', { gone: 'int' }, 'r')})`,
    { rows: JSON.stringify(ids.map((id) => [id])) },
  );
}
