import type { UnsubscribePayload } from '../compliance';
import { setConsents, suppressAll, type Leads } from '../leads';
import type { Scope } from '../store';

const SOURCE = 'unsubscribe link';

/**
 * What pressing "Unsubscribe" does: the lead's consent for the channel is revoked and the address is suppressed on it, each with
 * a history row, in one transaction; repeating it changes nothing. The engagement `unsubscribed` is for segments and figures.
 * A lead that was deleted since is no reason to refuse: the address that the message went to is suppressed all the same.
 */
export async function optOut(leads: Leads, payload: UnsubscribePayload): Promise<void> {
  const { lead, channel, campaign, message } = payload;
  const known = await leads.scope.transaction(async (tx) => {
    const addresses = await addressesOf(tx, payload);
    const found =
      (await tx.get('SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id = :lead', { lead })) !== undefined;
    if (found) await setConsents(tx, [{ leadId: lead, channel, state: 'revoked', source: SOURCE }]);
    await suppressAll(
      tx,
      addresses.map((address) => ({ address, channel, reason: 'unsubscribed', source: SOURCE })),
    );
    return found;
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
    },
  ]);
}

/** The address that the message went to, when that is on record; else the lead's own. */
async function addressesOf(tx: Scope, { lead, channel, message }: UnsubscribePayload): Promise<string[]> {
  const sent =
    message === undefined
      ? undefined
      : await tx.get<{ address: string | null }>(
          'SELECT address FROM marketing_messages WHERE tenant_id = :tenant AND step_id = :message AND lead_id = :lead',
          { message, lead },
        );
  if (sent?.address) return [sent.address];
  const column = channel === 'email' ? 'email' : 'phone';
  const own = await tx.get<{ address: string | null }>(
    `SELECT ${column} AS address FROM marketing_leads WHERE tenant_id = :tenant AND id = :lead`,
    { lead },
  );
  return own?.address ? [own.address] : [];
}
