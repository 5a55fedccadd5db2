import type { Scope } from '../../store';

/** What became of a message, as far as money goes. */
export interface MoneyOutcome {
  readonly step: number;
  readonly campaign: number;
  readonly state: 'sent' | 'deferred' | 'failed' | 'unknown';
  readonly costMicros: number;
}

interface HeldRow {
  step: number;
  campaign: number;
  micros: number | null;
}

/**
 * Settles what was reserved for messages, in the transaction that writes what became of them: sent is spent with what it really cost,
 * deferred and failed are let go, unknown stays reserved until it is decided. Their steps must be locked, so that it happens once.
 */
export async function settleMoney(tx: Scope, outcomes: readonly MoneyOutcome[]): Promise<void> {
  if (outcomes.length === 0) return;
  const { dialect } = tx;
  // Campaigns whose money nobody watches are not among the answers: this look is all they cost.
  const rows = await tx.all<HeldRow>(
    `SELECT r.step, r.campaign, v.micros FROM ${dialect.rows('rows', { step: 'int', campaign: 'int' }, 'r')}
     ${dialect.join} marketing_roi a ON a.campaign_id = r.campaign AND a.tenant_id = :tenant
     LEFT JOIN marketing_reservations v ON v.step_id = r.step AND v.tenant_id = :tenant`,
    { rows: JSON.stringify(outcomes.map(({ step, campaign }) => [step, campaign])) },
  );
  const held = new Map(rows.map((row) => [Number(row.step), row]));
  const sums = new Map<number, { released: number; spent: number }>();
  const done: number[] = [];
  for (const { step, campaign, state, costMicros } of outcomes) {
    const row = held.get(step);
    if (!row || state === 'unknown') continue;
    const sum = sums.get(campaign) ?? { released: 0, spent: 0 };
    sums.set(campaign, sum);
    if (row.micros !== null) {
      sum.released += Number(row.micros);
      done.push(step);
    }
    if (state === 'sent') sum.spent += costMicros;
  }
  const moved = [...sums].filter(([, { released, spent }]) => released !== 0 || spent !== 0).sort(([a], [b]) => a - b);
  if (moved.length > 0) await moveMoney(tx, moved);
  if (done.length === 0) return;
  await tx.run(
    `DELETE FROM marketing_reservations WHERE tenant_id = :tenant
       AND step_id IN (SELECT r.step FROM ${dialect.rows('rows', { step: 'int' }, 'r')})`,
    { rows: JSON.stringify(done.map((step) => [step])) },
  );
}

/** One account after the other: whoever changes several does so in the order of their campaigns. */
async function moveMoney(
  tx: Scope,
  moved: readonly (readonly [campaign: number, sum: { released: number; spent: number }])[],
): Promise<void> {
  for (const [campaign, { released, spent }] of moved) {
    await tx.run(
      `UPDATE marketing_roi SET reserved_micros = reserved_micros - :released, spent_micros = spent_micros + :spent, updated_at = :now
       WHERE tenant_id = :tenant AND campaign_id = :campaign`,
      { campaign, released, spent, now: tx.clock.now() },
    );
  }
}
