import { compileTruth } from './closure';
import { Draft } from './draft';
import { ConditionError } from './errors';
import { walk, type Expression } from './expression';
import { brief, readField } from './fields';
import { readJson } from './json-form';
import { MAX_SQL } from './limits';
import { print } from './print';
import { LEAD_COLUMNS, type Field } from './schema';
import { writePredicate } from './sql/predicate';
import { parseSource } from './syntax';
import { translate } from './translate';
import type { CompileOptions, Condition, ConditionContext, ConditionSchema, JsonCondition, SqlTarget } from './types';

const TARGETS: readonly SqlTarget[] = [
  { name: 'sqlite', mariadb: false },
  { name: 'postgres', mariadb: false },
  { name: 'mysql', mariadb: true },
  { name: 'mysql', mariadb: false },
];

/**
 * Compiles a condition, written as an expression or in the JSON form, against the declared fields.
 *
 * @throws ConditionError with what to write in place, and where
 */
export function compileCondition(
  source: string | JsonCondition,
  schema: ConditionSchema,
  options: CompileOptions = {},
): Condition {
  const draft = new Draft(schema, options);
  const expression = typeof source === 'string' ? translate(parseSource(source), draft) : readJson(source, draft);
  return new CompiledCondition(source, expression, draft);
}

class CompiledCondition implements Condition {
  readonly normalised: string;
  readonly attributes: readonly string[];
  readonly reads: readonly string[];
  readonly behaviours: Condition['behaviours'];
  readonly usesNow: boolean;
  private readonly truth: (context: ConditionContext) => boolean;
  private readonly fields: ReadonlyMap<string, Field>;
  private readonly exact = new Map<string, boolean>();

  constructor(
    readonly source: string | JsonCondition,
    private readonly expression: Expression,
    draft: Draft,
  ) {
    this.behaviours = draft.behaviours;
    this.normalised = print(expression, draft.behaviours);
    this.truth = compileTruth(expression, draft.evaluators);
    const fields = new Map<string, Field>();
    let usesNow = draft.behaviours.some(({ within }) => within !== undefined);
    walk(expression, (part) => {
      if (part.kind === 'field') fields.set([part.field.root, ...part.field.path].join('.'), part.field);
      if (part.kind === 'now') usesNow = true;
    });
    this.fields = fields;
    this.reads = [...fields.keys()];
    this.usesNow = usesNow;
    this.attributes = readAttributes(fields, draft);
  }

  get sqlExact(): boolean {
    return TARGETS.every((target) => this.sqlExactOn(target));
  }

  sqlExactOn(target: SqlTarget): boolean {
    const key = target.name === 'mysql' && target.mariadb ? 'mariadb' : target.name;
    let exact = this.exact.get(key);
    if (exact === undefined) {
      exact = this.fits(target);
      this.exact.set(key, exact);
    }
    return exact;
  }

  private fits(target: SqlTarget): boolean {
    try {
      // How long it gets varies a little with the names and the time of a run; half the limit leaves room for that.
      writePredicate(this.expression, this.behaviours, target, { alias: 'l', prefix: 'c0_', now: 1.8e12 }, MAX_SQL / 2);
      return true;
    } catch (error) {
      if (error instanceof ConditionError && error.code === 'E_NOT_SQL') return false;
      throw error;
    }
  }

  test(context: ConditionContext): boolean {
    try {
      return this.truth(context);
    } catch (error) {
      // Only a lead that is no plain data gets here: null in its place, a getter that throws.
      context.onError?.(error);
      return false;
    }
  }

  seen(context: ConditionContext): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [name, field] of this.fields) {
      const key = field.root === 'lead' ? (field.path[0] ?? name) : name;
      values[key] = brief(readField(field)(context));
    }
    return values;
  }

  toSql(target: SqlTarget, placement: Parameters<Condition['toSql']>[1]): ReturnType<Condition['toSql']> {
    return writePredicate(this.expression, this.behaviours, target, placement);
  }
}

/** The lead's fields that decide; all of them when a custom evaluator does not say which it reads. */
function readAttributes(fields: ReadonlyMap<string, Field>, draft: Draft): string[] {
  const names = new Set<string>();
  for (const { root, path } of fields.values()) if (root === 'lead') names.add(path[0] ?? '');
  for (const evaluator of draft.evaluators.values()) {
    const all = [...Object.keys(LEAD_COLUMNS), ...Object.keys(draft.schema.lead)];
    for (const name of evaluator.attributes ?? all) names.add(name);
  }
  return [...names];
}
