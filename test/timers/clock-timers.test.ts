import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { ClockTimers, type Timer } from '../../lib/timers';

const DAY = 86_400_000;

describe('timers on a virtual clock', () => {
  let clock: VirtualClock;
  let timers: ClockTimers;
  let rang: [string, number][];
  const record = (timer: Timer): Promise<void> => {
    rang.push([timer.key, clock.now()]);
    return Promise.resolve();
  };

  beforeEach(() => {
    clock = new VirtualClock(Date.UTC(2026, 0, 1));
    timers = new ClockTimers(clock);
    rang = [];
    timers.on('test', record);
  });

  it('drive a year in an instant, each ring at its exact time', async () => {
    const start = clock.now();
    await timers.set('test', 'far', start + 400 * DAY);
    await timers.every('test', 'monthly', { cron: '0 12 1 * *', timeZone: 'America/New_York' });
    await timers.start();
    await clock.advance(401 * DAY);
    assert.deepEqual(
      rang.filter(([key]) => key === 'far'),
      [['far', start + 400 * DAY]],
    );
    const months = rang.filter(([key]) => key === 'monthly').map(([, at]) => new Date(at).toISOString());
    assert.equal(months.length, 14);
    assert.equal(months[0], '2026-01-01T17:00:00.000Z');
    assert.equal(months[6], '2026-07-01T16:00:00.000Z');
  });

  it('do not ring before the start nor after the stop', async () => {
    await timers.set('test', 'a', clock.now() + 10);
    await clock.advance(100);
    assert.equal(rang.length, 0);
    await timers.start();
    await clock.advance(0);
    assert.deepEqual(
      rang.map(([key]) => key),
      ['a'],
    );
    await timers.set('test', 'b', clock.now() + 10);
    await timers.stop();
    await clock.advance(100);
    assert.deepEqual(
      rang.map(([key]) => key),
      ['a'],
    );
    assert.equal(timers.healthy, false);
    await assert.rejects(timers.start(), { code: 'E_TIMERS_STOPPED' });
  });

  it('ring in the order of their times, then of their setting', async () => {
    const at = clock.now() + 50;
    for (const [key, time] of [
      ['late', at + 1],
      ['one', at],
      ['two', at],
      ['early', at - 1],
    ] as const) {
      await timers.set('test', key, time);
    }
    await timers.start();
    await clock.advance(100);
    assert.deepEqual(
      rang.map(([key]) => key),
      ['early', 'one', 'two', 'late'],
    );
  });

  it('stop after the grace when a handler hangs', async () => {
    timers.on('hang', () => new Promise(() => undefined));
    await timers.start();
    await timers.set('hang', 'x', clock.now());
    await clock.advance(1);
    let stopped = false;
    const stopping = timers.stop(500).then(() => (stopped = true));
    await clock.advance(499);
    assert.equal(stopped, false);
    await clock.advance(1);
    await stopping;
    assert.equal(stopped, true);
  });

  it('take data as JSON would, so that a simulation behaves as the real thing', async () => {
    const data = { when: new Date(0), gone: undefined };
    await timers.set('test', 'k', clock.now() + 1, data);
    assert.deepEqual((await timers.list())[0]?.data, { when: '1970-01-01T00:00:00.000Z' });
  });

  it('tell listeners about failures until they leave, and outlive a listener that throws', async () => {
    const heard: string[] = [];
    const logged: string[] = [];
    timers = new ClockTimers(clock, { logger: { warn: (_details, message) => logged.push(message) } });
    timers.on('bad', () => Promise.reject(new Error('no')));
    timers.onError(() => {
      throw new Error('listener');
    });
    const leave = timers.onError((error) => heard.push((error as Error).message));
    await timers.start();
    await timers.set('bad', 'x', clock.now());
    await clock.advance(0);
    leave();
    await clock.advance(5_000);
    assert.deepEqual(heard, ['no']);
    assert.ok(logged.some((line) => /bad\/x failed/.test(line)) && logged.some((line) => /listener/.test(line)));
    assert.ok(((await timers.list())[0]?.failCount ?? 0) > 1);
  });
});
