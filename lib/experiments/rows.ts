import { NotFoundError } from '../errors';
import { fromMicros } from '../metrics';
import { parseJson, type Scope } from '../store';
import { sizesOf, type Range } from './allocation';
import { defaultsOf } from './check';
import {
  EXPERIMENT_METRICS,
  type Experiment,
  type ExperimentDecision,
  type ExperimentMetric,
  type ExperimentSettings,
  type ExperimentState,
  type Looks,
  type Variant,
} from './types';

interface ExperimentRow {
  id: number;
  campaign_id: number;
  experiment_key: string;
  name: string;
  source: string;
  state: string;
  metric: string;
  settings: unknown;
  ranges: unknown;
  salt: string;
  declared: string | null;
  looks: unknown;
  winner: string | null;
  decision: unknown;
  run: number;
  version: number;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  ended_at: number | null;
}

interface VariantRow {
  id: number;
  experiment_id: number;
  variant_key: string;
  name: string;
  is_control: number;
  content: unknown;
  exposed: number;
  opened: number;
  clicked: number;
  converted: number;
  revenue_micros: number;
  revenue_squares: number;
  expected: number;
}

const COLUMNS = `e.id, e.campaign_id, e.experiment_key, e.name, e.source, e.state, e.metric, e.settings, e.ranges, e.salt, e.declared,
  e.looks, e.winner, e.decision, e.run, e.version, e.created_at, e.updated_at, e.started_at, e.ended_at`;

/** Experiments by their ids, with their variants: two statements. */
export async function readExperiments(scope: Scope, ids: readonly number[]): Promise<Experiment[]> {
  if (ids.length === 0) return [];
  const { dialect } = scope;
  const rows = await scope.all<ExperimentRow>(
    `SELECT ${COLUMNS} FROM ${dialect.rows('ids', { experiment: 'int' }, 'r')}
     ${dialect.join} marketing_experiments e ON e.id = r.experiment AND e.tenant_id = :tenant ORDER BY e.id`,
    { ids: JSON.stringify(ids.map((id) => [id])) },
  );
  return withVariants(scope, rows);
}

/** One experiment. @throws NotFoundError `E_UNKNOWN_EXPERIMENT` */
export async function readExperiment(scope: Scope, id: number): Promise<Experiment> {
  const [found] = await readExperiments(scope, [id]);
  if (found) return found;
  throw new NotFoundError('E_UNKNOWN_EXPERIMENT', `There is no experiment ${id}.`);
}

/** The same, locked until the transaction ends. @throws NotFoundError `E_UNKNOWN_EXPERIMENT` */
export async function lockExperiment(tx: Scope, id: number): Promise<Experiment> {
  await tx.get(`SELECT id FROM marketing_experiments WHERE tenant_id = :tenant AND id = :id ${tx.dialect.forUpdate}`, {
    id,
  });
  return readExperiment(tx, id);
}

/** The experiments of a campaign, or all, after an id. */
export async function listExperiments(
  scope: Scope,
  {
    campaign,
    state,
    after = 0,
    limit = 100,
  }: { campaign?: number; state?: ExperimentState; after?: number; limit?: number },
): Promise<Experiment[]> {
  const rows = await scope.all<ExperimentRow>(
    `SELECT ${COLUMNS} FROM marketing_experiments e WHERE e.tenant_id = :tenant AND e.id > :after
     ${campaign === undefined ? '' : 'AND e.campaign_id = :campaign'} ${state === undefined ? '' : 'AND e.state = :state'}
     ORDER BY e.id LIMIT :limit`,
    { after, limit, ...(campaign === undefined ? {} : { campaign }), ...(state === undefined ? {} : { state }) },
  );
  return withVariants(scope, rows);
}

async function withVariants(scope: Scope, rows: readonly ExperimentRow[]): Promise<Experiment[]> {
  if (rows.length === 0) return [];
  const { dialect } = scope;
  const variants = await scope.all<VariantRow>(
    `SELECT v.id, v.experiment_id, v.variant_key, v.name, v.is_control, v.content, v.exposed, v.opened, v.clicked, v.converted,
            v.revenue_micros, v.revenue_squares, v.expected
     FROM ${dialect.rows('ids', { experiment: 'int' }, 'r')}
     ${dialect.join} marketing_variants v ON v.experiment_id = r.experiment AND v.tenant_id = :tenant
     ORDER BY v.experiment_id, v.place, v.id`,
    { ids: JSON.stringify(rows.map(({ id }) => [id])) },
  );
  return rows.map((row) =>
    experimentOf(
      row,
      variants.filter(({ experiment_id }) => experiment_id === row.id),
    ),
  );
}

function experimentOf(row: ExperimentRow, variants: readonly VariantRow[]): Experiment {
  const ranges = parseJson<Range[]>(row.ranges, []);
  const sizes = sizesOf(ranges);
  const metric = EXPERIMENT_METRICS.find((name) => name === row.metric) ?? 'click';
  const decision = parseJson<ExperimentDecision | null>(row.decision, null);
  return {
    id: row.id,
    campaign: row.campaign_id,
    key: row.experiment_key,
    name: row.name,
    source: row.source === 'split' ? 'split' : 'campaign',
    state: row.state as ExperimentState,
    metric,
    settings: settingsOf(row.settings, metric),
    variants: variants.map((one) => variantOf(one, (sizes.get(one.variant_key) ?? 0) / 100)),
    ranges,
    salt: row.salt,
    looks: parseJson<Looks>(row.looks, {}),
    run: Number(row.run),
    version: Number(row.version),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.declared === null ? {} : { declared: row.declared }),
    ...(row.winner === null ? {} : { winner: row.winner }),
    ...(decision === null ? {} : { decision }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

function settingsOf(value: unknown, metric: ExperimentMetric): ExperimentSettings {
  return { ...defaultsOf(metric), ...parseJson<Partial<ExperimentSettings>>(value, {}) };
}

function variantOf(row: VariantRow, share: number): Variant {
  const content = parseJson<Record<string, unknown> | null>(row.content, null);
  return {
    id: row.id,
    key: row.variant_key,
    name: row.name,
    control: Number(row.is_control) === 1,
    share,
    ...(content === null ? {} : { content }),
    counts: {
      exposed: Number(row.exposed),
      opened: Number(row.opened),
      clicked: Number(row.clicked),
      converted: Number(row.converted),
      revenue: fromMicros(Number(row.revenue_micros)),
      revenueSquares: Number(row.revenue_squares),
      expected: Number(row.expected),
    },
  };
}
