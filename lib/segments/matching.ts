import { compileCondition, printDuration, type Behaviour, type Condition } from '../conditions';
import { leadViews } from '../leads';
import type { Scope } from '../store';
import type { Predicate } from './predicate';

/** Those of the given leads of whom a predicate over the alias `l` is true. One statement. */
export async function matchingSql(scope: Scope, ids: readonly number[], predicate: Predicate): Promise<Set<number>> {
  if (ids.length === 0) return new Set();
  const rows = await scope.all<{ id: number }>(
    `SELECT l.id FROM ${scope.dialect.rows('lead_ids', { id: 'int' }, 'r')} ${scope.dialect.join} marketing_leads l ON l.id = r.id
      WHERE l.tenant_id = :tenant AND ${predicate.text}`,
    { ...predicate.values, lead_ids: idRows(ids) },
  );
  return new Set(rows.map((row) => row.id));
}

/** The same by the compiled closure, for conditions that the database cannot decide exactly. */
export async function matchingClosure(
  scope: Scope,
  ids: readonly number[],
  condition: Condition,
  now: number,
  constants: Readonly<Record<string, unknown>> = {},
): Promise<Set<number>> {
  const views = await leadViews(scope, ids);
  const did = await behavioursOf(scope, ids, condition, now);
  const matching = new Set<number>();
  for (const [id, lead] of views) {
    if (condition.test({ ...constants, lead, now, did: (index) => did(id, index) })) matching.add(id);
  }
  return matching;
}

/** Whether a lead did what the `$did` of a condition with this index asks for. One statement for each of them. */
export async function behavioursOf(
  scope: Scope,
  ids: readonly number[],
  condition: Condition,
  now: number,
): Promise<(lead: number, index: number) => boolean> {
  const did: Set<number>[] = [];
  for (const behaviour of condition.behaviours) did.push(await whoDid(scope, ids, behaviour, now));
  return (lead, index) => did[index]?.has(lead) ?? false;
}

/** Whom a behaviour is true of; conditions with nothing but a behaviour always have an exact SQL form. */
async function whoDid(scope: Scope, ids: readonly number[], behaviour: Behaviour, now: number): Promise<Set<number>> {
  const { event, within, ...rest } = behaviour;
  const options = JSON.stringify({
    ...rest,
    ...(within === undefined ? undefined : { within: printDuration(within) }),
  });
  const condition = compileCondition(`$did(${JSON.stringify(event)}, ${options})`, { lead: {} });
  const { text, values } = condition.toSql(scope.dialect, { alias: 'l', prefix: 'did_', now });
  return matchingSql(scope, ids, { text: `(${text})`, values });
}

/** Ids as the value of a `dialect.rows(…, { id: 'int' })`. */
export function idRows(ids: Iterable<number>): string {
  return JSON.stringify(Array.from(ids, (id) => [id]));
}
