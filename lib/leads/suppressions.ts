import { InputError } from '../errors';
import { storable, type Scope } from '../store';
import { checkChannel } from './consents';
import { normaliseEmail } from './email';
import { recordAll } from '../history';
import { normalisePhone } from './phone';
import { shown } from './reject';

/** An address that nobody may send to. */
export interface Suppression {
  /** An e-mail address or a telephone number; normalised before it is stored. */
  readonly address: string;
  /** `*` for every channel. */
  readonly channel: string;
  /** A short word: `hard_bounce`, `complaint`, `manual`, `import` … */
  readonly reason: string;
  readonly source?: string;
  /** Milliseconds since 1970; default now. */
  readonly at?: number;
}

/**
 * An address in the form in which it is compared.
 * @throws InputError `E_ADDRESS`
 */
export function normaliseAddress(given: string): string {
  const phone = given.includes('@') ? undefined : normalisePhone(given, undefined);
  if (phone) return phone;
  const check = normaliseEmail(given);
  if ('address' in check) return check.address;
  throw new InputError(
    'E_ADDRESS',
    `"${shown(given)}" is neither an e-mail address nor a telephone number with its country code.`,
  );
}

/**
 * Puts addresses on the suppression list, each new one with a history row, in one transaction.
 * @returns how many were new
 * @throws InputError `E_CHANNEL`, `E_ADDRESS`
 */
export async function suppressAll(scope: Scope, list: readonly Suppression[]): Promise<number> {
  for (const { channel } of list) checkChannel(channel);
  const wanted = new Map(
    list.map((one) => [
      `${one.channel} ${normaliseAddress(one.address)}`,
      { ...one, address: normaliseAddress(one.address) },
    ]),
  );
  if (wanted.size === 0) return 0;
  return scope.transaction(async (tx) => {
    const { dialect } = tx;
    const existing = await tx.all<{ address: string; channel: string }>(
      `SELECT s.address, s.channel FROM ${dialect.rows('items', { address: 'text', channel: 'text' }, 'r')}
         ${dialect.join} marketing_suppressions s ON s.address = r.address AND s.channel = r.channel WHERE s.tenant_id = :tenant`,
      { items: JSON.stringify(Array.from(wanted.values(), ({ address, channel }) => [address, channel])) },
    );
    for (const { address, channel } of existing) wanted.delete(`${channel} ${address}`);
    const fresh = [...wanted.values()];
    if (fresh.length === 0) return 0;
    const now = tx.clock.now();
    await tx.run(
      `${dialect.insertIgnore} INTO marketing_suppressions (tenant_id, address, channel, reason, source, suppressed_at)
       SELECT :tenant, r.address, r.channel, r.reason, r.source, r.at
         FROM ${dialect.rows('items', { address: 'text', channel: 'text', reason: 'text', source: 'text', at: 'int' }, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
      {
        items: JSON.stringify(
          fresh.map((one) => [
            one.address,
            one.channel,
            storable(one.reason, 64),
            one.source === undefined ? null : storable(one.source, 128),
            one.at ?? now,
          ]),
        ),
      },
    );
    await recordAll(
      tx,
      fresh.map((one) => ({
        event: 'suppression.added',
        actor: one.source ?? one.reason,
        after: { channel: one.channel, reason: one.reason },
        payload: { channel: one.channel },
      })),
    );
    return fresh.length;
  });
}

/**
 * Takes an address off the suppression list, on this channel only. False when it was not on it.
 * @throws InputError `E_CHANNEL`, `E_ADDRESS`
 */
export async function unsuppress(scope: Scope, address: string, channel: string, source: string): Promise<boolean> {
  checkChannel(channel);
  return scope.transaction(async (tx) => {
    const removed = await tx.run(
      'DELETE FROM marketing_suppressions WHERE tenant_id = :tenant AND address = :address AND channel = :channel',
      {
        address: normaliseAddress(address),
        channel,
      },
    );
    if (removed > 0)
      await recordAll(tx, [{ event: 'suppression.removed', actor: source, before: { channel }, payload: { channel } }]);
    return removed > 0;
  });
}

/** Whether nothing may be sent to this address on this channel, and why. */
export async function suppressionOf(
  scope: Scope,
  address: string,
  channel: string,
): Promise<{ channel: string; reason: string } | undefined> {
  checkChannel(channel);
  return scope.get(
    `SELECT channel, reason FROM marketing_suppressions WHERE tenant_id = :tenant AND address = :address AND channel IN (:channel, '*')
      ORDER BY suppressed_at, id LIMIT 1`,
    { address: normaliseAddress(address), channel },
  );
}
