import { authorise, nameOf, type Actor } from '../../access';
import { ConflictError, InputError, NotFoundError } from '../../errors';
import { record } from '../../history';
import { storable, type Scope } from '../../store';
import { ratesOf } from '../rates';
import type { Figures } from '../types';
import { checkMetricName, registeredMetrics } from './calculators';
import { formulaOf, numbersOf } from './formula';
import {
  METRIC_KINDS,
  type MetricCalculator,
  type MetricDefinition,
  type MetricInput,
  type MetricKind,
  type MetricValue,
} from './types';

interface Row {
  metric_name: string;
  version: number;
  title: string;
  kind: MetricKind;
  formula: string;
  created_by: string;
  created_at: number;
}

interface By {
  readonly actor?: Actor;
}

const COLUMNS = 'metric_name, version, title, kind, formula, created_by, created_at';
/** Metrics of one tenant: each is computed whenever somebody looks. */
const MOST = 100;

function definitionOf(row: Row): MetricDefinition {
  return {
    name: row.metric_name,
    title: row.title,
    kind: row.kind,
    formula: row.formula,
    version: Number(row.version),
    createdBy: row.created_by,
    createdAt: Number(row.created_at),
  };
}

/** Metrics that people define, and those that programs registered: data, in force from the moment when they are saved. */
export class CustomMetrics {
  constructor(private readonly scope: Scope) {}

  /** Those in force, by name. */
  async list({ actor }: By = {}): Promise<MetricDefinition[]> {
    authorise(actor, 'analytics:read');
    return inForce(this.scope);
  }

  /** @throws NotFoundError `E_UNKNOWN_METRIC` */
  async get(name: string, { actor }: By = {}): Promise<MetricDefinition> {
    authorise(actor, 'analytics:read');
    const found = (await inForce(this.scope, [name])).at(0);
    if (!found) throw unknown(name);
    return found;
  }

  /** All versions of a metric, the newest first. @throws NotFoundError `E_UNKNOWN_METRIC` */
  async versions(name: string, { actor }: By = {}): Promise<MetricDefinition[]> {
    authorise(actor, 'analytics:read');
    const rows = await this.scope.all<Row>(
      `SELECT ${COLUMNS} FROM marketing_custom_metrics
       WHERE tenant_id = :tenant AND metric_name = :name ORDER BY version DESC LIMIT 100`,
      { name: name.slice(0, 64) },
    );
    if (rows.length === 0) throw unknown(name);
    return rows.map(definitionOf);
  }

  /**
   * Defines a metric, or changes it: a new version. What changes nothing makes none.
   * @param version what was seen; another one is a conflict
   * @param must `exist`, or be `new`; default: either
   * @throws InputError `E_METRIC_NAME`, `E_METRIC`; ConditionError with what is wrong in the formula; ConflictError `E_CONFLICT`,
   *   `E_METRIC_EXISTS`; NotFoundError `E_UNKNOWN_METRIC`
   */
  async set(
    name: string,
    input: MetricInput,
    { actor, version, must }: By & { version?: number; must?: 'exist' | 'new' } = {},
  ): Promise<MetricDefinition> {
    authorise(actor, 'settings:manage');
    if (must === 'exist') await this.get(name);
    checkMetricName(name);
    checkInput(input);
    if (registeredMetrics().some((registered) => registered.name === name))
      throw new ConflictError('E_METRIC_EXISTS', `A program registered the metric "${name}". Choose another name.`);
    return this.scope.transaction(async (tx) => {
      await oneAtATime(tx);
      const all = await inForce(tx);
      const before = all.find((one) => one.name === name);
      if (must === 'new' && before)
        throw new ConflictError(
          'E_METRIC_EXISTS',
          `There is a metric "${name}" already. Change it, or choose another name.`,
        );
      if (must === 'exist' && !before) throw unknown(name);
      if (version !== undefined && version !== (before?.version ?? 0)) {
        throw new ConflictError('E_CONFLICT', `The metric "${name}" was changed meanwhile. Look at it again.`);
      }
      if (before && before.title === input.title && before.kind === input.kind && before.formula === input.formula)
        return before;
      if (!before && all.length >= MOST) throw new InputError('E_METRIC', `At most ${MOST} metrics can be defined.`);
      const written = await write(tx, name, input, nameOf(actor));
      await record(tx, {
        event: 'settings.metric_changed',
        actor: nameOf(actor),
        ...(before ? { before: shown(before) } : {}),
        after: shown(written),
      });
      return written;
    });
  }

  /** Puts a metric out of force; its versions stay. @throws NotFoundError `E_UNKNOWN_METRIC` */
  async remove(name: string, { actor }: By = {}): Promise<void> {
    authorise(actor, 'settings:manage');
    await this.scope.transaction(async (tx) => {
      await oneAtATime(tx);
      const before = (await inForce(tx, [name])).at(0);
      if (!before) throw unknown(name);
      await retire(tx, name);
      await record(tx, { event: 'settings.metric_removed', actor: nameOf(actor), before: shown(before) });
    });
  }

