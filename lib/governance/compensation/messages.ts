import { channels, type Account, type CompensationResult } from '../../channels';
import { endEnrollments } from '../../ledger';
import type { SendGate } from '../../sending';
import { parseJson, type Scope } from '../../store';
import { registerUndos } from './registering';
import type { Undo, UndoContext, UndoHandler, UndoResult } from './types';

/** Kind of the undo that send stations register. */
export const MESSAGE = 'message';

/** While a message is being handed over nobody knows yet whether there is something to undo. */
const IN_FLIGHT_MS = 2_000;
/** The account belongs to another process, or to none. */
const NO_ACCOUNT_MS = 30_000;

/** What people read about a mail: said here, in the help of the node, and in the documentation. */
export const UNSENDABLE = 'a sent message cannot be unsent';

/**
 * Registers the undo of each message in the transaction that marks it `sending`, where the definition has a compensate station: the
 * last of the gates, because it is about those who passed all others. It has nothing against anybody.
 */
export const registersMessages: SendGate = {
  async check(tx, candidates) {
    const undone = await campaignsThatUndo(tx, [...new Set(candidates.map(({ step }) => step.campaign))]);
    await registerUndos(
      tx,
      candidates.flatMap(({ step: { id, campaign, enrollment, lead } }) =>
        undone.has(campaign) ? [{ campaign, enrollment, lead, step: id, kind: MESSAGE, key: `message:${id}` }] : [],
      ),
    );
    return new Map();
  },
};

/** Of these campaigns, those in whose definition something can be undone. */
async function campaignsThatUndo(tx: Scope, campaigns: readonly number[]): Promise<Set<number>> {
  if (campaigns.length === 0) return new Set();
  const rows = await tx.all<{ id: number }>(
    `SELECT DISTINCT c.id FROM ${tx.dialect.rows('rows', { campaign: 'int' }, 'r')}
     ${tx.dialect.join} marketing_campaigns c ON c.id = r.campaign AND c.tenant_id = :tenant
     ${tx.dialect.join} marketing_stations t ON t.definition_key = c.definition_key AND t.tenant_id = :tenant
     WHERE t.kind = 'compensate' AND t.state = 'active'`,
    { rows: JSON.stringify(campaigns.map((id) => [id])) },
  );
  return new Set(rows.map(({ id }) => id));
}

interface MessageRow {
  state: string;
  channel: string;
  account: string;
  address: string | null;
  message_key: string;
  provider_id: string | null;
  config: unknown;
}

/**
 * Undoes a message. What has been sent cannot be unsent: its channel may take it back ({@link ChannelContract.compensate}, a webhook
 * with an address for that), and what is still queued for the person in this campaign is taken out of the queue.
 */
export function messageHandler(scope: Scope, accounts: ReadonlyMap<string, Account>): UndoHandler {
  return {
    undo: (undo, context) => undoMessage(scope, accounts, undo, context),
    apply: (tx, undo) => cancelQueued(tx, undo),
  };
}

async function undoMessage(
  scope: Scope,
  accounts: ReadonlyMap<string, Account>,
  undo: Undo,
  { idempotencyKey, signal }: UndoContext,
): Promise<UndoResult> {
  const message = await scope.get<MessageRow>(
    `SELECT m.state, m.channel, m.account, m.address, m.message_key, m.provider_id, t.config FROM marketing_messages m
     JOIN marketing_steps s ON s.id = m.step_id AND s.tenant_id = :tenant
     JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
     WHERE m.tenant_id = :tenant AND m.step_id = :step`,
    { step: undo.step },
  );
  const now = scope.clock.now();
  if (message?.state === 'sending') return { status: 'later', at: now + IN_FLIGHT_MS, reason: 'it is being sent' };
  // Completed and unknown effects are undone; what was refused has had none.
  if (message?.state !== 'sent' && message?.state !== 'unknown')
    return { status: 'nothing', note: 'it was never sent' };
  const contract = channels.has(message.channel) ? channels.get(message.channel) : undefined;
  if (!contract?.compensate) return { status: 'undone', note: UNSENDABLE };
  const wanted = parseJson<{ undo?: unknown }>(message.config, {}).undo;
  const account = accounts.get(message.account);
  if (wanted !== undefined && !account) {
    const reason = `the account "${message.account}" is not at work here`;
    return { status: 'later', at: now + NO_ACCOUNT_MS, reason };
  }
  const result = await contract.compensate(
    {
      id: String(undo.step),
      idempotencyKey,
      to: { address: message.address ?? '' },
      content: { messageKey: message.message_key, providerId: message.provider_id ?? '', undo: wanted },
    },
    { clock: scope.clock, settings: {}, signal, ...(account ? { account } : {}) },
  );
  return resultOf(result);
}

function resultOf(result: CompensationResult): UndoResult {
  switch (result.status) {
    case 'undone':
      return { status: 'undone' };
    case 'not-possible':
      return { status: 'undone', note: result.reason };
    case 'failed':
      return result;
  }
}

/** Takes whoever is queued for a message in this enrollment out of the queue: not those that are being sent at this moment. */
async function cancelQueued(tx: Scope, { enrollment }: Undo): Promise<string | undefined> {
  await lockQueued(tx, enrollment);
  const queued = await tx.run(
    `UPDATE marketing_steps SET state = 'cancelled', reason = 'undone', lease_owner = NULL, updated_at = :now
     WHERE tenant_id = :tenant AND enrollment_id = :enrollment AND state IN ('waiting', 'working', 'paused')
       AND station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.kind = 'send')
       AND NOT EXISTS (SELECT 1 FROM marketing_messages m
                       WHERE m.tenant_id = :tenant AND m.step_id = marketing_steps.id AND m.state = 'sending')`,
    { enrollment, now: tx.clock.now() },
  );
  if (queued === 0) return undefined;
  await endEnrollments(tx, [{ enrollment, reason: 'undone' }], tx.clock.now());
  return queued === 1 ? 'one queued message was cancelled' : `${queued} queued messages were cancelled`;
}

/** A statement of its own, before the change: it waits for whoever is marking one of their messages, which the change then sees. */
async function lockQueued(tx: Scope, enrollment: number): Promise<void> {
  if (tx.dialect.name === 'sqlite') return;
  await tx.all(
    `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.enrollment_id = :enrollment
       AND s.state IN ('waiting', 'working', 'paused') ORDER BY s.id FOR UPDATE`,
    { enrollment },
  );
}
