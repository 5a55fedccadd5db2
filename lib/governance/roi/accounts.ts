import { fromMicros, TOTAL } from '../../metrics';
import { parseJson, type Scope } from '../../store';
import { BREACH_ACTIONS, STOPS, type BreachAction, type DefinitionRoi, type RoiRules } from './types';

/** A campaign's money as the rows have it. Micros; absent is undefined. */
export interface MoneyAccount {
  readonly campaign: number;
  readonly key: string;
  readonly state: string;
  readonly run: number;
  /** False: nothing was written for it yet. */
  readonly open: boolean;
  /** The campaign's own budget, or its definition's. */
  readonly budget: number | undefined;
  readonly reserved: number;
  readonly spent: number;
  readonly fixed: number;
  readonly target: number | undefined;
  readonly threshold: number | undefined;
  readonly breach: readonly BreachAction[];
  readonly own: RoiRules;
  readonly status: string;
  readonly startedAt: number | undefined;
  /** Only while the budget is the one that was breached. */
  readonly breachAt: number | undefined;
  /** Quarters of this very budget (target) that were announced. */
  readonly toldBudget: number;
  readonly toldTarget: number;
  readonly toldLow: number | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** A row of {@link ACCOUNT_COLUMNS}. */
export interface AccountRow {
  campaign: number;
  campaign_key: string;
  state: string;
  run: number;
  own_budget: number | null;
  starts_on: number | null;
  ends_on: number | null;
  began: number | null;
  account: number | null;
  budget_micros: number | null;
  target_micros: number | null;
  threshold: number | null;
  breach: string | null;
  own: unknown;
  reserved_micros: number | null;
  spent_micros: number | null;
  fixed_micros: number | null;
  status: string | null;
  started_at: number | null;
  breach_at: number | null;
  told_budget: number | null;
  told_budget_of: number | null;
  told_target: number | null;
  told_target_of: number | null;
  told_low: number | null;
}

/** Of `marketing_campaigns c` and `marketing_roi a`. */
export const ACCOUNT_COLUMNS = `c.id AS campaign, c.campaign_key, c.state, c.run, c.budget AS own_budget, c.starts_on, c.ends_on, c.started_at AS began,
  a.campaign_id AS account, a.budget_micros, a.target_micros, a.threshold, a.breach, a.own, a.reserved_micros, a.spent_micros, a.fixed_micros,
  a.status, a.started_at, a.breach_at, a.told_budget, a.told_budget_of, a.told_target, a.told_target_of, a.told_low`;

/** What a campaign's engagements were worth, as a column; its counters move with them. */
export const REVENUE = `(SELECT COALESCE(SUM(m.amount), 0) FROM marketing_metrics m
  WHERE m.tenant_id = :tenant AND m.campaign_id = c.id AND m.hour = ${TOTAL} AND m.name = 'revenue')`;

/** Where nothing was said: no money, no message. */
export const USUAL_BREACH: readonly BreachAction[] = ['pause', 'alert'];

/** A number of a row, whichever way the driver hands it over. */
function known(value: number | null): number | undefined {
  return value === null ? undefined : Number(value);
}

/** A budget in micros. Larger ones than can be counted exactly mean that much. */
export function budgetMicros(units: number | null | undefined): number | undefined {
  if (units === null || units === undefined) return undefined;
  return Math.min(Math.round(Number(units) * 1e6), Number.MAX_SAFE_INTEGER);
}

/** The row, read. */
export function accountOf(row: AccountRow): MoneyAccount {
  const budget = budgetMicros(row.own_budget) ?? known(row.budget_micros);
  const target = known(row.target_micros);
  // What was said of another budget or target says nothing of this one.
  const toldOfThis = row.told_budget_of !== null && known(row.told_budget_of) === budget;
  return {
    campaign: Number(row.campaign),
    key: row.campaign_key,
    state: row.state,
    run: Number(row.run),
    open: row.account !== null,
    budget,
    reserved: Number(row.reserved_micros ?? 0),
    spent: Number(row.spent_micros ?? 0),
    fixed: Number(row.fixed_micros ?? 0),
    target,
    threshold: known(row.threshold),
    breach: breachOf(row.breach),
    own: parseJson<RoiRules>(row.own, {}),
    status: row.status ?? 'on_track',
    startedAt: known(row.started_at),
    breachAt: toldOfThis ? known(row.breach_at) : undefined,
    toldBudget: toldOfThis ? Number(row.told_budget ?? 0) : 0,
    toldTarget: row.told_target_of !== null && known(row.told_target_of) === target ? Number(row.told_target ?? 0) : 0,
    toldLow: known(row.told_low),
    from: known(row.starts_on) ?? known(row.began),
    to: known(row.ends_on),
  };
}

function breachOf(written: string | null): readonly BreachAction[] {
  const words = (written ?? '').split(',');
  const actions = BREACH_ACTIONS.filter((action) => words.includes(action));
  return actions.length === 0 ? USUAL_BREACH : actions;
}

/** What is done to a campaign without money; undefined: it goes on. */
export function stopOf({ breach }: MoneyAccount): (typeof STOPS)[number] | undefined {
  return STOPS.find((action) => breach.includes(action));
}

/** What is left of a budget; undefined where there is none. */
export function leftOf({ budget, spent, fixed, reserved }: MoneyAccount): number | undefined {
  return budget === undefined ? undefined : budget - spent - fixed - reserved;
}

/**
 * The money of campaigns, by id, in one statement that locks nothing. Those that have neither an account nor a budget are left
 * out: whoever watches nothing pays for one look.
 */
export async function watchedAccounts(scope: Scope, campaigns: readonly number[]): Promise<Map<number, MoneyAccount>> {
  const rows = await scope.all<AccountRow>(
    `SELECT ${ACCOUNT_COLUMNS} FROM ${scope.dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${scope.dialect.join} marketing_campaigns c ON c.id = r.wanted AND c.tenant_id = :tenant
     LEFT JOIN marketing_roi a ON a.campaign_id = c.id AND a.tenant_id = :tenant
     WHERE a.campaign_id IS NOT NULL OR c.budget IS NOT NULL`,
    { rows: JSON.stringify([...new Set(campaigns)].map((id) => [id])) },
  );
  return new Map(rows.map((row) => [Number(row.campaign), accountOf(row)]));
}

/**
 * The same, with the accounts locked until the transaction ends; in the order of the campaigns' ids, as everybody does. Campaigns
 * themselves are only read: lock them before, where their state matters.
 */
export async function lockAccounts(tx: Scope, campaigns: readonly number[]): Promise<Map<number, MoneyAccount>> {
  const ids = [...new Set(campaigns)].sort((a, b) => a - b);
  if (ids.length === 0) return new Map();
  const { dialect } = tx;
  await tx.all(
    `SELECT a.campaign_id FROM ${dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${dialect.join} marketing_roi a ON a.campaign_id = r.wanted AND a.tenant_id = :tenant
     ${dialect.name === 'postgres' ? 'ORDER BY a.campaign_id FOR UPDATE OF a' : dialect.forUpdate}`,
    { rows: JSON.stringify(ids.map((id) => [id])) },
  );
  // A statement of its own: it sees what whoever held the lock before has written.
  return watchedAccounts(tx, ids);
}

/** Opens accounts where there are none, with what was spent and is under way so far. @returns how many were opened */
export async function openAccounts(tx: Scope, campaigns: readonly number[]): Promise<number> {
  const ids = [...new Set(campaigns)].sort((a, b) => a - b);
  const { dialect } = tx;
  const opened = await tx.run(
    `${dialect.insertCounted} INTO marketing_roi (tenant_id, campaign_id, updated_at)
     SELECT :tenant, r.campaign, :now FROM ${dialect.rows('rows', { campaign: 'int' }, 'r')} WHERE 1 = 1 ${dialect.countedTail}`,
    { rows: JSON.stringify(ids.map((id) => [id])), now: tx.clock.now() },
  );
  if (opened > 0) await recount(tx, ids);
  return opened;
}

/** Writes what is wanted of a campaign's money: what was set for it, and where nothing was, what its definition says. */
export async function writeRules(
  tx: Scope,
  campaign: number,
  definition: DefinitionRoi | undefined,
  own: RoiRules,
): Promise<void> {
  const { targetRevenue, threshold, breach } = { ...definition, ...own };
  await tx.run(
    `UPDATE marketing_roi SET budget_micros = :budget, target_micros = :target, threshold = :threshold, breach = :breach,
            own = :own, updated_at = :now
     WHERE tenant_id = :tenant AND campaign_id = :campaign`,
    {
      campaign,
      budget: budgetMicros(definition?.budget) ?? null,
      target: budgetMicros(targetRevenue) ?? null,
      threshold: threshold ?? null,
      breach: breach === undefined || breach.length === 0 ? null : breach.join(','),
      own: Object.keys(own).length === 0 ? null : JSON.stringify(own),
      now: tx.clock.now(),
    },
  );
}

/** The states of messages whose money is reserved. */
const UNDER_WAY = `('sending', 'unknown')`;

/** An account that says something else than the rows. In units. */
export interface MoneyDifference {
  readonly campaign: number;
  readonly name: 'reserved' | 'spent' | 'fixed';
  readonly counted: number;
  readonly rows: number;
}

interface CountedRow {
  campaign: number;
  reserved_micros: number;
  spent_micros: number;
  fixed_micros: number;
  reserved: number;
  spent: number;
  fixed: number;
}

/** Accounts and what they come to, in one statement: it sees one moment, whoever writes meanwhile. */
async function counted(scope: Scope, campaigns?: readonly number[]): Promise<CountedRow[]> {
  const chosen =
    campaigns === undefined
      ? ''
      : `AND a.campaign_id IN (SELECT r.wanted FROM ${scope.dialect.rows('rows', { wanted: 'int' }, 'r')})`;
  const sum = (state: string): string => `(SELECT COALESCE(SUM(m.cost_micros), 0) FROM marketing_messages m
    WHERE m.tenant_id = :tenant AND m.campaign_id = a.campaign_id AND m.state ${state})`;
  const rows = await scope.all<CountedRow>(
    `SELECT a.campaign_id AS campaign, a.reserved_micros, a.spent_micros, a.fixed_micros,
            ${sum(`IN ${UNDER_WAY}`)} AS reserved, ${sum(`= 'sent'`)} AS spent,
            (SELECT COALESCE(SUM(k.micros), 0) FROM marketing_costs k
              WHERE k.tenant_id = :tenant AND k.campaign_id = a.campaign_id) AS fixed
     FROM marketing_roi a WHERE a.tenant_id = :tenant ${chosen} ORDER BY a.campaign_id`,
    campaigns === undefined ? {} : { rows: JSON.stringify(campaigns.map((id) => [id])) },
  );
  return rows.map((row) => ({
    campaign: Number(row.campaign),
    reserved_micros: Number(row.reserved_micros),
    spent_micros: Number(row.spent_micros),
    fixed_micros: Number(row.fixed_micros),
    reserved: Number(row.reserved),
    spent: Number(row.spent),
    fixed: Number(row.fixed),
  }));
}

/** Accounts that say something else than messages and costs do. In the background. */
export async function moneyDifferences(scope: Scope): Promise<MoneyDifference[]> {
  const rows = await scope.background((db) => counted(db));
  return rows.flatMap(({ campaign, ...row }) =>
    (['reserved', 'spent', 'fixed'] as const).flatMap((name) =>
      row[`${name}_micros`] === row[name]
        ? []
        : [{ campaign, name, counted: fromMicros(row[`${name}_micros`]), rows: fromMicros(row[name]) }],
    ),
  );
}

/**
 * Sets accounts to what their rows come to: reserved is what messages under way cost, spent what sent ones have cost. Reservations
 * of messages that are under way no more are let go, and missing ones made. Within a transaction; the accounts get locked.
 */
export async function recount(tx: Scope, campaigns: readonly number[]): Promise<void> {
  await lockAccounts(tx, campaigns);
  const { dialect } = tx;
  const rows = JSON.stringify(campaigns.map((id) => [id]));
  const now = tx.clock.now();
  await tx.run(
    `DELETE FROM marketing_reservations WHERE tenant_id = :tenant
       AND campaign_id IN (SELECT r.wanted FROM ${dialect.rows('rows', { wanted: 'int' }, 'r')})`,
    { rows },
  );
  await tx.run(
    `INSERT INTO marketing_reservations (tenant_id, step_id, campaign_id, micros, at)
     SELECT :tenant, m.step_id, m.campaign_id, m.cost_micros, :now
     FROM ${dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${dialect.join} marketing_messages m ON m.campaign_id = r.wanted AND m.tenant_id = :tenant
     WHERE m.state IN ${UNDER_WAY} AND m.cost_micros > 0`,
    { rows, now },
  );
  const sums = await counted(tx, campaigns);
  await tx.run(
    dialect.updateFrom(
      'marketing_roi',
      dialect.rows('rows', { campaign: 'int', held: 'int', paid: 'int', entered: 'int' }, 'r'),
      'reserved_micros = r.held, spent_micros = r.paid, fixed_micros = r.entered, updated_at = :now',
      'marketing_roi.campaign_id = r.campaign AND tenant_id = :tenant',
    ),
    { now, rows: JSON.stringify(sums.map((row) => [row.campaign, row.reserved, row.spent, row.fixed])) },
  );
}
