import type { UnsubscribePayload } from '../compliance';
import { setConsents, suppressAll, type Leads } from '../leads';
import type { Scope } from '../store';

const SOURCE = 'unsubscribe link';

/**
 * What pressing "Unsubscribe" does: the lead's consent for the channel is revoked and the address is suppressed on it, each with
 * a history row, in one transaction; repeating it changes nothing. The engagement `unsubscribed` is for segments and for the
 * campaign's figures.
 * A lead that was deleted since is no reason to refuse: the address that the message went to is suppressed all the same.
 */
export async function optOut(leads: Leads, payload: UnsubscribePayload): Promise<void> {
  const { lead, channel, campaign, message } = payload;
  const { known, variant } = await leads.scope.transaction(async (tx) => {
    const sent = await messageOf(tx, payload);
    const addresses = sent?.address ? [sent.address] : await ownAddress(tx, payload);
    const found =
      (await tx.get('SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id = :lead', { lead })) !== undefined;
    if (found) await setConsents(tx, [{ leadId: lead, channel, state: 'revoked', source: SOURCE }]);
    await suppressAll(
      tx,
      addresses.map((address) => ({ address, channel, reason: 'unsubscribed', source: SOURCE })),
    );
    return { known: found, variant: sent?.variant ?? '' };
  });
  if (!known) return;
  const cause = message === undefined ? `campaign:${campaign ?? 0}` : `message:${message}`;
  await leads.engage([
    {
      leadId: lead,
      type: 'unsubscribed',
      channel,
      eventId: `unsubscribed:${lead}:${channel}:${cause}`,
      ...(campaign === undefined ? {} : { campaignId: campaign }),
      ...(variant === '' ? {} : { variant }),
    },
  ]);
}

/** The message that the link stood in, when that is on record. */
async function messageOf(
  tx: Scope,
  { lead, message }: UnsubscribePayload,
): Promise<{ address: string | null; variant: string } | undefined> {
  if (message === undefined) return undefined;
  return tx.get(
    'SELECT address, variant FROM marketing_messages WHERE tenant_id = :tenant AND step_id = :message AND lead_id = :lead',
    { message, lead },
  );
}

/** The lead's own address on the channel. */
async function ownAddress(tx: Scope, { lead, channel }: UnsubscribePayload): Promise<string[]> {
  const column = channel === 'email' ? 'email' : 'phone';
  const own = await tx.get<{ address: string | null }>(
    `SELECT ${column} AS address FROM marketing_leads WHERE tenant_id = :tenant AND id = :lead`,
    { lead },
  );
  return own?.address ? [own.address] : [];
}
