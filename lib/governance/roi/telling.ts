import { recordAll } from '../../history';
import { fromMicros } from '../../metrics';
import { announce, type AnnouncementType } from '../../outbox';
import type { Scope } from '../../store';
import { leftOf, type MoneyAccount } from './accounts';

/** Who acts when nobody does. */
export const ACTOR = 'system:roi';

/** Something that a campaign's money has come to. */
export interface MoneyNews {
  readonly type: Extract<AnnouncementType, `marketing.roi.${string}`>;
  readonly account: MoneyAccount;
  readonly revenue?: number;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Writes it into the history and announces it, in the transaction that marks it as told. */
export async function tellNews(tx: Scope, news: readonly MoneyNews[]): Promise<void> {
  if (news.length === 0) return;
  await recordAll(
    tx,
    news.map(({ type, account, revenue, more }) => ({
      event: type.replace(/^marketing\./, ''),
      campaign: account.campaign,
      actor: ACTOR,
      payload: { ...figuresOf(account, revenue), ...more },
    })),
  );
  await announce(
    tx,
    news.map(({ type, account, revenue, more }) => ({
      type,
      data: {
        campaign: account.campaign,
        key: account.key,
        run: account.run,
        ...figuresOf(account, revenue),
        ...more,
      },
    })),
  );
}

/** A campaign's money as it is told: units of its currency. */
export function figuresOf(account: MoneyAccount, revenue?: number): Record<string, number> {
  const { budget, spent, fixed, reserved, target } = account;
  const left = leftOf(account);
  return {
    ...(budget === undefined ? {} : { budget: fromMicros(budget) }),
    cost: fromMicros(spent + fixed),
    reserved: fromMicros(reserved),
    ...(left === undefined ? {} : { left: fromMicros(left) }),
    ...(revenue === undefined ? {} : { revenue: fromMicros(revenue) }),
    ...(target === undefined ? {} : { targetRevenue: fromMicros(target) }),
  };
}
