import { randomBytes } from 'node:crypto';
import { record } from '../history';
import { announce } from '../outbox';
import type { Scope } from '../store';
import { reallocate } from './allocation';
import type { CheckedExperiment } from './check';
import type { Experiment } from './types';

/** Where an experiment comes from. */
export interface Origin {
  readonly campaign: number;
  readonly source: Experiment['source'];
  /** Hash of what the node says; absent for one that was made by hand. */
  readonly declared?: string;
  readonly actor: string;
}

/** Writes an experiment and its variants, in the caller's transaction. @returns its id; undefined when the campaign has one of this key */
export async function insertExperiment(
  tx: Scope,
  checked: CheckedExperiment,
  origin: Origin,
): Promise<number | undefined> {
  const { key, name, metric, settings, variants, wanted } = checked;
  const { dialect } = tx;
  const json = dialect.name === 'postgres' ? '::jsonb' : '';
  const now = tx.clock.now();
  const ranges = reallocate([], wanted);
  const written = await tx.run(
    `${dialect.insertCounted} INTO marketing_experiments
       (tenant_id, campaign_id, experiment_key, name, source, state, metric, settings, ranges, salt, declared, looks, conversion_type,
        window_ms, created_by, created_at, updated_at)
     VALUES (:tenant, :campaign, :key, :name, :source, 'planned', :metric, (:settings)${json}, (:ranges)${json}, :salt, :declared,
             (:looks)${json}, :conversion, :window, :actor, :now, :now) ${dialect.countedTail}`,
    {
      campaign: origin.campaign,
      key,
      name,
      source: origin.source,
      metric,
      settings: JSON.stringify(settings),
      ranges: JSON.stringify(ranges),
      salt: randomBytes(8).toString('hex'),
      declared: origin.declared ?? null,
      looks: '{}',
      conversion: settings.conversion ?? null,
      window: settings.windowDays * DAY,
      actor: origin.actor.slice(0, 128),
      now,
    },
  );
  if (written === 0) return undefined;
  const row = await tx.get<{ id: number }>(
    `SELECT id FROM marketing_experiments WHERE tenant_id = :tenant AND campaign_id = :campaign AND experiment_key = :key`,
    { campaign: origin.campaign, key },
  );
  if (!row) return undefined;
  await insertVariants(
    tx,
    row.id,
    variants.map((variant, place) => ({ ...variant, place })),
  );
  await record(tx, {
    event: 'experiment.created',
    campaign: origin.campaign,
    actor: origin.actor,
    after: { experiment: row.id, key, metric, settings, ranges, variants: variants.map(essenceOf) },
  });
  return row.id;
}

const DAY = 86_400_000;

/** A variant on its way into the table. */
export interface PlacedVariant {
  readonly key: string;
  readonly name: string;
  readonly place: number;
  readonly control?: boolean;
  readonly content?: Readonly<Record<string, unknown>>;
}

/** Writes variants of an experiment. */
export async function insertVariants(tx: Scope, experiment: number, variants: readonly PlacedVariant[]): Promise<void> {
  const { dialect } = tx;
  const json = dialect.name === 'postgres' ? '::jsonb' : '';
  await tx.run(
    `INSERT INTO marketing_variants (tenant_id, experiment_id, variant_key, name, place, is_control, content)
     SELECT :tenant, :experiment, r.of_key, r.of_name, r.at_place, r.control, r.words${json}
     FROM ${dialect.rows(
       'rows',
       { of_key: 'text', of_name: 'text', at_place: 'int', control: 'int', words: 'text' },
       'r',
     )} WHERE 1 = 1`,
    {
      experiment,
      rows: JSON.stringify(
        variants.map(({ key, name, place, control, content }) => [
          key,
          name,
          place,
          control === true ? 1 : 0,
          content === undefined ? null : JSON.stringify(content),
        ]),
      ),
    },
  );
}

/**
 * Starts a planned experiment, or says why it does not start. In the caller's transaction, with the experiment locked.
 * @param audience people that the campaign enters; undefined = they come one by one, by an event
 */
export async function start(
  tx: Scope,
  experiment: Experiment,
  { run, audience, smallest }: { run: number; audience: number | undefined; smallest: number },
): Promise<void> {
  const small = audience !== undefined && audience < smallest;
  const now = tx.clock.now();
  await tx.run(
    `UPDATE marketing_experiments SET state = :state, run = :run, version = version + 1, updated_at = :now,
            started_at = CASE WHEN :small = 1 THEN started_at ELSE :now END
     WHERE tenant_id = :tenant AND id = :id`,
    { id: experiment.id, state: small ? 'too_small' : 'running', run, now, small: small ? 1 : 0 },
  );
  await record(tx, {
    event: small ? 'experiment.not_started' : 'experiment.started',
    campaign: experiment.campaign,
    actor: 'system',
    payload: {
      experiment: experiment.id,
      key: experiment.key,
      run,
      ...(audience === undefined ? {} : { audience }),
      ...(small ? { reason: `fewer than ${smallest} people: everybody gets the baseline` } : {}),
    },
  });
  if (small) return;
  const { id, campaign, key } = experiment;
  await announce(tx, [{ type: 'marketing.experiment.started', data: { experiment: id, campaign, key, run } }]);
}

function essenceOf({ key, name, share, control }: CheckedExperiment['variants'][number]): object {
  return { key, name, share, ...(control === true ? { control } : {}) };
}
