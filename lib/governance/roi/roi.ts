import { authorise, nameOf, type Actor } from '../../access';
import type { Campaign } from '../../campaigns';
import { InputError, messageOf } from '../../errors';
import { record } from '../../history';
import type { LedgerLog } from '../../ledger';
import { figuresOf, fromMicros } from '../../metrics';
import { channelPrices, readPrices, writePrices, type Prices, type SendGate } from '../../sending';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';
import {
  budgetMicros,
  leftOf,
  lockAccounts,
  moneyDifferences,
  openAccounts,
  recount,
  USUAL_BREACH,
  watchedAccounts,
  writeRules,
  type MoneyAccount,
  type MoneyDifference,
} from './accounts';
import { checkMoney, revenuesOf, statusNow, type Escalate, type MoneyCheck } from './check';
import { addCost, listCosts, removeCost, type NewCost } from './costs';
import { MoneyGate } from './gate';
import { guardPeople, type GuardAnswer, type GuardedPerson, type GuardQuestion } from './guard';
import { settleMoney } from './settle';
import { ACTOR } from './telling';
import { BREACH_ACTIONS, type STOPS, type Cost, type DefinitionRoi, type RoiReport, type RoiRules } from './types';

const KIND = 'roi-check';
/** How often the money of all campaigns is looked at while there are any that are watched, ms. */
const EVERY_MS = 60_000;
/** For how long messages of a campaign that refused to stop are put off, before it is tried again, ms. */
const STUBBORN_MS = 60_000;

/** What the ROI guard needs of its surroundings. */
export interface RoiDeps {
  timers: Timers;
  log: Pick<LedgerLog, 'warn' | 'error'>;
  campaigns: {
    /** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
    get(idOrKey: number | string): Promise<Campaign>;
    act(id: number, action: string, options: { actor: string; reason: string }): Promise<unknown>;
    hold(ids: readonly number[], reason: string): Promise<void>;
  };
  /** What a campaign's definition says of money; within a transaction. */
  definition(key: string, tx: Scope): Promise<DefinitionRoi | undefined>;
  /** Raises a campaign to the next person (BR-003), in the transaction that announces why; once per run and cause. */
  escalate?: Escalate;
}

/** The money of campaigns: budgets, costs, returns, and what follows when they are not kept (FR-P3-002, US-021). */
export class Roi {
  /** Give it to the send stations, as the last one. */
  readonly gate: SendGate;
  /** When campaigns last refused to be stopped. */
  private readonly stubborn = new Map<number, number>();
  private readonly stopping = new Map<number, Promise<void>>();

  /** Make it before the timers start. */
  constructor(
    private readonly scope: Scope,
    private readonly deps: RoiDeps,
  ) {
    this.gate = new MoneyGate({
      exhausted: (campaign, action) => {
        if (this.stopping.has(campaign) || this.isStubborn(campaign)) return;
        const stopped = this.stop(campaign, action).finally(() => this.stopping.delete(campaign));
        this.stopping.set(campaign, stopped);
      },
      opened: (tx) => this.watchAfter(tx),
      breached: (tx, account) => this.breached(tx, account),
      isStubborn: (campaign) => this.isStubborn(campaign),
    });
    deps.timers.on(KIND, () => this.ring());
  }

  /** Call once the timers have started: a crash may have kept the check from being set. */
  async start(): Promise<void> {
    if (await this.anyWatched()) await this.deps.timers.wake(KIND, 'all', this.scope.clock.now() + EVERY_MS);
  }

  /** In the transaction that launches or resumes a campaign: what its definition says of money holds from now on. */
  async begins(tx: Scope, campaign: Campaign): Promise<void> {
    const definition = await this.deps.definition(campaign.definition, tx);
    const watched = (await watchedAccounts(tx, [campaign.id])).get(campaign.id);
    if (!watched && !saysAnything(definition)) return;
    await openAccounts(tx, [campaign.id]);
    const account = (await lockAccounts(tx, [campaign.id])).get(campaign.id);
    await writeRules(tx, campaign.id, definition, account?.own ?? {});
    // Whether there is money is found out anew.
    await tx.run(
      `UPDATE marketing_roi SET breach_at = NULL, started_at = COALESCE(started_at, :now)
       WHERE tenant_id = :tenant AND campaign_id = :campaign`,
      { campaign: campaign.id, now: tx.clock.now() },
    );
    tx.afterCommit(() => this.stubborn.delete(campaign.id));
    this.watchAfter(tx);
  }

  /** In the transaction in which messages in doubt are taken as sent. Their steps must be locked. */
  async takenAsSent(
    tx: Scope,
    messages: readonly { step: number; campaign: number; costMicros: number }[],
  ): Promise<void> {
    await settleMoney(
      tx,
      messages.map((message) => ({ ...message, state: 'sent' })),
    );
  }

