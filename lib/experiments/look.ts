import { record } from '../history';
import { announce } from '../outbox';
import type { Scope } from '../store';
import { fromWeights, BUCKETS } from './allocation';
import { changeAllocation, decide, shareOf, writeLooks } from './change';
import { armOf, haveAnswered, isCompared, judge, METHOD, type Judgement } from './judge';
import { chancesFor, sharesChanged } from './report';
import { lockExperiment } from './rows';
import { sampleRatio } from './statistics';
import type { Experiment, Looks } from './types';

/** Everybody who tells of a look by the clock. */
const ACTOR = 'system:experiments';
/** Buckets that a bandit leaves to each variant, so that it goes on learning: 5 %. */
const LEAST = 500;
/** A bandit does not move people for less than this: 0.5 %. */
const WORTH_MOVING = 50;

/**
 * Looks at a running experiment, names a winner where the rule allows it, and moves a bandit's shares; in one transaction, with the
 * experiment locked, so that of two processes one looks after the other.
 * @returns the experiment as it was, with its present state
 */
export async function lookAtExperiment(scope: Scope, id: number): Promise<Experiment> {
  return scope.transaction(async (tx) => {
    const experiment = await lockExperiment(tx, id);
    if (experiment.state !== 'running') return experiment;
    if (experiment.settings.mode === 'bandit') {
      await moveBandit(tx, experiment);
      return experiment;
    }
    const now = tx.clock.now();
    const judgement = judgeNow(experiment, now);
    const { verdict } = judgement;
    const looks: Looks = {
      ...experiment.looks,
      pairs: judgement.pairs,
      last: now,
      ...(judgement.full ? { fullAt: experiment.looks.fullAt ?? now } : {}),
      ...(judgement.planned ? { plannedAt: now } : {}),
    };
    switch (verdict.kind) {
      case 'undecided':
      case 'blocked':
        await writeLooks(tx, experiment, looks);
        return experiment;
      case 'winner':
      case 'no_winner': {
        const winner = verdict.kind === 'winner' ? verdict.winner : null;
        // Totals over several allocations mix times with variants: nobody is moved by what may be the times' doing.
        const mixed = sharesChanged(experiment);
        if (experiment.settings.autoWinner && !mixed) {
          await decide(tx, experiment, { winner, because: verdict.because, by: ACTOR, looks });
          return { ...experiment, state: 'decided' };
        }
        await tellFound(tx, experiment, looks, {
          winner,
          because: mixed ? `${verdict.because} ${MIXED}` : verdict.because,
        });
        return experiment;
      }
    }
  });
}

const MIXED = 'The shares were changed while it ran, which may have made the difference: a person decides.';

/** What the rule says of an experiment as it stands. */
function judgeNow({ variants, metric, settings, looks }: Experiment, now: number): Judgement {
  const arms = variants
    .filter((one) => isCompared(one, one.counts, settings))
    .map(({ key, counts }) => armOf(key, counts, metric));
  const { alarm } = sampleRatio(
    variants.map(({ counts }) => counts.exposed),
    variants.map(({ counts }) => counts.expected),
  );
  return judge(arms, { metric, settings, looks, alarm, answered: haveAnswered(looks, metric, settings, now) });
}

/** Something was found, and a person decides: told once. */
async function tellFound(
  tx: Scope,
  experiment: Experiment,
  looks: Looks,
  { winner, because }: { winner: string | null; because: string },
): Promise<void> {
  if (experiment.looks.found) {
    await writeLooks(tx, experiment, looks);
    return;
  }
  const { id, campaign, key, variants } = experiment;
  await writeLooks(tx, experiment, { ...looks, found: { winner, because, at: tx.clock.now() } });
  const inputs = Object.fromEntries(variants.map((variant) => [variant.key, variant.counts]));
  await record(tx, {
    event: 'experiment.found',
    campaign,
    actor: ACTOR,
    payload: { experiment: id, key, winner, because, method: METHOD, inputs },
  });
  await announce(tx, [
    { type: 'marketing.experiment.found', data: { experiment: id, campaign, key, winner, because, method: METHOD } },
  ]);
}

/**
 * Thompson sampling by its probabilities (W. Thompson 1933): each variant gets the share with which it is the best one, at least 5 %.
 * Who gets what is then the bucket's matter, the same in every process. The control keeps its share.
 */
async function moveBandit(tx: Scope, experiment: Experiment): Promise<void> {
  const { variants, metric } = experiment;
  const shares = shareOf(experiment);
  const messages = variants.filter(({ control }) => !control);
  const reserved = variants.reduce((sum, { key, control }) => sum + (control ? (shares.get(key) ?? 0) : 0), 0);
  const { best } = chancesFor(
    messages.map(({ key, counts }) => armOf(key, counts, metric)),
    metric,
  );
  const wanted = fromWeights(
    messages.map(({ key }, at) => ({ key, weight: best[at] ?? 0 })),
    BUCKETS - reserved,
    LEAST,
  );
  for (const { key, control } of variants) if (control) wanted.set(key, shares.get(key) ?? 0);
  const moved = [...wanted].reduce((sum, [key, size]) => sum + Math.max(0, size - (shares.get(key) ?? 0)), 0);
  if (moved < WORTH_MOVING) return;
  await changeAllocation(tx, experiment, wanted, { actor: ACTOR, event: 'experiment.shares_moved' });
}
