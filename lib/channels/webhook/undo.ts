import type { Account, CompensationResult, DeliveryResult, OutgoingMessage } from '../types';

/**
 * Takes a webhook back by another request: a POST to the address that the send node names for it, with the key of the request that is
 * to be undone. Through the same account: its credentials, its signature, its guard against private addresses. A receiver that knows
 * nothing of it (404, 410) has nothing to undo.
 */
export async function undoWebhook(
  message: OutgoingMessage,
  account: Account,
  url: string,
): Promise<CompensationResult> {
  const { messageKey, providerId } = message.content ?? {};
  const result = await account.execute({
    id: message.id,
    idempotencyKey: message.idempotencyKey,
    to: message.to,
    request: {
      url,
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ undo: messageKey, providerId }),
    },
  });
  return compensationOf(result);
}

function compensationOf(result: DeliveryResult): CompensationResult {
  if (result.status === 'sent') return { status: 'undone' };
  if (result.status === 'rejected' && (result.code === 404 || result.code === 410)) return { status: 'undone' };
  return { status: 'failed', reason: result.reason };
}
