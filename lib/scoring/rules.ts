import { authorise, nameOf, type Actor } from '../access';
import { ConflictError, InputError } from '../errors';
import { record } from '../history';
import { parseJson, type Scope } from '../store';
import { checkRule } from './check';
import { bodyOf, findRule, keyWhenGone, readRule, RULE_COLUMNS, ruleOf, type RuleRow } from './rule-rows';
import type { NewScoreRule, ScoreRule, ScoreRuleBody, ScoreRuleChanges, ScoreRuleVersion } from './types';

/** Who does it, and which version was seen. */
export interface ScoreRuleOptions {
  readonly actor?: Actor;
  /** The version that the decision was made on; another one is a conflict. */
  readonly version?: number;
}

/** The most rules of a tenant: each event is held against all of them. */
const MOST_RULES = 500;

/** Compiles the condition of a rule, to see whether it can be. @throws ConditionError, InputError */
type CheckCondition = (tx: Scope, body: ScoreRuleBody) => Promise<void>;

/** Makes, changes and shows the rules of one tenant. */
export class ScoreRules {
  constructor(
    private readonly scope: Scope,
    private readonly checkCondition: CheckCondition,
    /** Called after a commit that asked for a recount. */
    private readonly recount: () => void,
  ) {}

  /** @throws InputError `E_SCORE_RULE`; ConditionError; ConflictError `E_SCORE_RULE_EXISTS`, `E_SCORE_RULES`; ForbiddenError */
  async create(
    input: NewScoreRule,
    { actor, recount = false }: ScoreRuleOptions & { readonly recount?: boolean } = {},
  ): Promise<ScoreRule> {
    authorise(actor, 'segment:write');
    const { key, name = key, on = 'event', active = true, ...rest } = input;
    checkRule({ key, name, active, on, ...rest });
    const body = bodyOf({ on, ...rest });
    return this.scope.transaction(async (tx) => {
      await this.checkCondition(tx, body);
      if (await findRule(tx, key)) {
        throw new ConflictError('E_SCORE_RULE_EXISTS', `There is already a score rule "${key}". Choose another key.`);
      }
      await mustHaveRoom(tx);
      const id = await tx.insert(
        `INSERT INTO marketing_score_rules
           (tenant_id, rule_key, name, kind, body, active, version, recounting_from, created_by, created_at, updated_at)
         VALUES (:tenant, :key, :name, :kind, :body, :active, 1, :from, :by, :now, :now)`,
        {
          key,
          name,
          kind: on,
          body: JSON.stringify(body),
          active: active ? 1 : 0,
          from: recount ? 0 : null,
          by: nameOf(actor).slice(0, 128),
          now: tx.clock.now(),
        },
      );
      return this.written(tx, { id, key, event: 'score_rule.created', actor, recount });
    });
  }

  /**
   * Changes a rule. Points that it has given stay as they are, unless `recount` is asked for.
   * @throws as {@link create}; NotFoundError `E_UNKNOWN_SCORE_RULE`; ConflictError `E_CONFLICT`
   */
  async update(
    key: string,
    changes: ScoreRuleChanges,
    { actor, version, recount = false }: ScoreRuleOptions & { readonly recount?: boolean } = {},
  ): Promise<ScoreRule> {
    authorise(actor, 'segment:write');
    return this.scope.transaction(async (tx) => {
      const before = await readRule(tx, key);
      const { name = before.name, active = before.active, ...given } = changes;
      const merged = Object.fromEntries(
        Object.entries({ ...bodyOf(before), ...given }).filter(([, value]) => value !== null && value !== undefined),
      ) as unknown as ScoreRuleBody;
      checkRule({ ...merged, key, name, active });
      const body = bodyOf(merged);
      await this.checkCondition(tx, body);
      const changed = await tx.run(
        `UPDATE marketing_score_rules SET name = :name, body = :body, active = :active, version = version + 1, updated_at = :now
                ${recount ? ', recounting_from = 0' : ''}
         WHERE tenant_id = :tenant AND id = :id AND version = :version AND deleted_at IS NULL`,
        {
          id: before.id,
          version: version ?? before.version,
          name,
          body: JSON.stringify(body),
          active: active ? 1 : 0,
          now: tx.clock.now(),
        },
      );
      if (changed === 0) throw changedMeanwhile(key);
      return this.written(tx, { id: before.id, key, event: 'score_rule.updated', actor, recount, before });
    });
  }

  /**
   * Removes a rule. Points that it gave stay, and go on decaying; with `recount` they are taken back.
   * @throws NotFoundError `E_UNKNOWN_SCORE_RULE`; ConflictError `E_CONFLICT`; ForbiddenError
   */
  async remove(
    key: string,
    { actor, version, recount = false }: ScoreRuleOptions & { readonly recount?: boolean } = {},
  ): Promise<void> {
    authorise(actor, 'segment:write');
    await this.scope.transaction(async (tx) => {
      const before = await readRule(tx, key);
      const changed = await tx.run(
        `UPDATE marketing_score_rules SET rule_key = :gone, active = 0, deleted_at = :now, updated_at = :now, version = version + 1
                ${recount ? ', recounting_from = 0' : ''}
         WHERE tenant_id = :tenant AND id = :id AND version = :version AND deleted_at IS NULL`,
        {
          id: before.id,
          version: version ?? before.version,
          gone: keyWhenGone(key, before.id),
          now: tx.clock.now(),
        },
      );
      if (changed === 0) throw changedMeanwhile(key);
      await record(tx, {
        event: 'score_rule.removed',
        actor: nameOf(actor),
        before: { key, rule: bodyOf(before) },
        ...(recount ? { payload: { recount } } : {}),
      });
      if (recount) tx.afterCommit(this.recount);
    });
  }

