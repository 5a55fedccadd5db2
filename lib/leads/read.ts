import { InputError } from '../errors';
import type { Scope, SqlValues } from '../store';
import { normaliseEmail } from './email';
import { leadColumns, leadView, type LeadRow } from './view';
import type { LeadPage, LeadQuery, LeadView } from './types';

/** Who is meant: our id (a number), or one of the keys of an input. */
export type LeadKey = number | { readonly email: string } | { readonly externalId: string };

/** One lead, or undefined. An address that is none belongs to nobody. */
export async function getLead(scope: Scope, key: LeadKey): Promise<LeadView | undefined> {
  const [column, value] = columnOf(key);
  if (value === undefined) return undefined;
  const row = await scope.get<LeadRow>(
    `SELECT ${leadColumns('l')} FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.${column} = :value`,
    { value },
  );
  return row && leadView(row);
}

function columnOf(key: LeadKey): [column: string, value: string | number | undefined] {
  if (typeof key === 'number') return ['id', key];
  if ('externalId' in key) return ['external_id', key.externalId.trim()];
  const check = normaliseEmail(key.email);
  return ['email', 'address' in check ? check.address : undefined];
}

/** The ids of leads by e-mail address or external id, in one statement each; keys that nobody has are absent. */
export async function idsByKey(
  scope: Scope,
  keys: { readonly emails?: readonly string[]; readonly externalIds?: readonly string[] },
): Promise<{ emails: Map<string, number>; externalIds: Map<string, number> }> {
  const normalised = new Map<string, string[]>();
  for (const email of keys.emails ?? []) {
    const check = normaliseEmail(email);
    if ('address' in check) normalised.set(check.address, [...(normalised.get(check.address) ?? []), email]);
  }
  const emails = new Map<string, number>();
  for (const { k, id } of await lookUp(scope, 'email', [...normalised.keys()])) {
    for (const given of normalised.get(k) ?? []) emails.set(given, id);
  }
  const externalIds = new Map<string, number>();
  for (const { k, id } of await lookUp(scope, 'external_id', keys.externalIds ?? [])) externalIds.set(k, id);
  return { emails, externalIds };
}

async function lookUp(
  scope: Scope,
  column: 'email' | 'external_id',
  keys: readonly string[],
): Promise<{ k: string; id: number }[]> {
  if (keys.length === 0) return [];
  return scope.all(
    `SELECT r.k, l.id FROM ${scope.dialect.rows('keys', { k: 'text' }, 'r')} ${scope.dialect.join} marketing_leads l ON l.${column} = r.k
      WHERE l.tenant_id = :tenant`,
    { keys: JSON.stringify(keys.map((key) => [key])) },
  );
}

/** How many leads there are. */
export async function countLeads(scope: Scope): Promise<number> {
  const row = await scope.get<{ n: number }>('SELECT COUNT(*) AS n FROM marketing_leads WHERE tenant_id = :tenant');
  return row?.n ?? 0;
}

const MOST_LEADS = 1_000;

/**
 * Leads in the order of their ids, page by page, those that begin with `search` only when it is given.
 * @throws InputError `E_LIMIT`, `E_CURSOR`
 */
export async function listLeads(scope: Scope, query: LeadQuery = {}): Promise<LeadPage> {
  const limit = query.limit ?? 50;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LEADS) {
    throw new InputError('E_LIMIT', `A page has 1 to ${MOST_LEADS} leads, not ${limit}.`);
  }
  const search = query.search?.trim() ?? '';
  const after = readCursor(query.cursor);
  const rows =
    search === ''
      ? await scope.all<LeadRow>(
          `SELECT ${leadColumns('l')} FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.id > :after ORDER BY l.id LIMIT ${limit + 1}`,
          { after },
        )
      : await searchLeads(scope, search, after, limit + 1);
  const leads = rows.slice(0, limit).map(leadView);
  const last = leads.at(-1);
  return rows.length > limit && last ? { leads, cursor: String(last.id) } : { leads };
}

/** E-mail and external id are looked up through their indexes; names are read. */
async function searchLeads(scope: Scope, search: string, after: number, limit: number): Promise<LeadRow[]> {
  const range = (column: string, from: string): string =>
    `SELECT l.id FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.${column} >= :${from} AND l.${column} < :${from}_end`;
  const values: SqlValues = {
    after,
    mail: search.toLowerCase(),
    mail_end: endOfPrefix(search.toLowerCase()),
    given: search,
    given_end: endOfPrefix(search),
    like: `${search.toLowerCase().replace(/[!%_]/g, '!$&')}%`,
  };
  return scope.all<LeadRow>(
    `SELECT ${leadColumns('l')} FROM marketing_leads l
      WHERE l.tenant_id = :tenant AND l.id > :after
        AND (l.id IN (${range('email', 'mail')}) OR l.id IN (${range('external_id', 'given')}) OR LOWER(l.name) LIKE :like ESCAPE '!')
      ORDER BY l.id LIMIT ${limit}`,
    values,
  );
}

/** The first text, by code point, that is behind everything that begins with `prefix`. */
function endOfPrefix(prefix: string): string {
  return `${prefix}\u{10FFFF}`;
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,15}$/.test(cursor))
    throw new InputError('E_CURSOR', 'This cursor is not one that a list of leads has given out: start without one.');
  return Number(cursor);
}

/**
 * Removes a lead with its memberships, consents and engagements. Suppressions stay: they are about the address, and
 * must outlive the lead. False when there is no such lead.
 */
export async function removeLead(scope: Scope, id: number): Promise<boolean> {
  return scope.transaction(async (tx) => {
    const removed = await tx.run('DELETE FROM marketing_leads WHERE tenant_id = :tenant AND id = :id', { id });
    if (removed === 0) return false;
    await tx.run(
      `UPDATE marketing_segments SET lead_count = lead_count - 1
        WHERE tenant_id = :tenant AND id IN (SELECT segment_id FROM marketing_segment_members WHERE tenant_id = :tenant AND lead_id = :id)`,
      { id },
    );
    for (const table of ['marketing_segment_members', 'marketing_consents', 'marketing_engagements']) {
      await tx.run(`DELETE FROM ${table} WHERE tenant_id = :tenant AND lead_id = :id`, { id });
    }
    return true;
  });
}
