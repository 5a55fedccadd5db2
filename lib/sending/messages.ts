import { noteSent } from '../leads';
import { lockCampaigns, type LeasedStep } from '../ledger';
import { messageChanged, moveMetrics, settledOf, toMicros, type CountedMessage, type MetricDelta } from '../metrics';
import { storable, type Scope } from '../store';
import { askGates, type GateVerdict, type SendGate } from './gates';
import { priceOf } from './prices';
import type { SendCheck } from './types';

/** What is known of a step's message from earlier tries. */
export interface EarlierTry {
  contentId: number;
  attempt: number;
  firstAt: number;
}

/** Earlier tries of these steps' messages. */
export async function earlierTries(scope: Scope, steps: readonly LeasedStep[]): Promise<Map<number, EarlierTry>> {
  const rows = await scope.all<{ step_id: number; content_id: number; attempt: number; sending_at: number }>(
    `SELECT m.step_id, m.content_id, m.attempt, m.sending_at FROM ${scope.dialect.rows('rows', { step: 'int' }, 'r')}
     ${scope.dialect.join} marketing_messages m ON m.step_id = r.step AND m.tenant_id = :tenant`,
    { rows: JSON.stringify(steps.map(({ id }) => [id])) },
  );
  return new Map(
    rows.map((row) => [row.step_id, { contentId: row.content_id, attempt: row.attempt, firstAt: row.sending_at }]),
  );
}

/** A message about to be handed over. */
export interface Outgoing {
  step: LeasedStep;
  address: string;
  messageKey: string;
  contentId: number;
  date: number;
  /** Variant of an experiment; absent: none. */
  variant?: string;
}

/** A step that is still ours, and what its message was until now. */
interface HeldRow {
  id: number;
  state: string | null;
  variant: string;
  channel: string;
  sending_at: number;
  settled_at: number | null;
  cost_micros: number;
}

/** What was found about a message that was to go out. `stopped`: its campaign is not active any more. */
export type Clearance = SendCheck | 'stopped' | Extract<GateVerdict, { kind: 'later' }>;

/**
 * Marks messages `sending`, in one transaction with the last question whether each may be sent at all: whoever
 * unsubscribed, and whose campaign was paused, completed or cancelled before this commit, gets nothing. From here until
 * the answer, a crash leaves them in doubt, and only them.
 * @returns which of the steps are still ours, and what was found about each
 */
export async function markSending(
  scope: Scope,
  items: readonly Outgoing[],
  { channel, account }: { channel: string; account: string },
  maySend: (tx: Scope, leads: readonly number[], channel: string) => Promise<Map<number, SendCheck>>,
  gates: readonly SendGate[] = [],
): Promise<Map<number, Clearance>> {
  return scope.transaction(async (tx) => {
    const { dialect } = tx;
    // A statement of its own, before the steps: it waits for whoever is changing one of them, and sees what came of it.
    const campaigns = await lockCampaigns(
      tx,
      items.map(({ step }) => step.campaign),
    );
    const runs = ({ campaign }: LeasedStep): boolean => campaigns.get(campaign) === 'active';
    const held = await tx.all<HeldRow>(
      `SELECT s.id, m.state, m.variant, m.channel, m.sending_at, m.settled_at, m.cost_micros
       FROM ${dialect.rows('rows', { step: 'int', lease: 'text', tries: 'int' }, 'r')}
       ${dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
       LEFT JOIN marketing_messages m ON m.step_id = s.id AND m.tenant_id = :tenant
       WHERE s.state = 'working' AND s.lease_owner = r.lease AND s.attempt = r.tries
       ${dialect.name === 'postgres' ? 'ORDER BY s.id FOR UPDATE OF s' : dialect.forUpdate}`,
      { rows: JSON.stringify(items.map(({ step }) => [step.id, step.owner, step.attempt])) },
    );
    const ours = new Map(held.map((row) => [row.id, row]));
    const checks = await maySend(
      tx,
      items.filter(({ step }) => ours.has(step.id) && runs(step)).map(({ step }) => step.lead),
      channel,
    );
    const costMicros = await priceOf(tx, channel, account);
    const verdicts = await askGates(
      tx,
      gates,
      items.flatMap(({ step, variant = '' }) =>
        ours.has(step.id) && runs(step) && checks.get(step.lead)?.allowed
          ? [{ step, channel, account, variant, costMicros }]
          : [],
      ),
    );
    const answers = new Map<number, Clearance>();
    const rows: unknown[][] = [];
    const moved: MetricDelta[] = [];
    for (const { step, address, messageKey, contentId, date, variant = '' } of items) {
      const former = ours.get(step.id);
      if (!former) continue;
      if (!runs(step)) {
        answers.set(step.id, 'stopped');
        continue;
      }
      const check = checks.get(step.lead) ?? { allowed: false, reason: 'gone', detail: 'the lead is gone' };
      const verdict = verdicts.get(step.id);
      answers.set(step.id, verdict ? clearanceOf(verdict) : check.allowed ? { ...check, costMicros } : check);
      if (!check.allowed || verdict) continue;
      rows.push([
        step.id,
        step.campaign,
        step.enrollment,
        step.lead,
        storable(address, 254),
        messageKey,
        contentId,
        date,
        variant,
      ]);
      moved.push(
        ...messageChanged(formerMessage(step.campaign, former), {
          campaign: step.campaign,
          variant,
          channel,
          state: 'sending',
          sendingAt: former.state === null ? date : former.sending_at,
          settledAt: null,
          costMicros: 0,
        }),
      );
    }
    if (rows.length > 0) {
      await tx.run(
        `INSERT INTO marketing_messages
           (tenant_id, step_id, campaign_id, enrollment_id, lead_id, channel, account, address, message_key, content_id, variant, state, attempt, sending_at, cost_micros)
         SELECT :tenant, r.step, r.campaign, r.enrollment, r.lead, :channel, :account, r.to_address, r.msg_key, r.content, r.of_variant,
                'sending', 1, r.msg_date, :price
         FROM ${dialect.rows(
           'rows',
           {
             step: 'int',
             campaign: 'int',
             enrollment: 'int',
             lead: 'int',
             to_address: 'text',
             msg_key: 'text',
             content: 'int',
             msg_date: 'int',
             of_variant: 'text',
           },
           'r',
         )} WHERE 1 = 1
         ${dialect.upsertTail(['step_id'], {
           state: `'sending'`,
           attempt: 'marketing_messages.attempt + 1',
           address: dialect.excluded('address'),
           account: dialect.excluded('account'),
           // A node that was edited between two tries may send on another channel.
           channel: dialect.excluded('channel'),
           content_id: dialect.excluded('content_id'),
           variant: dialect.excluded('variant'),
           settled_at: 'NULL',
           cost_micros: dialect.excluded('cost_micros'),
         })}`,
        { channel, account: account.slice(0, 128), price: costMicros, rows: JSON.stringify(rows) },
      );
      await moveMetrics(tx, moved);
    }
    return answers;
  });
}

