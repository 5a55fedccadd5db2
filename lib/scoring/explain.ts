import { InputError, NotFoundError } from '../errors';
import type { Scope } from '../store';
import { standing } from './decay';
import { decayIn } from './fade';
import { keyOf } from './rule-rows';
import type { ScoreExplanation, ScoreReason } from './types';

interface ReasonRow {
  id: number;
  rule_id: number;
  rule_version: number;
  event_id: string;
  event: string;
  source: string | null;
  given: number;
  live: number;
  at: number;
  decay: string | null;
  decay_ms: number | null;
  due_at: number | null;
  rule_key: string | null;
  rule_name: string | null;
  deleted_at: number | null;
}

/**
 * Why a lead has its score: what gave which points when, what is left of them, and when they will be fewer.
 * @throws NotFoundError `E_UNKNOWN_LEAD`; InputError `E_PAGE`
 */
export async function explainScore(
  scope: Scope,
  lead: number,
  { before, limit = 50 }: { before?: number; limit?: number } = {},
): Promise<ScoreExplanation> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) {
    throw new InputError('E_PAGE', `${limit} is no page size: give a whole number from 1 to 500.`);
  }
  const row = await scope.get<{ score: number; live: number | null }>(
    `SELECT l.score, (SELECT SUM(p.live) FROM marketing_score_points p WHERE p.tenant_id = :tenant AND p.lead_id = l.id) AS live
     FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.id = :lead`,
    { lead },
  );
  if (!row) throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead ${lead}.`);
  const rows = await scope.all<ReasonRow>(
    `SELECT p.id, p.rule_id, p.rule_version, p.event_id, p.event, p.source, p.given, p.live, p.at, p.decay, p.decay_ms, p.due_at,
            s.rule_key, s.name AS rule_name, s.deleted_at
     FROM marketing_score_points p
     LEFT JOIN marketing_score_rules s ON s.id = p.rule_id AND s.tenant_id = :tenant
     WHERE p.tenant_id = :tenant AND p.lead_id = :lead AND p.id < :before ORDER BY p.id DESC LIMIT :limit`,
    { lead, before: before ?? Number.MAX_SAFE_INTEGER, limit: limit + 1 },
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    lead,
    score: Number(row.score),
    base: Number(row.score) - Number(row.live ?? 0),
    reasons: rows.slice(0, limit).map(reasonOf),
    ...(last ? { cursor: last.id } : {}),
  };
}

function reasonOf(row: ReasonRow): ScoreReason {
  const given = Number(row.given);
  const live = Number(row.live);
  const key = row.rule_key === null ? undefined : keyOf({ rule_key: row.rule_key, deleted_at: row.deleted_at });
  const decay = decayIn(row);
  return {
    id: row.id,
    ...(key === undefined ? {} : { rule: key, version: row.rule_version }),
    name: row.rule_name ?? row.source ?? row.event,
    event: row.event,
    eventId: row.event_id,
    at: row.at,
    points: given,
    live,
    ...(row.due_at === null
      ? {}
      : { next: { at: row.due_at, points: standing(given, row.at, decay, row.due_at).live - live } }),
  };
}
