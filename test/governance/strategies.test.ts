import assert from 'node:assert/strict';
import { codeOf } from '../../lib/errors';
import {
  registerApprovalStrategy,
  strategyNamed,
  verdictOf,
  votesNeeded,
  type ApprovalTally,
  type Verdict,
} from '../../lib/governance';

type Seats = ApprovalTally['seats'];
type Vote = 'approve' | 'reject';

const MOST = 5;

/** Whether it is approved once everybody has voted. Not how the strategies count: written down a second time, from the requirement. */
const FINALLY: Readonly<Record<string, (approvals: number, all: number) => boolean>> = {
  unanimous: (approvals, all) => approvals === all,
  unison: (approvals, all) => approvals === all,
  majority: (approvals, all) => approvals > all - approvals,
  'quorum 2/3': (approvals, all) => approvals * 3 >= all * 2,
  'quorum 3/4': (approvals, all) => approvals * 4 >= all * 3,
  'quorum 1': (approvals) => approvals >= 1,
  'quorum 2': (approvals) => approvals >= 2,
};

function* permutations(places: readonly number[]): Generator<readonly number[]> {
  if (places.length <= 1) yield places;
  for (const first of places) {
    for (const rest of permutations(places.filter((place) => place !== first))) yield [first, ...rest];
  }
}

/** What is certain by now: what every way in which the others may vote leads to. */
function certain(seats: Seats, final: (approvals: number, all: number) => boolean): Verdict {
  const approvals = seats.filter(({ decision }) => decision === 'approve').length;
  const open = seats.filter(({ decision }) => decision === undefined).length;
  const outcomes = new Set(Array.from({ length: open + 1 }, (_, more) => final(approvals + more, seats.length)));
  if (outcomes.size === 2) return 'pending';
  return outcomes.has(true) ? 'approved' : 'rejected';
}

function empty(count: number): Seats {
  return Array.from({ length: count }, (_, place) => ({ kind: 'user' as const, approver: `u${place}` }));
}

function given(seats: Seats, place: number, decision: Vote): Seats {
  return seats.map((seat, at) => (at === place ? { ...seat, decision } : seat));
}

describe('a strategy of approvals', () => {
  for (const [name, final] of Object.entries(FINALLY)) {
    it(`${name}: says what is certain, after every vote of every sequence of up to ${MOST} approvers`, () => {
      const [strategy = '', quorum] = name.split(' ');
      let asked = 0;
      for (let count = 1; count <= MOST; count++) {
        if (quorum === '2' && count < 2) continue;
        for (const order of permutations([...Array(count).keys()])) {
          for (let bits = 0; bits < 2 ** count; bits++) {
            let seats = empty(count);
            let last: Verdict = 'pending';
            assert.equal(verdictOf(strategy, seats, quorum), 'pending', 'before anybody has voted');
            for (const place of order) {
              seats = given(seats, place, (bits >> place) & 1 ? 'approve' : 'reject');
              const verdict = verdictOf(strategy, seats, quorum);
              assert.equal(verdict, certain(seats, final), JSON.stringify(seats));
              if (last !== 'pending') assert.equal(verdict, last, 'what is certain stays so');
              last = verdict;
              asked++;
            }
            assert.notEqual(last, 'pending', 'once all have voted');
          }
        }
      }
      assert.ok(asked > 10_000);
    });
  }

  it('single: the first vote of anybody decides', () => {
    for (let count = 1; count <= MOST; count++) {
      for (let place = 0; place < count; place++) {
        assert.equal(verdictOf('single', empty(count)), 'pending');
        assert.equal(verdictOf('single', given(empty(count), place, 'approve')), 'approved');
        assert.equal(verdictOf('single', given(empty(count), place, 'reject')), 'rejected');
      }
    }
  });

  it('quorum: rounds shares up, and refuses what is none', () => {
    const needed = (text: string, seats: number): number | string => {
      try {
        return votesNeeded(text, seats);
      } catch (error) {
        return codeOf(error);
      }
    };
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map((seats) => needed('2/3', seats)),
      [1, 2, 2, 3, 4, 4],
    );
    assert.deepEqual(
      [1, 2, 3, 4, 5, 8].map((seats) => needed(' 3 / 4 ', seats)),
      [1, 2, 3, 3, 4, 6],
    );
    assert.deepEqual([needed('2', 3), needed('2 of 3', 3), needed('3', 3)], [2, 2, 3]);
    for (const wrong of ['0', '4', '3/2', '0/3', '2/0', '2 of 4', 'most', '', '-1', '1.5']) {
      assert.equal(needed(wrong, 3), 'E_APPROVAL_QUORUM', wrong);
    }
    assert.equal(verdictOf('quorum', given(given(empty(3), 0, 'approve'), 1, 'approve')), 'approved', '2/3 by default');
  });

  it('may be a program’s own, by name (FR-EXT-003)', () => {
    const asked: ApprovalTally[] = [];
    const forget = registerApprovalStrategy({
      name: 'legal-and-one-more',
      canProceed: (state) => {
        asked.push(state);
        const legal = state.seats.find(({ approver }) => approver === 'u0')?.decision;
        if (legal === 'reject') return 'rejected';
        return legal === 'approve' && state.approvals > 1 ? 'approved' : 'pending';
      },
    });
    assert.equal(verdictOf('legal-and-one-more', given(empty(3), 1, 'approve')), 'pending');
    assert.equal(verdictOf('legal-and-one-more', given(given(empty(3), 1, 'approve'), 0, 'approve')), 'approved');
    assert.deepEqual([asked[1]?.approvals, asked[1]?.rejections, asked[1]?.open], [2, 0, 1]);
    assert.throws(() => registerApprovalStrategy({ name: 'unison', canProceed: () => 'approved' }), {
      code: 'E_APPROVAL_STRATEGY',
    });
    assert.throws(() => registerApprovalStrategy({ name: 'No Name', canProceed: () => 'approved' }));
    forget();
    assert.throws(() => strategyNamed('legal-and-one-more'), { code: 'E_APPROVAL_STRATEGY' });
  });

  it('that answers something else is told so', () => {
    const forget = registerApprovalStrategy({ name: 'odd', canProceed: () => 'maybe' as never });
    assert.throws(() => verdictOf('odd', empty(1)), { code: 'E_APPROVAL_STRATEGY_BROKEN' });
    forget();
  });
});