function clearanceOf(verdict: GateVerdict): Clearance {
  switch (verdict.kind) {
    case 'suppress':
      return { allowed: false, reason: verdict.reason, detail: verdict.detail };
    case 'later':
      return verdict;
    case 'stop':
      return 'stopped';
  }
}

function formerMessage(campaign: number, row: HeldRow): CountedMessage | undefined {
  if (row.state === null) return undefined;
  return {
    campaign,
    variant: row.variant,
    channel: row.channel,
    state: row.state,
    sendingAt: row.sending_at,
    settledAt: row.settled_at,
    costMicros: Number(row.cost_micros),
  };
}

/** How a message ended (for now). */
export interface MessageOutcome {
  step: LeasedStep;
  state: 'sent' | 'deferred' | 'failed' | 'unknown';
  /** False: the try is not charged (nothing was handed over). */
  charged: boolean;
  providerId?: string;
  reason?: string;
  /** What it was marked `sending` with. */
  variant?: string;
  /** What it cost, in the campaign's currency, when the account told; default: what it was marked with. */
  cost?: number;
  /** The price that it was marked `sending` with, in micros; default: the channel's price now. */
  costMicros?: number;
}

/** A message that ended, with what it costs. */
export interface PricedOutcome extends MessageOutcome {
  /** Micros: what the account told, or what the message was marked with. */
  costMicros: number;
}

/**
 * Writes how messages ended, with their counters; for `sent`, the engagement `email_sent` (or the channel's) as well. In the
 * caller's transaction. The messages must be marked `sending`.
 */
export async function writeOutcomes(
  tx: Scope,
  channel: string,
  written: readonly MessageOutcome[],
  gates: readonly SendGate[] = [],
): Promise<void> {
  if (written.length === 0) return;
  const now = tx.clock.now();
  const { dialect } = tx;
  const outcomes = await priced(tx, channel, written);
  // Before the messages and the counters, as when they are marked: nobody waits in a circle.
  for (const gate of gates) await gate.settled?.(tx, channel, outcomes);
  await tx.run(
    dialect.updateFrom(
      'marketing_messages',
      dialect.rows(
        'rows',
        {
          step: 'int',
          to_state: 'text',
          uncharged: 'int',
          doubt: 'int',
          provider: 'text',
          to_reason: 'text',
          price: 'int',
        },
        'r',
      ),
      `state = to_state, cost_micros = price, attempt = attempt - uncharged, in_doubt = CASE WHEN doubt = 1 THEN 1 ELSE in_doubt END,
       provider_id = provider, reason = to_reason, settled_at = :now`,
      'marketing_messages.step_id = r.step AND tenant_id = :tenant',
    ),
    {
      now,
      rows: JSON.stringify(
        outcomes.map((outcome) => [
          outcome.step.id,
          outcome.state,
          outcome.charged ? 0 : 1,
          outcome.state === 'unknown' ? 1 : 0,
          outcome.providerId === undefined ? null : storable(outcome.providerId, 255),
          outcome.reason === undefined ? null : storable(outcome.reason, 255),
          outcome.costMicros,
        ]),
      ),
    },
  );
  await moveMetrics(
    tx,
    outcomes.flatMap((outcome) => {
      const { step, state, variant = '', costMicros } = outcome;
      return settledOf({
        campaign: step.campaign,
        variant,
        channel,
        state,
        settledAt: now,
        costMicros,
      });
    }),
  );
  await noteSent(
    tx,
    outcomes.flatMap(({ state, step: { id: step, lead, campaign }, variant = '' }) =>
      state === 'sent' ? [{ step, lead, campaign, channel, variant }] : [],
    ),
  );
}

async function priced(tx: Scope, channel: string, outcomes: readonly MessageOutcome[]): Promise<PricedOutcome[]> {
  const unpriced = outcomes.some(({ cost, costMicros }) => toMicros(cost) === undefined && costMicros === undefined);
  const usual = unpriced ? await priceOf(tx, channel) : 0;
  return outcomes.map((outcome) => ({
    ...outcome,
    costMicros: toMicros(outcome.cost) ?? outcome.costMicros ?? usual,
  }));
}