  /** How a campaign's money stands. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async report(key: number | string, { actor }: { actor?: Actor } = {}): Promise<RoiReport> {
    authorise(actor, 'analytics:read');
    const campaign = await this.deps.campaigns.get(key);
    const account = (await watchedAccounts(this.scope, [campaign.id])).get(campaign.id);
    const revenue = (await revenuesOf(this.scope, [campaign.id])).get(campaign.id) ?? 0;
    if (account?.open) return reportOf(campaign, account, revenue, this.scope.clock.now());
    const definition = await this.deps.definition(campaign.definition, this.scope);
    const cost = (await figuresOf(this.scope, [campaign.id])).get(campaign.id)?.figures.cost ?? 0;
    return reportOf(campaign, unopened(campaign, definition, cost), revenue, this.scope.clock.now());
  }

  /**
   * Sets what is wanted of a campaign's money over what its definition says; what is absent is the definition's again. The budget
   * is a field of the campaign.
   * @throws InputError `E_ROI`; NotFoundError `E_UNKNOWN_CAMPAIGN`
   */
  async setRules(key: number | string, rules: RoiRules, { actor }: { actor?: Actor } = {}): Promise<RoiReport> {
    authorise(actor, 'campaign:write');
    const own = checkedRules(rules);
    const campaign = await this.deps.campaigns.get(key);
    await this.scope.transaction(async (tx) => {
      await openAccounts(tx, [campaign.id]);
      const before = (await lockAccounts(tx, [campaign.id])).get(campaign.id)?.own ?? {};
      await writeRules(tx, campaign.id, await this.deps.definition(campaign.definition, tx), own);
      await record(tx, { event: 'roi.rules_changed', campaign: campaign.id, actor: nameOf(actor), before, after: own });
    });
    await this.start();
    return this.report(campaign.id);
  }

  /** Enters a cost besides messages. @throws InputError `E_COST`; NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async addCost(key: number | string, cost: NewCost, { actor }: { actor?: Actor } = {}): Promise<Cost> {
    authorise(actor, 'campaign:write');
    const { id } = await this.deps.campaigns.get(key);
    const added = await addCost(this.scope, id, cost, nameOf(actor));
    await this.start();
    return added;
  }

  /** @throws NotFoundError `E_UNKNOWN_COST`, `E_UNKNOWN_CAMPAIGN` */
  async removeCost(key: number | string, cost: number, { actor }: { actor?: Actor } = {}): Promise<void> {
    authorise(actor, 'campaign:write');
    const { id } = await this.deps.campaigns.get(key);
    await removeCost(this.scope, id, cost, nameOf(actor));
  }

  /** The latest costs first. `before`: the id of the last one seen. */
  async costs(
    key: number | string,
    { actor, before, limit = 100 }: { actor?: Actor; before?: number; limit?: number } = {},
  ): Promise<Cost[]> {
    authorise(actor, 'analytics:read');
    const { id } = await this.deps.campaigns.get(key);
    return listCosts(this.scope, id, { limit, ...(before === undefined ? {} : { before }) });
  }

  /** The tenant's own prices of messages, and what each channel costs with them. */
  async prices({ actor }: { actor?: Actor } = {}): Promise<Prices & { inForce: Readonly<Record<string, number>> }> {
    authorise(actor, 'analytics:read');
    return { ...(await readPrices(this.scope)), inForce: await channelPrices(this.scope) };
  }

  /** @throws InputError `E_PRICES` */
  async setPrices(
    prices: Prices,
    { actor }: { actor?: Actor } = {},
  ): Promise<Prices & { inForce: Readonly<Record<string, number>> }> {
    authorise(actor, 'settings:manage');
    await writePrices(this.scope, prices, nameOf(actor));
    return this.prices();
  }

  /** Whether there is money for people who arrive together; for nodes. */
  guard(people: readonly GuardedPerson[], question: GuardQuestion): Promise<GuardAnswer[]> {
    return guardPeople(this.scope, people, question, (tx) => this.watchAfter(tx));
  }

  /** Looks at the money of all campaigns that are watched, announces what is new, and escalates what is low. */
  check(): Promise<MoneyCheck> {
    return checkMoney(this.scope, this.deps.escalate);
  }

  /** Accounts that say something else than messages and costs do. */
  differences(): Promise<MoneyDifference[]> {
    return moneyDifferences(this.scope);
  }

  /** Sets such accounts to what their rows come to. @returns how many */
  async repair(): Promise<number> {
    const campaigns = [...new Set((await this.differences()).map(({ campaign }) => campaign))];
    for (const campaign of campaigns) await this.scope.transaction((tx) => recount(tx, [campaign]));
    return campaigns.length;
  }

  /** Resolves when campaigns that are being stopped are. */
  async idle(): Promise<void> {
    await Promise.all(this.stopping.values());
  }

  private async ring(): Promise<void> {
    if (!(await this.anyWatched())) return;
    await this.check();
    await this.deps.timers.wake(KIND, 'all', this.scope.clock.now() + EVERY_MS);
  }

  /** Has the check come, once the transaction is there that gave it something to look at. */
  private watchAfter(tx: Scope): void {
    tx.afterCommit(() => {
      this.deps.timers
        .wake(KIND, 'all', this.scope.clock.now() + EVERY_MS)
        .catch((error: unknown) => this.deps.log.warn(`The check of budgets is not set yet: ${messageOf(error)}`));
    });
  }

