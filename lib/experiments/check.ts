import { InputError } from '../errors';
import { bucketsOf } from './allocation';
import {
  EXPERIMENT_METRICS,
  type ExperimentMetric,
  type ExperimentSettings,
  type NewExperiment,
  type VariantInput,
} from './types';

/** The fewest people an audience must have for a test to start. */
export const SMALLEST_AUDIENCE = 100;

const KEY = /^[\p{L}\p{N}_-]{1,32}$/u;
const EXPERIMENT_KEY = /^[\p{L}\p{N}_./-]{1,255}$/u;
const TYPE = /^[a-z][\w.:-]{0,95}$/i;
/** What a plan begins from where nobody says: customary rates, and amounts for revenue. */
const BASELINES: Readonly<Record<ExperimentMetric, number>> = { open: 0.2, click: 0.03, conversion: 0.03, revenue: 1 };

/** Something that is wrong with an experiment. */
export interface ExperimentProblem {
  readonly path: string;
  readonly message: string;
}

/** An experiment whose parts have been looked at, with everything that was left out. */
export interface CheckedExperiment {
  readonly key: string;
  readonly name: string;
  readonly metric: ExperimentMetric;
  readonly settings: ExperimentSettings;
  readonly variants: readonly (Omit<VariantInput, 'key'> & { readonly key: string })[];
  /** Buckets per variant. */
  readonly wanted: ReadonlyMap<string, number>;
}

/** @throws InputError `E_EXPERIMENT` with paths */
export function checkExperiment(input: NewExperiment, key: string): CheckedExperiment {
  const problems: ExperimentProblem[] = [];
  const add = (path: string, message: string): void => void problems.push({ path, message });
  const { name = key, metric = 'click', settings = {}, variants } = input;
  if (!EXPERIMENT_KEY.test(key)) add('/key', 'must be 1 to 255 letters, digits, "_", "-", "." or "/"');
  if (!isText(name, 255)) add('/name', 'must be a text of 1 to 255 characters');
  if (!EXPERIMENT_METRICS.includes(metric)) add('/metric', `must be one of ${EXPERIMENT_METRICS.join(', ')}`);
  const keyed = isList(variants) ? variants.map((one) => ({ ...one, key: one.key ?? keyOf(one.name) })) : [];
  checkVariants(keyed, add);
  const whole = { ...defaultsOf(metric), ...settings };
  checkSettings(whole, metric, add);
  const wanted = bucketsOf(keyed);
  if (!wanted) add('/variants', 'must have shares with at most two decimals that sum to 100 percent');
  if (problems.length > 0 || !wanted) throw refused(problems);
  return { key, name, metric, settings: whole, variants: keyed, wanted };
}

/** New shares of the variants that are there: each by its key; who is not named gets nothing. @throws InputError `E_EXPERIMENT` */
export function checkShares(known: readonly string[], shares: Readonly<Record<string, number>>): Map<string, number> {
  const problems = Object.keys(shares)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: `/allocation/${key}`, message: 'is no variant of this experiment' }));
  const wanted = bucketsOf(known.map((key) => ({ key, share: shares[key] ?? 0 })));
  if (!wanted)
    problems.push({ path: '/allocation', message: 'must sum to 100 percent, with at most two decimals each' });
  if (problems.length > 0 || !wanted) throw refused(problems);
  return wanted;
}

/** A variant's key made from its name. */
export function keyOf(name: unknown): string {
  const words = typeof name === 'string' ? name : '';
  return words
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32);
}

/** What an experiment does where nobody says otherwise. */
export function defaultsOf(metric: ExperimentMetric): ExperimentSettings {
  return {
    mode: 'test',
    rule: 'always_valid',
    threshold: 95,
    autoWinner: true,
    minSample: 1_000,
    baseline: BASELINES[metric] ?? 0.2,
    lift: 0.1,
    power: 0.8,
    windowDays: 7,
  };
}

type Add = (path: string, message: string) => void;

function checkVariants(variants: readonly (VariantInput & { key: string })[], add: Add): void {
  const messages = variants.filter(({ control }) => control !== true);
  if (messages.length < 2 || messages.length > 5) add('/variants', 'must be 2 to 5, besides the control');
  if (variants.length - messages.length > 1) add('/variants', 'must have at most one control');
  const seen = new Set<string>();
  for (const [at, { key, name, content }] of variants.entries()) {
    if (!KEY.test(key)) add(`/variants/${at}/key`, 'must be 1 to 32 letters, digits, "_" or "-"');
    if (seen.has(key)) add(`/variants/${at}/key`, `is there twice: "${key}"`);
    seen.add(key);
    if (!isText(name, 255)) add(`/variants/${at}/name`, 'must be a text of 1 to 255 characters');
    if (content !== undefined && (typeof content !== 'object' || content === null || Array.isArray(content))) {
      add(`/variants/${at}/content`, 'must be an object: contents by channel');
    }
  }
}

function checkSettings(settings: ExperimentSettings, metric: ExperimentMetric, add: Add): void {
  const { mode, rule, threshold, autoWinner, minSample, baseline, lift, power, maxSample, windowDays, conversion } =
    settings;
  const number = (value: unknown, path: string, from: number, to: number, whole = false): void => {
    const fine = typeof value === 'number' && value >= from && value <= to && (!whole || Number.isInteger(value));
    if (!fine) add(`/settings/${path}`, `must be a ${whole ? 'whole ' : ''}number from ${from} to ${to}`);
  };
  if (mode !== 'test' && mode !== 'bandit') add('/settings/mode', 'must be test or bandit');
  if (mode === 'bandit' && metric === 'revenue') add('/settings/mode', 'bandit works with open, click or conversion');
  if (rule !== 'always_valid' && rule !== 'planned_size') add('/settings/rule', 'must be always_valid or planned_size');
  if (![90, 95, 99].includes(threshold)) add('/settings/threshold', 'must be 90, 95 or 99');
  if (typeof autoWinner !== 'boolean') add('/settings/autoWinner', 'must be true or false');
  number(minSample, 'minSample', 100, 1e9, true);
  if (metric === 'revenue') number(baseline, 'baseline', 0.000001, 1e9);
  else number(baseline, 'baseline', 0.0001, 0.9);
  number(lift, 'lift', 0.001, 10);
  if (metric !== 'revenue' && baseline * (1 + lift) >= 1)
    add('/settings/lift', 'leads to a rate of 100 percent or more');
  number(power, 'power', 0.5, 0.99);
  if (maxSample !== undefined) number(maxSample, 'maxSample', 100, 1e9, true);
  number(windowDays, 'windowDays', 1, 30, true);
  if (conversion !== undefined && !TYPE.test(conversion))
    add('/settings/conversion', 'must be a type of engagement, such as purchase');
}

function isList(value: readonly VariantInput[]): value is readonly VariantInput[] {
  return Array.isArray(value);
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= longest && !value.includes('\0');
}

function refused(problems: readonly ExperimentProblem[]): InputError {
  const [first] = problems;
  return new InputError(
    'E_EXPERIMENT',
    `This experiment cannot be used: ${first?.path ?? ''} ${first?.message ?? ''}. Correct it and try again.`,
    { details: { problems } },
  );
}
