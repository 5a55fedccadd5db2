import { compileCondition, compileEventCondition, type Condition, type JsonCondition } from '../conditions';
import { InputError, messageOf } from '../errors';
import type { Scope } from '../store';
import type { Decay } from './decay';
import { decayOf } from './decay';
import { RULE_COLUMNS, ruleOf, type RuleRow } from './rule-rows';
import type { ScoreRule, ScoreRuleBody } from './types';

/** A rule that is ready to be asked. */
export interface ReadyRule {
  readonly rule: ScoreRule;
  readonly condition?: Condition;
  readonly decay?: Decay;
  /** What is wrong with its condition; such a rule gives nothing. */
  readonly broken?: string;
}

/** What a rule's condition may read, as it is now. */
type SchemaOf = (tx: Scope) => Promise<Parameters<typeof compileCondition>[1]>;

/** The rules of one tenant, compiled once per version. */
export class RuleBook {
  private known = new Map<string, ReadyRule>();

  constructor(
    private readonly schema: SchemaOf,
    private readonly warn: (what: string) => void,
  ) {}

  /** The active rules, or those with these ids whatever they are. One small read when none has changed. */
  async ready(tx: Scope, ids?: readonly number[]): Promise<ReadyRule[]> {
    const rows = await tx.all<{ id: number; version: number }>(
      ids === undefined
        ? 'SELECT id, version FROM marketing_score_rules WHERE tenant_id = :tenant AND active = 1 AND deleted_at IS NULL ORDER BY id'
        : `SELECT s.id, s.version FROM ${tx.dialect.rows('ids', { wanted: 'int' }, 'r')}
           ${tx.dialect.join} marketing_score_rules s ON s.id = r.wanted AND s.tenant_id = :tenant ORDER BY s.id`,
      ids === undefined ? {} : { ids: JSON.stringify(ids.map((id) => [id])) },
    );
    const unknown = rows.filter((row) => !this.known.has(nameOf(row)));
    if (unknown.length > 0) await this.read(tx, unknown);
    return rows.flatMap((row) => this.known.get(nameOf(row)) ?? []);
  }

  /**
   * Compiles what a rule says.
   * @throws ConditionError; InputError `E_SCORE_RULE` for what a rule on leads cannot read
   */
  async compile(tx: Scope, body: ScoreRuleBody): Promise<Condition | undefined> {
    if (body.condition === undefined) return undefined;
    const source = body.condition as string | JsonCondition;
    const schema = await this.schema(tx);
    if (body.on === 'event') return compileEventCondition(source, schema);
    const condition = compileCondition(source, schema);
    mustBeAboutTheLead(condition);
    return condition;
  }

  private async read(tx: Scope, which: readonly { id: number; version: number }[]): Promise<void> {
    const rows = await tx.all<RuleRow>(
      `SELECT ${RULE_COLUMNS.replaceAll(/\w+/g, (name) => `s.${name}`)} FROM ${tx.dialect.rows('ids', { wanted: 'int' }, 'r')}
       ${tx.dialect.join} marketing_score_rules s ON s.id = r.wanted AND s.tenant_id = :tenant`,
      { ids: JSON.stringify(which.map(({ id }) => [id])) },
    );
    // Former versions are never asked for again.
    const gone = new Set(rows.map(({ id }) => id));
    this.known = new Map([...this.known].filter(([, { rule }]) => !gone.has(rule.id)));
    for (const row of rows) {
      const rule = ruleOf(row);
      const decay = decayOf(rule.decay);
      const ready = { rule, ...(decay ? { decay } : {}) };
      try {
        const condition = await this.compile(tx, rule);
        this.known.set(nameOf(row), { ...ready, ...(condition ? { condition } : {}) });
      } catch (error) {
        this.warn(`The score rule "${rule.key}" gives nothing: ${messageOf(error)}`);
        this.known.set(nameOf(row), { ...ready, broken: messageOf(error) });
      }
    }
  }
}

function nameOf({ id, version }: { id: number; version: number }): string {
  return `${id}:${version}`;
}

function mustBeAboutTheLead(condition: Condition): void {
  const why =
    condition.attributes.includes('score') || condition.behaviours.length > 0
      ? 'it reads the score or what the lead did ($did): a rule on leads is looked at when a field of the lead changes'
      : condition.attributes.length === 0
        ? 'it reads no field of the lead'
        : undefined;
  if (why === undefined) return;
  throw new InputError('E_SCORE_RULE', `The condition of this rule cannot be used: ${why}. Use a rule on events.`, {
    details: { problems: [{ path: '/condition', message: why }] },
  });
}
