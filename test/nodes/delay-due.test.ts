import assert from 'node:assert/strict';
import { InputError } from '../../lib/errors';
import { ianaZone } from '../../lib/calendar';
import { durationMs, momentOf, namesZone } from '../../lib/waiting';
import { recomputeOf } from '../../nodes/delay/plan';

const DAY = 86_400_000;

describe('when a delay is over', () => {
  it('counts durations in milliseconds, 400 days and fractions too', () => {
    assert.equal(durationMs(400, 'days'), 400 * DAY);
    assert.equal(durationMs(0.5, 'hours'), 1_800_000);
    assert.equal(durationMs(2, 'weeks'), 14 * DAY);
    assert.equal(durationMs(0, 'seconds'), 0);
  });
  it('refuses durations that are no plan', () => {
    for (const amount of [-1, Number.NaN, 1e9, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => durationMs(amount, 'days'),
        (error: unknown) => error instanceof InputError && error.code === 'E_DURATION',
      );
    }
  });
  it('reads a date and time with a zone as one moment for everybody', () => {
    const moment = Date.UTC(2026, 11, 24, 17);
    for (const text of ['2026-12-24T18:00:00+01:00', '2026-12-24T17:00Z', '2026-12-24 17:00:00Z']) {
      assert.equal(momentOf(text, ianaZone('America/New_York')), moment, text);
    }
  });
  it('reads a date and time without a zone on the clock of the lead, and as UTC when that is not known', () => {
    assert.equal(momentOf('2026-12-24T18:00', ianaZone('Europe/Berlin')), Date.UTC(2026, 11, 24, 17));
    assert.equal(momentOf('2026-07-01 09:30', ianaZone('America/New_York')), Date.UTC(2026, 6, 1, 13, 30));
    assert.equal(momentOf('2026-12-24'), Date.UTC(2026, 11, 24));
    assert.equal(momentOf('2026-12-24T18:00', ianaZone('Mars/Olympus')), Date.UTC(2026, 11, 24, 18));
  });
  it('reads milliseconds and dates from messages', () => {
    assert.equal(momentOf(1_790_000_000_000), 1_790_000_000_000);
    assert.equal(momentOf('1790000000000'), 1_790_000_000_000);
    assert.equal(momentOf(new Date(5)), 5);
  });
  it('refuses what is no date, with a sentence that shows one', () => {
    for (const value of ['tomorrow', '', undefined, Number.NaN, 1e300, {}, '2026-13-01']) {
      assert.throws(
        () => momentOf(value),
        (error: unknown) => error instanceof InputError && error.code === 'E_DATE',
        JSON.stringify(value) ?? 'undefined',
      );
    }
  });
  it('keeps the due time of those who wait, unless told to compute it again and it can be computed for all at once', () => {
    assert.deepEqual(recomputeOf({ mode: 'duration', amount: '2', unit: 'days', onChange: 'keep' }), {});
    assert.deepEqual(recomputeOf({ mode: 'duration', amount: '2', unit: 'days', onChange: 'recompute' }), {
      recomputeMs: 2 * DAY,
    });
    assert.deepEqual(
      recomputeOf({ mode: 'until', until: '2026-12-24T17:00Z', untilType: 'str', onChange: 'recompute' }),
      {
        recomputeAt: Date.UTC(2026, 11, 24, 17),
      },
    );
    assert.deepEqual(
      recomputeOf({ mode: 'until', until: '2026-12-24T17:00', untilType: 'str', onChange: 'recompute' }),
      { recomputeBy: { until: { kind: 'moment', at: '2026-12-24T17:00' } } },
    );
    assert.deepEqual(recomputeOf({ mode: 'until', until: 'payload.at', untilType: 'msg', onChange: 'recompute' }), {});
    assert.deepEqual(recomputeOf({ mode: 'duration', amount: 'x', unit: 'days', onChange: 'recompute' }), {});
    assert.ok(!namesZone('2026-12-24'));
  });
});
