import { createHash } from 'node:crypto';
import type { Scope } from '../store';
import { changeAllocation } from './change';
import type { CheckedExperiment } from './check';
import { insertVariants } from './create';
import { lockExperiment } from './rows';
import type { Experiment } from './types';

/** What a split node says, hashed: whether a later deploy says something else. */
export function hashOf(checked: CheckedExperiment): string {
  const { name, metric, settings, variants, wanted } = checked;
  return createHash('sha256')
    .update(JSON.stringify([name, metric, settings, variants, [...wanted]]))
    .digest('hex');
}

/**
 * Applies what a split node says since its last deploy to an experiment that is under way: new variants are added, and the shares changed
 * with as few people as possible moving. The metric and the rules of a test stay as they were when it started. Somebody whose variant is
 * gone from the node keeps it.
 * @returns whether anything was changed
 */
export async function redeclare(
  scope: Scope,
  id: number,
  checked: CheckedExperiment,
  declared: string,
  actor: string,
): Promise<boolean> {
  return scope.transaction(async (tx) => {
    const experiment = await lockExperiment(tx, id);
    if (experiment.declared === declared || !isUnderWay(experiment)) return false;
    const fresh = checked.variants.filter(({ key }) => !experiment.variants.some((known) => known.key === key));
    const place = experiment.variants.length;
    if (fresh.length > 0)
      await insertVariants(
        tx,
        id,
        fresh.map((variant, at) => ({ ...variant, place: place + at })),
      );
    await changeAllocation(tx, experiment, checked.wanted, {
      actor,
      event: 'experiment.redeclared',
      also: {
        declared,
        name: checked.name,
        ...(experiment.state === 'running' ? {} : { metric: checked.metric, settings: checked.settings }),
      },
    });
    return true;
  });
}

function isUnderWay({ state, source }: Experiment): boolean {
  return source === 'split' && (state === 'planned' || state === 'running' || state === 'too_small');
}
