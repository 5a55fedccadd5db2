import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { VirtualClock } from '../../lib/clock';
import { openStore } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { World } from './world';

const DAY = 86_400_000;

eachDatabase((db) => {
  describe('a journey through trigger, delay and a last delay', () => {
    const stations = [
      { step: 'start', kind: 'trigger' },
      { step: 'wait', kind: 'delay', dueIn: 400 * DAY },
    ];
    let clock: VirtualClock;
    let world: World;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), { stations, wires: [{ from: 'start', to: 'wait' }] });
      await world.declare();
    });
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    it('carries everybody of the audience to the delay, once', async () => {
      await world.addLeads(2_500);
      const runtime = await world.start();
      await world.launch();
      await runtime.settle();
      assert.equal(await world.count('enrollments'), 2_500);
      assert.equal(await world.count('steps', `state = 'waiting'`), 2_500);
      assert.equal(await world.count('steps', `state = 'done'`), 2_500);
      assert.deepEqual(runtime.errors, []);
    });

    it('keeps a due time of 400 days, over a restart, and lets people go then and not before', async () => {
      await world.addLeads(10);
      const first = await world.start();
      await world.launch();
      await first.settle();
      await first.close();
      await clock.advance(399 * DAY);
      const second = await world.start();
      await second.settle();
      assert.deepEqual(await world.standing(), { active: 10 });
      await clock.advance(DAY + 1);
      await second.settle();
      assert.deepEqual(await world.standing(), { 'ended: completed': 10 });
    });

    it('completes the campaign once everybody is through', async () => {
      await world.addLeads(3);
      const runtime = await world.start();
      await world.launch();
      await runtime.settle();
      await clock.advance(400 * DAY + 1);
      await runtime.settle();
      await runtime.ledger.sweep();
      assert.equal((await world.campaigns.get('journey')).state, 'completed');
    });

    it('counts who entered and who waits', async () => {
      await world.addLeads(7);
      const runtime = await world.start();
      await world.launch();
      await runtime.settle();
      const counts = await runtime.handles.get('wait')?.counts();
      assert.equal(counts?.entered, 7);
      assert.equal(counts?.waiting, 7);
    });
  });
});

describe('a database that was closed when it was small', () => {
  it('is not slow when it has grown: no statistics of the small one are kept', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'nm-small-'));
    try {
      const url = `sqlite:${path.join(folder, 'small.sqlite')}`;
      const first = await openStore({ url });
      await first.migrate();
      const scope = first.tenant('test');
      for (let i = 0; i < 250; i++)
        await scope.get('SELECT COUNT(*) AS n FROM marketing_steps WHERE tenant_id = :tenant');
      await scope.background((db) => db.get('SELECT COUNT(*) AS n FROM marketing_steps WHERE tenant_id = :tenant'));
      await first.close();
      const second = await openStore({ url });
      const tables = await second.system.all<{ name: string }>(
        `SELECT name FROM sqlite_master WHERE name LIKE 'sqlite_stat%'`,
      );
      await second.close();
      assert.deepEqual(tables, []);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
