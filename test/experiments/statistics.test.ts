import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  agrestiCaffo,
  alwaysValidP,
  benjaminiHochberg,
  betaChances,
  betaTails,
  bonferroni,
  chiSquareTail,
  chiSquareTest,
  clopperPearson,
  cramersV,
  erfc,
  fisherTest,
  gTest,
  holm,
  lnChiSquareTail,
  lnErfc,
  lnRatioOf,
  newcombe,
  normalQuantile,
  normalTail,
  pText,
  sampleRatio,
  sampleSize,
  sampleSizes,
  waldDifference,
  wilson,
  yatesTest,
  zTest,
  type Counts,
  type Interval,
} from '../../lib/experiments/statistics';

interface Pair {
  a: number;
  b: number;
  diff: number;
  z: number | null;
  p: number | null;
  fisher_p: number;
  newcombe95: Interval;
  newcombe99: Interval;
  wald95: Interval;
  agresti_caffo95: Interval;
  p_holm?: number;
  p_bonferroni?: number;
  p_bh?: number;
}
interface Case {
  id: string;
  name: string;
  arms: Counts[];
  expect?: string;
  rates?: number[];
  df?: number;
  min_expected?: number;
  chi2?: number | null;
  p?: number | null;
  cochran_ok?: boolean;
  g_test?: { stat: number; p: number };
  cramers_v?: number;
  yates?: { chi2: number; p: number };
  wilson95?: Interval[];
  wilson99?: Interval[];
  clopper_pearson95?: Interval[];
  pairs?: Pair[];
  bayes_beta11?: { p_best: number[]; expected_loss: number[]; p_b_gt_a_exact?: number };
}
interface Reference {
  cases: Case[];
  srm: {
    name: string;
    observed: number[];
    expected_ratio: number[];
    chi2: number;
    df: number;
    p: number;
    'alarm_at_0.001': boolean;
  }[];
  sample_size: {
    p1: number;
    p2: number;
    alpha: number;
    power: number;
    n_per_arm_pooled_null: number;
    n_per_arm_unpooled: number;
    n_per_arm_arcsine: number;
    raw: [number, number, number];
  }[];
  sequential: {
    tau2: number;
    steps: {
      x1: number;
      n1: number;
      x2: number;
      n2: number;
      lambda: number;
      always_valid_p: number;
      fixed_p: number;
    }[];
  }[];
}

const reference = JSON.parse(readFileSync(path.join(__dirname, 'ab-cases.json'), 'utf8')) as Reference;

/** Within 1e-9 of the reference's value. */
function near(actual: number | null | undefined, expected: number | null, what: string): void {
  if (expected === null) {
    assert.equal(actual, null, what);
    return;
  }
  assert.ok(typeof actual === 'number' && Number.isFinite(actual), `${what}: ${String(actual)}`);
  const off = Math.abs(actual - expected);
  assert.ok(off <= 1e-9 * Math.abs(expected), `${what}: ${actual}, not ${expected}`);
}
function nearly(actual: number | undefined, expected: number, what: string): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= 1e-6, `${what}: ${actual}, not ${expected}`);
}
function both(actual: Interval, expected: Interval | undefined, what: string): void {
  assert.ok(expected, what);
  // The reference's own rounding error: Wilson's lower bound of 0 of 500 is 0, not 5e-54.
  near(actual[0], Math.abs(expected[0]) < 1e-50 ? 0 : expected[0], `${what}, low`);
  near(actual[1], expected[1], `${what}, high`);
}

