import type { Scope } from '../store';
import { Pace } from './pace';

/** What a pace is about. */
export interface PaceKey {
  /** 0: shared by all campaigns. */
  readonly campaign: number;
  /** Empty for a campaign's own. */
  readonly key: string;
}

interface PaceRow {
  campaign_id: number;
  pace_key: string;
  next_at: number;
  line_end: number;
}

const COLUMNS = { campaign: 'int', of_key: 'text' } as const;

/** One text for a {@link PaceKey}. */
export function nameOfPace({ campaign, key }: PaceKey): string {
  return `${campaign} ${key}`;
}

/** Reads paces and locks them until the transaction ends, in an order that is the same for everybody; makes those that are missing. */
export async function lockPaces(
  tx: Scope,
  wanted: readonly (PaceKey & { intervalMs: number })[],
): Promise<Map<string, Pace>> {
  const sorted = [...wanted].sort((a, b) => a.campaign - b.campaign || (a.key < b.key ? -1 : 1));
  const rows = JSON.stringify(sorted.map(({ campaign, key }) => [campaign, key]));
  let found = await readLocked(tx, rows);
  if (found.length < sorted.length) {
    await tx.run(
      `${tx.dialect.insertIgnore} INTO marketing_paces (tenant_id, campaign_id, pace_key, next_at, line_end)
       SELECT :tenant, r.campaign, r.of_key, 0, 0 FROM ${tx.dialect.rows('rows', COLUMNS, 'r')} WHERE 1 = 1 ${tx.dialect.ignoreTail}`,
      { rows },
    );
    found = await readLocked(tx, rows);
  }
  const states = new Map(
    found.map((row) => [
      nameOfPace({ campaign: Number(row.campaign_id), key: row.pace_key }),
      { nextAt: Number(row.next_at), lineEnd: Number(row.line_end) },
    ]),
  );
  return new Map(sorted.map((one) => [nameOfPace(one), new Pace(one.intervalMs, states.get(nameOfPace(one)))]));
}

function readLocked(tx: Scope, rows: string): Promise<PaceRow[]> {
  const { dialect } = tx;
  return tx.all<PaceRow>(
    `SELECT p.campaign_id, p.pace_key, p.next_at, p.line_end FROM ${dialect.rows('rows', COLUMNS, 'r')}
     ${dialect.join} marketing_paces p ON p.tenant_id = :tenant AND p.campaign_id = r.campaign AND p.pace_key = r.of_key
     ${dialect.name === 'postgres' ? 'ORDER BY p.campaign_id, p.pace_key FOR UPDATE OF p' : dialect.forUpdate}`,
    { rows },
  );
}

/** Writes the paces that have changed. They must be locked. */
export async function writePaces(tx: Scope, paces: readonly (PaceKey & { pace: Pace })[]): Promise<void> {
  const changed = paces.filter(({ pace }) => pace.changed);
  if (changed.length === 0) return;
  await tx.run(
    tx.dialect.updateFrom(
      'marketing_paces',
      tx.dialect.rows('rows', { ...COLUMNS, to_next: 'real', to_end: 'real' }, 'r'),
      'next_at = to_next, line_end = to_end',
      'tenant_id = :tenant AND campaign_id = campaign AND pace_key = of_key',
    ),
    {
      rows: JSON.stringify(
        changed.map(({ campaign, key, pace: { state } }) => [campaign, key, state.nextAt, state.lineEnd]),
      ),
    },
  );
}

/** Forgets the lines of a campaign's pace, or of all: those who stood in them are gone, or will ask again. What has left stays counted. */
export async function forgetLines(tx: Scope, campaign?: number): Promise<void> {
  await tx.run(
    `UPDATE marketing_paces SET line_end = 0 WHERE tenant_id = :tenant ${campaign === undefined ? '' : 'AND campaign_id = :campaign'}`,
    campaign === undefined ? {} : { campaign },
  );
}

/** Whether people of a campaign may stand in a line that campaigns share. Not once everybody is through. */
export async function waitsInSharedLine(tx: Scope, campaign: number): Promise<boolean> {
  const line = await tx.get(
    `SELECT p.pace_key FROM marketing_paces p WHERE p.tenant_id = :tenant AND p.campaign_id = 0 AND p.line_end > :now
       AND EXISTS (SELECT 1 FROM marketing_enrollments e
                   WHERE e.tenant_id = :tenant AND e.campaign_id = :campaign AND e.state = 'active') LIMIT 1`,
    { campaign, now: tx.clock.now() },
  );
  return line !== undefined;
}
