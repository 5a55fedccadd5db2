import assert from 'node:assert/strict';
import { judge, type Arm, type ExperimentSettings, type Looks } from '../../lib/experiments';
import { defaultsOf } from '../../lib/experiments/check';

/** Tests that are simulated; more by an environment variable. */
const TESTS = Number(process.env['MARKETING_TEST_AB_RUNS'] ?? 2_000);
const SETTINGS: ExperimentSettings = { ...defaultsOf('click'), baseline: 0.2 };

/** xorshift128+ of 32-bit halves would be more than it takes: xorshift32, seeded (G. Marsaglia 2003), is uniform enough for counting. */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

interface Simulated {
  winners: number;
  wrong: number;
  none: number;
  people: number[];
}

/** Runs tests with the product's own decision rule, looked at after every 100 people (50 in each arm) until it ends. */
function simulate(rates: readonly number[], settings: ExperimentSettings, seed: number, tests = TESTS): Simulated {
  const random = randomOf(seed);
  const bounds = rates.map((rate) => Math.floor(rate * 2 ** 32));
  const result: Simulated = { winners: 0, wrong: 0, none: 0, people: [] };
  const best = String(rates.indexOf(Math.max(...rates)));
  for (let test = 0; test < tests; test++) {
    const sums = rates.map(() => 0);
    let looks: Looks = {};
    for (let n = 0; ;) {
      n += 100 / rates.length;
      for (let arm = 0; arm < rates.length; arm++) {
        const bound = bounds[arm] ?? 0;
        let hits = sums[arm] ?? 0;
        for (let one = 0; one < 100 / rates.length; one++) if (random() < bound) hits++;
        sums[arm] = hits;
      }
      const arms = sums.map((sum, arm): Arm => ({ key: String(arm), n, sum, squares: sum }));
      const { verdict, pairs, planned } = judge(arms, { metric: 'click', settings, looks, alarm: false });
      looks = { ...looks, pairs, ...(planned ? { plannedAt: n } : {}) };
      if (verdict.kind === 'undecided') continue;
      if (verdict.kind === 'winner') {
        result.winners++;
        result.people.push(n);
        if (verdict.winner !== best) result.wrong++;
      } else result.none++;
      break;
    }
  }
  return result;
}

describe('the rule that names winners', function () {
  this.timeout(120_000);

  it(`names a false winner in at most 5 % of ${TESTS} tests of the same thing, looked at every 100 people`, () => {
    const { winners, none } = simulate([0.2, 0.2], SETTINGS, 20_261_129);
    assert.equal(winners + none, TESTS);
    assert.ok(winners / TESTS <= 0.05, `${winners} of ${TESTS}`);
    console.log(`      false winners: ${winners}`);
  });

  it(`finds 22 % against 20 % in at least 90 % of ${TESTS} tests, and never the wrong one in more than 1 %`, () => {
    const { winners, wrong, people } = simulate([0.2, 0.22], SETTINGS, 7);
    people.sort((a, b) => a - b);
    assert.ok(winners / TESTS >= 0.9, `${winners} of ${TESTS}`);
    assert.ok(wrong / TESTS <= 0.01, `${wrong} wrong`);
    console.log(`      found ${winners}, median ${people[Math.floor(people.length / 2)]} people per variant`);
  });
  it('names one in at most 5 % with five variants, where there are ten pairs to be fooled by', () => {
    const { winners } = simulate([0.2, 0.2, 0.2, 0.2, 0.2], { ...SETTINGS, maxSample: 3_000 }, 11, TESTS / 4);
    assert.ok(winners / TESTS <= 0.05 / 4, `${winners} of ${TESTS / 4}`);
  });

  it('names one in at most 5 % at the planned size, where it looks once', () => {
    const { winners, none } = simulate([0.2, 0.2], { ...SETTINGS, rule: 'planned_size' }, 5);
    assert.equal(winners + none, TESTS);
    assert.ok(winners / TESTS <= 0.06, `${winners} of ${TESTS}`);
  });
});
