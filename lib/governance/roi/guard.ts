import { toMicros } from '../../metrics';
import type { Scope } from '../../store';
import { leftOf, lockAccounts, openAccounts, watchedAccounts, type MoneyAccount } from './accounts';
import { revenuesOf, statusNow } from './check';
import { moveFixed } from './costs';
import { ACTOR, figuresOf } from './telling';
import type { RoiStatus } from './types';

/** Somebody who arrives at a guard. */
export interface GuardedPerson {
  readonly campaign: number;
  /** The step that they came from: what makes asking twice ask once. */
  readonly step: number;
}

/** What a guard asks. */
export interface GuardQuestion {
  /** Its name, for what it books. */
  readonly node: string;
  /** What each person costs who passes, in units: booked as a cost of the campaign. 0: nothing is booked. */
  readonly cost: number;
  /** Whether a return that is too low closes it as well. */
  readonly alsoLow: boolean;
}

/** What was found about one person's campaign. */
export interface GuardAnswer {
  readonly within: boolean;
  readonly because: string;
  /** The figures that were looked at. */
  readonly saw: Readonly<Record<string, unknown>>;
}

interface Looked {
  readonly account: MoneyAccount | undefined;
  readonly status: RoiStatus | undefined;
}

/**
 * Whether there is money for each person's campaign; a few statements for everybody who arrives together.
 * @param opened called in the transaction that opens accounts, to book in them
 */
export async function guardPeople(
  scope: Scope,
  people: readonly GuardedPerson[],
  question: GuardQuestion,
  opened: (tx: Scope) => void,
): Promise<GuardAnswer[]> {
  const price = toMicros(question.cost) ?? 0;
  if (price > 0) return scope.transaction((tx) => book(tx, people, question, { price, opened }));
  const looked = await look(scope, people, question);
  return people.map(({ campaign }) => answerOf(looked.get(campaign), question, leftIn(looked.get(campaign)) > 0));
}

async function look(
  scope: Scope,
  people: readonly GuardedPerson[],
  { alsoLow }: GuardQuestion,
  read = watchedAccounts,
): Promise<Map<number, Looked>> {
  const campaigns = people.map(({ campaign }) => campaign);
  const accounts = await read(scope, campaigns);
  const revenues = alsoLow ? await revenuesOf(scope, campaigns) : new Map<number, number>();
  const now = scope.clock.now();
  return new Map(
    [...accounts].map(([campaign, account]) => [
      campaign,
      {
        account,
        status: alsoLow ? statusNow({ account, revenue: revenues.get(campaign) ?? 0 }, now) : undefined,
      },
    ]),
  );
}

/** Books the price of everybody for whom there is money: once per step that they came from, however often they arrive. */
async function book(
  tx: Scope,
  people: readonly GuardedPerson[],
  question: GuardQuestion,
  { price, opened }: { price: number; opened: (tx: Scope) => void },
): Promise<GuardAnswer[]> {
  const { dialect } = tx;
  const refOf = ({ step }: GuardedPerson): string => `step:${step}:${question.node}`.slice(0, 128);
  const campaigns = [...new Set(people.map(({ campaign }) => campaign))];
  if ((await openAccounts(tx, campaigns)) > 0) opened(tx);
  const looked = await look(tx, people, question, lockAccounts);
  const booked = await tx.all<{ ref: string }>(
    `SELECT k.ref FROM ${dialect.rows('rows', { campaign: 'int', wanted: 'text' }, 'r')}
     ${dialect.join} marketing_costs k ON k.campaign_id = r.campaign AND k.ref = r.wanted AND k.tenant_id = :tenant`,
    { rows: JSON.stringify(people.map((person) => [person.campaign, refOf(person)])) },
  );
  const known = new Set(booked.map(({ ref }) => ref));
  const left = new Map(campaigns.map((campaign) => [campaign, leftIn(looked.get(campaign))]));
  const rows: unknown[][] = [];
  const passing = new Set<GuardedPerson>();
  for (const person of [...people].sort((a, b) => a.step - b.step)) {
    const { campaign } = person;
    const rest = left.get(campaign) ?? Infinity;
    if (known.has(refOf(person))) passing.add(person);
    else if (rest >= price && !isLow(looked.get(campaign), question)) {
      passing.add(person);
      known.add(refOf(person));
      left.set(campaign, rest - price);
      rows.push([campaign, refOf(person)]);
    }
  }
  if (rows.length > 0) {
    await tx.run(
      `INSERT INTO marketing_costs (tenant_id, campaign_id, kind, label, micros, ref, created_by, created_at)
       SELECT :tenant, r.campaign, 'booked', :label, :price, r.wanted, '${ACTOR}', :now
       FROM ${dialect.rows('rows', { campaign: 'int', wanted: 'text' }, 'r')} WHERE 1 = 1`,
      { label: question.node.slice(0, 255), price, now: tx.clock.now(), rows: JSON.stringify(rows) },
    );
    for (const campaign of [...campaigns].sort((a, b) => a - b)) {
      const count = rows.filter(([of]) => of === campaign).length;
      if (count > 0) await moveFixed(tx, campaign, count * price);
    }
  }
  return people.map((person) => answerOf(looked.get(person.campaign), question, passing.has(person)));
}

function leftIn(looked: Looked | undefined): number {
  return (looked?.account ? leftOf(looked.account) : undefined) ?? Infinity;
}

function isLow(looked: Looked | undefined, { alsoLow }: GuardQuestion): boolean {
  return alsoLow && (looked?.status === 'underperform' || looked?.status === 'over_budget');
}

function answerOf(looked: Looked | undefined, question: GuardQuestion, hasMoney: boolean): GuardAnswer {
  const { account, status } = looked ?? {};
  if (!account) return { within: true, because: 'the campaign has no budget', saw: {} };
  const saw = { ...figuresOf(account), ...(status === undefined ? {} : { status }) };
  if (isLow(looked, question) && !hasMoney) return { within: false, because: `the campaign is ${status}`, saw };
  if (isLow(looked, question) && question.cost === 0)
    return { within: false, because: `the campaign is ${status}`, saw };
  if (!hasMoney) return { within: false, because: 'the budget is used up', saw };
  return {
    within: true,
    because: account.budget === undefined ? 'the campaign has no budget' : 'there is money left',
    saw,
  };
}
