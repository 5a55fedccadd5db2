import { NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';
import type { ScoreRule, ScoreRuleBody } from './types';

/** A row of marketing_score_rules. */
export interface RuleRow {
  id: number;
  rule_key: string;
  name: string;
  kind: string;
  body: unknown;
  active: number;
  version: number;
  recounting_from: number | null;
  deleted_at: number | null;
  created_by: string;
  created_at: number;
  updated_at: number;
}

export const RULE_COLUMNS =
  'id, rule_key, name, kind, body, active, version, recounting_from, deleted_at, created_by, created_at, updated_at';

/** The rule of a row. */
export function ruleOf(row: RuleRow): ScoreRule {
  return {
    ...parseJson<ScoreRuleBody>(row.body, { on: 'event', event: '*', points: 0 }),
    id: row.id,
    key: keyOf(row),
    name: row.name,
    active: row.active === 1,
    version: row.version,
    recounting: row.recounting_from !== null,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The key of a rule that is gone is free for another one: its row is kept under a key that nobody can choose. */
export function keyWhenGone(key: string, id: number): string {
  return `${key}~${id}`;
}

export function keyOf({ rule_key, deleted_at }: Pick<RuleRow, 'rule_key' | 'deleted_at'>): string {
  return deleted_at === null ? rule_key : rule_key.replace(/~\d+$/, '');
}

/** What of a rule is its body. */
export function bodyOf({ on, event, condition, points, cap, decay, machines }: ScoreRuleBody): ScoreRuleBody {
  return {
    on,
    ...(event === undefined ? {} : { event }),
    ...(condition === undefined ? {} : { condition }),
    points,
    ...(cap === undefined ? {} : { cap }),
    ...(decay === undefined ? {} : { decay }),
    ...(machines === undefined ? {} : { machines }),
  };
}

export async function findRule(scope: Scope, key: string): Promise<RuleRow | undefined> {
  return scope.get<RuleRow>(
    `SELECT ${RULE_COLUMNS} FROM marketing_score_rules WHERE tenant_id = :tenant AND rule_key = :key AND deleted_at IS NULL`,
    { key },
  );
}

/** @throws NotFoundError `E_UNKNOWN_SCORE_RULE` */
export async function readRule(scope: Scope, key: string): Promise<ScoreRule> {
  const row = await findRule(scope, key);
  if (!row) throw new NotFoundError('E_UNKNOWN_SCORE_RULE', `There is no score rule "${key}".`);
  return ruleOf(row);
}
