import { ConflictError } from '../../errors';
import type { GateVerdict, PricedOutcome, SendCandidate, SendGate } from '../../sending';
import type { Scope } from '../../store';
import { leftOf, lockAccounts, openAccounts, stopOf, watchedAccounts, type MoneyAccount } from './accounts';
import { settleMoney } from './settle';
import { EXCEEDED } from './status';
import { tellNews } from './telling';
import type { STOPS } from './types';

/** For how long messages of a campaign that could not be paused are put off, ms. */
const PUT_OFF_MS = 60_000;

/** What the gate needs besides the transaction. */
export interface MoneyGateDeps {
  /** Called after the commit in which messages of a campaign found no money: stops it. */
  exhausted(campaign: number, stop: (typeof STOPS)[number]): void;
  /** Called in the transaction that opens accounts: a budget was given to a campaign under way. From then on they are checked. */
  opened(tx: Scope): void;
  /** Called in the transaction that first says that a budget is breached. */
  breached(tx: Scope, account: MoneyAccount): Promise<void>;
  /** Whether stopping it was refused lately: then its messages wait a while, instead of coming back at once again and again. */
  isStubborn(campaign: number): boolean;
}

/** What is written for the messages of one campaign. */
interface Grants {
  readonly account: MoneyAccount;
  /** Steps with the price that is reserved for each. */
  readonly granted: { step: number; micros: number }[];
  readonly refused: SendCandidate[];
  /** By how much `reserved` grows. */
  readonly delta: number;
}

/**
 * Money is reserved in the transaction that marks messages `sending`, and settled in the one that writes what became of them. The
 * account of a campaign is locked for so long, so that two workers never give the same money twice. A message that is tried again keeps
 * what it has.
 */
export class MoneyGate implements SendGate {
  constructor(private readonly deps: MoneyGateDeps) {}

  async check(tx: Scope, candidates: readonly SendCandidate[]): Promise<ReadonlyMap<number, GateVerdict>> {
    const campaigns = candidates.map(({ step }) => step.campaign);
    const watched = await watchedAccounts(tx, campaigns);
    if (watched.size === 0) return new Map();
    const missing = [...watched.values()].filter(({ open }) => !open).map(({ campaign }) => campaign);
    if (missing.length > 0 && (await openAccounts(tx, missing)) > 0) this.deps.opened(tx);
    const accounts = await lockAccounts(tx, [...watched.keys()]);
    const held = await reservedFor(
      tx,
      candidates.map(({ step }) => step.id),
    );
    const grants = [...accounts.values()].map((account) =>
      grantsOf(
        account,
        candidates.filter(({ step }) => step.campaign === account.campaign),
        held,
      ),
    );
    await writeGrants(tx, grants, held);
    const verdicts = new Map<number, GateVerdict>();
    for (const { account, refused, granted } of grants) {
      if (refused.length === 0 && !isBeyond(account, granted.length)) continue;
      if (await noteBreach(tx, account, refused.length)) await this.deps.breached(tx, account);
      for (const { step } of refused) verdicts.set(step.id, this.verdict(account, tx.clock.now()));
      const stop = stopOf(account);
      if (refused.length > 0 && stop) tx.afterCommit(() => this.deps.exhausted(account.campaign, stop));
    }
    return verdicts;
  }

  async settled(tx: Scope, _channel: string, outcomes: readonly PricedOutcome[]): Promise<void> {
    await settleMoney(
      tx,
      outcomes.map(({ step, state, costMicros }) => ({ step: step.id, campaign: step.campaign, state, costMicros })),
    );
  }

  private verdict(account: MoneyAccount, now: number): GateVerdict {
    if (!stopOf(account)) {
      return { kind: 'suppress', reason: 'no_budget', detail: 'The budget of the campaign is used up.' };
    }
    if (!this.deps.isStubborn(account.campaign)) return { kind: 'stop' };
    return { kind: 'later', at: now + PUT_OFF_MS, reason: 'the budget of the campaign is used up' };
  }
}

/** Only telling is asked for: messages go on without money. */
function onlyAlerts(account: MoneyAccount): boolean {
  return stopOf(account) === undefined && !account.breach.includes('route');
}

/** True of a campaign that spends beyond its budget because nobody is to stop it. */
function isBeyond(account: MoneyAccount, sends: number): boolean {
  const left = leftOf(account);
  return sends > 0 && left !== undefined && left < 0;
}

