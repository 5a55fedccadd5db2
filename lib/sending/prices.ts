import { channels } from '../channels';
import { InputError } from '../errors';
import { record } from '../history';
import { fromMicros, toMicros } from '../metrics';
import { parseJson, type Scope } from '../store';

/** What one message costs, in units of the tenant's currency. An account's price goes before its channel's. */
export interface Prices {
  readonly channels?: Readonly<Record<string, number>>;
  /** By the account's key. */
  readonly accounts?: Readonly<Record<string, number>>;
}

const SETTING = 'prices';
const MOST = 200;

/** The tenant's own prices; empty where it has set none. */
export async function readPrices(scope: Scope): Promise<Prices> {
  const row = await scope.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = '${SETTING}'`,
  );
  return parseJson<Prices>(row?.value, {});
}

/**
 * Sets the tenant's own prices; what is absent costs what its channel says of itself. They hold for messages from now on.
 * @throws InputError `E_PRICES`
 */
export async function writePrices(scope: Scope, prices: Prices, actor: string): Promise<Prices> {
  const checked: Prices = { channels: checkedList(prices.channels), accounts: checkedList(prices.accounts) };
  return scope.transaction(async (tx) => {
    const before = await readPrices(tx);
    await tx.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, '${SETTING}', :value, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
      { value: JSON.stringify(checked), now: tx.clock.now() },
    );
    await record(tx, { event: 'settings.prices_changed', actor, before, after: checked });
    return checked;
  });
}

/** What one message through an account costs now, in micros: the account's price, the channel's, or what the channel says of itself. */
export async function priceOf(scope: Scope, channel: string, account?: string): Promise<number> {
  const { channels: byChannel = {}, accounts: byAccount = {} } = await readPrices(scope);
  const own = account === undefined ? undefined : priceIn(byAccount, account);
  return toMicros(own ?? priceIn(byChannel, channel) ?? usualPrice(channel)) ?? 0;
}

/** What channels cost: what each says of itself, with the tenant's own prices over it. In units of the currency. */
export async function channelPrices(scope: Scope): Promise<Record<string, number>> {
  const { channels: own = {} } = await readPrices(scope);
  const usual = channels.names().map((channel): [string, number] => [channel, usualPrice(channel)]);
  return { ...Object.fromEntries(usual), ...own };
}

function usualPrice(channel: string): number {
  return channels.has(channel) ? (channels.get(channel).capabilities.costPerMessage ?? 0) : 0;
}

function priceIn(prices: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(prices, name) ? prices[name] : undefined;
}

/** Prices rounded to millionths, as they are counted. */
function checkedList(prices: Readonly<Record<string, number>> = {}): Record<string, number> {
  const entries = Object.entries(prices);
  if (entries.length > MOST) throw new InputError('E_PRICES', `At most ${MOST} prices can be set.`);
  return Object.fromEntries(
    entries.map(([name, price]) => {
      const micros = toMicros(price);
      if (name.length > 0 && name.length <= 128 && micros !== undefined) return [name, fromMicros(micros)];
      throw new InputError(
        'E_PRICES',
        `The price of "${name.slice(0, 128)}" cannot be used. Write an amount from 0 to 1,000,000,000, such as 0.0005.`,
      );
    }),
  );
}
