import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Timers, TimerSettings } from '../../lib/timers';
import { inEveryPlace, systemClock } from './places';
import { eventually, gate, Rings } from './rings';

const now = (): number => systemClock.now();

describe('timers, wherever they live', function () {
  this.timeout(15_000);

  inEveryPlace(({ place, opened }) => {
    let timers: Timers;
    let rings: Rings;
    let tenant: string;
    const others: Timers[] = [];

    const open = async (settings?: Partial<TimerSettings>): Promise<Timers> => {
      const more = await opened().timers(tenant, settings);
      others.push(more);
      return more;
    };

    beforeEach(async () => {
      tenant = `t${randomBytes(4).toString('hex')}`;
      rings = new Rings();
      timers = await open();
      timers.on('test', rings.record);
    });
    afterEach(async () => {
      await Promise.all(others.splice(0).map((one) => one.stop(0)));
      if (!place.kept) return;
      const cleaner = await opened().timers(tenant);
      for (const timer of await cleaner.list()) await cleaner.cancel(timer.kind, timer.key);
      await cleaner.stop(0);
    });

    it('rings at its time with its data, never early, and is gone afterwards', async () => {
      await timers.start();
      const at = now() + 30;
      await timers.set('test', 'soon', at, { campaign: 7, names: ['Ada', 'Æsc'] });
      const [ring] = await rings.until(1);
      assert.deepEqual(
        { ...ring, late: 0 },
        { kind: 'test', key: 'soon', at, data: { campaign: 7, names: ['Ada', 'Æsc'] }, late: 0 },
      );
      assert.ok((ring?.late ?? -1) >= 0, 'rang early');
      assert.ok((ring?.late ?? 9_999) < 400, `rang ${ring?.late} ms late`);
      await eventually(async () => ((await timers.list()).length === 0 ? true : undefined), 'the finished timer to go');
    });

    it('rings at once when the time is past, and what was set before the start', async () => {
      await timers.set('test', 'past', now() - 60_000);
      await timers.start();
      const [ring] = await rings.until(1);
      assert.equal(ring?.data, undefined);
    });

    it('keeps one timer per kind and key: the last call decides', async () => {
      await timers.set('test', 'moved', now() + 60_000, 1);
      await timers.set('test', 'moved', now() + 90_000, 2);
      const at = now() + 40;
      await timers.set('test', 'moved', at, 3);
      assert.deepEqual(
        (await timers.list('test')).map(({ key, at, data }) => ({ key, at, data })),
        [{ key: 'moved', at, data: 3 }],
      );
      await timers.start();
      const [ring] = await rings.until(1);
      assert.equal(ring?.data, 3);
    });

    it('lets a call move a timer that is about to ring', async () => {
      await timers.start();
      await timers.set('test', 'near', now() + 150, 'first');
      await timers.set('test', 'other', now() + 200);
      // Fetched by now, since it is due within one poll: moved all the same.
      await timers.set('test', 'near', now() + 300, 'second');
      await rings.until(1, 'other');
      const [ring] = await rings.until(1, 'near');
      assert.equal(ring?.data, 'second');
      assert.equal(rings.of('near').length, 1);
    });

    it('wake keeps the earlier of two times', async () => {
      const early = now() + 5_000;
      await timers.wake('test', 'w', early, 'a');
      await timers.wake('test', 'w', early + 50_000, 'b');
      assert.deepEqual(
        (await timers.list()).map(({ at }) => at),
        [early],
      );
      await timers.wake('test', 'w', early - 1_000, 'c');
      assert.deepEqual(
        (await timers.list()).map(({ at }) => at),
        [early - 1_000],
      );
    });

    it('a thousand wake-ups at once collapse into one ring', async () => {
      await timers.start();
      const at = now() + 100;
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => timers.wake('test', 'w', at + (index % 7))));
      assert.deepEqual(
        (await timers.list()).map((timer) => timer.at),
        [at],
      );
      await timers.set('test', 'end', at + 60);
      await rings.until(1, 'end');
      assert.equal(rings.of('w').length, 1);
    });

    it('a wake-up while the handler runs leads to another ring, even when the timer sets itself anew', async () => {
      const began = gate();
      const go = gate();
      timers.on('work', async (timer) => {
        await rings.record(timer);
        if (rings.all.length === 1) {
          began.open();
          await go.opened;
          // Kept, not written: the one below is earlier and has not begun.
          await timers.wake('work', 'station', now() + 60_000);
        }
      });
      await timers.start();
      await timers.wake('work', 'station', now());
      await began.opened;
      await timers.wake('work', 'station', now() + 200);
      go.open();
      await rings.until(2);
      await eventually(async () => ((await timers.list()).length === 0 ? true : undefined), 'both rings to end');
      assert.equal(rings.all.length, 2);
    });

    it('a handler can set its own timer for later and finish', async () => {
      const later = now() + 3_600_000;
      timers.on('self', async (timer) => {
        await timers.set('self', timer.key, later, 'again');
        await rings.record(timer);
      });
      await timers.start();
      await timers.set('self', 'x', now(), 'first');
      await rings.until(1);
      const state = await eventually(async () => {
        const [one, ...more] = await timers.list();
        return one && !one.ringing && more.length === 0 ? one : undefined;
      }, 'the ring to end');
      assert.deepEqual([state.at, state.data], [later, 'again']);
    });

    it('calls within one millisecond count in their order', async () => {
      for (let round = 0; round < 10; round++) {
        await timers.set('test', 'order', now() + 60_000, 'first');
        await timers.set('test', 'order', now() + 60_000, 'second');
        assert.equal((await timers.list())[0]?.data, 'second');
        await timers.every('test', 'often', { ms: 3_600_000 });
        const at = now() + 60_000;
        await timers.wake('test', 'often', at);
        assert.equal((await timers.list()).find(({ key }) => key === 'often')?.at, at);
        await timers.cancel('test', 'often');
      }
    });

    it('a cancelled timer does not ring', async () => {
      await timers.start();
      await timers.set('test', 'no', now() + 60);
      await timers.set('test', 'yes', now() + 110);
      await timers.cancel('test', 'no');
      await timers.cancel('test', 'never-there');
      await rings.until(1, 'yes');
      assert.deepEqual(rings.of('no'), []);
    });

    it('a failing handler is called again with growing pauses and shows why', async () => {
      const errors: unknown[] = [];
      const starts: number[] = [];
      timers.onError((error, timer) => errors.push([error instanceof Error ? error.message : error, timer?.key]));
      timers.on('flaky', async (timer) => {
        starts.push(now());
        if (starts.length < 4) throw new Error(`no luck ${starts.length}`);
        await rings.record(timer);
      });
      await timers.start();
      const at = now();
      await timers.set('flaky', 'f', at, { n: 1 });
      const failed = await eventually(
        async () => (await timers.list()).find((timer) => timer.failCount > 0),
        'a failure to show',
      );
      assert.match(failed.failReason ?? '', /^no luck \d$/);
      const [ring] = await rings.until(1);
      assert.equal(starts.length, 4);
      assert.deepEqual([ring?.at, ring?.data], [at, { n: 1 }]);
      assert.deepEqual(errors, [
        ['no luck 1', 'f'],
        ['no luck 2', 'f'],
        ['no luck 3', 'f'],
      ]);
      const pauses = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
      pauses.forEach((pause, index) => assert.ok(pause >= 20 * 2 ** index - 2, `pause ${index} was ${pause} ms`));
      await eventually(async () => ((await timers.list()).length === 0 ? true : undefined), 'the timer to go');
    });

    it('a timer of an unknown kind is kept and tried again', async () => {
      await timers.start();
      await timers.set('stranger', 's', now());
      const state = await eventually(
        async () => (await timers.list('stranger')).find(({ failCount }) => failCount > 0),
        'it to fail',
      );
      assert.match(state.failReason ?? '', /Nobody here knows/);
    });

    it('a recurring timer rings on and on, without drift, until it is cancelled', async () => {
      await timers.every('test', 'beat', { ms: 60 }, 'tick');
      const first = (await timers.list())[0]?.at ?? 0;
      await timers.start();
      const beats = await rings.until(3, 'beat');
      for (const beat of beats) {
        assert.equal((beat.at - first) % 60, 0);
        assert.ok(beat.late >= 0 && beat.data === 'tick');
      }
      await timers.cancel('test', 'beat');
      await eventually(async () => ((await timers.list()).length === 0 ? true : undefined), 'it to be cancelled');
    });

    it('setting the same recurrence again changes nothing but the data; another rule replaces it', async () => {
      await timers.every('test', 'r', { cron: '0 9 * * *', timeZone: 'Europe/Berlin' }, 1);
      const [before] = await timers.list();
      await timers.every('test', 'r', { cron: '0  9 * * *', timeZone: 'Europe/Berlin' }, 2);
      const [after, ...none] = await timers.list();
      assert.deepEqual({ ...after }, { ...before, data: 2 });
      assert.deepEqual(none, []);
      await timers.every('test', 'r', { ms: 3_600_000 }, 3);
      assert.deepEqual(
        (await timers.list()).map(({ rule }) => rule),
        [{ ms: 3_600_000 }],
      );
      await timers.wake('test', 'r', now() + 600_000);
      assert.deepEqual(
        (await timers.list()).map(({ rule }) => rule),
        [{ ms: 3_600_000 }],
        'a wake-up ended the recurrence',
      );
      await timers.set('test', 'r', now() + 60_000);
      assert.deepEqual(
        (await timers.list()).map(({ rule }) => rule),
        [undefined],
      );
    });

    it('a recurring timer that fails is tried again and goes on', async () => {
      let calls = 0;
      timers.on('flaky', async (timer) => {
        if (++calls === 1) throw new Error('once');
        await rings.record(timer);
      });
      await timers.every('flaky', 'r', { ms: 80 });
      await timers.start();
      await rings.until(2);
      const [state] = await timers.list();
      assert.deepEqual([state?.failCount, state?.rule], [0, { ms: 80 }]);
    });

    it('keys and kinds do not get mixed up', async () => {
      timers.on('other', rings.record);
      await timers.set('test', 'k', now() + 20, 1);
      await timers.set('other', 'k', now() + 30, 2);
      await timers.set('test', 'K', now() + 40, 3);
      await timers.set('test', 'k ', now() + 50, 4);
      await timers.start();
      const heard = await rings.until(4);
      assert.deepEqual(
        heard.map(({ kind, key, data }) => [kind, key, data]).sort((a, b) => Number(a[2]) - Number(b[2])),
        [
          ['test', 'k', 1],
          ['other', 'k', 2],
          ['test', 'K', 3],
          ['test', 'k ', 4],
        ],
      );
    });

    it('refuses what it cannot do, with a code', async () => {
      await assert.rejects(timers.set('', 'k', now()), { code: 'E_TIMER_NAME' });
      await assert.rejects(timers.set('k', 'x'.repeat(192), now()), { code: 'E_TIMER_NAME' });
      await assert.rejects(timers.set('k', 'x', Number.NaN), { code: 'E_TIMER_TIME' });
      await assert.rejects(
        timers.set('k', 'x', now(), () => 1),
        { code: 'E_TIMER_DATA' },
      );
      await assert.rejects(timers.every('k', 'x', { cron: '5 minutes' }), { code: 'E_TIMER_RULE' });
      await timers.start();
      assert.throws(() => timers.on('late', rings.record), { code: 'E_TIMERS_STARTED' });
    });

    it('stop waits for running handlers, takes no new ones, and loses nothing', async () => {
      const began = gate();
      const go = gate();
      let ended = false;
      timers.on('slow', async () => {
        began.open();
        await go.opened;
        ended = true;
      });
      await timers.start();
      assert.equal(timers.healthy, true);
      await timers.set('slow', 's', now());
      await began.opened;
      await timers.set('test', 'next', now() + 80);
      const stopped = timers.stop(5_000);
      await systemClock.sleep(120);
      assert.equal(ended, false);
      go.open();
      await stopped;
      assert.equal(ended, true);
      assert.equal(timers.healthy, false);
      assert.deepEqual(rings.all, []);
      await assert.rejects(timers.set('test', 'x', now()), { code: 'E_TIMERS_STOPPED' });
      if (!place.kept) return;
      const next = await open();
      next.on('test', rings.record);
      assert.deepEqual(
        (await next.list()).map(({ kind, key, ringing }) => [kind, key, ringing]),
        [['test', 'next', false]],
      );
      await next.start();
      await rings.until(1, 'next');
    });

    it('stop does not wait longer than its grace', async () => {
      const began = gate();
      timers.on('hangs', async () => {
        began.open();
        await new Promise(() => undefined);
      });
      await timers.start();
      await timers.set('hangs', 'h', now());
      await began.opened;
      const start = systemClock.monotonic();
      await timers.stop(50);
      assert.ok(systemClock.monotonic() - start < 1_500);
    });

    if (!place.kept) return;

    it('what came due while nobody ran rings once on start', async () => {
      await timers.start();
      await timers.set('test', 'missed', now() + 150);
      await timers.every('test', 'often', { ms: 40 });
      await timers.stop();
      await systemClock.sleep(200);
      rings.all.length = 0;
      const next = await open();
      const heard = new Rings();
      next.on('test', (timer) => heard.record({ ...timer }));
      const start = now();
      await next.start();
      await heard.until(1, 'missed');
      await heard.until(2, 'often');
      assert.equal(heard.of('missed').length, 1);
      assert.ok(heard.of('often').filter(({ at }) => at <= start).length <= 1, 'missed rings did not collapse');
    });

    it('tells the lateness of 50 spread timers, none of them early', async () => {
      await timers.start();
      const start = now();
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => timers.set('test', `n${index}`, start + 200 + index * 14)),
      );
      const late = (await rings.until(50)).map((ring) => ring.late).sort((a, b) => a - b);
      assert.equal(new Set(rings.all.map(({ key }) => key)).size, 50);
      assert.ok((late[0] ?? -1) >= 0, `rang ${late[0]} ms early`);
      console.log(`        lateness of 50 timers: p50 ${late[25]} ms, p90 ${late[45]} ms, max ${late[49]} ms`);
      assert.ok((late[25] ?? 9_999) < 300);
    });
  });
});