/** Who gets money: in the order of their steps, as many as there is money for. What costs nothing needs none. */
function grantsOf(
  account: MoneyAccount,
  candidates: readonly SendCandidate[],
  held: ReadonlyMap<number, number>,
): Grants {
  let left = onlyAlerts(account) ? Infinity : (leftOf(account) ?? Infinity);
  let delta = 0;
  const granted: Grants['granted'] = [];
  const refused: SendCandidate[] = [];
  for (const candidate of [...candidates].sort((a, b) => a.step.id - b.step.id)) {
    const { step, costMicros } = candidate;
    const more = costMicros - (held.get(step.id) ?? 0);
    if (more > 0 && more > left) refused.push(candidate);
    else {
      left -= more;
      delta += more;
      granted.push({ step: step.id, micros: costMicros });
    }
  }
  return { account: { ...account, reserved: account.reserved + delta }, granted, refused, delta };
}

/** What is reserved for steps already: they were tried before, and nobody knows what became of that. */
async function reservedFor(tx: Scope, steps: readonly number[]): Promise<Map<number, number>> {
  const rows = await tx.all<{ step_id: number; micros: number }>(
    `SELECT v.step_id, v.micros FROM ${tx.dialect.rows('rows', { step: 'int' }, 'r')}
     ${tx.dialect.join} marketing_reservations v ON v.step_id = r.step AND v.tenant_id = :tenant`,
    { rows: JSON.stringify(steps.map((step) => [step])) },
  );
  return new Map(rows.map(({ step_id, micros }) => [Number(step_id), Number(micros)]));
}

async function writeGrants(tx: Scope, grants: readonly Grants[], held: ReadonlyMap<number, number>): Promise<void> {
  const { dialect } = tx;
  const now = tx.clock.now();
  const moved = grants.filter(({ delta }) => delta !== 0);
  if (moved.length > 0) {
    // The account is locked and was looked at; that there is money is asked once more in the very statement that takes it.
    const changed = await tx.run(
      dialect.updateFrom(
        'marketing_roi',
        dialect.rows('rows', { campaign: 'int', delta: 'int', most: 'int' }, 'r'),
        'reserved_micros = reserved_micros + r.delta, started_at = COALESCE(started_at, :now), updated_at = :now',
        `marketing_roi.campaign_id = r.campaign AND tenant_id = :tenant
         AND (r.delta < 0 OR r.most IS NULL OR spent_micros + fixed_micros + reserved_micros + r.delta <= r.most)`,
      ),
      {
        now,
        rows: JSON.stringify(
          moved.map(({ account, delta }) => [
            account.campaign,
            delta,
            onlyAlerts(account) ? null : (account.budget ?? null),
          ]),
        ),
      },
    );
    if (changed !== moved.length) {
      throw new ConflictError('E_MONEY', 'The budget changed while money was reserved. Try again.', {
        retryable: true,
      });
    }
  }
  const rows = grants.flatMap(({ account, granted }) =>
    // What has a reservation keeps one, even when it costs nothing any more.
    granted
      .filter(({ step, micros }) => micros > 0 || held.has(step))
      .map(({ step, micros }) => [step, account.campaign, micros]),
  );
  if (rows.length === 0) return;
  await tx.run(
    `INSERT INTO marketing_reservations (tenant_id, step_id, campaign_id, micros, at)
     SELECT :tenant, r.step, r.campaign, r.price, :now
     FROM ${dialect.rows('rows', { step: 'int', campaign: 'int', price: 'int' }, 'r')} WHERE 1 = 1
     ${dialect.upsertTail(['step_id'], ['micros', 'at'])}`,
    { now, rows: JSON.stringify(rows) },
  );
}

/**
 * Writes that a budget is breached; announced once per budget, however often a campaign is resumed without more money.
 * @returns whether it was announced
 */
async function noteBreach(tx: Scope, account: MoneyAccount, refused: number): Promise<boolean> {
  const { breachAt, budget, toldBudget } = account;
  if (breachAt !== undefined || budget === undefined) return false;
  await tx.run(
    `UPDATE marketing_roi SET breach_at = :now, status = 'over_budget', told_budget = :told, told_budget_of = :budget, updated_at = :now
     WHERE tenant_id = :tenant AND campaign_id = :campaign`,
    { campaign: account.campaign, now: tx.clock.now(), told: toldBudget | EXCEEDED, budget },
  );
  if ((toldBudget & EXCEEDED) !== 0) return false;
  await tellNews(tx, [
    {
      type: 'marketing.roi.budget_exceeded',
      account,
      more: { action: account.breach.join('_and_'), ...(refused === 0 ? {} : { refused }) },
    },
  ]);
  return true;
}
