import type { Scope } from '../../store';

/** A rule that has had its moment, or that a campaign was raised to a person. */
export interface EscalationEntry {
  /** The campaign's run. */
  run: number;
  /** The rule's place in its definition, from 0; absent where no rule of a definition did it. */
  rule?: number;
  action: string;
  /**
   * `told`: the announcement was all that was asked for. `idle`: its condition did not hold, and it is not asked again. `raised`: to
   * another person.
   */
  outcome: 'done' | 'told' | 'refused' | 'idle' | 'raised';
  reason?: string;
  /** From 1; of what was raised. */
  level?: number;
  from?: string;
  to?: string;
  actor?: string;
  at: number;
}

interface Row {
  run: number;
  rule: number;
  action: string;
  outcome: EscalationEntry['outcome'];
  reason: string | null;
  level: number | null;
  from_assignee: string | null;
  to_assignee: string | null;
  actor: string | null;
  at: number;
}

/** What has happened to a campaign, the last one first: at most 100. */
export async function readEscalations(db: Scope, campaign: number): Promise<EscalationEntry[]> {
  const rows = await db.all<Row>(
    `SELECT run, rule, action, outcome, reason, level, from_assignee, to_assignee, actor, at FROM marketing_escalations
     WHERE tenant_id = :tenant AND campaign_id = :campaign ORDER BY id DESC LIMIT 100`,
    { campaign },
  );
  return rows.map(({ run, rule, action, outcome, at, ...more }) => ({
    run,
    ...(rule < 0 ? {} : { rule }),
    action,
    outcome,
    ...(more.reason === null ? {} : { reason: more.reason }),
    ...(more.level === null ? {} : { level: more.level }),
    ...(more.from_assignee === null ? {} : { from: more.from_assignee }),
    ...(more.to_assignee === null ? {} : { to: more.to_assignee }),
    ...(more.actor === null ? {} : { actor: more.actor }),
    at,
  }));
}