describe('statistics against the reference', () => {
  for (const one of reference.cases) {
    const { id, name, arms } = one;
    if (one.chi2 === undefined) {
      it(`${id}: ${name}: no test, no winner`, () => {
        assert.equal(chiSquareTest(arms).p, null);
        assert.equal(gTest(arms).p, null);
        const [a, b] = arms as [Counts, Counts];
        assert.deepEqual(zTest(a, b), { z: null, p: null });
        assert.deepEqual(wilson(b), [0, 1]);
        assert.deepEqual(newcombe(a, b), [-1, 1]);
        assert.equal(lnRatioOf(a, b, 1e-4), 0);
        assert.ok(betaChances(arms).best.every(Number.isFinite));
      });
      continue;
    }
    it(`${id}: ${name}: chi-square, G, V, Yates`, () => {
      const test = chiSquareTest(arms);
      assert.equal(test.df, one.df);
      near(test.minExpected, one.min_expected ?? 0, 'smallest expected count');
      near(test.statistic, one.chi2 ?? null, 'chi-square');
      near(test.p, one.p ?? null, 'p');
      if (one.cochran_ok !== undefined) assert.equal(test.cochranOk, one.cochran_ok);
      if (one.g_test) {
        near(gTest(arms).statistic, one.g_test.stat, 'G');
        near(gTest(arms).p, one.g_test.p, 'p of G');
      }
      if (one.cramers_v !== undefined) near(cramersV(arms), one.cramers_v, 'V');
      if (one.yates) {
        near(yatesTest(arms as [Counts, Counts]).statistic, one.yates.chi2, 'Yates');
        near(yatesTest(arms as [Counts, Counts]).p, one.yates.p, 'p of Yates');
      }
    });
    it(`${id}: ${name}: intervals of the rates`, () => {
      for (const [at, arm] of arms.entries()) {
        near(arm.conversions / arm.n, one.rates?.[at] ?? NaN, 'rate');
        both(wilson(arm), one.wilson95?.[at], 'Wilson 95');
        both(wilson(arm, 0.99), one.wilson99?.[at], 'Wilson 99');
        both(clopperPearson(arm), one.clopper_pearson95?.[at], 'Clopper-Pearson');
      }
    });
    it(`${id}: ${name}: every pair`, () => {
      const pairs = (one.pairs ?? []).map((pair) => {
        const { a: from, b: to } = pair;
        const [a, b] = [arms[from], arms[to]];
        assert.ok(a && b);
        return { ...pair, a, b, test: zTest(a, b) };
      });
      assert.equal(pairs.length, (arms.length * (arms.length - 1)) / 2);
      for (const pair of pairs) {
        const { a, b, test } = pair;
        near(b.conversions / b.n - a.conversions / a.n, pair.diff, 'difference');
        near(test.z, pair.z, 'z');
        near(test.p, pair.p, 'p');
        near(fisherTest(a, b), pair.fisher_p, 'Fisher');
        both(newcombe(a, b), pair.newcombe95, 'Newcombe 95');
        both(newcombe(a, b, 0.99), pair.newcombe99, 'Newcombe 99');
        both(waldDifference(a, b), pair.wald95, 'Wald');
        both(agrestiCaffo(a, b), pair.agresti_caffo95, 'Agresti-Caffo');
      }
      const ps = pairs.flatMap(({ test }) => (test.p === null ? [] : [test.p]));
      if (pairs.some(({ p_holm }) => p_holm === undefined)) return;
      for (const [at, pair] of pairs.entries()) {
        near(holm(ps)[at], pair.p_holm ?? NaN, 'Holm');
        near(bonferroni(ps)[at], pair.p_bonferroni ?? NaN, 'Bonferroni');
        near(benjaminiHochberg(ps)[at], pair.p_bh ?? NaN, 'Benjamini-Hochberg');
      }
    });
    it(`${id}: ${name}: chance to be best and expected loss`, () => {
      const { best, loss } = betaChances(arms);
      for (const at of arms.keys()) {
        nearly(best[at], one.bayes_beta11?.p_best[at] ?? NaN, 'chance');
        nearly(loss[at], one.bayes_beta11?.expected_loss[at] ?? NaN, 'loss');
      }
      const exact = one.bayes_beta11?.p_b_gt_a_exact;
      if (exact !== undefined) nearly(best[1], exact, 'chance, exact');
    });
  }

  for (const { name, observed, expected_ratio, chi2, df, p, ...rest } of reference.srm) {
    it(`sample ratio: ${name}`, () => {
      const check = sampleRatio(observed, expected_ratio);
      near(check.statistic, chi2, 'chi-square');
      assert.equal(check.df, df);
      near(check.p, p, 'p');
      assert.equal(check.alarm, rest['alarm_at_0.001']);
    });
  }

  for (const { p1, p2, alpha, power, raw, ...n } of reference.sample_size) {
    it(`sample size: ${p1} to ${p2} at ${power}`, () => {
      const aim = { from: p1, to: p2, alpha, power };
      assert.equal(sampleSize(aim), n.n_per_arm_pooled_null);
      const sizes = sampleSizes(aim);
      near(sizes.pooled, raw[0], 'pooled');
      near(sizes.unpooled, raw[1], 'unpooled');
      near(sizes.arcsine, raw[2], 'arcsine');
      assert.equal(Math.ceil(sizes.unpooled), n.n_per_arm_unpooled);
      assert.equal(Math.ceil(sizes.arcsine), n.n_per_arm_arcsine);
    });
  }

  for (const { tau2, steps } of reference.sequential) {
    it(`always-valid p at τ² = ${tau2}`, () => {
      let p = 1;
      for (const { x1, n1, x2, n2, lambda, always_valid_p, fixed_p } of steps) {
        const [a, b] = [
          { conversions: x1, n: n1 },
          { conversions: x2, n: n2 },
        ];
        near(Math.exp(lnRatioOf(a, b, tau2)), lambda, 'ratio');
        p = alwaysValidP(p, lnRatioOf(a, b, tau2));
        near(p, always_valid_p, 'always-valid p');
        near(zTest(a, b).p, fixed_p, 'fixed p');
      }
    });
  }
});