  private async anyWatched(): Promise<boolean> {
    const row = await this.scope.get(`SELECT campaign_id FROM marketing_roi WHERE tenant_id = :tenant LIMIT 1`);
    return row !== undefined;
  }

  /** What was asked for besides stopping. */
  private async breached(tx: Scope, { campaign, breach }: MoneyAccount): Promise<void> {
    const reason = 'the budget is used up';
    if (breach.includes('escalate')) await this.deps.escalate?.(tx, campaign, { cause: 'no_budget', reason });
    if (!breach.includes('optimize')) return;
    tx.afterCommit(() => {
      this.deps.campaigns
        .act(campaign, 'optimize', { actor: ACTOR, reason })
        .catch((error: unknown) => this.deps.log.error(`Optimising the campaign ${campaign}: ${messageOf(error)}`));
    });
  }

  /** Paused, a campaign's people stay where they are, and go on when it is resumed. */
  private async stop(id: number, action: (typeof STOPS)[number]): Promise<void> {
    const reason = action === 'pause' ? 'the budget is used up; raise it, then resume' : 'the budget is used up';
    try {
      const campaign = await this.deps.campaigns.get(id);
      if (campaign.state !== 'active') return;
      await this.deps.campaigns.act(id, action, { actor: ACTOR, reason });
      if (action === 'pause') await this.deps.campaigns.hold([id], reason);
    } catch (error) {
      this.stubborn.set(id, this.scope.clock.now());
      this.deps.log.error(`The campaign ${id} has no money left and could not be stopped: ${messageOf(error)}`);
    }
  }

  private isStubborn(campaign: number): boolean {
    return this.scope.clock.now() - (this.stubborn.get(campaign) ?? -Infinity) < STUBBORN_MS;
  }
}

function saysAnything(definition: DefinitionRoi | undefined): boolean {
  return (
    definition !== undefined && Object.values(definition).some((value) => !Array.isArray(value) || value.length > 0)
  );
}

/** What the account of a campaign would say that has none: nothing is watched yet. */
function unopened(campaign: Campaign, definition: DefinitionRoi | undefined, cost: number): MoneyAccount {
  const { id, key, state, run, startsOn, endsOn, startedAt } = campaign;
  return {
    campaign: id,
    key,
    state,
    run,
    open: false,
    budget: budgetMicros(campaign.budget ?? definition?.budget),
    reserved: 0,
    spent: budgetMicros(cost) ?? 0,
    fixed: 0,
    target: budgetMicros(definition?.targetRevenue),
    threshold: definition?.threshold,
    breach: definition?.breach ?? USUAL_BREACH,
    own: {},
    status: 'on_track',
    startedAt: undefined,
    breachAt: undefined,
    toldBudget: 0,
    toldTarget: 0,
    toldLow: undefined,
    from: startsOn ?? startedAt,
    to: endsOn,
  };
}

function reportOf(campaign: Campaign, account: MoneyAccount, revenue: number, now: number): RoiReport {
  const { budget, spent, fixed, reserved, target, threshold, breach, own, startedAt, breachAt } = account;
  const cost = spent + fixed;
  const left = leftOf(account);
  return {
    campaign: campaign.id,
    key: campaign.key,
    ...(campaign.currency === undefined ? {} : { currency: campaign.currency }),
    status: statusNow({ account, revenue }, now),
    ...(budget === undefined ? {} : { budget: fromMicros(budget) }),
    spent: fromMicros(spent),
    fixed: fromMicros(fixed),
    reserved: fromMicros(reserved),
    cost: fromMicros(cost),
    ...(left === undefined ? {} : { left: fromMicros(left) }),
    revenue: fromMicros(revenue),
    ...(cost > 0 ? { roi: (revenue - cost) / cost, return: revenue / cost } : {}),
    ...(target === undefined ? {} : { targetRevenue: fromMicros(target) }),
    ...(threshold === undefined ? {} : { threshold }),
    breach,
    own,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(breachAt === undefined ? {} : { breachAt }),
  };
}

/** @throws InputError `E_ROI` */
function checkedRules({ targetRevenue, threshold, breach }: RoiRules): RoiRules {
  const amount = (value: number): boolean => Number.isFinite(value) && value >= 0 && value <= 1e9;
  if (targetRevenue !== undefined && !amount(targetRevenue))
    throw new InputError('E_ROI', 'The revenue that is wanted is an amount from 0 to 1,000,000,000.');
  if (threshold !== undefined && !(amount(threshold) && threshold <= 1e6))
    throw new InputError('E_ROI', 'A threshold is a number such as 2: revenue that is wanted per unit of cost.');
  const unknown = breach?.find((action) => !BREACH_ACTIONS.includes(action));
  if (unknown !== undefined)
    throw new InputError('E_ROI', `There is no breach action "${unknown}". Use ${BREACH_ACTIONS.join(', ')}.`);
  return {
    ...(targetRevenue === undefined ? {} : { targetRevenue }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(breach === undefined || breach.length === 0 ? {} : { breach: [...new Set(breach)] }),
  };
}
