import type { Condition } from '../conditions';
import { leadColumns, leadView, type LeadRow } from '../leads';
import type { Scope } from '../store';
import type { Loaded } from './catalogue';
import { idRows, matchingClosure } from './matching';
import { compareBySet, compareBySql, settle, SLICE, type Compare } from './members';
import { PredicateWriter, type Predicate } from './predicate';
import type { OnMembership } from './types';

/** What a recalculation works with. */
export interface RecalculationPlan {
  readonly loaded: Loaded;
  readonly segments: ReadonlyMap<string, Loaded>;
  /** The moment for which it is calculated, milliseconds since 1970. */
  readonly now: number;
  /** The hooks, called inside each transaction. */
  readonly onMembership: OnMembership | undefined;
}

/** How many entered and left, and how many are in. */
export interface Counted {
  readonly entered: number;
  readonly left: number;
  readonly members: number;
}

/**
 * Makes a segment's members those who belong to it now. Who belongs is written to a temporary table by one statement; only
 * those who differ are then changed, in slices, each looked at again under the segment's lock. Nothing is held for long.
 */
export async function recalculateSegment(db: Scope, plan: RecalculationPlan): Promise<Counted> {
  const { segment, condition } = plan.loaded;
  const inSql = condition === undefined || condition.sqlExactOn(db.dialect);
  await temporaryTables(db);
  try {
    let compare: Compare | undefined;
    if (segment.kind !== 'static') {
      if (inSql) {
        const writer = new PredicateWriter(db, plan.segments, 'l', plan.now);
        const text = writer.segment(segment.key);
        const predicate = { text, values: writer.values };
        await findBySql(db, predicate);
        compare = compareBySql(segment.id, predicate);
      } else {
        await findByClosure(db, condition, plan.now);
        compare = compareBySet(segment.id, (scope, ids) => matchingClosure(scope, ids, condition, plan.now));
      }
      await findDifferences(db, segment.id);
    }
    const changed = compare ? await settleDifferences(db, plan, compare) : { entered: 0, left: 0 };
    return { ...changed, members: await finish(db, segment.id, plan.now) };
  } finally {
    await dropTemporaryTables(db);
  }
}

const TABLES = ['nm_fresh', 'nm_differs'];

async function temporaryTables(db: Scope): Promise<void> {
  await dropTemporaryTables(db);
  for (const table of TABLES) await db.run(`CREATE TEMPORARY TABLE ${table} (lead_id BIGINT PRIMARY KEY)`);
}

async function dropTemporaryTables(db: Scope): Promise<void> {
  const temporary = db.dialect.name === 'mysql' ? 'TEMPORARY ' : '';
  for (const table of TABLES) await db.run(`DROP ${temporary}TABLE IF EXISTS ${table}`);
}

async function findBySql(db: Scope, predicate: Predicate): Promise<void> {
  await db.run(
    `INSERT INTO nm_fresh (lead_id) SELECT l.id FROM marketing_leads l WHERE l.tenant_id = :tenant AND ${predicate.text} ORDER BY l.id`,
    predicate.values,
  );
  if (db.dialect.name === 'postgres') await db.run('ANALYZE nm_fresh');
}

