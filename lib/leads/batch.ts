import { wrongPhone, type Said } from './normalise';
import { normalisePhone } from './phone';
import { Rejected, reject } from './reject';
import type { AttributeValue, Rejection, UpsertResult } from './types';

/** A lead as it is, or will be, stored. `id` 0: not written yet. */
export interface StoredLead {
  id: number;
  externalId: string | null;
  email: string | null;
  name: string | null;
  phone: string | null;
  country: string | null;
  timeZone: string | null;
  score: number;
  attributes: Map<string, AttributeValue>;
}

type Outcome =
  { lead: StoredLead; outcome: 'created' | 'updated' | 'unchanged'; warnings: string[] } | { reason: Rejection };

/**
 * Works out in memory what a run of inputs does to the leads they are about, in order, so that it can be written in
 * one INSERT and one UPDATE.
 */
export class LeadBatch {
  private readonly byId = new Map<number, StoredLead>();
  private readonly byEmail = new Map<string, StoredLead>();
  private readonly byExternalId = new Map<string, StoredLead>();
  private readonly fresh = new Set<StoredLead>();
  private readonly changed = new Map<StoredLead, Set<string>>();
  /** Keys that a lead of this batch gave up. The database would see the new owner before the old one has let go. */
  private readonly released = new Set<string>();
  /** Scores before this batch, of those whose score it changed. */
  private readonly formerScores = new Map<StoredLead, number>();
  private readonly outcomes: Outcome[] = [];

  constructor(stored: readonly StoredLead[]) {
    for (const lead of stored) this.index(lead);
  }

  /** How many of the inputs this batch took; the rest goes into the next one. */
  get taken(): number {
    return this.outcomes.length;
  }

  /** Applies inputs in order, and stops before one that wants a key that another lead has given up in this batch. */
  take(inputs: readonly (Said | Rejection)[]): void {
    for (const said of inputs) {
      if (!('attributes' in said)) {
        this.outcomes.push({ reason: said });
        continue;
      }
      if (this.released.has(`e:${said.email}`) || this.released.has(`x:${said.externalId}`)) return;
      try {
        this.outcomes.push(this.apply(said));
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        this.outcomes.push({ reason: error.reason });
      }
    }
  }

  toCreate(): StoredLead[] {
    return [...this.fresh];
  }
  toUpdate(): StoredLead[] {
    return [...this.changed.keys()];
  }

  /** The outcome of each input that was taken. Ids of new leads are known once they have been written. */
  results(): UpsertResult[] {
    return this.outcomes.map((one) =>
      'reason' in one
        ? { outcome: 'rejected', reason: one.reason }
        : { outcome: one.outcome, id: one.lead.id, warnings: one.warnings },
    );
  }

  /** Who changed, and which fields of them. */
  changes(): { created: number[]; updated: { ids: number[]; fields: string[] } } {
    const fields = new Set<string>();
    for (const names of this.changed.values()) for (const name of names) fields.add(name);
    return {
      created: Array.from(this.fresh, (lead) => lead.id),
      updated: { ids: Array.from(this.changed.keys(), (lead) => lead.id), fields: [...fields] },
    };
  }

  /** Who was changed, which of their fields, and the score that they had before. */
  updates(): { lead: StoredLead; fields: string[]; formerScore: number }[] {
    return Array.from(this.changed, ([lead, fields]) => ({
      lead,
      fields: [...fields],
      formerScore: this.formerScores.get(lead) ?? lead.score,
    }));
  }

  private apply(said: Said): Outcome {
    const lead = this.target(said);
    if (said.localPhone !== undefined) {
      said = {
        ...said,
        phone: normalisePhone(said.localPhone, lead?.country ?? undefined) ?? wrongPhone(said.localPhone),
      };
    }
    if (!lead) return { lead: this.create(said), outcome: 'created', warnings: said.warnings };
    const fields = this.merge(lead, said);
    if (fields.length > 0 && !this.fresh.has(lead)) {
      const names = this.changed.get(lead) ?? new Set();
      for (const field of fields) names.add(field);
      this.changed.set(lead, names);
    }
    return { lead, outcome: fields.length > 0 ? 'updated' : 'unchanged', warnings: said.warnings };
  }

