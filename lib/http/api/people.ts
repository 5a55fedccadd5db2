import { ConflictError, InputError, NotFoundError } from '../../errors';
import type { LeadInput, LeadQuery, LeadView, Rejection } from '../../leads';
import type { Segment } from '../../segments';
import { idOrKey, iso, pick } from './present';
import type { ApiServices } from './services';
import type { Reply } from './types';

/*
 * What several doors (REST, GraphQL) do with leads and segments.
 */

const BUILT_IN = ['externalId', 'email', 'name', 'phone', 'country', 'timeZone'] as const;

/** A lead as the API shows it: `id` and `score` first, see `forgetAnswersAbout`. */
export function leadOut(lead: LeadView): Readonly<Record<string, unknown>> {
  const { id, score, createdAt, externalId, email, name, phone, country, timeZone, ...attributes } = lead;
  const known = pick({ externalId, email, name, phone, country, timeZone }, BUILT_IN);
  return { id, score, createdAt: iso(createdAt), ...known, attributes };
}

/** The lead with this number or external id. @throws NotFoundError `E_UNKNOWN_LEAD` */
export async function leadOf({ leads }: Pick<ApiServices, 'leads'>, given: string): Promise<LeadView> {
  const which = idOrKey(given);
  const lead = await leads.get(typeof which === 'number' ? which : { externalId: which });
  if (!lead) throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead "${given}".`);
  return lead;
}

/** Creates a lead. @throws ConflictError `E_LEAD_EXISTS`; InputError, as the lead says */
export async function createLead(
  { leads }: Pick<ApiServices, 'leads'>,
  input: LeadInput,
  source: string,
): Promise<LeadView> {
  const result = await leads.upsert(input, {
    source,
    undeclared: 'reject',
    // Inside the transaction: whoever exists already is not changed.
    within: (_tx, [one]) =>
      one && one.outcome !== 'created' && one.outcome !== 'rejected'
        ? Promise.reject(exists(one.id))
        : Promise.resolve(),
  });
  if (result.outcome === 'rejected') throw refused(result.reason);
  return leads.require(result.id);
}

/** Changes a lead. @throws InputError, ConflictError, NotFoundError, as the lead says */
export async function changeLead(
  { leads }: Pick<ApiServices, 'leads'>,
  id: number,
  change: LeadInput,
  source: string,
): Promise<LeadView> {
  const result = await leads.update(id, change, { source, undeclared: 'reject' });
  if (result.outcome === 'rejected') throw refused(result.reason);
  return leads.require(id);
}

/** A page of leads, by cursor or by its number. */
export async function pageOfLeads(
  { leads }: Pick<ApiServices, 'leads'>,
  { page, ...query }: LeadQuery & { page?: number; limit: number },
): Promise<Reply> {
  if (page === undefined) {
    const { leads: items, cursor } = await leads.list(query);
    const body = { items: items.map(leadOut), ...(cursor === undefined ? {} : { cursor }) };
    return { body, ...(cursor === undefined ? {} : { next: { cursor } }) };
  }
  if (query.cursor !== undefined) throw new InputError('E_PAGE', 'Give a cursor or a page, not both.');
  const total = await leads.count(query);
  const { leads: items } = await leads.list({ ...query, offset: (page - 1) * query.limit });
  return {
    body: { items: items.map(leadOut), total },
    ...(page * query.limit < total ? { next: { page: page + 1 } } : {}),
  };
}

/** The segment with this number or key. @throws NotFoundError `E_UNKNOWN_SEGMENT` */
export async function segmentOf({ segments }: Pick<ApiServices, 'segments'>, given: string): Promise<Segment> {
  const which = idOrKey(given);
  if (typeof which === 'string') return segments.get(which);
  const segment = (await segments.list()).find(({ id }) => id === which);
  if (!segment) throw new NotFoundError('E_UNKNOWN_SEGMENT', `There is no segment "${given}".`);
  return segment;
}

function exists(id: number): ConflictError {
  return new ConflictError('E_LEAD_EXISTS', `This is the lead ${id} already: change that one.`, { details: { id } });
}

function refused({ code, field, message }: Rejection): Error {
  if (code === 'E_UNKNOWN_LEAD') return new NotFoundError(code, message);
  if (code === 'E_LEAD_CONFLICT') return new ConflictError(code, message);
  const known: readonly string[] = [...BUILT_IN, 'score'];
  const path = field === undefined ? '' : known.includes(field) ? `/${field}` : `/attributes/${field}`;
  return new InputError(code, message, { details: { problems: [{ path, message }] } });
}
