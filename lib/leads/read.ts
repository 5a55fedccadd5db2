import { InputError } from '../errors';
import type { Scope, SqlValue, SqlValues } from '../store';
import { normaliseEmail } from './email';
import type { Reactions } from './reactions';
import { forgetEngagements } from './engagements';
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

/** How many leads match. */
export async function countLeads(scope: Scope, query: LeadQuery = {}): Promise<number> {
  const { text, values } = filterOf(query);
  const row = await scope.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM marketing_leads l WHERE l.tenant_id = :tenant${text}`,
    values,
  );
  return row?.n ?? 0;
}

const MOST_LEADS = 1_000;

/**
 * Leads in the order of their ids, page by page, those that match only.
 * @throws InputError `E_LIMIT`, `E_CURSOR`
 */
export async function listLeads(scope: Scope, query: LeadQuery = {}): Promise<LeadPage> {
  const { limit = 50, offset = 0 } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LEADS) {
    throw new InputError('E_LIMIT', `A page has 1 to ${MOST_LEADS} leads, not ${limit}.`);
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new InputError('E_LIMIT', 'An offset is a whole number, 0 or more.');
  }
  const { text, values } = filterOf(query);
  const rows = await scope.all<LeadRow>(
    `SELECT ${leadColumns('l')} FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.id > :after${text}
      ORDER BY l.id LIMIT ${limit + 1} OFFSET ${offset}`,
    { ...values, after: readCursor(query.cursor) },
  );
  const leads = rows.slice(0, limit).map(leadView);
  const last = leads.at(-1);
  return rows.length > limit && last ? { leads, cursor: String(last.id) } : { leads };
}

/** What narrows the leads down, as conditions over the alias `l`. */
function filterOf({ search, segment, country, minScore, maxScore }: LeadQuery): { text: string; values: SqlValues } {
  const parts: string[] = [];
  const values: Record<string, SqlValue> = {};
  const add = (part: string, more: SqlValues): void => {
    parts.push(` AND ${part}`);
    Object.assign(values, more);
  };
  const wanted = search?.trim() ?? '';
  if (wanted !== '') add(BEGINS, searchValues(wanted));
  if (segment !== undefined) {
    const member = `EXISTS (SELECT 1 FROM marketing_segment_members m
      WHERE m.tenant_id = :tenant AND m.segment_id = :segment AND m.lead_id = l.id)`;
    add(member, { segment });
  }
  if (country !== undefined) add('l.country = :country', { country: country.toUpperCase() });
  if (minScore !== undefined) add('l.score >= :min_score', { min_score: minScore });
  if (maxScore !== undefined) add('l.score <= :max_score', { max_score: maxScore });
  return { text: parts.join(''), values };
}

/** E-mail and external id are looked up through their indexes; names are read. */
const BEGINS = `(l.id IN (${range('email', 'mail')}) OR l.id IN (${range('external_id', 'given')}) OR LOWER(l.name) LIKE :like ESCAPE '!')`;

function range(column: string, from: string): string {
  return `SELECT k.id FROM marketing_leads k WHERE k.tenant_id = :tenant AND k.${column} >= :${from} AND k.${column} < :${from}_end`;
}

function searchValues(search: string): SqlValues {
  return {
    mail: search.toLowerCase(),
    mail_end: endOfPrefix(search.toLowerCase()),
    given: search,
    given_end: endOfPrefix(search),
    like: `${search.toLowerCase().replace(/[!%_]/g, '!$&')}%`,
  };
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
 * Removes a lead with its memberships, consents and engagements (see {@link forgetEngagements}). Suppressions stay: they are
 * about the address, and must outlive the lead. False when there is no such lead.
 */
export async function removeLead(scope: Scope, id: number, reactions?: Reactions): Promise<boolean> {
  return scope.transaction(async (tx) => {
    const removed = await tx.run('DELETE FROM marketing_leads WHERE tenant_id = :tenant AND id = :id', { id });
    if (removed === 0) return false;
    await tx.run(
      `UPDATE marketing_segments SET lead_count = lead_count - 1
        WHERE tenant_id = :tenant AND id IN (SELECT segment_id FROM marketing_segment_members WHERE tenant_id = :tenant AND lead_id = :id)`,
      { id },
    );
    for (const table of ['marketing_segment_members', 'marketing_consents']) {
      await tx.run(`DELETE FROM ${table} WHERE tenant_id = :tenant AND lead_id = :id`, { id });
    }
    await forgetEngagements(tx, id);
    await reactions?.removed(tx, id);
    return true;
  });
}
