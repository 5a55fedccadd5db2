import { parseJson, type Scope } from '../store';
import { announceLeads } from './announce';
import { declareGuessed, readAttributes } from './attributes';
import { typeOfValue } from './coerce';
import { LeadBatch, type StoredLead } from './batch';
import { attributesOf, normaliseInput, type Said } from './normalise';
import type { LeadChange, Reactions } from './reactions';
import type {
  AttributeType,
  AttributeValue,
  LeadInput,
  OnLeadsChanged,
  Rejection,
  UndeclaredPolicy,
  UpsertOptions,
  UpsertResult,
} from './types';

/** Who is told of changes: after the commit, and within the transaction. */
export interface LeadHooks {
  readonly onChanged?: OnLeadsChanged | undefined;
  readonly reactions?: Reactions | undefined;
}

/** Leads per transaction: a few milliseconds of work each. */
const BATCH = 1_000;
/** How often a batch is done again because another process created one of its leads at the same moment. */
const MOST_TRIES = 5;

/**
 * Creates or updates leads by external id or e-mail address, in order; one result per input. Several inputs may speak
 * about the same lead. Batches of {@link BATCH} are written set by set, each in one transaction.
 */
export async function upsertLeads(
  scope: Scope,
  inputs: readonly LeadInput[],
  options: UpsertOptions,
  hooks: LeadHooks,
): Promise<UpsertResult[]> {
  const undeclared = options.undeclared ?? 'ignore';
  const results: UpsertResult[] = [];
  for (let start = 0; start < inputs.length; start += BATCH) {
    if (start > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    const part = inputs.slice(start, start + BATCH);
    const declared = await attributesFor(scope, part, undeclared);
    const said = part.map((input) => normaliseInput(input, declared, undeclared));
    results.push(...(await storeLeads(scope, said, options, hooks, start)));
  }
  return results;
}

/** Changes the lead with this id. Rejected with `E_UNKNOWN_LEAD` when nobody has it. */
export async function updateLead(
  scope: Scope,
  id: number,
  input: LeadInput,
  options: UpsertOptions,
  hooks: LeadHooks,
): Promise<UpsertResult> {
  const undeclared = options.undeclared ?? 'ignore';
  const said = normaliseInput(input, await attributesFor(scope, [input], undeclared), undeclared, id);
  const [result] = await storeLeads(scope, [said], options, hooks);
  // One input, one result.
  return result as UpsertResult;
}

/**
 * Stores inputs that are normalised already, in as many transactions as it takes; one result per input.
 * @param first number of the first input, for {@link UpsertOptions.within}
 */
export async function storeLeads(
  scope: Scope,
  said: readonly (Said | Rejection)[],
  options: UpsertOptions,
  hooks: LeadHooks,
  first = 0,
): Promise<UpsertResult[]> {
  const results: UpsertResult[] = [];
  while (results.length < said.length) {
    const from = results.length;
    const batch = await write(scope, from === 0 ? said : said.slice(from), async (tx, done) => {
      await hooks.reactions?.changed(tx, changesOf(done));
      await options.within?.(tx, done.results(), first + from);
    });
    for (const result of batch.results()) results.push(result);
    if (options.report !== false && hooks.onChanged) await report(batch, hooks.onChanged);
  }
  return results;
}

/** What a batch did to its leads, for {@link Reactions}. */
function changesOf(batch: LeadBatch): LeadChange[] {
  const created = batch
    .toCreate()
    .map(({ id, score }) => ({ lead: id, created: true, fields: [], score, formerScore: 0 }));
  const updated = batch.updates().map(({ lead, fields, formerScore }) => ({
    lead: lead.id,
    created: false,
    fields,
    score: lead.score,
    formerScore,
  }));
  return [...created, ...updated];
}

async function report(batch: LeadBatch, onChanged: OnLeadsChanged): Promise<void> {
  const { created, updated } = batch.changes();
  if (created.length > 0) await onChanged(created, ['*']);
  if (updated.ids.length > 0) await onChanged(updated.ids, updated.fields);
}

async function attributesFor(
  scope: Scope,
  inputs: readonly LeadInput[],
  undeclared: UndeclaredPolicy,
): Promise<Map<string, AttributeType>> {
  const declared = await readAttributes(scope);
  if (undeclared !== 'declare') return declared;
  const guesses = new Map<string, AttributeType>();
  for (const input of inputs) {
    if (typeof input !== 'object' || input === null) continue;
    const { names, values } = attributesOf(input);
    for (const [index, name] of names.entries()) {
      const value = values[index];
      const type = declared.has(name) || guesses.has(name) || value === null ? undefined : typeOfValue(value);
      if (type) guesses.set(name, type);
    }
  }
  if (guesses.size === 0) return declared;
  await declareGuessed(scope, guesses);
  return readAttributes(scope);
}

async function write(
  scope: Scope,
  said: readonly (Said | Rejection)[],
  within: (tx: Scope, batch: LeadBatch) => Promise<void>,
): Promise<LeadBatch> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await scope.transaction(async (tx) => {
        const batch = new LeadBatch(await findStored(tx, said));
        batch.take(said);
        const created = batch.toCreate();
        if (created.length > 0) await insertLeads(tx, created);
        const updated = batch.toUpdate();
        if (updated.length > 0) await updateLeads(tx, updated);
        await announceLeads(tx, created, batch.updates());
        await within(tx, batch);
        return batch;
      });
    } catch (error) {
      // Somebody else created the same lead between our look and our write: look again, it is there now.
      if (attempt >= MOST_TRIES || !isDuplicate(error)) throw error;
    }
  }
}

