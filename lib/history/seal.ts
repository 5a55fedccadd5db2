import type { Scope } from '../store';
import { hashOf, historyColumns, readHead, writeHead, type ChainHead, type HistoryRow } from './chain';

/** Rows that are sealed in one transaction. */
const CHUNK = 500;

/**
 * Seals every row that is not yet: gives it its place in the chain. Several processes may try at the same moment; one does it.
 * @returns how many were sealed
 */
export async function sealHistory(
  scope: Scope,
  onChunk: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  let total = 0;
  for (;;) {
    const sealed = await scope.transaction(sealChunk);
    total += sealed;
    if (sealed < CHUNK) return total;
    await onChunk();
  }
}

async function sealChunk(tx: Scope): Promise<number> {
  const { dialect, tenant } = tx;
  // The lock on the head makes it one at a time, and what the former one has sealed is seen.
  let head: ChainHead = await readHead(tx, { lock: true });
  const rows = await tx.all<HistoryRow>(
    `SELECT ${historyColumns(tx)} FROM marketing_history WHERE tenant_id = :tenant AND seq IS NULL ORDER BY id LIMIT ${CHUNK}`,
  );
  if (rows.length === 0) return 0;
  const places = rows.map((row): [number, number, string, string] => {
    const previous = head;
    const seq = previous.seq + 1;
    head = { seq, hash: hashOf(tenant, seq, previous.hash, row) };
    return [row.id, seq, previous.hash, head.hash];
  });
  await tx.run(
    dialect.updateFrom(
      'marketing_history',
      dialect.rows('rows', { entry: 'int', place: 'int', former: 'text', own: 'text' }, 'r'),
      'seq = place, previous_hash = former, hash = own',
      'marketing_history.id = r.entry AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(places) },
  );
  await writeHead(tx, head);
  return rows.length;
}