  /**
   * Has the points that a rule gave (or all rules did) counted again by what it says now, in the background.
   * @returns how many rules
   * @throws NotFoundError `E_UNKNOWN_SCORE_RULE`; ForbiddenError
   */
  async startRecount(key: string | undefined, { actor }: ScoreRuleOptions = {}): Promise<number> {
    authorise(actor, 'segment:write');
    return this.scope.transaction(async (tx) => {
      const id = key === undefined ? undefined : (await readRule(tx, key)).id;
      const rules = await tx.run(
        `UPDATE marketing_score_rules SET recounting_from = 0 WHERE tenant_id = :tenant AND deleted_at IS NULL
            ${id === undefined ? '' : 'AND id = :id'}`,
        id === undefined ? {} : { id },
      );
      await record(tx, { event: 'score_rule.recount', actor: nameOf(actor), payload: { rule: key ?? '*' } });
      tx.afterCommit(this.recount);
      return rules;
    });
  }

  /** @throws NotFoundError `E_UNKNOWN_SCORE_RULE`; ForbiddenError */
  async get(key: string, { actor }: ScoreRuleOptions = {}): Promise<ScoreRule> {
    authorise(actor, 'segment:read');
    return readRule(this.scope, key);
  }

  /** In the order of their ids, at most 100 (default 20) after the id `after`. @throws InputError `E_PAGE`; ForbiddenError */
  async list(page: { after?: number; limit?: number } = {}, { actor }: ScoreRuleOptions = {}): Promise<ScoreRule[]> {
    authorise(actor, 'segment:read');
    const { after = 0, limit = 20 } = page;
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new InputError('E_PAGE', `${limit} is no page size: give a whole number from 1 to 100.`);
    }
    const rows = await this.scope.all<RuleRow>(
      `SELECT ${RULE_COLUMNS} FROM marketing_score_rules
       WHERE tenant_id = :tenant AND deleted_at IS NULL AND id > :after ORDER BY id LIMIT :limit`,
      { after, limit },
    );
    return rows.map(ruleOf);
  }

  /** All versions of a rule, the latest first. @throws NotFoundError `E_UNKNOWN_SCORE_RULE`; ForbiddenError */
  async versions(key: string, { actor }: ScoreRuleOptions = {}): Promise<ScoreRuleVersion[]> {
    authorise(actor, 'segment:read');
    const { id } = await readRule(this.scope, key);
    const rows = await this.scope.all<{ version: number; body: string; created_by: string; created_at: number }>(
      `SELECT version, body, created_by, created_at FROM marketing_score_rule_versions
       WHERE tenant_id = :tenant AND rule_id = :id ORDER BY version DESC`,
      { id },
    );
    return rows.map(({ version, body, created_by, created_at }) => ({
      version,
      ...parseJson<Pick<ScoreRuleVersion, 'name' | 'active' | 'rule'>>(body, {
        name: key,
        active: false,
        rule: { on: 'event', points: 0 },
      }),
      createdBy: created_by,
      createdAt: created_at,
    }));
  }

  /** Keeps the version, tells the history, and has points counted again if that was asked for. */
  private async written(
    tx: Scope,
    what: { id: number; key: string; event: string; actor: Actor | undefined; recount: boolean; before?: ScoreRule },
  ): Promise<ScoreRule> {
    const { id, key, event, actor, recount, before } = what;
    const rule = await readRule(tx, key);
    const kept = { name: rule.name, active: rule.active, rule: bodyOf(rule) };
    await tx.run(
      `INSERT INTO marketing_score_rule_versions (tenant_id, rule_id, version, body, created_by, created_at)
       VALUES (:tenant, :id, :version, :body, :by, :now)`,
      {
        id,
        version: rule.version,
        body: JSON.stringify(kept),
        by: nameOf(actor).slice(0, 128),
        now: tx.clock.now(),
      },
    );
    await record(tx, {
      event,
      actor: nameOf(actor),
      ...(before ? { before: { key, name: before.name, active: before.active, rule: bodyOf(before) } } : {}),
      after: { key, ...kept },
      ...(recount ? { payload: { recount } } : {}),
    });
    if (recount) tx.afterCommit(this.recount);
    return rule;
  }
}

async function mustHaveRoom(tx: Scope): Promise<void> {
  const row = await tx.get<{ rules: number }>(
    'SELECT COUNT(*) AS rules FROM marketing_score_rules WHERE tenant_id = :tenant AND deleted_at IS NULL',
  );
  if (Number(row?.rules ?? 0) < MOST_RULES) return;
  throw new ConflictError(
    'E_SCORE_RULES',
    `There are ${MOST_RULES} score rules already. Remove one that is not needed.`,
    {
      details: { limit: MOST_RULES },
    },
  );
}

function changedMeanwhile(key: string): ConflictError {
  return new ConflictError(
    'E_CONFLICT',
    `The score rule "${key}" was changed by somebody else. Look at it again, then decide.`,
    { retryable: true },
  );
}
