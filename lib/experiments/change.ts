import { ConflictError } from '../errors';
import { record } from '../history';
import { announce } from '../outbox';
import type { Scope } from '../store';
import { BUCKETS, reallocate, sizesOf, type Range } from './allocation';
import { METHOD } from './judge';
import type { Experiment, ExperimentDecision, ExperimentState, Looks } from './types';

/** Columns of an experiment that change after it was created. */
export interface ExperimentChange {
  readonly state?: ExperimentState;
  readonly ranges?: readonly Range[];
  readonly looks?: Looks;
  readonly winner?: string | null;
  readonly decision?: ExperimentDecision;
  readonly declared?: string;
  readonly name?: string;
  readonly metric?: Experiment['metric'];
  readonly settings?: Experiment['settings'];
  readonly ended?: boolean;
}

/** Writes a change that people decided by what they saw: the version grows. The experiment must be locked. */
export async function writeChange(tx: Scope, { id }: Experiment, change: ExperimentChange): Promise<void> {
  const now = tx.clock.now();
  const json = tx.dialect.name === 'postgres' ? '::jsonb' : '';
  const sets: [string, string | number | null, boolean][] = [];
  const set = (column: string, value: string | number | null | undefined, isJson = false): void => {
    if (value !== undefined) sets.push([column, value, isJson]);
  };
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));
  set('state', change.state);
  set('ranges', text(change.ranges), true);
  set('looks', text(change.looks), true);
  set('winner', change.winner);
  set('decision', text(change.decision), true);
  set('declared', change.declared);
  set('name', change.name);
  set('metric', change.metric);
  set('settings', text(change.settings), true);
  if (change.settings) {
    set('conversion_type', change.settings.conversion ?? null);
    set('window_ms', change.settings.windowDays * 86_400_000);
  }
  if (change.ended === true) set('ended_at', now);
  await tx.run(
    `UPDATE marketing_experiments SET version = version + 1, updated_at = :now${sets
      .map(([column, , isJson], at) => `, ${column} = (:v${at})${isJson ? json : ''}`)
      .join('')}
     WHERE tenant_id = :tenant AND id = :id`,
    { id, now, ...Object.fromEntries(sets.map(([, value], at) => [`v${at}`, value])) },
  );
}

/** Writes what a look left behind, and nothing that anybody decided: the version stays. */
export async function writeLooks(tx: Scope, { id }: Experiment, looks: Looks): Promise<void> {
  const json = tx.dialect.name === 'postgres' ? '::jsonb' : '';
  await tx.run(`UPDATE marketing_experiments SET looks = (:looks)${json} WHERE tenant_id = :tenant AND id = :id`, {
    id,
    looks: JSON.stringify(looks),
  });
}

/** Gives everybody who comes from now on to other variants: as few buckets as possible change hands. */
export async function changeAllocation(
  tx: Scope,
  experiment: Experiment,
  wanted: ReadonlyMap<string, number>,
  { actor, event, also }: { actor: string; event: string; also?: ExperimentChange },
): Promise<void> {
  const ranges = reallocate(experiment.ranges, wanted);
  await writeChange(tx, experiment, { ...also, ranges });
  await record(tx, {
    event,
    campaign: experiment.campaign,
    actor,
    before: { experiment: experiment.id, key: experiment.key, ranges: experiment.ranges },
    after: { ranges },
  });
}

/**
 * Ends an experiment: people who come from now on get the winner or, when there is none, the baseline. What was counted, the method and
 * the reason go into the history. The experiment must be locked.
 */
export async function decide(
  tx: Scope,
  experiment: Experiment,
  { winner, because, by, looks }: { winner: string | null; because: string; by: string; looks?: Looks },
): Promise<void> {
  const { id, campaign, key, variants } = experiment;
  const everybody = winner ?? baselineOf(experiment);
  const ranges = reallocate(experiment.ranges, new Map([[everybody, BUCKETS]]));
  const decision: ExperimentDecision = {
    winner,
    because,
    by,
    at: tx.clock.now(),
    method: METHOD,
    inputs: Object.fromEntries(variants.map((variant) => [variant.key, variant.counts])),
  };
  await writeChange(tx, experiment, {
    state: 'decided',
    ranges,
    winner,
    decision,
    ended: true,
    ...(looks === undefined ? {} : { looks }),
  });
  await record(tx, {
    event: 'experiment.decided',
    campaign,
    actor: by,
    before: { experiment: id, key, state: experiment.state, ranges: experiment.ranges },
    after: { state: 'decided', ranges },
    payload: { ...decision, experiment: id, key, metric: experiment.metric, settings: experiment.settings },
  });
  await announce(tx, [
    { type: 'marketing.experiment.decided', data: { experiment: id, campaign, key, winner, because, method: METHOD } },
  ]);
}

/** The variant that everybody gets where there is no test: the first one with a message. */
export function baselineOf({ variants }: Pick<Experiment, 'variants'>): string {
  const first = variants.find(({ control }) => !control) ?? variants[0];
  return first?.key ?? '';
}

/** How many buckets belong to each variant now; 0 for those without any. */
export function shareOf({ variants, ranges }: Experiment): Map<string, number> {
  const sizes = sizesOf(ranges);
  return new Map(variants.map(({ key }) => [key, sizes.get(key) ?? 0]));
}

/** @throws ConflictError `E_CONFLICT` */
export function mustBeVersion({ id, version }: Experiment, seen: number | undefined): void {
  if (seen === undefined || seen === version) return;
  throw new ConflictError(
    'E_CONFLICT',
    `The experiment ${id} was changed by somebody else. Look at it again, then decide.`,
    { retryable: true },
  );
}

/** @throws ConflictError `E_EXPERIMENT_STATE` */
export function mustBeOpen({ id, state }: Experiment): void {
  if (state !== 'decided' && state !== 'stopped') return;
  throw new ConflictError(
    'E_EXPERIMENT_STATE',
    `The experiment ${id} is ${state}: it does not change any more. Create another one for the next question.`,
    { details: { experiment: id, state } },
  );
}