  /**
   * The lead an input is about. The external id decides; the e-mail address decides when there is no external id, or
   * nobody has it. When the two point at different people, nobody is changed.
   */
  private target(said: Said): StoredLead | undefined {
    if (said.id !== undefined) return this.named(said.id, said);
    const byExternalId = said.externalId ? this.byExternalId.get(said.externalId) : undefined;
    const byEmail = said.email ? this.byEmail.get(said.email) : undefined;
    if (byExternalId && byEmail && byExternalId !== byEmail) {
      reject(
        'E_LEAD_CONFLICT',
        'email',
        `The external id "${said.externalId}" and the e-mail address "${said.email}" belong to two different leads: correct one of them, or merge the leads.`,
      );
    }
    if (!byExternalId && byEmail && said.externalId && byEmail.externalId !== null) {
      reject(
        'E_LEAD_CONFLICT',
        'externalId',
        `The e-mail address "${said.email}" belongs to the lead with the external id "${byEmail.externalId}", not "${said.externalId}": correct one of them.`,
      );
    }
    const lead = byExternalId ?? byEmail;
    if (lead) checkIdentity(lead, said);
    return lead;
  }

  /** The lead that an input names by our id. Its new keys must not be somebody else's. */
  private named(id: number, said: Said): StoredLead {
    const lead = this.byId.get(id);
    if (!lead) return reject('E_UNKNOWN_LEAD', 'id', `There is no lead ${id}.`);
    for (const [field, owner] of [
      ['email', said.email ? this.byEmail.get(said.email) : undefined],
      ['externalId', said.externalId ? this.byExternalId.get(said.externalId) : undefined],
    ] as const) {
      if (owner && owner !== lead)
        reject('E_LEAD_CONFLICT', field, `Another lead has this ${field}: correct it, or merge the leads.`);
    }
    checkIdentity(lead, said);
    return lead;
  }

  private create(said: Said): StoredLead {
    const lead: StoredLead = {
      id: 0,
      externalId: said.externalId ?? null,
      email: said.email ?? null,
      name: said.name ?? null,
      phone: said.phone ?? null,
      country: said.country ?? null,
      timeZone: said.timeZone ?? null,
      score: said.score ?? 0,
      attributes: new Map(),
    };
    for (const [name, value] of said.attributes) if (value !== null) lead.attributes.set(name, value);
    this.fresh.add(lead);
    this.index(lead);
    return lead;
  }

  /** Puts what was said into the lead; the fields that differ. */
  private merge(lead: StoredLead, said: Said): string[] {
    const fields: string[] = [];
    const { email, externalId } = lead;
    for (const field of ['externalId', 'email', 'name', 'phone', 'country', 'timeZone'] as const) {
      const value = said[field];
      if (value === undefined || value === lead[field]) continue;
      lead[field] = value;
      fields.push(field);
    }
    if (said.score !== undefined && said.score !== lead.score) {
      if (!this.formerScores.has(lead)) this.formerScores.set(lead, lead.score);
      lead.score = said.score;
      fields.push('score');
    }
    for (const [name, value] of said.attributes) {
      if (same(lead.attributes.get(name), value)) continue;
      if (value === null) lead.attributes.delete(name);
      else lead.attributes.set(name, value);
      fields.push(name);
    }
    if (lead.email !== email || lead.externalId !== externalId) this.move(lead, email, externalId);
    return fields;
  }

  private move(lead: StoredLead, email: string | null, externalId: string | null): void {
    if (email !== null && lead.email !== email) {
      this.byEmail.delete(email);
      this.released.add(`e:${email}`);
    }
    if (externalId !== null && lead.externalId !== externalId) {
      this.byExternalId.delete(externalId);
      this.released.add(`x:${externalId}`);
    }
    this.index(lead);
  }

  private index(lead: StoredLead): void {
    if (lead.id !== 0) this.byId.set(lead.id, lead);
    if (lead.email !== null) this.byEmail.set(lead.email, lead);
    if (lead.externalId !== null) this.byExternalId.set(lead.externalId, lead);
  }
}

/** Throws when a change would leave a lead without a key. */
function checkIdentity(lead: StoredLead, said: Said): void {
  const email = said.email === undefined ? lead.email : said.email;
  const externalId = said.externalId === undefined ? lead.externalId : said.externalId;
  if (email !== null || externalId !== null) return;
  const advice = 'A lead needs an e-mail address or an external id: this change would leave neither.';
  reject('E_LEAD_IDENTITY', 'email', advice);
}

function same(a: AttributeValue | undefined, b: AttributeValue | null): boolean {
  if (a === undefined || b === null) return a === undefined && b === null;
  if (typeof a === 'object' && typeof b === 'object') {
    return a.length === b.length && a.every((item, index) => item === b[index]);
  }
  return a === b;
}
