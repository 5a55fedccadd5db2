import { announce, wanted, type Announcement } from '../outbox';
import type { Scope } from '../store';
import type { StoredLead } from './batch';

/**
 * Announces what a batch did to its leads: ids, names of fields and scores, nothing else about the person. When nobody
 * listens, which is asked first, an import of any size pays one small read per batch.
 */
export async function announceLeads(
  tx: Scope,
  created: readonly StoredLead[],
  updates: readonly { readonly lead: StoredLead; readonly fields: readonly string[] }[],
): Promise<void> {
  if (created.length === 0 && updates.length === 0) return;
  const asked = await wanted(tx, ['marketing.lead.created', 'marketing.lead.updated', 'marketing.lead.scored']);
  if (asked.size === 0) return;
  const list: Announcement[] = created.map(({ id }) => ({ type: 'marketing.lead.created', data: { lead: id } }));
  for (const { lead, fields } of updates) {
    list.push({ type: 'marketing.lead.updated', data: { lead: lead.id, fields } });
    if (fields.includes('score')) list.push(scored(lead.id, lead.score));
  }
  await announce(tx, list);
}

/** Announces scores that moved without anything else of their leads: points of rules, decay. */
export async function announceScores(
  tx: Scope,
  changes: readonly { readonly lead: number; readonly score: number }[],
): Promise<void> {
  await announce(
    tx,
    changes.map(({ lead, score }) => scored(lead, score)),
  );
}

function scored(lead: number, score: number): Announcement {
  return { type: 'marketing.lead.scored', data: { lead, score } };
}
