import assert from 'node:assert/strict';
import { type InputError } from '../../lib/errors';
import { VirtualClock } from '../../lib/clock';
import type { StationDeclaration } from '../../lib/ledger';
import { eachDatabase } from '../kit/databases';
import { World, type Runtime } from './world';

const HOUR = 3_600_000;

eachDatabase((db) => {
  describe('a deploy with people under way', () => {
    let clock: VirtualClock;
    let world: World;
    let runtime: Runtime;
    const people = 40;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'wait', kind: 'delay', dueIn: HOUR },
          { step: 'wait longer', kind: 'delay', dueIn: 2 * HOUR },
        ],
        wires: [
          { from: 'start', to: 'wait' },
          { from: 'wait', to: 'wait longer' },
        ],
      });
      await world.declare();
      await world.addLeads(people);
      runtime = await world.start();
      await world.launch();
      await runtime.settle();
    });
    afterEach(async () => {
      for (const each of world.runtimes) await each.close();
    });

    const dueTimes = async (): Promise<number[]> =>
      (
        await world.scope.all<{ due_at: number }>(
          `SELECT due_at FROM marketing_steps WHERE tenant_id = :tenant AND state IN ('waiting', 'orphaned', 'paused') ORDER BY id`,
        )
      ).map(({ due_at }) => due_at);
    const without = (step: string): StationDeclaration[] =>
      world.declarations().filter((station) => station.step !== step);
    const changed = (step: string, more: Partial<StationDeclaration>): StationDeclaration[] =>
      world
        .declarations()
        .map((station) => (station.step === step ? { ...station, hash: 'changed', ...more } : station));

    it('that changes nothing registers no version and moves nobody', async () => {
      const before = await dueTimes();
      assert.deepEqual(await world.declare(), { orphaned: [], changed: [] });
      assert.deepEqual(await dueTimes(), before);
      assert.equal((await world.definitions.get('journey'))?.version, 1);
    });

    it('that deletes their station leaves them there as orphans, who can be moved to another', async () => {
      const before = await dueTimes();
      assert.deepEqual(await world.declare(without('wait')), {
        orphaned: [{ definition: 'journey', step: 'wait', people }],
        changed: ['journey'],
      });
      assert.equal(await world.count('steps', `state = 'orphaned'`), people);
      assert.deepEqual(await dueTimes(), before);
      await clock.advance(2 * HOUR);
      await runtime.settle();
      assert.deepEqual(await world.standing(), { active: people }, 'nobody at a deleted station goes on');
      assert.equal((await world.desk.report('journey')).orphaned, people);

      assert.equal(await world.definitions.move({ definition: 'journey', from: 'wait', to: 'wait longer' }), people);
      assert.deepEqual(await world.definitions.orphans(), []);
      runtime.ledger.pokeAll();
      await runtime.settle();
      assert.deepEqual(await world.standing(), { 'ended: completed': people });
    });

    it('that is undone calls the orphans back, with the due times of before', async () => {
      const before = await dueTimes();
      await world.declare(without('wait'));
      assert.deepEqual(await world.declare(), { orphaned: [], changed: ['journey'] });
      assert.deepEqual(await dueTimes(), before);
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
      await clock.advance(3 * HOUR + 1);
      await runtime.settle();
      await clock.advance(3 * HOUR + 1);
      await runtime.settle();
      assert.deepEqual(await world.standing(), { 'ended: completed': people });
    });

    it('that deletes their station while the campaign is paused loses none of those who are parked', async () => {
      await world.campaigns.pause('journey');
      await world.declare(without('wait'));
      assert.equal(await world.count('steps', `state = 'orphaned'`), people);
      await world.declare();
      await world.campaigns.resume('journey');
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
    });

    it('that changes a delay keeps due times, unless the node says recompute', async () => {
      const before = await dueTimes();
      await world.declare(changed('wait', {}));
      assert.deepEqual(await dueTimes(), before);
      await world.declare(changed('wait', { hash: 'again', recomputeMs: HOUR / 4 }));
      assert.deepEqual(
        await dueTimes(),
        before.map((due) => due - (3 * HOUR) / 4),
      );
      const moment = clock.now() + 50 * HOUR;
      await world.declare(changed('wait', { hash: 'and again', recomputeAt: moment }));
      assert.deepEqual(
        await dueTimes(),
        before.map(() => moment),
      );
    });

    it('that removes the whole definition makes orphans of all, unless the flow only has an error in it', async () => {
      await world.definitions.deploy('flow-1', [], ['journey']);
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
      const { orphaned } = await world.definitions.deploy('flow-1', []);
      assert.deepEqual(orphaned, [{ definition: 'journey', step: 'wait', people }]);
      assert.equal((await world.definitions.get('journey'))?.deployed, false);
      await world.declare();
      assert.equal(await world.count('steps', `state = 'waiting'`), people);
    });

    it('refuses two stations of one name, two definitions of one key, and a move to nowhere; nothing is changed', async () => {
      const [first] = world.declarations();
      assert.ok(first);
      await assert.rejects(world.declare([first, { ...first, node: 'copy' }]), (error: InputError) => {
        assert.deepEqual(error.details['nodes'], ['node-start', 'copy']);
        return error.code === 'E_DUPLICATE_STEP';
      });
      const twice = {
        key: 'a',
        name: 'A',
        entry: 'start',
        entryMode: 'launch' as const,
        onUnknown: 'hold' as const,
        stations: [first],
        body: 1,
      };
      await assert.rejects(
        world.definitions.deploy('flow-2', [twice, twice]),
        (error: InputError) => error.code === 'E_DUPLICATE_DEFINITION',
      );
      for (const move of [
        { definition: 'journey', from: 'wait', to: 'nowhere' },
        { definition: 'journey', from: 'nowhere', to: 'wait' },
      ]) {
        await assert.rejects(world.definitions.move(move), (error: InputError) => error.code === 'E_UNKNOWN_STATION');
      }
      assert.deepEqual(
        (await world.definitions.list()).map(({ key, version }) => ({ key, version })),
        [{ key: 'journey', version: 1 }],
      );
    });

    it('by several runtimes at the same moment registers one version', async () => {
      const declared = await Promise.allSettled([1, 2, 3, 4].map(() => world.declare(changed('wait', {}))));
      assert.deepEqual(
        declared.map(({ status }) => status),
        Array(4).fill('fulfilled'),
      );
      assert.equal((await world.definitions.get('journey'))?.version, 2);
    });

    it('that attaches a station again puts the former one to rest: people are let go once', async () => {
      const spec = runtime.handles.get('wait')?.spec;
      assert.ok(spec);
      const [first, second] = [await runtime.ledger.attach(spec), await runtime.ledger.attach(spec)];
      runtime.handles.set('wait', second);
      assert.equal(first.id, second.id);
      await clock.advance(HOUR + 1);
      await runtime.settle();
      assert.equal((await runtime.handles.get('wait longer')?.counts())?.entered, people);
    });
  });
});
