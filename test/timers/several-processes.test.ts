import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Timers, TimerSettings } from '../../lib/timers';
import { inEveryPlace, systemClock, TEST_SETTINGS, type OpenPlace } from './places';
import { eventually, gate, Rings } from './rings';

const now = (): number => systemClock.now();

interface Said {
  event: string;
  key?: string;
  late?: number;
}

/** A child process with timers of its own on the same database. */
class Worker {
  readonly said: Said[] = [];
  private constructor(readonly child: ChildProcess) {
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
  }

  static async start(place: OpenPlace, tenant: string, settings: Partial<TimerSettings> = {}): Promise<Worker> {
    const { storeUrl, timersUrl } = place;
    const orders = { storeUrl, timersUrl, tenant, settings: { ...TEST_SETTINGS, ...settings } };
    const loader = path.join(__dirname, '../../tools/ts.cjs');
    const file = path.join(__dirname, 'timer-process.ts');
    const child = spawn(process.execPath, ['--require', loader, file, JSON.stringify(orders)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const worker = new Worker(child);
    await worker.until('started');
    return worker;
  }

  until(event: string): Promise<Said> {
    return eventually(() => this.said.find((said) => said.event === event), `a child to say "${event}"`);
  }

  rang(): Said[] {
    return this.said.filter(({ event }) => event === 'rang');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const { opened, open } = gate();
    this.child.once('exit', open);
    this.child.kill('SIGKILL');
    await opened;
  }
}

describe('timers of several processes', function () {
  this.timeout(20_000);

  inEveryPlace(
    ({ place, opened }) => {
      const leaseMs = 700;
      let tenant: string;
      let rings: Rings;
      let worker: Worker;
      const open: Timers[] = [];
      const timersHere = async (settings?: Partial<TimerSettings>, of = tenant): Promise<Timers> => {
        const timers = await opened().timers(of, settings);
        timers.on('test', rings.record);
        open.push(timers);
        return timers;
      };

      // One child serves all tests of a place; the last one kills it.
      before(async () => {
        tenant = `t${randomBytes(4).toString('hex')}`;
        worker = await Worker.start(opened(), tenant, { leaseMs });
      });
      after(async () => {
        await worker?.kill();
        if (!tenant) return;
        const cleaner = await opened().timers(tenant);
        for (const timer of await cleaner.list()) await cleaner.cancel(timer.kind, timer.key);
        await cleaner.stop(0);
      });
      beforeEach(() => {
        rings = new Rings();
        worker.said.length = 0;
      });
      afterEach(() => Promise.all(open.splice(0).map((timers) => timers.stop(2_000))));

      if (place.shared) {
        it('two processes ring each timer once', async () => {
          const timers = await timersHere();
          await timers.start();
          const start = now() + 80;
          const all = Array.from({ length: 60 }, (_, index) => `n${index}`);
          await Promise.all(all.map((key, index) => timers.set('test', key, start + index * 4)));
          await timers.set('test', 'end', start + 350);
          const heard = (): string[] => [
            ...rings.all.map(({ key }) => key),
            ...worker.rang().map(({ key }) => key ?? ''),
          ];
          await eventually(() => (heard().includes('end') && heard().length >= 61 ? true : undefined), 'all to ring');
          assert.deepEqual(heard().sort(), [...all, 'end'].sort());
          console.log(`        rung here ${rings.all.length}, there ${worker.rang().length}`);
        });

        it('a timer that one process sets rings in another, within a poll at most', async () => {
          // This one is fully busy, so that the other has to hear of it.
          const timers = await timersHere({ concurrency: 1, lockLimit: 1 });
          const { opened: go, open: release } = gate();
          const began = gate();
          timers.on('busy', async () => {
            began.open();
            await go;
          });
          await timers.start();
          await timers.set('busy', 'b', now());
          // The other may try first: it does not know the kind and leaves it to us.
          await began.opened;
          await timers.set('test', 'k', now() + 20);
          const rang = await worker.until('rang');
          release();
          console.log(`        rang ${rang.late} ms late in the other process`);
          assert.ok((rang.late ?? 9_999) < (place.own ? 1_000 : 400));
        });

        it('a handler that outlives its lease is told, and its late end changes nothing', async () => {
          const apart = `${tenant}-late`;
          // Polls seldom, so that it is not the one that takes its own timer over.
          const late = await timersHere({ leaseMs: 400, pollMs: 1_000 }, apart);
          const other = await timersHere({ leaseMs: 400, pollMs: 50 }, apart);
          const first = gate();
          const finish = gate();
          const second = gate();
          const end = gate();
          let touching: Promise<void> | undefined;
          late.on('slow', async (_timer, touch) => {
            first.open();
            await second.opened;
            touching = touch();
            await touching.catch(() => undefined);
            finish.open();
          });
          other.on('slow', async (_timer, touch) => {
            second.open();
            for (let round = 0; round < 4; round++) {
              await systemClock.sleep(150);
              await touch();
            }
            await end.opened;
          });
          await late.start();
          await late.set('slow', 's', now());
          await first.opened;
          await other.start();
          await finish.opened;
          await assert.rejects(touching ?? Promise.resolve(), { code: 'E_TIMER_LOST' });
          await systemClock.sleep(500);
          assert.deepEqual(
            (await other.list()).map(({ key, ringing }) => [key, ringing]),
            [['s', true]],
          );
          end.open();
          await eventually(async () => ((await other.list()).length === 0 ? true : undefined), 'the timer to end');
        });
      }

      it('a crashed process gives its ringing timers up when the lease ends, one-time and recurring alike', async () => {
        const timers = await timersHere({ leaseMs, pollMs: 100 });
        timers.on('hang', rings.record);
        await timers.set('hang', 'once', now(), { left: 'over' });
        await timers.every('hang', 'daily', { ms: 86_400_000 });
        await timers.wake('hang', 'daily', now());
        const began = (): boolean => worker.said.filter(({ event }) => event === 'began').length === 2;
        await eventually(() => (began() ? true : undefined), 'both to begin');
        const killed = systemClock.monotonic();
        await worker.kill();
        await timers.start();
        const heard = await rings.until(2);
        const took = systemClock.monotonic() - killed;
        assert.deepEqual(heard.map(({ key }) => key).sort(), ['daily', 'once']);
        assert.deepEqual(heard.find(({ key }) => key === 'once')?.data, { left: 'over' });
        console.log(`        taken over ${Math.round(took)} ms after the kill (lease ${leaseMs} ms)`);
        assert.ok(took < leaseMs + 1_500);
        await eventually(async () => ((await timers.list()).length === 1 ? true : undefined), 'the finished one to go');
        assert.equal((await timers.list())[0]?.key, 'daily');
      });
    },
    (place) => place.kept,
  );
});
