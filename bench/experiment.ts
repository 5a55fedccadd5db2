/**
 * Evaluating an experiment with five variants.
 *
 * **Ours**: everything that a report shows, from the variants' counters: rates with Wilson intervals, ten pairs with Newcombe intervals, p, Holm
 * and always-valid p, chi-square over all, sample ratio, plan, chance to be best and expected loss by quadrature, verdict.
 *
 * **Theirs**: the loop that is written most often: Pearson's chi-square over all variants and for each pair, with p = 1 − cdf by the series of
 * the incomplete gamma function. No interval, no correction, nothing that holds when one looks early; and its p is 0 far out.
 *
 * `ratio` is our time divided by theirs, per evaluation: what all the rest costs (lower is better). The aim is less than 1 ms.
 */
import type { Experiment, Variant } from '../lib/experiments';
import type { Bench } from './lib/bench';
import { product } from './lib/product';
import { alternate } from './lib/rounds';
import { median, significant } from './lib/statistics';

const { defaultsOf, reallocate, reportOn } = product<typeof import('../lib/experiments')>('lib/experiments/index');

export const bench: Bench = {
  name: 'experiment',
  summary: 'evaluating five variants, against a loop of chi-square tests',
  options: {
    evaluations: { default: 2_000, says: 'evaluations per round' },
    people: { default: 100_000, says: 'people per variant' },
    rounds: { default: 5, says: 'rounds, medians are reported' },
  },
  async run(context) {
    const evaluations = context.number('evaluations');
    const people = context.number('people');
    let sink = 0;
    const ours = (): number[] =>
      times(evaluations, (nr) => {
        sink += reportOn(experimentOf(people, nr), 86_400_000).pairs.length;
      });
    const theirs = (): number[] => times(evaluations, (nr) => void (sink += byHand(countsOf(people, nr))));
    ours();
    theirs();
    const found = await alternate({
      rounds: context.number('rounds'),
      ours: () => Promise.resolve(ours()),
      theirs: () => Promise.resolve(theirs()),
    });
    const all = found.ours.flat().sort((a, b) => a - b);
    const oursMs = median(found.ours.map(median));
    const theirsMs = median(found.theirs.map(median));
    return {
      ratio: significant(oursMs / theirsMs),
      ratioIs: 'our time for a whole report / time of eleven chi-square tests (lower is better)',
      evaluateMs: significant(oursMs),
      evaluateP99Ms: significant(all[Math.floor(all.length * 0.99)] ?? NaN),
      byHandMs: significant(theirsMs),
      aimMs: 1,
      evaluations,
      people,
      checked: sink > 0,
    };
  },
};

function times(count: number, work: (nr: number) => void): number[] {
  return Array.from({ length: count }, (_, nr) => {
    const begin = performance.now();
    work(nr);
    return performance.now() - begin;
  });
}

/** Clicks of five variants, a little different each time. */
function countsOf(people: number, nr: number): { clicked: number; exposed: number }[] {
  return [0.1, 0.102, 0.098, 0.101, 0.12].map((rate, at) => ({
    clicked: Math.round(people * rate) + ((nr * (at + 3)) % 50),
    exposed: people + ((nr * (at + 7)) % 100),
  }));
}

function experimentOf(people: number, nr: number): Experiment {
  const variants = countsOf(people, nr).map(({ clicked, exposed }, at): Variant => {
    const key = 'ABCDE'[at] ?? '';
    const counts = { exposed, opened: clicked, clicked, converted: 0, revenue: 0, revenueSquares: 0, expected: people };
    return { id: at + 1, key, name: key, control: false, share: 20, counts };
  });
  return {
    id: 1,
    campaign: 1,
    key: 'bench',
    name: 'Bench',
    source: 'split',
    state: 'running',
    metric: 'click',
    settings: { ...defaultsOf('click'), baseline: 0.1 },
    variants,
    ranges: reallocate([], new Map(variants.map(({ key }) => [key, 2_000]))),
    salt: 'salt',
    looks: {},
    run: 1,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    startedAt: 0,
  };
}

/** All variants, then each pair. @returns how many are "significant" */
function byHand(arms: readonly { clicked: number; exposed: number }[]): number {
  let found = chiSquareP(arms) < 0.05 ? 1 : 0;
  for (const [at, a] of arms.entries()) {
    for (const b of arms.slice(at + 1)) if (chiSquareP([a, b]) < 0.05) found++;
  }
  return found;
}

function chiSquareP(arms: readonly { clicked: number; exposed: number }[]): number {
  const hits = arms.reduce((sum, { clicked }) => sum + clicked, 0);
  const total = arms.reduce((sum, { exposed }) => sum + exposed, 0);
  let statistic = 0;
  for (const { clicked, exposed } of arms) {
    const expected = (exposed * hits) / total;
    statistic += (clicked - expected) ** 2 / expected + (clicked - expected) ** 2 / (exposed - expected);
  }
  const [a, x] = [(arms.length - 1) / 2, statistic / 2];
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < 1_000 && term > sum * 1e-15; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return 1 - sum * Math.exp(-x + a * Math.log(x) - lnGammaHalf(a));
}

/** ln Γ of a multiple of ½. */
function lnGammaHalf(a: number): number {
  let value = Number.isInteger(a) ? 0 : 0.5 * Math.log(Math.PI);
  for (let k = Number.isInteger(a) ? 1 : 0.5; k < a; k++) value += Math.log(k);
  return value;
}
