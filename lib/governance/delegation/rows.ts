import type { Scope, SqlValues } from '../../store';
import { pathFrom } from './paths';
import type { Delegation, DelegationScope, Matter } from './types';

interface Row {
  id: number;
  delegator: string;
  delegatee: string;
  scope: DelegationScope;
  scope_id: string | null;
  starts_at: number;
  ends_at: number | null;
  reason: string | null;
  created_by: string;
  created_at: number;
  revoked_at: number | null;
}

const COLUMNS =
  'id, delegator, delegatee, scope, scope_id, starts_at, ends_at, reason, created_by, created_at, revoked_at';

/** Delegations of a tenant; `where` is one of our own texts. */
export async function readDelegations(db: Scope, where: string, values: SqlValues = {}): Promise<Delegation[]> {
  const rows = await db.all<Row>(
    `SELECT ${COLUMNS} FROM marketing_delegations WHERE tenant_id = :tenant AND ${where}`,
    values,
  );
  return rows.map((row) => ({
    id: row.id,
    delegator: row.delegator,
    delegatee: row.delegatee,
    scope: row.scope,
    ...(row.scope_id === null ? {} : { scopeId: row.scope_id }),
    startsAt: row.starts_at,
    ...(row.ends_at === null ? {} : { endsAt: row.ends_at }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    createdBy: row.created_by,
    createdAt: row.created_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  }));
}

/** Those that are in force now. */
export function delegationsInForce(db: Scope): Promise<Delegation[]> {
  return readDelegations(
    db,
    'revoked_at IS NULL AND starts_at <= :now AND (ends_at IS NULL OR ends_at > :now) ORDER BY id',
    { now: db.clock.now() },
  );
}

/** From somebody to whoever acts for them now (BR-009), both included: one name when they act themselves. */
export async function delegationPath(db: Scope, person: string, matter: Matter): Promise<readonly string[]> {
  return pathFrom(await delegationsInForce(db), person, matter);
}
