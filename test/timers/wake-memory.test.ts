import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { Woken } from '../../lib/timers/book';
import { WakeMemory } from '../../lib/timers/wake-memory';
import { gate } from './rings';

describe('the memory of wake-ups', () => {
  let clock: VirtualClock;
  let writes: number[];
  const write = (at: number): Promise<Woken> => {
    writes.push(at);
    return Promise.resolve({ at, written: true });
  };
  beforeEach(() => {
    clock = new VirtualClock();
    writes = [];
  });

  it('spares the write while an earlier ring is known, and forgets when it rings', async () => {
    const memory = new WakeMemory(clock, false);
    const at = clock.now() + 1_000;
    await memory.wake('k', at, null, write);
    await memory.wake('k', at, null, write);
    await memory.wake('k', at + 5, null, write);
    assert.deepEqual(writes, [at]);
    await memory.wake('k', at - 1, null, write);
    assert.deepEqual(writes, [at, at - 1]);
    memory.rang('k');
    await memory.wake('k', at + 5, null, write);
    assert.deepEqual(writes, [at, at - 1, at + 5]);
  });

  it('shares one write among all that come while another is on its way: the earliest counts', async () => {
    const memory = new WakeMemory(clock, false);
    const { opened, open } = gate();
    const at = clock.now() + 1_000;
    const slow = async (time: number): Promise<Woken> => {
      await opened;
      return write(time);
    };
    const all = [memory.wake('k', at, null, slow)];
    for (const earlier of [10, 30, 20, 5]) all.push(memory.wake('k', at - earlier, null, slow));
    open();
    await Promise.all(all);
    assert.deepEqual(writes, [at, at - 30]);
  });

  it('does not believe a write during which the timer rang', async () => {
    const memory = new WakeMemory(clock, false);
    const { opened, open } = gate();
    const first = memory.wake('k', clock.now(), null, async (time) => {
      await opened;
      return write(time);
    });
    memory.rang('k');
    open();
    await first;
    await memory.wake('k', clock.now(), null, write);
    assert.equal(writes.length, 2);
  });

  it('asks a shared database when another machine may have rung already, and everybody after a minute', async () => {
    const shared = new WakeMemory(clock, true);
    const near = clock.now() + 4_000;
    await shared.wake('k', near, null, write);
    await shared.wake('k', near, null, write);
    assert.equal(writes.length, 2);
    const far = clock.now() + 3_600_000;
    await shared.wake('far', far, null, write);
    await shared.wake('far', far, null, write);
    assert.equal(writes.length, 3);
    await clock.advance(61_000);
    await shared.wake('far', far, null, write);
    assert.equal(writes.length, 4);
    await clock.advance(61_000);
    shared.prune();
    assert.equal(shared.size, 0);
  });

  it('a write that fails is told to all who waited for it, and the next call writes again', async () => {
    const memory = new WakeMemory(clock, false);
    const fail = (): Promise<Woken> => Promise.reject(new Error('down'));
    const at = clock.now() + 10;
    await Promise.all([
      assert.rejects(memory.wake('k', at, null, fail), /down/),
      assert.rejects(memory.wake('k', at, null, fail), /down/),
    ]);
    await memory.wake('k', at, null, write);
    assert.deepEqual(writes, [at]);
  });
});
