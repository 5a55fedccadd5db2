import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VirtualClock } from '../../lib/clock';
import { Pacer, type Rate } from '../../lib/channels';

describe('The pacer', () => {
  it('lets everything through without a rate', () => {
    assert.deepEqual(new Pacer(new VirtualClock()).take(1_000_000), { granted: 1_000_000, waitMs: 0 });
  });

  it('allows one second’s worth at once, then the rate', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, [{ limit: 10, per: 'second' }]);
    assert.deepEqual(pacer.take(25), { granted: 10, waitMs: 100 });
    await clock.advance(99);
    assert.deepEqual(pacer.take(1), { granted: 0, waitMs: 1 });
    await clock.advance(1);
    assert.deepEqual(pacer.take(1), { granted: 1, waitMs: 0 });
    await clock.advance(500);
    assert.deepEqual(pacer.take(9), { granted: 5, waitMs: 100 });
  });

  it('never saves up more than the burst', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, [{ limit: 10, per: 'second', burst: 3 }]);
    await clock.advance(3_600_000);
    assert.equal(pacer.take(100).granted, 3);
  });

  it('spreads slow rates: 30 an hour is one every two minutes', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, [{ limit: 30, per: 'hour' }]);
    assert.deepEqual(pacer.take(2), { granted: 1, waitMs: 120_000 });
    await clock.advance(119_999);
    assert.equal(pacer.take(1).granted, 0);
    await clock.advance(1);
    assert.equal(pacer.take(1).granted, 1);
  });

  it('obeys the tightest of several rates', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, [
      { limit: 100, per: 'second' },
      { limit: 60, per: 'minute', burst: 5 },
      { limit: 1000, per: 'day', burst: 1000 },
    ]);
    assert.deepEqual(pacer.take(50), { granted: 5, waitMs: 1000 });
    await clock.advance(2000);
    assert.equal(pacer.take(50).granted, 2);
  });

  it('takes back what was not used, but not beyond the burst', () => {
    const pacer = new Pacer(new VirtualClock(), [{ limit: 10, per: 'second' }]);
    pacer.take(10);
    pacer.refund(4);
    assert.equal(pacer.take(10).granted, 4);
    pacer.refund(100);
    assert.equal(pacer.take(100).granted, 10);
  });

  it('is not moved by a jump of the wall clock', () => {
    let wall = 0;
    const clock = Object.assign(new VirtualClock(), { now: () => wall });
    const pacer = new Pacer(clock, [{ limit: 1, per: 'second' }]);
    pacer.take(1);
    wall += 3_600_000;
    assert.equal(pacer.take(1).granted, 0);
  });

  it('refuses rates that mean nothing', () => {
    for (const rate of [{ limit: 0 }, { limit: -1 }, { limit: NaN }, { limit: Infinity }, { limit: 1, burst: 0 }]) {
      assert.throws(() => new Pacer(new VirtualClock(), [{ per: 'second', ...rate }]), { code: 'E_RATE' });
    }
  });

  it('over any span lets through no more than burst + rate × span, and its wait is exact (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 500 }),
        fc.constantFrom<Rate['per']>('second', 'minute', 'hour'),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 50 })), { maxLength: 40 }),
        async (limit, per, burst, calls) => {
          const clock = new VirtualClock();
          const pacer = new Pacer(clock, [{ limit, per, burst }]);
          const perMs = limit / { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }[per];
          let total = 0;
          for (const [pause, n] of calls) {
            await clock.advance(pause);
            const { granted, waitMs } = pacer.take(n);
            total += granted;
            assert.ok(total <= burst + perMs * clock.monotonic() + 1e-3);
            if (granted < n) {
              await clock.advance(waitMs);
              assert.equal(pacer.take(1).granted, 1);
              total += 1;
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
