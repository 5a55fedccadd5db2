import type { Scope } from '../store';
import { BEGINNING, hashOf, historyColumns, readHead, type ChainHead, type HistoryRow } from './chain';

/** What is wrong with the history. */
export interface HistoryProblem {
  /**
   * `changed`: a row does not say what it said when it was sealed, or was moved to another place. `removed`: rows are missing.
   * `broken`: a row does not follow the one before it. `cut`: the chain ends before its head. `foreign`: the head is not the one
   * that you kept, and yours is not on the way to it. `unsealed`: rows stand outside the chain for long.
   */
  readonly kind: 'changed' | 'removed' | 'broken' | 'cut' | 'foreign' | 'unsealed';
  /** The place in the chain; absent for `unsealed`. */
  readonly seq?: number;
  /** What was found, in a sentence. */
  readonly found: string;
}

/** What a verification found. */
export interface HistoryVerdict {
  readonly ok: boolean;
  /** Rows that were looked at. */
  readonly entries: number;
  /** Keep it elsewhere, and give it back: then even somebody who writes the whole chain again is found out. */
  readonly head: ChainHead;
  /** At most {@link MOST_PROBLEMS}. */
  readonly problems: readonly HistoryProblem[];
}

/** Problems that are told at most. */
export const MOST_PROBLEMS = 100;
/** Rows that are read at a time. */
const PAGE = 1_000;
/** Sealing takes seconds: whatever is older has been left out. */
const UNSEALED_MS = 10 * 60_000;

/** Reads the whole chain and computes it again. `known`: a head that was kept elsewhere. */
export async function verifyHistory(scope: Scope, known?: ChainHead): Promise<HistoryVerdict> {
  return scope.background(async (db) => {
    const head = await readHead(db, { lock: false });
    const problems: HistoryProblem[] = [];
    const tell = (kind: HistoryProblem['kind'], found: string, seq?: number): void => {
      if (problems.length < MOST_PROBLEMS) problems.push({ kind, found, ...(seq === undefined ? {} : { seq }) });
    };
    let last = BEGINNING;
    let entries = 0;
    let met = known === undefined || (known.seq === 0 && known.hash === BEGINNING.hash);
    for (;;) {
      const rows = await db.all<HistoryRow>(
        `SELECT ${historyColumns(db)} FROM marketing_history
         WHERE tenant_id = :tenant AND seq > :after AND seq <= :end ORDER BY seq LIMIT ${PAGE}`,
        { after: last.seq, end: head.seq },
      );
      for (const row of rows) {
        last = checkRow(db.tenant, last, row, tell);
        met ||= last.seq === known?.seq && last.hash === known.hash;
      }
      entries += rows.length;
      if (rows.length < PAGE) break;
      // Others want a turn of the event loop.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    if (last.seq < head.seq) {
      tell('cut', `The chain ends at ${last.seq}, although ${head.seq} rows have been sealed.`, last.seq + 1);
    } else if (last.hash !== head.hash) {
      tell('broken', `The last row, ${last.seq}, is not the one that was sealed last.`, last.seq);
    }
    if (!met) tell('foreign', `The chain does not hold the head that you kept (${known?.seq ?? 0}).`, known?.seq ?? 0);
    const end = await db.get<{ seq: number | null }>(
      `SELECT MAX(seq) AS seq FROM marketing_history WHERE tenant_id = :tenant`,
    );
    // In this order: what is sealed at this moment is not beyond the head that is read after it.
    const sealed = await readHead(db, { lock: false });
    const beyond = Number(end?.seq ?? 0);
    if (beyond > sealed.seq) tell('broken', `Row ${beyond} stands beyond the head of the chain.`, beyond);
    const unsealed = await db.get<{ left_out: number }>(
      `SELECT COUNT(*) AS left_out FROM marketing_history WHERE tenant_id = :tenant AND seq IS NULL AND at < :before`,
      { before: db.clock.now() - UNSEALED_MS },
    );
    const waiting = Number(unsealed?.left_out ?? 0);
    if (waiting > 0) tell('unsealed', `${waiting} rows have not been sealed for more than ten minutes.`);
    return { ok: problems.length === 0, entries, head, problems };
  });
}

/** Compares a row with what its place says it must be; what the next one must follow. */
function checkRow(
  tenant: string,
  last: ChainHead,
  row: HistoryRow,
  tell: (kind: HistoryProblem['kind'], found: string, seq: number) => void,
): ChainHead {
  const seq = Number(row.seq);
  const hash = row.hash ?? '';
  if (seq !== last.seq + 1) {
    const missing = seq === last.seq + 2 ? `Row ${last.seq + 1} is` : `Rows ${last.seq + 1} to ${seq - 1} are`;
    tell('removed', `${missing} missing.`, last.seq + 1);
  } else if (row.previous_hash !== last.hash) {
    tell('broken', `Row ${seq} does not follow row ${last.seq}.`, seq);
  }
  if (hashOf(tenant, seq, row.previous_hash ?? '', row) !== hash) {
    tell('changed', `Row ${seq} does not say what it said when it was sealed.`, seq);
  }
  return { seq, hash };
}