describe('statistics far out and at the edges', () => {
  it('tails are right where 1 − cdf is 0', () => {
    // From mpmath, 30 digits.
    near(chiSquareTail(72, 1), 2.151973671249891e-17, 'chi-square 72, 1');
    near(chiSquareTail(72, 3), 1.5919004802620578e-15, 'chi-square 72, 3');
    assert.ok(lnChiSquareTail(1e6, 3) < -499_000 && Number.isFinite(lnChiSquareTail(1e6, 3)));
    near(normalTail(10), 7.6198530241605e-24, 'normal 10');
    near(normalTail(-10), 1, 'normal -10');
    near(erfc(26), 5.663192408856143e-296, 'erfc 26');
    near(lnErfc(100), -10005.1775851226, 'ln erfc 100');
    near(normalQuantile(1e-20), 9.2623400897984, 'quantile 1e-20');
    near(normalQuantile(0.975), -1.959963984540054, 'quantile .975');
  });

  it('beta tails are right for millions', () => {
    near(betaTails(0.5, 1e6, 1e6)[0], 0.5, 'the middle');
    near(betaTails(0.25, 2, 3)[0], 0.26171875, 'Beta(2, 3) at 1/4');
    near(betaTails(0.75, 3, 2)[1], 0.26171875, 'and mirrored');
  });

  it('a p is never 0 and never printed as 0', () => {
    const p = zTest({ conversions: 0, n: 1e6 }, { conversions: 1e6, n: 1e6 }).p;
    assert.ok(p !== null && p > 0);
    assert.equal(pText(p), 'p < 0.0001');
    assert.equal(pText(0.03353), 'p = 0.0335');
    assert.equal(pText(0.00010001), 'p = 0.0001');
    assert.equal(pText(null), 'p: –');
    assert.equal(pText(1), 'p = 1.0000');
  });

  it('chances of arms of very different size add up to 1', () => {
    for (const arms of [
      [
        { conversions: 0, n: 0 },
        { conversions: 3, n: 10 },
        { conversions: 300_100, n: 1_000_000 },
      ],
      [
        { conversions: 0, n: 1e6 },
        { conversions: 1, n: 1e6 },
        { conversions: 1e6, n: 1e6 },
      ],
      [
        { conversions: 2e7, n: 1e8 },
        { conversions: 2.0001e7, n: 1e8 },
      ],
      [
        { conversions: 0, n: 0 },
        { conversions: 0, n: 0 },
      ],
    ]) {
      const { best, loss } = betaChances(arms);
      nearly(
        best.reduce((sum, one) => sum + one, 0),
        1,
        'sum',
      );
      assert.ok(loss.every((one) => one >= -1e-12 && one <= 1));
    }
  });
});
