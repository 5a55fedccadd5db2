import type { Scope } from '../../store';
import { ACCOUNT_COLUMNS, accountOf, lockAccounts, REVENUE, type AccountRow, type MoneyAccount } from './accounts';
import { EXCEEDED, percentages, quartersOf, statusOf } from './status';
import { tellNews, type MoneyNews } from './telling';
import type { RoiStatus } from './types';

/** Accounts that are looked at with one statement. */
const PAGE = 5_000;
/** Accounts that are changed in one transaction. */
const CHUNK = 500;
/** For how long after its end a campaign's revenue is still watched, ms: the longest attribution window. */
const AFTERMATH_MS = 30 * 86_400_000;

/** What a check of all campaigns came to. */
export interface MoneyCheck {
  readonly looked: number;
  readonly changed: number;
  readonly told: number;
  /** Campaigns whose return turned out to be too low: they were escalated (BR-003). */
  readonly low: readonly number[];
}

/** Raises a campaign to the next person, in the caller's transaction. */
export type Escalate = (tx: Scope, campaign: number, why: { cause: string; reason: string }) => Promise<unknown>;

/** An account, with its revenue. */
export interface WatchedAccount {
  readonly account: MoneyAccount;
  readonly revenue: number;
}

/** What the check finds of one account. */
interface Found {
  readonly status: RoiStatus;
  readonly toldBudget: number;
  readonly toldTarget: number;
  readonly toldLow: number | undefined;
  readonly news: readonly MoneyNews[];
}

/** The status of an account, see `statusOf`. */
export function statusNow({ account, revenue }: WatchedAccount, now: number): RoiStatus {
  const { budget, spent, fixed, target, threshold, breachAt, from, to, state } = account;
  return statusOf({
    budget,
    cost: spent + fixed,
    revenue,
    target,
    threshold,
    breached: breachAt !== undefined,
    from,
    to,
    over: state === 'completed' || state === 'cancelled',
    now,
  });
}

function find(watched: WatchedAccount, now: number): Found {
  const { account, revenue } = watched;
  const { spent, fixed, budget, target, toldBudget, toldTarget, toldLow, run } = account;
  const status = statusNow(watched, now);
  // Costs that were entered may go beyond a budget, too.
  const exceeded = status === 'over_budget' && budget !== undefined;
  const budgetBits = toldBudget | quartersOf(spent + fixed, budget) | (exceeded ? EXCEEDED : 0);
  const targetBits = toldTarget | quartersOf(revenue, target);
  const milestones = (of: 'budget' | 'target', bits: number, told: number): MoneyNews[] =>
    percentages(bits & ~told).map((percent) => ({
      type: 'marketing.roi.milestone_reached',
      account,
      revenue,
      more: { of, percent },
    }));
  const reached = (targetBits & ~toldTarget & 8) !== 0;
  const low = status === 'underperform' && toldLow !== run;
  return {
    status,
    toldBudget: budgetBits,
    toldTarget: targetBits,
    toldLow: status === 'underperform' ? run : toldLow,
    news: [
      ...((budgetBits & ~toldBudget & EXCEEDED) === 0
        ? []
        : [{ type: 'marketing.roi.budget_exceeded', account, revenue } as const]),
      ...milestones('budget', budgetBits, toldBudget),
      ...milestones('target', targetBits, toldTarget),
      ...(reached ? [{ type: 'marketing.roi.target_achieved', account, revenue } as const] : []),
      ...(low ? [{ type: 'marketing.roi.underperforming', account, revenue, more: { status } } as const] : []),
    ],
  };
}

function isNew({ account }: WatchedAccount, { status, news, toldLow }: Found): boolean {
  return news.length > 0 || status !== account.status || toldLow !== account.toldLow;
}

/** Revenue of accounts, by campaign. */
export async function revenuesOf(scope: Scope, campaigns: readonly number[]): Promise<Map<number, number>> {
  const rows = await scope.all<{ campaign: number; revenue: number }>(
    `SELECT c.id AS campaign, ${REVENUE} AS revenue FROM ${scope.dialect.rows('rows', { wanted: 'int' }, 'r')}
     ${scope.dialect.join} marketing_campaigns c ON c.id = r.wanted AND c.tenant_id = :tenant`,
    { rows: JSON.stringify([...new Set(campaigns)].map((id) => [id])) },
  );
  return new Map(rows.map(({ campaign, revenue }) => [Number(campaign), Number(revenue)]));
}

