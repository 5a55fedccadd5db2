import { announce, wanted } from '../outbox';
import type { Scope } from '../store';
import { idRows } from './matching';
import type { Predicate } from './predicate';
import type { MembershipChange, OnMembership, Segment } from './types';

/** Leads per transaction that changes members: about ten milliseconds, so that other writers hardly wait. */
export const SLICE = 2_000;

/** Some ids, slice by slice. */
export function* slices(ids: readonly number[], size = SLICE): Generator<readonly number[]> {
  for (let start = 0; start < ids.length; start += size) yield ids.slice(start, start + size);
}

/** Which of some leads must enter and which must leave. */
export interface Difference {
  readonly entered: readonly number[];
  readonly left: readonly number[];
}

/** Finds out who of the given leads is wrongly in or out of a segment, as of now. */
export type Compare = (scope: Scope, ids: readonly number[]) => Promise<Difference>;

/**
 * Compares by a predicate over the alias `l`, in one statement that returns only those who differ. A lead that does not exist belongs
 * nowhere.
 */
export function compareBySql(segmentId: number, predicate: Predicate): Compare {
  return async (scope, ids) => {
    const rows = await scope.all<{ id: number; was: number }>(
      `SELECT d.id, d.was FROM (
         SELECT r.id, CASE WHEN m.lead_id IS NULL THEN 0 ELSE 1 END AS was,
                CASE WHEN l.id IS NOT NULL AND ${predicate.text} THEN 1 ELSE 0 END AS belongs
           FROM ${scope.dialect.rows('lead_ids', { id: 'int' }, 'r')}
           LEFT JOIN marketing_leads l ON l.tenant_id = :tenant AND l.id = r.id
           LEFT JOIN marketing_segment_members m ON m.tenant_id = :tenant AND m.segment_id = :segment AND m.lead_id = r.id) d
        WHERE d.was <> d.belongs`,
      { ...predicate.values, lead_ids: idRows(ids), segment: segmentId },
    );
    return {
      entered: rows.filter((row) => row.was === 0).map((row) => row.id),
      left: rows.filter((row) => row.was === 1).map((row) => row.id),
    };
  };
}

/** Compares with a set that was worked out outside the database. */
export function compareBySet(
  segmentId: number,
  belonging: (scope: Scope, ids: readonly number[]) => Promise<ReadonlySet<number>>,
): Compare {
  return async (scope, ids) => {
    const belong = await belonging(scope, ids);
    const members = await membersAmong(scope, segmentId, ids);
    return {
      entered: ids.filter((id) => belong.has(id) && !members.has(id)),
      left: ids.filter((id) => !belong.has(id) && members.has(id)),
    };
  };
}

/** Those of the given leads who are members. */
export async function membersAmong(scope: Scope, segmentId: number, ids: readonly number[]): Promise<Set<number>> {
  const rows = await scope.all<{ id: number }>(
    `SELECT r.id FROM ${scope.dialect.rows('lead_ids', { id: 'int' }, 'r')}
       WHERE EXISTS (SELECT 1 FROM marketing_segment_members m
         WHERE m.tenant_id = :tenant AND m.segment_id = :segment AND m.lead_id = r.id)`,
    { lead_ids: idRows(ids), segment: segmentId },
  );
  return new Set(rows.map((row) => row.id));
}

/**
 * Makes the members among the given leads right, in one transaction. The segment's row is locked first, so that a recalculation and a
 * change of a lead, which both look at what is true now, cannot overtake each other.
 * @returns who entered and left; nobody when the segment is gone or was redefined meanwhile
 */
export async function settle(
  scope: Scope,
  segment: Pick<Segment, 'id' | 'key' | 'version'>,
  ids: readonly number[],
  compare: Compare,
  onMembership: OnMembership | undefined,
): Promise<Difference> {
  return scope.transaction(async (tx) => {
    const lock = await tx.get<{ version: number }>(
      `SELECT version FROM marketing_segments WHERE tenant_id = :tenant AND id = :segment ${tx.dialect.forUpdate}`,
      { segment: segment.id },
    );
    if (lock?.version !== segment.version) return { entered: [], left: [] };
    const { entered, left } = await compare(tx, ids);
    if (entered.length === 0 && left.length === 0) return { entered, left };
    if (left.length > 0) await removeMembers(tx, segment.id, left);
    if (entered.length > 0) await addMembers(tx, segment.id, entered);
    await tx.run(
      'UPDATE marketing_segments SET lead_count = lead_count + :more WHERE tenant_id = :tenant AND id = :segment',
      {
        more: entered.length - left.length,
        segment: segment.id,
      },
    );
    const change: MembershipChange = { segment: { id: segment.id, key: segment.key }, entered, left };
    await announceMoves(tx, change);
    await onMembership?.(tx, change);
    return { entered, left };
  });
}

/** One announcement per lead; when nobody listens, one small read for all. */
async function announceMoves(tx: Scope, { segment, entered, left }: MembershipChange): Promise<void> {
  const type = 'marketing.lead.segment_changed';
  if (!(await wanted(tx, [type])).has(type)) return;
  const moved = (change: 'entered' | 'left') => (lead: number) =>
    ({ type, data: { lead, segment: segment.key, change } }) as const;
  await announce(tx, [...entered.map(moved('entered')), ...left.map(moved('left'))]);
}

async function addMembers(tx: Scope, segmentId: number, ids: readonly number[]): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_segment_members (tenant_id, segment_id, lead_id, entered_at)
     SELECT :tenant, :segment, r.id, :at FROM ${tx.dialect.rows('lead_ids', { id: 'int' }, 'r')}`,
    { segment: segmentId, lead_ids: idRows(ids), at: tx.clock.now() },
  );
}

async function removeMembers(tx: Scope, segmentId: number, ids: readonly number[]): Promise<void> {
  const rows = tx.dialect.rows('lead_ids', { id: 'int' }, 'r');
  await tx.run(
    // MariaDB would evaluate the sub-query of a DELETE once per row.
    tx.dialect.name === 'mysql'
      ? `DELETE m FROM ${rows} STRAIGHT_JOIN marketing_segment_members m ON m.segment_id = :segment AND m.lead_id = r.id WHERE m.tenant_id = :tenant`
      : `DELETE FROM marketing_segment_members WHERE tenant_id = :tenant AND segment_id = :segment AND lead_id IN (SELECT r.id FROM ${rows})`,
    { segment: segmentId, lead_ids: idRows(ids) },
  );
}
