import { randomUUID } from 'node:crypto';
import { InputError, NotFoundError } from '../../errors';
import { record } from '../../history';
import { fromMicros, toMicros } from '../../metrics';
import { storable, type Scope } from '../../store';
import { lockAccounts, openAccounts } from './accounts';
import type { Cost } from './types';

/** A cost that somebody enters. */
export interface NewCost {
  readonly label: string;
  /** Units, from 0 to a thousand million. */
  readonly amount: number;
  /** The same one twice is entered once. */
  readonly ref?: string;
}

interface CostRow {
  id: number;
  kind: 'fixed' | 'booked';
  label: string;
  micros: number;
  created_by: string;
  created_at: number;
}

const COLUMNS = 'id, kind, label, micros, created_by, created_at';

function costOf(row: CostRow): Cost {
  return {
    id: Number(row.id),
    kind: row.kind,
    label: row.label,
    amount: fromMicros(Number(row.micros)),
    createdBy: row.created_by,
    at: Number(row.created_at),
  };
}

/** Enters a cost of a campaign. @throws InputError `E_COST` */
export async function addCost(
  scope: Scope,
  campaign: number,
  { label, amount, ref }: NewCost,
  actor: string,
): Promise<Cost> {
  const micros = toMicros(amount);
  if (micros === undefined)
    throw new InputError(
      'E_COST',
      'The amount of a cost is a number from 0 to 1,000,000,000, in the campaign’s currency.',
    );
  if (label.trim() === '' || label.length > 255 || (ref !== undefined && (ref === '' || ref.length > 96)))
    throw new InputError('E_COST', 'Name the cost in 1 to 255 characters; a ref has at most 96.');
  const own = `cost:${ref ?? randomUUID()}`;
  return scope.transaction(async (tx) => {
    await openAccounts(tx, [campaign]);
    await lockAccounts(tx, [campaign]);
    const known = await tx.get<CostRow>(
      `SELECT ${COLUMNS} FROM marketing_costs WHERE tenant_id = :tenant AND campaign_id = :campaign AND ref = :ref`,
      { campaign, ref: own },
    );
    if (known) return costOf(known);
    const row = {
      label: storable(label.trim(), 255),
      micros,
      created_by: storable(actor, 128),
      created_at: tx.clock.now(),
    };
    const id = await tx.insert(
      `INSERT INTO marketing_costs (tenant_id, campaign_id, kind, label, micros, ref, created_by, created_at)
       VALUES (:tenant, :campaign, 'fixed', :label, :micros, :ref, :created_by, :created_at)`,
      { ...row, campaign, ref: own },
    );
    await moveFixed(tx, campaign, micros);
    await record(tx, { event: 'roi.cost_added', campaign, actor, payload: { cost: id, label: row.label, amount } });
    return costOf({ ...row, id, kind: 'fixed' });
  });
}

/** Takes a cost back that somebody entered by mistake. @throws NotFoundError `E_UNKNOWN_COST` */
export async function removeCost(scope: Scope, campaign: number, id: number, actor: string): Promise<void> {
  await scope.transaction(async (tx) => {
    await lockAccounts(tx, [campaign]);
    const values = { campaign, id };
    const row = await tx.get<CostRow>(
      `SELECT ${COLUMNS} FROM marketing_costs
       WHERE tenant_id = :tenant AND campaign_id = :campaign AND id = :id AND kind = 'fixed'`,
      values,
    );
    if (!row) {
      throw new NotFoundError('E_UNKNOWN_COST', `The campaign has no entered cost ${id}. What a node booked stays.`);
    }
    await tx.run(
      `DELETE FROM marketing_costs WHERE tenant_id = :tenant AND campaign_id = :campaign AND id = :id`,
      values,
    );
    await moveFixed(tx, campaign, -Number(row.micros));
    await record(tx, {
      event: 'roi.cost_removed',
      campaign,
      actor,
      payload: { cost: id, label: row.label, amount: fromMicros(Number(row.micros)) },
    });
  });
}

/** The latest costs of a campaign, at most `limit` of them. */
export async function listCosts(
  scope: Scope,
  campaign: number,
  { before, limit }: { before?: number; limit: number },
): Promise<Cost[]> {
  const rows = await scope.all<CostRow>(
    `SELECT ${COLUMNS} FROM marketing_costs
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND id < :before ORDER BY id DESC LIMIT :most`,
    { campaign, before: before ?? Number.MAX_SAFE_INTEGER, most: limit },
  );
  return rows.map(costOf);
}

/** Moves the sum of the costs. The account must be locked. */
export async function moveFixed(tx: Scope, campaign: number, micros: number): Promise<void> {
  await tx.run(
    `UPDATE marketing_roi SET fixed_micros = fixed_micros + :micros, updated_at = :now
     WHERE tenant_id = :tenant AND campaign_id = :campaign`,
    { campaign, micros, now: tx.clock.now() },
  );
}
