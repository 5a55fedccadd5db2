import assert from 'node:assert/strict';
import fc from 'fast-check';
import { credits, inOrder, part } from '../../lib/conversions/share';
import { MODELS, WHOLE, type Touch } from '../../lib/conversions/types';

const touch = (id: number, at: number, kind: Touch['kind'] = 'sent'): Touch => ({
  campaign: id % 3,
  kind,
  id,
  at,
  variant: '',
  channel: 'email',
});

describe('shares of a conversion', () => {
  it('go to the first touch, the last one, or all alike', () => {
    const touches = [touch(1, 10), touch(2, 20), touch(3, 30)];
    const shares = MODELS.map((model) => credits(touches, model).map(({ touch: { id }, share }) => [id, share]));
    assert.deepEqual(shares, [
      [[1, WHOLE]],
      [[3, WHOLE]],
      [
        [1, 333_333],
        [2, 333_333],
        [3, 333_334],
      ],
    ]);
    assert.deepEqual(credits([], 'linear'), []);
  });

  it('put a message before the click on it', () => {
    const touches = [touch(1, 10, 'clicked'), touch(2, 10, 'sent'), touch(5, 9)].sort(inOrder);
    assert.deepEqual(
      touches.map(({ id }) => id),
      [5, 2, 1],
    );
  });

  it('sum to the whole, whatever it is and however many there are', () => {
    const whole = fc.oneof(fc.nat(1_000), fc.integer({ min: 0, max: 1_000_000_000_000_000 }));
    fc.assert(
      fc.property(whole, fc.integer({ min: 1, max: 2_000 }), (amount, parts) => {
        const all = Array.from({ length: parts }, (_, index) => part(amount, parts, index));
        assert.equal(
          all.reduce((sum, one) => sum + one, 0),
          amount,
        );
        assert.ok(Math.max(...all) - Math.min(...all) <= 1);
        assert.ok(all.every((one) => Number.isSafeInteger(one) && one >= 0));
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...MODELS), fc.integer({ min: 1, max: 300 }), (model, count) => {
        const all = credits(
          Array.from({ length: count }, (_, id) => touch(id, id)),
          model,
        );
        assert.equal(
          all.reduce((sum, { share }) => sum + share, 0),
          WHOLE,
        );
      }),
    );
  });
});