/** A page of accounts whose campaigns are under way, or ended lately. */
async function page(db: Scope, after: number): Promise<WatchedAccount[]> {
  const rows = await db.all<AccountRow & { revenue: number }>(
    `SELECT ${ACCOUNT_COLUMNS}, ${REVENUE} AS revenue FROM marketing_roi a
     ${db.dialect.join} marketing_campaigns c ON c.id = a.campaign_id AND c.tenant_id = :tenant
     WHERE a.tenant_id = :tenant AND a.campaign_id > :after AND c.deleted_at IS NULL
       AND (c.state IN ('active', 'paused') OR c.ended_at > :since)
     ORDER BY a.campaign_id LIMIT ${PAGE}`,
    { after, since: db.clock.now() - AFTERMATH_MS },
  );
  return rows.map((row) => ({ account: accountOf(row), revenue: Number(row.revenue) }));
}

/** Writes what was found, if it is still so: looked at once more with the accounts locked. */
async function write(
  scope: Scope,
  campaigns: readonly number[],
  escalate: Escalate | undefined,
): Promise<{ told: number; low: number[] }> {
  return scope.transaction(async (tx) => {
    const now = tx.clock.now();
    const accounts = await lockAccounts(tx, campaigns);
    const revenues = await revenuesOf(tx, campaigns);
    const found = [...accounts.values()].flatMap((account) => {
      const watched = { account, revenue: revenues.get(account.campaign) ?? 0 };
      const of = find(watched, now);
      return isNew(watched, of) ? [{ account, of }] : [];
    });
    if (found.length === 0) return { told: 0, low: [] };
    await tx.run(
      tx.dialect.updateFrom(
        'marketing_roi',
        tx.dialect.rows(
          'rows',
          {
            campaign: 'int',
            to_status: 'text',
            of_budget: 'int',
            budget_bits: 'int',
            of_target: 'int',
            target_bits: 'int',
            low_run: 'int',
            since: 'int',
          },
          'r',
        ),
        `status = r.to_status, told_budget_of = r.of_budget, told_budget = r.budget_bits, told_target_of = r.of_target,
         told_target = r.target_bits, told_low = r.low_run, breach_at = r.since, updated_at = :now`,
        'marketing_roi.campaign_id = r.campaign AND tenant_id = :tenant',
      ),
      {
        now,
        rows: JSON.stringify(
          found.map(({ account, of }) => [
            account.campaign,
            of.status,
            account.budget ?? null,
            of.toldBudget,
            account.target ?? null,
            of.toldTarget,
            of.toldLow ?? null,
            account.breachAt ?? null,
          ]),
        ),
      },
    );
    const news = found.flatMap(({ of }) => of.news);
    await tellNews(tx, news);
    const low = news.flatMap(({ type, account }) =>
      type === 'marketing.roi.underperforming' ? [account.campaign] : [],
    );
    for (const campaign of low)
      await escalate?.(tx, campaign, { cause: 'low_roi', reason: 'Its revenue is below what its costs call for.' });
    return { told: news.length, low };
  });
}

/**
 * Looks at the money of all campaigns that are watched: a statement per 5,000 of them, and writes only where something has changed.
 * What is announced is marked as told in the same transaction: once each, whatever crashes in between.
 */
export async function checkMoney(scope: Scope, escalate?: Escalate): Promise<MoneyCheck> {
  const sum = { looked: 0, changed: 0, told: 0, low: [] as number[] };
  for (let after = 0; ;) {
    const accounts = await scope.background((db) => page(db, after));
    const now = scope.clock.now();
    const changed = accounts.filter((watched) => isNew(watched, find(watched, now)));
    for (let from = 0; from < changed.length; from += CHUNK) {
      const ids = changed.slice(from, from + CHUNK).map(({ account }) => account.campaign);
      const { told, low } = await write(scope, ids, escalate);
      sum.told += told;
      sum.low.push(...low);
      // On SQLite a transaction is work of this thread: others have their turn between two.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    sum.looked += accounts.length;
    sum.changed += changed.length;
    const last = accounts.at(-1);
    if (!last || accounts.length < PAGE) return sum;
    after = last.account.campaign;
  }
}