  /** The values of all metrics for some figures. */
  async valuesOf(figures: Figures): Promise<MetricValue[]> {
    return valuesFrom(await inForce(this.scope), figures);
  }

  /** Values by name, of those that are defined: for conditions. Figures are read only where one of them is. */
  async named(
    names: readonly string[],
    figures: () => Promise<Figures>,
    scope: Scope = this.scope,
  ): Promise<Record<string, number>> {
    if (names.length === 0) return {};
    const defined = await inForce(scope, names);
    const registered = registeredMetrics().filter(({ name }) => names.includes(name));
    if (defined.length + registered.length === 0) return {};
    const values = valuesFrom(defined, await figures(), registered);
    return Object.fromEntries(values.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
  }
}

function valuesFrom(
  defined: readonly MetricDefinition[],
  figures: Figures,
  registered: readonly MetricCalculator[] = registeredMetrics(),
): MetricValue[] {
  const numbers = numbersOf(figures);
  const rates = ratesOf(figures);
  return [
    ...defined.map(({ name, title, kind, formula }) =>
      valueOf({ name, title, kind }, () => formulaOf(formula).value(numbers)),
    ),
    ...registered.map((one) => valueOf(one, () => one.calculate(figures, rates))),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function valueOf({ name, title, kind }: Omit<MetricValue, 'value'>, compute: () => number | undefined): MetricValue {
  let value: number | undefined;
  try {
    value = compute();
  } catch {
    // A program's mistake, or a formula of a version that knew another figure: the others are shown all the same.
  }
  if (value === undefined || !Number.isFinite(value)) return { name, title, kind };
  return { name, title, kind, value: kind === 'money' ? Math.round(value * 1e6) / 1e6 : value };
}

async function inForce(scope: Scope, names?: readonly string[]): Promise<MetricDefinition[]> {
  const chosen = names
    ? `AND metric_name IN (SELECT r.wanted FROM ${scope.dialect.rows('rows', { wanted: 'text' }, 'r')})`
    : '';
  const rows = await scope.all<Row>(
    `SELECT ${COLUMNS} FROM marketing_custom_metrics WHERE tenant_id = :tenant AND active = 1 ${chosen} ORDER BY metric_name`,
    names ? { rows: JSON.stringify(names.map((name) => [storable(name, 64)])) } : {},
  );
  return rows.map(definitionOf);
}

async function write(
  tx: Scope,
  name: string,
  { title, kind, formula }: MetricInput,
  actor: string,
): Promise<MetricDefinition> {
  const newest = await tx.get<{ version: number | null }>(
    `SELECT MAX(version) AS version FROM marketing_custom_metrics WHERE tenant_id = :tenant AND metric_name = :name`,
    { name },
  );
  const row: Row = {
    metric_name: name,
    version: Number(newest?.version ?? 0) + 1,
    title,
    kind,
    formula,
    created_by: storable(actor, 128),
    created_at: tx.clock.now(),
  };
  await retire(tx, name);
  await tx.run(
    `INSERT INTO marketing_custom_metrics (tenant_id, ${COLUMNS}, active)
     VALUES (:tenant, :metric_name, :version, :title, :kind, :formula, :created_by, :created_at, 1)`,
    { ...row },
  );
  return definitionOf(row);
}

async function retire(tx: Scope, name: string): Promise<void> {
  await tx.run(
    `UPDATE marketing_custom_metrics SET active = 0 WHERE tenant_id = :tenant AND metric_name = :name AND active = 1`,
    { name },
  );
}

/** Makes others who define metrics wait until this transaction ends. */
async function oneAtATime(tx: Scope): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, 'custom_metrics', '', :now)
     ${tx.dialect.upsertTail(['tenant_id', 'name'], ['updated_at'])}`,
    { now: tx.clock.now() },
  );
}

/** @throws InputError `E_METRIC`; ConditionError */
function checkInput({ title, kind, formula }: MetricInput): void {
  if (typeof title !== 'string' || title.trim() === '' || title.length > 255 || storable(title, 255) !== title)
    throw new InputError('E_METRIC', 'The title of a metric has 1 to 255 characters.');
  if (!METRIC_KINDS.includes(kind)) throw new InputError('E_METRIC', `A metric is one of ${METRIC_KINDS.join(', ')}.`);
  formulaOf(formula);
}

function shown({ name, title, kind, formula, version }: MetricDefinition): object {
  return { name, title, kind, formula, version };
}

function unknown(name: string): NotFoundError {
  return new NotFoundError('E_UNKNOWN_METRIC', `There is no metric "${name.slice(0, 64)}".`);
}
