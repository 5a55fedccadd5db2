import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { Person } from '../../lib/ledger';
import { eachDatabase } from '../kit/databases';
import { Hands, World, type Runtime, type RuntimeOptions, type Wire, type WorldOptions } from './world';

/** Short, because the watchdog of a virtual clock runs every two seconds of it. */
const HOUR = 20_000;
const DAY = 24 * HOUR;

interface Branch {
  step: string;
  output: string;
  ok: boolean;
  state: string;
  reason?: string;
}

const join = (upstream: string[], step = 'join'): WorldOptions['stations'][number] => ({
  step,
  kind: 'join',
  dueIn: DAY,
  config: { join: { upstream } },
});
const fork = (step: string, expected: number | null): WorldOptions['stations'][number] => ({
  step,
  kind: 'trigger',
  forks: true,
  config: { branches: { expected: [expected] }, prompt: 'yes' },
});
const wires = (...ends: [string, string, number?][]): Wire[] =>
  ends.map(([from, to, port]) => ({ from, to, ...(port === undefined ? {} : { port }) }));

eachDatabase((db) => {
  describe('a join', () => {
    let clock: VirtualClock;
    let world: World;
    /** What people had with them when they came to the last station. */
    let carried: { lead: number; branches: Branch[] }[];

    async function open(options: WorldOptions, people = 5): Promise<void> {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      carried = [];
      world = new World(await db.open({ clock }), options);
      await world.declare();
      await world.addLeads(people);
    }
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    function note(wire: Wire, person: Person): boolean {
      if (wire.from.startsWith('join')) {
        const { branches } = person.outcome as { branches: Branch[] };
        carried.push({ lead: person.lead.id, branches });
      }
      return true;
    }
    async function launched(options: Partial<RuntimeOptions> = {}): Promise<Runtime> {
      const runtime = await world.start({ onWire: note, ...options });
      await world.launch();
      await runtime.settle();
      return runtime;
    }
    async function pass(runtime: Runtime, ms: number): Promise<void> {
      await clock.advance(ms);
      await runtime.settle();
      await runtime.ledger.sweep();
      await runtime.settle();
    }
    const at = (step: string, where: string): Promise<number> =>
      world.count(
        'steps',
        `${where} AND station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = '${step}')`,
      );
    const states = (index = 0): string[] =>
      (carried[index]?.branches ?? []).map(({ step, output, state }) => `${step} ${output} ${state}`);

    const parallel: WorldOptions = {
      stations: [
        fork('start', 2),
        { step: 'short', kind: 'delay', dueIn: HOUR },
        { step: 'long', kind: 'delay', dueIn: 3 * HOUR },
        join(['long', 'short', 'start']),
        { step: 'end', kind: 'delay' },
      ],
      wires: wires(['start', 'short'], ['start', 'long'], ['short', 'join'], ['long', 'join'], ['join', 'end']),
    };

    it('lets one go on when all branches have come, once, with their results in the order of the steps', async () => {
      await open(parallel);
      const runtime = await launched();
      assert.equal(await at('start', `state = 'done'`), 5, 'the fork is complete without a wait');
      await pass(runtime, HOUR + 1);
      assert.equal(await at('join', `state = 'waiting'`), 5);
      assert.equal(carried.length, 0);
      await pass(runtime, 2 * HOUR);
      assert.equal(carried.length, 5);
      assert.deepEqual(carried[0]?.branches, [
        { step: 'short', output: 'released', ok: true, state: 'arrived' },
        { step: 'long', output: 'released', ok: true, state: 'arrived' },
      ]);
      assert.equal(await at('end', '1 = 1'), 5);
      assert.deepEqual(await world.standing(), { 'ended: completed': 5 });
      const counts = await runtime.handles.get('join')?.counts();
      assert.deepEqual([counts?.entered, counts?.['joined'], counts?.waiting], [10, 5, 0]);
    });

    it('does not wait for a branch that was not taken; whether it was is known two seconds after the last one', async () => {
      await open({
        ...parallel,
        stations: parallel.stations.map((one) => (one.step === 'short' ? { ...one, dueIn: 1_000 } : one)),
      });
      const runtime = await launched({ onWire: (wire, person) => note(wire, person) && wire.to !== 'long' });
      await pass(runtime, 1_001);
      assert.equal(carried.length, 0);
      await pass(runtime, 2_000);
      assert.equal(carried.length, 5);
      assert.deepEqual(states(), ['short released arrived']);
    });

    it('counts a branch that a switch ended as come, and is complete with it at once', async () => {
      await open(parallel);
      const runtime = await world.start({
        onWire: (wire, person) => {
          note(wire, person);
          if (wire.to === 'long') void runtime.ledger.end(person.journey, 'not for them', undefined, 'switch-1');
          return wire.to !== 'long';
        },
      });
      await world.launch();
      await runtime.settle();
      assert.equal(await at('start', `state = 'done'`), 5);
      await pass(runtime, HOUR + 1);
      assert.deepEqual(states(), ['short released arrived']);
    });

    it('does not wait for a failed branch, neither in the dead-letter list nor behind an unwired output', async () => {
      const hands = new Hands();
      await open({
        stations: [
          fork('start', 3),
          { step: 'one', kind: 'send' },
          { step: 'two', kind: 'send' },
          { step: 'three', kind: 'delay' },
          join(['one', 'start', 'three', 'two']),
          { step: 'end', kind: 'delay' },
        ],
        wires: wires(
          ...(['one', 'two', 'three'] as const).flatMap((step): [string, string][] => [
            ['start', step],
            [step, 'join'],
          ]),
          ['join', 'end'],
        ),
      });
      const other = new Hands();
      const runtime = await launched({ work: { one: hands, two: other } });
      assert.equal(carried.length, 0);
      await hands.settle((step) => ({ step, kind: 'fail', reason: 'no such template' }));
      await runtime.settle();
      assert.equal(carried.length, 0);
      await other.settle((step) => ({ step, kind: 'release', port: 1, reason: 'mailbox full' }));
      await runtime.settle();
      assert.deepEqual(carried[0]?.branches, [
        { step: 'one', output: '', ok: false, state: 'failed', reason: 'no such template' },
        { step: 'two', output: 'failed', ok: false, state: 'ended', reason: 'mailbox full' },
        { step: 'three', output: 'released', ok: true, state: 'arrived' },
      ]);
      // A dead letter that is tried again comes too late, and ends.
      await world.desk.retry('journey');
      await runtime.settle();
      await hands.finish();
      await runtime.settle();
      assert.equal(await at('join', `reason = 'came too late for the join'`), 5);
      assert.equal(carried.length, 5);
      assert.deepEqual(await world.standing(), { 'ended: came too late for the join': 5 });
    });

    it('goes on through its time-out with what is there, and says what is missing', async () => {
      const hands = new Hands();
      await open({
        stations: [
          fork('start', 2),
          { step: 'slow', kind: 'send' },
          { step: 'quick', kind: 'delay' },
          join(['quick', 'slow', 'start']),
          { step: 'late', kind: 'delay' },
        ],
        wires: wires(['start', 'slow'], ['start', 'quick'], ['slow', 'join'], ['quick', 'join'], ['join', 'late', 1]),
      });
      const runtime = await launched({ work: { slow: hands } });
      await pass(runtime, DAY - 1);
      assert.equal(carried.length, 0);
      await pass(runtime, 2);
      assert.equal(carried.length, 5);
      assert.deepEqual(states(), ['slow  missing', 'quick released arrived']);
      assert.equal(await at('late', '1 = 1'), 5);
      await hands.finish();
      await runtime.settle();
      assert.equal(await at('join', `reason = 'came too late for the join'`), 5);
      assert.equal(carried.length, 5);
    });

    it('survives a crash while people wait, and one between an arrival and what follows from it', async () => {
      await open(parallel);
      const first = await launched();
      await pass(first, HOUR + 1);
      await first.kill();
      const second = await world.start({ onWire: note });
      await pass(second, 2 * HOUR);
      assert.equal(carried.length, 5);
      // As if the process had died before it looked: both branches wait, and nobody knows.
      await world.scope.run(
        `UPDATE marketing_steps SET state = 'waiting', port = NULL, outcome = NULL, due_at = due_at + ${DAY} WHERE tenant_id = :tenant
         AND station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = 'join')`,
      );
      await world.scope.run(
        `DELETE FROM marketing_steps WHERE tenant_id = :tenant
         AND station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = 'end')`,
      );
      await world.scope.run(`UPDATE marketing_enrollments SET state = 'active' WHERE tenant_id = :tenant`);
      await world.scope.run(`UPDATE marketing_campaigns SET state = 'active' WHERE tenant_id = :tenant`);
      // Twice: a sweep of the watchdog's own may be under way, which has looked already.
      for (let i = 0; i < 2; i++) {
        await second.ledger.sweep();
        await second.settle();
      }
      assert.equal(carried.length, 10);
    });

    it('is fired once when two runtimes bring the branches in the same moment', async () => {
      await open(parallel, 40);
      const runtime = await launched();
      const other = await world.start({ onWire: note });
      await clock.advance(HOUR + 1);
      await Promise.all([runtime.settle(), other.settle()]);
      // Both look for due people at once.
      await clock.advance(2 * HOUR);
      for (let i = 0; i < 2; i++) await Promise.all([runtime.ledger.sweep(), other.ledger.sweep()]);
      await Promise.all([runtime.settle(), other.settle()]);
      assert.equal(carried.length, 40);
      assert.equal(new Set(carried.map(({ lead }) => lead)).size, 40);
      assert.deepEqual(runtime.errors.concat(other.errors), []);
      assert.deepEqual(await world.standing(), { 'ended: completed': 40 });
    });

    it('joins again in each round of a loop', async () => {
      await open({
        stations: [
          { step: 'start', kind: 'trigger' },
          { ...fork('again', 2), kind: 'delay' },
          { step: 'a', kind: 'delay', dueIn: HOUR },
          { step: 'b', kind: 'delay', dueIn: 2 * HOUR },
          join(['a', 'again', 'b', 'start']),
          { step: 'pause', kind: 'delay', dueIn: HOUR },
        ],
        wires: wires(
          ['start', 'again'],
          ['again', 'a'],
          ['again', 'b'],
          ['a', 'join'],
          ['b', 'join'],
          ['join', 'pause'],
          ['pause', 'again'],
        ),
      });
      const runtime = await launched();
      for (let round = 1; round <= 3; round++) {
        await pass(runtime, HOUR + 1);
        await pass(runtime, HOUR + 1);
        assert.equal(carried.length, 5 * round);
        assert.deepEqual(states(5 * round - 1), ['a released arrived', 'b released arrived']);
        await pass(runtime, HOUR + 1);
      }
      assert.equal(await at('join', `reason = 'came too late for the join'`), 0);
    });

    it('inside a branch of another one is joined first', async () => {
      await open({
        stations: [
          fork('start', 2),
          { ...fork('inner', 2), kind: 'delay' },
          { step: 'x', kind: 'delay', dueIn: HOUR },
          { step: 'y', kind: 'delay', dueIn: 2 * HOUR },
          join(['inner', 'start', 'x', 'y'], 'join-in'),
          { step: 'z', kind: 'delay' },
          join(['inner', 'join-in', 'start', 'x', 'y', 'z'], 'join-out'),
          { step: 'end', kind: 'delay' },
        ],
        wires: wires(
          ['start', 'inner'],
          ['start', 'z'],
          ['inner', 'x'],
          ['inner', 'y'],
          ['x', 'join-in'],
          ['y', 'join-in'],
          ['join-in', 'join-out'],
          ['z', 'join-out'],
          ['join-out', 'end'],
        ),
      });
      const runtime = await launched();
      await pass(runtime, HOUR + 1);
      assert.equal(carried.length, 0);
      await pass(runtime, HOUR + 1);
      assert.equal(carried.length, 10);
      assert.deepEqual(states(0), ['x released arrived', 'y released arrived']);
      assert.deepEqual(states(9), ['join-in joined arrived', 'z released arrived']);
      assert.deepEqual(await world.standing(), { 'ended: completed': 5 });
    });

    it('is asked once more after a deploy, which may have taken out what it waited for', async () => {
      await open(parallel);
      const runtime = await launched();
      await pass(runtime, HOUR + 1);
      const without = world.declarations().filter(({ step }) => step !== 'long');
      await world.declare(
        without.map((station) =>
          station.kind === 'join' ? { ...station, config: { join: { upstream: ['short', 'start'] } } } : station,
        ),
      );
      await runtime.ledger.redeliver();
      await runtime.settle();
      // Those at the step that is gone can still be moved somewhere from where they come.
      assert.equal(carried.length, 0);
      await world.definitions.move({ definition: 'journey', from: 'long', to: 'end' });
      await pass(runtime, 3 * HOUR);
      assert.equal(carried.length, 5);
      assert.deepEqual(states(), ['short released arrived']);
    });
  });
});
