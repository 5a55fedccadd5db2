import { storable, type Scope } from '../store';
import { wantsSealing } from './wake';

/** One entry of the history. */
export interface HistoryEntry {
  /** What happened: `campaign.launched`, `consent.revoked` … */
  readonly event: string;
  readonly campaign?: number;
  /** Who did it: `system`, `cli:<user>`, `editor`, `lead:<id>` … */
  readonly actor: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly payload?: unknown;
}

/** The widest `actor` that the column takes. */
const LONGEST_ACTOR = 128;

/** Names that no database reserves, unlike some of the columns that they fill. */
const ROW = { campaign_id: 'int', event: 'text', actor: 'text', was: 'text', is_now: 'text', payload: 'text' } as const;

/** Appends one entry, in the transaction of the change that it tells of. */
export async function record(tx: Scope, entry: HistoryEntry): Promise<void> {
  await recordAll(tx, [entry]);
}

/**
 * Appends many entries in one statement, in the transaction of the changes that they tell of. E-mail addresses in their
 * texts (what a mail server said, a reason that somebody typed) are struck out: a history that cannot be changed must not
 * hold what people may ask to have erased.
 */
export async function recordAll(tx: Scope, entries: readonly HistoryEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const { dialect } = tx;
  const json = dialect.name === 'postgres' ? '::jsonb' : '';
  await tx.run(
    `INSERT INTO marketing_history (tenant_id, campaign_id, event, actor, ${dialect.quote('before')}, ${dialect.quote('after')}, payload, at)
     SELECT :tenant, r.campaign_id, r.event, r.actor, r.was${json}, r.is_now${json}, r.payload${json}, :at
       FROM ${dialect.rows('items', ROW, 'r')} WHERE 1 = 1`,
    { items: JSON.stringify(entries.map(rowOf)), at: tx.clock.now() },
  );
  wantsSealing(tx);
}

function rowOf(entry: HistoryEntry): (string | number | null)[] {
  return [
    entry.campaign ?? null,
    entry.event,
    storable(entry.actor, LONGEST_ACTOR),
    jsonOrNull(entry.before),
    jsonOrNull(entry.after),
    jsonOrNull(entry.payload),
  ];
}

function jsonOrNull(value: unknown): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? withoutAddresses(storable(part, Infinity)) : part,
  );
}

/** Generous: what only looks like an address is struck out, too. Linear: neither side can match the other's part. */
const ADDRESS = /[^\s@<>()[\]",;:]{1,64}@[^\s@<>()[\]",;:]{1,255}/g;

function withoutAddresses(text: string): string {
  return text.includes('@') ? text.replace(ADDRESS, '[address]') : text;
}
