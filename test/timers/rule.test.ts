import assert from 'node:assert/strict';
import { nextOccurrence, normalizeRule, type TimerRule } from '../../lib/timers';
import { completeSettings, retryDelay } from '../../lib/timers/settings';

const utc = (text: string): number => new Date(text).getTime();
const ring = (rule: TimerRule, after: string): string =>
  new Date(nextOccurrence(normalizeRule(rule), utc(after), utc(after))).toISOString();

describe('rules of recurring timers', () => {
  it('follow the wall clock of their zone through daylight saving', () => {
    const nine = { cron: '0 9 * * *', timeZone: 'Europe/Berlin' };
    assert.equal(ring(nine, '2026-03-27T12:00:00Z'), '2026-03-28T08:00:00.000Z');
    assert.equal(ring(nine, '2026-03-28T12:00:00Z'), '2026-03-29T07:00:00.000Z');
    assert.equal(ring(nine, '2026-10-24T12:00:00Z'), '2026-10-25T08:00:00.000Z');
  });

  it('ring once at an hour that happens twice, and at the shift for one that does not happen', () => {
    const rule = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' };
    const first = ring(rule, '2026-10-24T22:00:00Z');
    assert.equal(first, '2026-10-25T00:30:00.000Z');
    assert.equal(ring(rule, first), '2026-10-26T01:30:00.000Z');
    assert.equal(ring(rule, '2026-03-28T22:00:00Z').slice(0, 10), '2026-03-29');
  });

  it('ring strictly after the given time', () => {
    assert.equal(ring({ cron: '*/5 * * * *' }, '2026-01-01T00:05:00Z'), '2026-01-01T00:10:00.000Z');
    assert.equal(ring({ cron: '*/10 * * * * *' }, '2026-01-01T00:00:09.999Z'), '2026-01-01T00:00:10.000Z');
    assert.equal(nextOccurrence({ ms: 100 }, 1_000, 0), 1_100);
    assert.equal(nextOccurrence({ ms: 100 }, 1_099, 0), 1_100);
    assert.equal(nextOccurrence({ ms: 100 }, 50, 500), 100);
  });

  it('are refused when they make no sense, with the reason', () => {
    const refused: [TimerRule, RegExp][] = [
      [{ cron: '5 minutes' }, /no cron expression/],
      [{ cron: '99 * * * *' }, /cannot be used/],
      [{ cron: '* * * *' }, /no cron expression/],
      [{ cron: '* * * * *', timeZone: 'Mars/Olympus' }, /no IANA time zone/],
      [{ ms: 0 }, /no interval/],
      [{ ms: 1.5 }, /no interval/],
    ];
    for (const [rule, message] of refused) {
      assert.throws(() => normalizeRule(rule), { code: 'E_TIMER_RULE', message });
    }
  });

  it('pauses between attempts double up to a bound', () => {
    const settings = completeSettings({ retryMs: 100, retryMaxMs: 1_000 });
    assert.deepEqual(
      [1, 2, 3, 4, 5, 500].map((n) => retryDelay(n, settings)),
      [100, 200, 400, 800, 1_000, 1_000],
    );
    assert.equal(completeSettings({ pollMs: 60_000 }).pollMs, 1_000);
  });
});
