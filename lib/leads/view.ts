import { parseJson, type Scope } from '../store';
import type { AttributeValue, LeadView } from './types';

/** A lead's columns as {@link leadColumns} names them. */
export interface LeadRow {
  lead_id: number;
  lead_external_id: string | null;
  lead_email: string | null;
  lead_name: string | null;
  lead_phone: string | null;
  lead_country: string | null;
  lead_time_zone: string | null;
  lead_score: number;
  /** Text or, from PostgreSQL, an object. */
  lead_attributes: unknown;
  lead_created_at: number;
}

const COLUMNS = [
  'id',
  'external_id',
  'email',
  'name',
  'phone',
  'country',
  'time_zone',
  'score',
  'attributes',
  'created_at',
];

/** The columns that {@link leadView} needs, for a statement that joins `marketing_leads` under this alias. */
export function leadColumns(alias = 'l'): string {
  return COLUMNS.map((column) => `${alias}.${column} AS lead_${column}`).join(', ');
}

/** The lead as the marketer sees it, from a row with {@link leadColumns}. Built-in fields win over attributes of the same name. */
export function leadView(row: LeadRow): LeadView {
  return {
    ...parseJson<Record<string, AttributeValue>>(row.lead_attributes, {}),
    id: row.lead_id,
    ...(row.lead_external_id === null ? undefined : { externalId: row.lead_external_id }),
    ...(row.lead_email === null ? undefined : { email: row.lead_email }),
    ...(row.lead_name === null ? undefined : { name: row.lead_name }),
    ...(row.lead_phone === null ? undefined : { phone: row.lead_phone }),
    ...(row.lead_country === null ? undefined : { country: row.lead_country }),
    ...(row.lead_time_zone === null ? undefined : { timeZone: row.lead_time_zone }),
    score: row.lead_score,
    createdAt: row.lead_created_at,
  };
}

/**
 * The views of many leads in one statement; leads that do not exist are absent from the answer. The ledger calls
 * this for each group of people, with the scope or transaction it works in.
 */
export async function leadViews(scope: Scope, ids: readonly number[]): Promise<Map<number, LeadView>> {
  const views = new Map<number, LeadView>();
  if (ids.length === 0) return views;
  const rows = await scope.all<LeadRow>(
    `SELECT ${leadColumns('l')}
       FROM ${scope.dialect.rows('ids', { id: 'int' }, 'r')}
       ${scope.dialect.join} marketing_leads l ON l.id = r.id
      WHERE l.tenant_id = :tenant`,
    { ids: JSON.stringify(Array.from(ids, (id) => [id])) },
  );
  for (const row of rows) views.set(row.lead_id, leadView(row));
  return views;
}
