import { InputError } from '../../errors';
import { lockCampaigns, lockEnrollments } from '../../ledger';
import type { Scope } from '../../store';
import type { NewUndo } from './types';

/** Longest key: the column holds ten more. */
const LONGEST_KEY = 150;

/**
 * Registers how effects are undone, in the transaction that begins them: before the effect, so that one that a crash cuts short is
 * undone as well. Their places in the order grow per enrollment; the enrollments are locked for that. One that was
 * undone before and begins again takes a new place.
 * @throws InputError `E_UNDO`
 */
export async function registerUndos(tx: Scope, undos: readonly NewUndo[]): Promise<void> {
  if (undos.length === 0) return;
  for (const { key, kind } of undos) {
    if (key === '' || key.length > LONGEST_KEY || kind === '' || kind.length > 32) {
      throw new InputError('E_UNDO', `An undo needs a kind of 1 to 32 and a key of 1 to ${LONGEST_KEY} characters.`);
    }
  }
  const whole = undos.filter(({ enrollment = 0 }) => enrollment === 0).map(({ campaign }) => campaign);
  if (whole.length > 0) await lockCampaigns(tx, whole, 'update');
  await lockEnrollments(
    tx,
    undos.flatMap(({ enrollment }) => enrollment ?? []),
  );
  const next = await lastPlaces(tx, undos);
  const rows = undos.map((undo) => {
    const place = placeOf(undo);
    const seq = (next.get(place) ?? 0) + 1;
    next.set(place, seq);
    const { campaign, enrollment = 0, lead = 0, step = 0, kind, key, params } = undo;
    return [campaign, enrollment, lead, step, seq, kind, key, params === undefined ? null : JSON.stringify(params)];
  });
  const { dialect } = tx;
  const values = { now: tx.clock.now(), rows: JSON.stringify(rows) };
  await tx.run(
    `${dialect.insertIgnore} INTO marketing_undos
       (tenant_id, campaign_id, enrollment_id, lead_id, step_id, seq, kind, undo_key, params, state, due_at, created_at, updated_at)
     SELECT :tenant, r.campaign, r.enrollment, r.lead, r.step, r.place, r.of_kind, r.of_key, r.of_params, 'registered', :now, :now, :now
     FROM ${dialect.rows('rows', ROW, 'r')} WHERE 1 = 1 ${dialect.ignoreTail}`,
    values,
  );
  await tx.run(
    dialect.updateFrom(
      'marketing_undos',
      dialect.rows('rows', ROW, 'r'),
      `state = 'registered', seq = r.place, attempt = 0, due_at = :now, run_id = NULL, reason = NULL, note = NULL, updated_at = :now`,
      `marketing_undos.undo_key = r.of_key AND marketing_undos.tenant_id = :tenant AND state IN ('undone', 'nothing', 'resolved')`,
    ),
    values,
  );
}

const ROW = {
  campaign: 'int',
  enrollment: 'int',
  lead: 'int',
  step: 'int',
  place: 'int',
  of_kind: 'text',
  of_key: 'text',
  of_params: 'text',
} as const;

function placeOf({ campaign, enrollment = 0 }: Pick<NewUndo, 'campaign' | 'enrollment'>): string {
  return `${campaign} ${enrollment}`;
}

/** The last place taken, by campaign and enrollment. */
async function lastPlaces(tx: Scope, undos: readonly NewUndo[]): Promise<Map<string, number>> {
  const places = new Map(undos.map((undo) => [placeOf(undo), [undo.campaign, undo.enrollment ?? 0]]));
  const rows = await tx.all<{ campaign_id: number; enrollment_id: number; last: number }>(
    `SELECT u.campaign_id, u.enrollment_id, MAX(u.seq) AS last
     FROM ${tx.dialect.rows('rows', { campaign: 'int', enrollment: 'int' }, 'r')}
     ${tx.dialect.join} marketing_undos u ON u.campaign_id = r.campaign AND u.enrollment_id = r.enrollment AND u.tenant_id = :tenant
     GROUP BY u.campaign_id, u.enrollment_id`,
    { rows: JSON.stringify([...places.values()]) },
  );
  return new Map(
    rows.map(({ campaign_id, enrollment_id, last }) => [
      placeOf({ campaign: campaign_id, enrollment: enrollment_id }),
      Number(last),
    ]),
  );
}
