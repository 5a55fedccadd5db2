import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { backoff, Breaker, type BreakerEvent, type BreakerOptions } from '../../lib/channels';

function setUp(options: BreakerOptions = {}): { clock: VirtualClock; breaker: Breaker; events: BreakerEvent[] } {
  const clock = new VirtualClock();
  const breaker = new Breaker(clock, { jitter: 0, ...options });
  const events: BreakerEvent[] = [];
  breaker.on((event) => events.push(event));
  return { clock, breaker, events };
}

function fail(breaker: Breaker, reason = 'refused'): void {
  const ticket = breaker.enter();
  assert.ok(ticket !== undefined, 'not let in');
  breaker.failed(ticket, reason);
}

function succeed(breaker: Breaker): void {
  const ticket = breaker.enter();
  assert.ok(ticket !== undefined, 'not let in');
  breaker.succeeded(ticket);
}

describe('The breaker', () => {
  it('opens after three failures in a row and says why', () => {
    const { breaker, events } = setUp();
    fail(breaker);
    fail(breaker);
    assert.equal(breaker.state, 'closed');
    fail(breaker, 'connection refused');
    assert.equal(breaker.state, 'open');
    assert.equal(breaker.reason, 'connection refused');
    assert.equal(breaker.enter(), undefined);
    assert.deepEqual(events, [{ type: 'open', reason: 'connection refused', retryInMs: 1000 }]);
  });

  it('counts only failures without a success in between', () => {
    const { breaker } = setUp();
    for (let i = 0; i < 10; i++) {
      fail(breaker);
      fail(breaker);
      succeed(breaker);
    }
    assert.equal(breaker.state, 'closed');
  });

  it('lets exactly one through after the pause, and closes when that one succeeds', async () => {
    const { clock, breaker, events } = setUp({ threshold: 1 });
    fail(breaker);
    await clock.advance(999);
    assert.equal(breaker.enter(), undefined);
    await clock.advance(1);
    assert.equal(breaker.state, 'half-open');
    const trial = breaker.enter();
    assert.ok(trial !== undefined);
    assert.equal(breaker.enter(), undefined);
    breaker.succeeded(trial);
    assert.equal(breaker.state, 'closed');
    assert.equal(breaker.reason, '');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['open', 'half-open', 'close'],
    );
  });

  it('doubles the pause with every failed trial up to the longest, and starts again at the first after a success', async () => {
    const { clock, breaker, events } = setUp({ threshold: 1, maxMs: 6000 });
    fail(breaker);
    for (const pause of [1000, 2000, 4000, 6000]) {
      await clock.advance(pause);
      fail(breaker);
    }
    await clock.advance(6000);
    succeed(breaker);
    fail(breaker);
    const pauses = events.flatMap((event) => (event.type === 'open' ? [event.retryInMs] : []));
    assert.deepEqual(pauses, [1000, 2000, 4000, 6000, 6000, 1000]);
  });

  it('shortens pauses at random, so that many do not return together', () => {
    const { breaker, events } = setUp({ threshold: 1, jitter: 0.5, random: () => 0.5 });
    fail(breaker);
    assert.deepEqual(events[0], { type: 'open', reason: 'refused', retryInMs: 750 });
  });

  it('does not listen to answers of messages that left before it opened', async () => {
    const { clock, breaker, events } = setUp();
    const tickets = Array.from({ length: 6 }, () => breaker.enter() ?? assert.fail());
    for (const ticket of tickets.slice(0, 5)) breaker.failed(ticket, 'refused');
    const late = tickets[5] ?? assert.fail();
    breaker.succeeded(late);
    assert.equal(breaker.state, 'open');
    await clock.advance(1000);
    breaker.failed(late, 'late');
    assert.equal(breaker.state, 'half-open');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['open', 'half-open'],
    );
  });

  it('asks its probe before it risks a message', async () => {
    const answers = [new Error('still down'), new Error('still down'), undefined];
    const { clock, breaker, events } = setUp({
      threshold: 1,
      probe: () => {
        const error = answers.shift();
        return error ? Promise.reject(error) : Promise.resolve();
      },
    });
    fail(breaker);
    await clock.advance(1000);
    assert.equal(breaker.reason, 'still down');
    await clock.advance(2000);
    assert.equal(breaker.state, 'open');
    await clock.advance(4000);
    assert.equal(breaker.state, 'half-open');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['open', 'open', 'open', 'half-open'],
    );
  });

  it('wakes those who wait for it', async () => {
    const { clock, breaker } = setUp({ threshold: 1 });
    await breaker.whenReady();
    fail(breaker);
    let ready = 0;
    const waiting = [breaker.whenReady().then(() => ready++), breaker.whenReady().then(() => ready++)];
    await clock.advance(999);
    assert.equal(ready, 0);
    await clock.advance(1);
    await Promise.all(waiting);
    assert.equal(ready, 2);
  });

  it('lets everybody go and sets no more alarms once stopped', async () => {
    const { clock, breaker } = setUp({ threshold: 1 });
    fail(breaker);
    const waiting = breaker.whenReady();
    breaker.stop();
    await waiting;
    assert.equal(clock.nextAlarm, undefined);
    await breaker.whenReady();
  });

  it('survives a listener that throws, and forgets one that left', () => {
    const { breaker, events } = setUp({ threshold: 1 });
    let heard = 0;
    const leave = breaker.on(() => (heard += 1));
    leave();
    breaker.on(() => {
      throw new Error('listener');
    });
    fail(breaker);
    assert.equal(breaker.state, 'open');
    assert.equal(heard, 0);
    assert.equal(events.length, 1);
  });
});

describe('Backoff', () => {
  it('doubles from the base and never exceeds the maximum', () => {
    const delays = [1, 2, 3, 4, 5, 100, 5000].map((n) => backoff(n, { base: 1000, max: 10_000, jitter: 0 }));
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  it('takes off a random part: by default up to a half', () => {
    assert.equal(backoff(1, { base: 1000, max: 9000, random: () => 0 }), 1000);
    assert.equal(backoff(1, { base: 1000, max: 9000, random: () => 0.998 }), 501);
    assert.equal(backoff(2, { base: 1000, max: 9000, jitter: 1, random: () => 0.25 }), 1500);
    const delay = backoff(3, { base: 1000, max: 9000 });
    assert.ok(delay > 2000 && delay <= 4000);
  });

  it('treats attempts below 1 as the first', () => {
    assert.equal(backoff(0, { base: 10, max: 100, jitter: 0 }), 10);
  });
});