/** True for a broken unique key, whatever the database calls it. */
function isDuplicate(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code === '23505' || code === 'ER_DUP_ENTRY' || code.startsWith('SQLITE_CONSTRAINT');
}

interface StoredRow {
  id: number;
  external_id: string | null;
  email: string | null;
  name: string | null;
  phone: string | null;
  country: string | null;
  time_zone: string | null;
  score: number;
  attributes: unknown;
}

/** The stored leads that the inputs may be about, locked until the transaction ends. */
async function findStored(tx: Scope, said: readonly (Said | Rejection)[]): Promise<StoredLead[]> {
  const emails = new Set<string>();
  const externalIds = new Set<string>();
  const ids = new Set<number>();
  for (const one of said) {
    if (!('attributes' in one)) continue;
    if (one.email) emails.add(one.email);
    if (one.externalId) externalIds.add(one.externalId);
    if (one.id !== undefined) ids.add(one.id);
  }
  const found = new Map<number, StoredLead>();
  for (const [column, type, keys] of [
    ['id', 'int', ids],
    ['email', 'text', emails],
    ['external_id', 'text', externalIds],
  ] as const) {
    if (keys.size === 0) continue;
    for (const row of await tx.all<StoredRow>(
      `SELECT l.id, l.external_id, l.email, l.name, l.phone, l.country, l.time_zone, l.score, l.attributes
         FROM ${tx.dialect.rows('keys', { k: type }, 'r')} ${tx.dialect.join} marketing_leads l ON l.${column} = r.k
        WHERE l.tenant_id = :tenant ${lockLeads(tx)}`,
      { keys: JSON.stringify(Array.from(keys, (key: string | number) => [key])) },
    )) {
      found.set(row.id, stored(row));
    }
  }
  return [...found.values()];
}

/** Locks the leads of a statement that joins them under the alias `l`. */
function lockLeads(tx: Scope): string {
  return tx.dialect.name === 'postgres' ? 'FOR UPDATE OF l' : tx.dialect.forUpdate;
}