/** In slices with a pause after each, so that the event loop goes on meanwhile. */
async function findByClosure(db: Scope, condition: Condition, now: number): Promise<void> {
  for (let last = 0; ;) {
    const ids = await nextIds(db, last);
    const end = ids.at(-1);
    if (end === undefined) return;
    const matching = await matchingClosure(db, ids, condition, now);
    if (matching.size > 0) {
      await db.run(
        `INSERT INTO nm_fresh (lead_id) SELECT r.id FROM ${db.dialect.rows('lead_ids', { id: 'int' }, 'r')}`,
        {
          lead_ids: idRows(matching),
        },
      );
    }
    last = end;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function nextIds(db: Scope, last: number): Promise<number[]> {
  const rows = await db.all<{ id: number }>(
    `SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id > :last ORDER BY id LIMIT ${SLICE}`,
    { last },
  );
  return rows.map((row) => row.id);
}

/** Two statements, because MariaDB and MySQL open a temporary table only once in each. */
async function findDifferences(db: Scope, segmentId: number): Promise<void> {
  await db.run(
    `INSERT INTO nm_differs (lead_id) SELECT f.lead_id FROM nm_fresh f WHERE NOT EXISTS (
       SELECT 1 FROM marketing_segment_members m WHERE m.tenant_id = :tenant AND m.segment_id = :segment AND m.lead_id = f.lead_id)`,
    { segment: segmentId },
  );
  await db.run(
    `INSERT INTO nm_differs (lead_id) SELECT m.lead_id FROM marketing_segment_members m
      WHERE m.tenant_id = :tenant AND m.segment_id = :segment AND NOT EXISTS (SELECT 1 FROM nm_fresh f WHERE f.lead_id = m.lead_id)`,
    { segment: segmentId },
  );
}

async function settleDifferences(
  db: Scope,
  plan: RecalculationPlan,
  compare: Compare,
): Promise<{ entered: number; left: number }> {
  let entered = 0;
  let left = 0;
  for (let last = 0; ;) {
    const rows = await db.all<{ lead_id: number }>(
      `SELECT lead_id FROM nm_differs WHERE lead_id > :last ORDER BY lead_id LIMIT ${SLICE}`,
      { last },
    );
    const end = rows.at(-1)?.lead_id;
    if (end === undefined) return { entered, left };
    const change = await settle(
      db,
      plan.loaded.segment,
      rows.map((row) => row.lead_id),
      compare,
      plan.onMembership,
    );
    entered += change.entered.length;
    left += change.left.length;
    last = end;
  }
}

/** Puts the count right, should it ever have gone wrong, without counting under a lock: both figures come from one snapshot. */
async function finish(db: Scope, segmentId: number, now: number): Promise<number> {
  const row = await db.get<{ told: number; n: number }>(
    `SELECT s.lead_count AS told, (SELECT COUNT(*) FROM marketing_segment_members m WHERE m.tenant_id = :tenant AND m.segment_id = :segment) AS n
       FROM marketing_segments s WHERE s.tenant_id = :tenant AND s.id = :segment`,
    { segment: segmentId },
  );
  const members = row?.n ?? 0;
  await db.run(
    'UPDATE marketing_segments SET lead_count = lead_count + :drift, refreshed_at = :now WHERE tenant_id = :tenant AND id = :segment',
    {
      drift: members - (row?.told ?? 0),
      now,
      segment: segmentId,
    },
  );
  return members;
}

/** How many leads meet a predicate, and the first few. */
export async function look(
  db: Scope,
  predicate: Predicate,
  sample: number,
): Promise<{ count: number; rows: LeadRow[] }> {
  const where = `FROM marketing_leads l WHERE l.tenant_id = :tenant AND ${predicate.text}`;
  const counted = await db.get<{ n: number }>(`SELECT COUNT(*) AS n ${where}`, predicate.values);
  const rows = await db.all<LeadRow>(
    `SELECT ${leadColumns('l')} ${where} ORDER BY l.id LIMIT ${sample}`,
    predicate.values,
  );
  return { count: counted?.n ?? 0, rows };
}

/** The same for a condition that only its closure can decide. */
export async function lookByClosure(
  db: Scope,
  condition: Condition,
  now: number,
  sample: number,
): Promise<{ count: number; ids: number[] }> {
  let count = 0;
  const first: number[] = [];
  for (let last = 0; ;) {
    const ids = await nextIds(db, last);
    const end = ids.at(-1);
    if (end === undefined) return { count, ids: first };
    const matching = await matchingClosure(db, ids, condition, now);
    count += matching.size;
    for (const id of ids) if (first.length < sample && matching.has(id)) first.push(id);
    last = end;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

export { leadView };
