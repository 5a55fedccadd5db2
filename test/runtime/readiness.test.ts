import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { VirtualClock } from '../../lib/clock';
import type { EmbeddedNodeRed } from '../../lib/runtime/node-red';
import { Readiness } from '../../lib/runtime/readiness';
import { checkedSeldom, type StoreCheck, type StoreWatch } from '../../lib/runtime/stores';
import { within } from '../../lib/runtime/within';

describe('readiness', () => {
  let clock: VirtualClock;
  let events: EventEmitter;
  let readiness: Readiness;
  let check: StoreCheck;
  let stores: StoreWatch;

  beforeEach(() => {
    clock = new VirtualClock();
    events = new EventEmitter();
    check = { reasons: [], stores: [{ name: 'Marketing', state: 'open' }] };
    stores = {
      open: () => [],
      byNode: () => new Map(),
      accounts: () => new Map(),
      isPublic: () => false,
      check: () => Promise.resolve(check),
    };
    readiness = new Readiness(clock);
    readiness.watch({ events } as unknown as EmbeddedNodeRed);
  });

  it('is missing before the flows have started, and there once they have', async () => {
    const before = await readiness.report(stores);
    assert.deepEqual([before.ok, before.reasons], [false, ['The flows have not started yet.']]);
    events.emit('flows:started');
    const after = await readiness.report(stores);
    assert.deepEqual([after.ok, after.reasons, after.facts['phase']], [true, [], 'running']);
  });

  it('is missing while flows are deployed and while a store is not open', async () => {
    events.emit('flows:started');
    events.emit('flows:stopped');
    assert.equal((await readiness.report(stores)).ok, false);
    events.emit('flows:started');
    check = { reasons: ['The store "Marketing" is connecting.'], stores: [] };
    assert.deepEqual((await readiness.report(stores)).reasons, ['The store "Marketing" is connecting.']);
  });

  it('names the node types that are missing', async () => {
    events.emit('runtime-event', { id: 'runtime-state', payload: { error: 'missing-types', types: ['a', 'b'] } });
    const { ok, reasons } = await readiness.report(stores);
    assert.equal(ok, false);
    assert.match(reasons.join(), /a, b/);
    await assert.rejects(readiness.whenReady(stores, 60_000), { code: 'E_NOT_READY' });
  });

  it('ends for good when the runtime stops', async () => {
    events.emit('flows:started');
    readiness.stopping();
    events.emit('flows:started');
    assert.deepEqual((await readiness.report(stores)).reasons, ['The runtime is stopping.']);
  });

  it('is waited for, for a bounded time', async () => {
    const waiting = assert.rejects(readiness.whenReady(stores, 1_000), {
      code: 'E_NOT_READY',
      message: /have not started yet/,
    });
    for (let passed = 0; passed <= 1_000; passed += 50) await clock.advance(50);
    await waiting;
    const patient = readiness.whenReady(stores, 1_000);
    await clock.advance(50);
    events.emit('flows:started');
    await clock.advance(100);
    await patient;
  });

  it('looks at the stores once a second at most, however often it is asked', async () => {
    let checks = 0;
    const seldom = checkedSeldom(
      { ...stores, check: () => Promise.resolve({ ...check, reasons: [`${++checks}`] }) },
      clock,
    );
    events.emit('flows:started');
    await Promise.all([readiness.report(seldom), readiness.report(seldom)]);
    await clock.advance(999);
    assert.deepEqual((await readiness.report(seldom)).reasons, ['1']);
    await clock.advance(1);
    assert.deepEqual((await readiness.report(seldom)).reasons, ['2']);
  });

  it('gives a drain a bounded time', async () => {
    assert.equal(await within(Promise.resolve(), 1_000, clock), true);
    assert.equal(await within(Promise.reject(new Error('failed')), 1_000, clock), true);
    const endless = within(new Promise(() => undefined), 1_000, clock);
    await clock.advance(1_000);
    assert.equal(await endless, false);
  });
});