function stored(row: StoredRow): StoredLead {
  return {
    id: row.id,
    externalId: row.external_id,
    email: row.email,
    name: row.name,
    phone: row.phone,
    country: row.country,
    timeZone: row.time_zone,
    score: row.score,
    attributes: new Map(Object.entries(parseJson<Record<string, AttributeValue>>(row.attributes, {}))),
  };
}

const FIELDS = {
  external_id: 'text',
  email: 'text',
  name: 'text',
  phone: 'text',
  country: 'text',
  time_zone: 'text',
  score: 'real',
  attributes: 'text',
} as const;
const NAMES = Object.keys(FIELDS);

function values(lead: StoredLead): unknown[] {
  const { externalId, email, name, phone, country, timeZone, score, attributes } = lead;
  return [externalId, email, name, phone, country, timeZone, score, JSON.stringify(Object.fromEntries(attributes))];
}

/** The new value of a column, taken from the rows `r`. */
function taken(tx: Scope, column: string): string {
  return column === 'attributes' && tx.dialect.name === 'postgres' ? 'r.attributes::jsonb' : `r.${column}`;
}

async function insertLeads(tx: Scope, leads: readonly StoredLead[]): Promise<void> {
  const { dialect } = tx;
  const items = JSON.stringify(leads.map(values));
  const statement = `INSERT INTO marketing_leads (tenant_id, ${NAMES.join(', ')}, created_at, updated_at)
     SELECT :tenant, ${NAMES.map((column) => taken(tx, column)).join(', ')}, :at, :at FROM ${dialect.rows('items', FIELDS, 'r')} WHERE 1 = 1`;
  const at = tx.clock.now();
  type Key = Pick<StoredRow, 'id' | 'email' | 'external_id'>;
  let keys: Key[];
  if (dialect.updateReturning) {
    keys = await tx.all<Key>(`${statement} RETURNING id, email, external_id`, { items, at });
  } else {
    await tx.run(statement, { items, at });
    keys = await tx.all<Key>(
      `SELECT l.id, l.email, l.external_id FROM ${dialect.rows('items', { external_id: 'text', email: 'text' }, 'r')}
         ${dialect.join} marketing_leads l ON l.email = r.email WHERE l.tenant_id = :tenant
       UNION SELECT l.id, l.email, l.external_id FROM ${dialect.rows('items', { external_id: 'text', email: 'text' }, 'r')}
         ${dialect.join} marketing_leads l ON l.external_id = r.external_id WHERE l.tenant_id = :tenant`,
      { items },
    );
  }
  const byEmail = new Map(keys.map((key) => [key.email, key.id]));
  const byExternalId = new Map(keys.map((key) => [key.external_id, key.id]));
  for (const lead of leads) {
    lead.id = (lead.email === null ? byExternalId.get(lead.externalId) : byEmail.get(lead.email)) ?? 0;
  }
}

async function updateLeads(tx: Scope, leads: readonly StoredLead[]): Promise<void> {
  const { dialect } = tx;
  const rows = dialect.rows('items', { id: 'int', ...FIELDS }, 'r');
  const mysql = dialect.name === 'mysql';
  // See Dialect.join: an UPDATE has no word for it, but a plus keeps SQLite from using the tenant to find rows.
  const noIndex = dialect.name === 'sqlite' ? '+' : '';
  const set = NAMES.map((column) => `${mysql ? 'l.' : ''}${column} = ${taken(tx, column)}`).join(', ');
  await tx.run(
    mysql
      ? `UPDATE ${rows} STRAIGHT_JOIN marketing_leads l ON l.id = r.id SET ${set}, l.updated_at = :at WHERE l.tenant_id = :tenant`
      : `UPDATE marketing_leads SET ${set}, updated_at = :at FROM ${rows} WHERE ${noIndex}marketing_leads.tenant_id = :tenant AND marketing_leads.id = r.id`,
    { items: JSON.stringify(leads.map((lead) => [lead.id, ...values(lead)])), at: tx.clock.now() },
  );
}
