import assert from 'node:assert/strict';
import {
  percentages,
  progressOf,
  quartersOf,
  statusOf,
  type RoiStatus,
  type StatusFacts,
} from '../../../lib/governance';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 11);
const HALF = { from: NOW - 10 * DAY, to: NOW + 10 * DAY };
const QUARTER = { from: NOW - 5 * DAY, to: NOW + 15 * DAY };

/** Amounts in micros would read worse; only their proportions matter. */
function status(facts: Partial<StatusFacts>): RoiStatus {
  return statusOf({
    budget: undefined,
    cost: 0,
    revenue: 0,
    target: undefined,
    threshold: undefined,
    breached: false,
    from: undefined,
    to: undefined,
    over: false,
    now: NOW,
    ...facts,
  });
}

const TABLE: readonly (readonly [what: string, facts: Partial<StatusFacts>, expected: RoiStatus])[] = [
  ['nothing is known', {}, 'on_track'],
  ['nothing was spent yet', { budget: 100 }, 'on_track'],
  ['everything was spent, and nobody went without', { budget: 100, cost: 100, over: true }, 'on_track'],
  ['more was spent than there is', { budget: 100, cost: 101 }, 'over_budget'],
  ['a message found no money', { budget: 100, cost: 99, breached: true }, 'over_budget'],
  ['over budget goes before a low return', { budget: 100, cost: 101, threshold: 2 }, 'over_budget'],
  ['nine tenths are spent, without dates', { budget: 100, cost: 90 }, 'at_risk'],
  ['less is spent, without dates', { budget: 100, cost: 89 }, 'on_track'],
  ['spending keeps pace with time', { budget: 100, cost: 60, ...HALF }, 'on_track'],
  ['spending is ahead of time', { budget: 100, cost: 61, ...HALF }, 'at_risk'],
  ['spending was ahead, and it is over', { budget: 100, cost: 100, ...HALF, over: true }, 'on_track'],
  ['the return is too low, early on', { budget: 100, cost: 20, revenue: 39, threshold: 2, ...QUARTER }, 'at_risk'],
  ['the return is enough, early on', { budget: 100, cost: 20, revenue: 40, threshold: 2, ...QUARTER }, 'on_track'],
  [
    'the return is too low, half through',
    { budget: 100, cost: 20, revenue: 39, threshold: 2, ...HALF },
    'underperform',
  ],
  ['the return is too low, by the budget', { budget: 100, cost: 50, revenue: 99, threshold: 2 }, 'underperform'],
  ['the return is too low, before half of the budget', { budget: 100, cost: 49, threshold: 2 }, 'at_risk'],
  ['the return is too low, with nothing to go by', { cost: 1, revenue: 1, threshold: 2 }, 'underperform'],
  ['nothing was spent: no return is too low', { threshold: 2, over: true }, 'on_track'],
  ['less than half of the revenue that is due', { target: 1_000, revenue: 249, ...HALF }, 'underperform'],
  ['less than four fifths of it', { target: 1_000, revenue: 399, ...HALF }, 'at_risk'],
  ['four fifths of it', { target: 1_000, revenue: 400, ...HALF }, 'on_track'],
  ['the target was missed by half', { target: 1_000, revenue: 499, over: true }, 'underperform'],
  ['the target was missed by a little', { target: 1_000, revenue: 799, over: true }, 'at_risk'],
  ['the target was reached', { target: 1_000, revenue: 1_000, over: true }, 'on_track'],
  ['a target without anything to measure by', { target: 1_000 }, 'on_track'],
];

describe('the status of a campaign’s money', () => {
  for (const [what, facts, expected] of TABLE) {
    it(`is ${expected} when ${what}`, () => assert.equal(status(facts), expected));
  }

  it('goes by time where it is known, else by the budget', () => {
    const facts = { budget: 100, cost: 30, revenue: 0, target: undefined, threshold: undefined, breached: false };
    const none = { from: undefined, to: undefined, over: false, now: NOW };
    assert.equal(progressOf({ ...facts, ...none, ...HALF }), 0.5);
    assert.equal(progressOf({ ...facts, ...none, from: NOW + DAY, to: NOW + 2 * DAY }), 0);
    assert.equal(progressOf({ ...facts, ...none }), 0.3);
    assert.equal(progressOf({ ...facts, ...none, over: true }), 1);
    assert.equal(progressOf({ ...facts, ...none, budget: undefined }), undefined);
    assert.equal(progressOf({ ...facts, ...none, budget: 0 }), undefined);
  });

  it('counts quarters from the moment when they are reached', () => {
    assert.deepEqual(
      [0, 24, 25, 74, 75, 100, 1_000].map((reached) => percentages(quartersOf(reached, 100))),
      [[], [], [25], [25, 50], [25, 50, 75], [25, 50, 75, 100], [25, 50, 75, 100]],
    );
    assert.equal(quartersOf(5, 0), 0);
    assert.equal(quartersOf(5, undefined), 0);
  });
});
