import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore, type Scope, type Store } from '../../lib/store';
import { openTimers, type Timers, type TimerSettings } from '../../lib/timers';
import { systemClock, TEST_SETTINGS } from './places';
import { eventually, gate, Rings } from './rings';

const now = (): number => systemClock.now();

/** A scope whose database can be unplugged. */
function unpluggable(scope: Scope): { scope: Scope; plug: (works: boolean) => void } {
  let works = true;
  const handler: ProxyHandler<Scope> = {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      const method = value as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) =>
        works ? method.apply(target, args) : Promise.reject(new Error('the cable is out'));
    },
  };
  return { scope: new Proxy(scope, handler), plug: (on) => (works = on) };
}

describe('timers look after themselves', function () {
  this.timeout(15_000);
  let folder: string;
  let store: Store;
  let timers: Timers | undefined;
  let rings: Rings;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);

  before(async () => {
    process.on('unhandledRejection', note);
    folder = mkdtempSync(path.join(tmpdir(), 'nm-timers-'));
    store = await openStore({ url: `sqlite:${path.join(folder, 'care.sqlite')}`, clock: systemClock });
    await store.migrate();
  });
  after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });
  beforeEach(() => (rings = new Rings()));
  afterEach(() => timers?.stop(0));

  const open = async (scope: Scope, settings: Partial<TimerSettings>): Promise<Timers> => {
    timers = await openTimers({ scope, clock: systemClock, settings: { ...TEST_SETTINGS, ...settings } });
    timers.on('test', rings.record);
    return timers;
  };
  const tenant = (): Scope => store.tenant(`t${randomBytes(4).toString('hex')}`);

  it('lock slots that leak, because timers wait longer than their lease, are won back', async () => {
    const one = await open(tenant(), { leaseMs: 300, pollMs: 50, concurrency: 1, lockLimit: 3, watchMs: 60 });
    const { opened, open: release } = gate();
    one.on('long', async (_timer, touch) => {
      for (let round = 0; round < 8; round++) {
        await systemClock.sleep(100);
        await touch();
      }
      release();
    });
    await one.start();
    const at = now();
    await one.set('long', 'l', at - 1);
    for (const key of ['a', 'b', 'c', 'd', 'e']) await one.set('test', key, at);
    await opened;
    await rings.until(5);
    assert.deepEqual([...new Set(rings.all.map(({ key }) => key))].sort(), ['a', 'b', 'c', 'd', 'e']);
    await one.set('test', 'after', now());
    const [after] = await rings.until(1, 'after');
    assert.ok((after?.late ?? 9_999) < 1_000, `rang ${after?.late} ms late`);
  });

  it('a burst larger than the lock limit does not wait for polls', async () => {
    const one = await open(tenant(), { concurrency: 4, lockLimit: 4 });
    const at = now();
    for (let index = 0; index < 100; index++) await one.set('test', `n${index}`, at);
    await one.start();
    const start = systemClock.monotonic();
    await rings.until(100);
    const took = systemClock.monotonic() - start;
    assert.ok(took < 3_000, `100 timers with 4 slots took ${Math.round(took)} ms`);
    assert.equal(rings.all.length, 100);
  });

  it('a database that goes away is reported once, makes it unhealthy, and is taken up again', async () => {
    const { scope, plug } = unpluggable(tenant());
    const one = await open(scope, { pollMs: 30 });
    const errors: string[] = [];
    one.onError((error) => errors.push((error as Error).message));
    await one.start();
    await one.set('test', 'later', now() + 250);
    plug(false);
    await eventually(() => (one.healthy ? undefined : true), 'it to be unhealthy');
    await assert.rejects(one.set('test', 'x', now()), /cable/);
    await systemClock.sleep(200);
    assert.equal(errors.filter((message) => message === 'the cable is out').length, 1);
    plug(true);
    await rings.until(1, 'later');
    await eventually(() => (one.healthy ? true : undefined), 'it to be healthy');
  });

  it('a start that fails can be tried again', async () => {
    const { scope, plug } = unpluggable(tenant());
    const one = await open(scope, {});
    plug(false);
    await assert.rejects(one.start(), { code: 'E_TIMERS_UNREACHABLE', retryable: true });
    plug(true);
    await one.start();
    await one.set('test', 'k', now());
    await rings.until(1);
  });

  it('a timer whose end could not be written rings again when its lease ends', async () => {
    const { scope, plug } = unpluggable(tenant());
    const one = await open(scope, { leaseMs: 400, pollMs: 50 });
    one.on('cut', async (timer) => {
      if (rings.all.length === 0) plug(false);
      await rings.record(timer);
    });
    await one.start();
    await one.set('cut', 'c', now());
    await rings.until(1);
    await systemClock.sleep(30);
    plug(true);
    await rings.until(2);
    await eventually(async () => ((await one.list()).length === 0 ? true : undefined), 'it to end');
  });

  it('a handler may cancel its own timer and go on', async () => {
    const one = await open(tenant(), {});
    const done = gate();
    one.on('self', async (timer, touch) => {
      await one.cancel('self', timer.key);
      await touch();
      done.open();
      throw new Error('too late to matter');
    });
    await one.every('self', 's', { ms: 50 });
    await one.start();
    await done.opened;
    await eventually(async () => ((await one.list()).length === 0 ? true : undefined), 'it to be gone');
  });

  it('what handlers throw is kept as text, whatever it is', async () => {
    const one = await open(tenant(), { retryMs: 60_000 });
    // A handler of a user may reject with anything.
    one.on('odd', () => Promise.reject(Object('a text') as Error));
    await one.start();
    await one.set('odd', 'o', now());
    const state = await eventually(
      async () => (await one.list()).find(({ failCount }) => failCount === 1),
      'it to fail',
    );
    assert.equal(state.failReason, 'a text');
  });
});
