import { createHash } from 'node:crypto';
import { parseJson, type Scope } from '../store';

/*
 * The chain
 *   Every row gets a number (seq: 1, 2, 3 … per tenant) and a hash over what it says, its number, and the hash of the row
 *   before it. Whoever changes, removes or reorders a row would have to write all hashes behind it again, and the head.
 *   Rows are written without (nobody waits for anybody) and sealed seconds later, in the order in which the sealer sees
 *   them: one that is committed late gets a later number than its id suggests.
 */

/** The end of a tenant's chain: the number and hash of the last sealed row. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** What stands before the first row. */
export const BEGINNING: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** A row of marketing_history. */
export interface HistoryRow {
  id: number;
  campaign_id: number | null;
  event: string;
  actor: string;
  was: unknown;
  is_now: unknown;
  payload: unknown;
  at: number;
  seq: number | null;
  previous_hash: string | null;
  hash: string | null;
}

/** The columns of {@link HistoryRow}. */
export function historyColumns({ dialect }: Scope): string {
  return `id, campaign_id, event, actor, ${dialect.quote('before')} AS was, ${dialect.quote('after')} AS is_now, payload, at,
    seq, previous_hash, hash`;
}

/** The hash of a row at its place: SHA-256 of canonical JSON over the tenant, the number, the hash before, and all content. */
export function hashOf(tenant: string, seq: number, previous: string, row: HistoryRow): string {
  const content = [
    tenant,
    seq,
    previous,
    row.id,
    row.campaign_id,
    row.event,
    row.actor,
    canonical(parseJson<unknown>(row.was, null)),
    canonical(parseJson<unknown>(row.is_now, null)),
    canonical(parseJson<unknown>(row.payload, null)),
    row.at,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** A value whose keys are in order: PostgreSQL's JSONB keeps them in an order of its own. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, canonical(part)]),
  );
}

const HEAD = 'history_head';

/** The head as it stands; locked until the transaction ends when `lock` says so. */
export async function readHead(tx: Scope, { lock }: { lock: boolean }): Promise<ChainHead> {
  const { dialect } = tx;
  if (lock) {
    await tx.run(
      `${dialect.insertIgnore} INTO marketing_settings (tenant_id, name, value, updated_at)
       VALUES (:tenant, :name, :value, :now) ${dialect.ignoreTail}`,
      { name: HEAD, value: JSON.stringify(BEGINNING), now: tx.clock.now() },
    );
  }
  const row = await tx.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name ${lock ? dialect.forUpdate : ''}`,
    { name: HEAD },
  );
  return parseJson<ChainHead>(row?.value, BEGINNING);
}

export async function writeHead(tx: Scope, head: ChainHead): Promise<void> {
  await tx.run(
    `UPDATE marketing_settings SET value = :value, updated_at = :now WHERE tenant_id = :tenant AND name = :name`,
    { name: HEAD, value: JSON.stringify(head), now: tx.clock.now() },
  );
}
