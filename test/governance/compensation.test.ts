import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { Compensations, type Compensation, type Undo, type UndoHandler } from '../../lib/governance';
import type { LeasedStep, StepResult } from '../../lib/ledger';
import type { Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { Hands, silent, World, type Runtime, type Wire } from '../ledger/world';

const FIVE = ['s1', 's2', 's3', 's4', 's5'];

eachDatabase((db) => {
  describe('compensation', () => {
    let clock: VirtualClock;
    let world: World;
    /** What people had with them behind the compensate station, by output. */
    let carried: { port: number; lead: number; compensation: Compensation }[];
    /** What the outside was asked to undo, in order, and what it did: the same key twice is once. */
    let asked: string[];
    let outside: Set<string>;
    let services: Compensations[];

    async function open(people: number, config: Record<string, unknown> = {}): Promise<void> {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      [carried, asked, outside, services] = [[], [], new Set(), []];
      const wires: Wire[] = [
        { from: 'start', to: 's1' },
        ...FIVE.slice(1).map((to, index) => ({ from: FIVE[index] ?? '', to })),
        ...FIVE.map((from) => ({ from, port: 1, to: 'undo' })),
        { from: 'undo', to: 'end' },
        { from: 'undo', port: 1, to: 'end' },
      ];
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          ...FIVE.map((step) => ({ step, kind: 'send' })),
          { step: 'undo', kind: 'compensate', dueIn: 1e12, config: { compensate: config } },
          { step: 'end', kind: 'delay' },
        ],
        wires,
      });
      await world.declare();
      await world.addLeads(people);
    }
    afterEach(async () => {
      for (const service of services) await service.close();
      for (const runtime of world.runtimes) await runtime.close();
    });

    /** A runtime whose five steps do something, and fail people at `failing`. */
    async function start(
      failing: (step: LeasedStep, at: string) => boolean,
      handler?: UndoHandler,
    ): Promise<{ runtime: Runtime; undoing: Compensations }> {
      const hands = new Map(FIVE.map((step) => [step, new Hands()]));
      const at: { ledger?: Runtime['ledger'] } = {};
      const undoing: Compensations = new Compensations({
        scope: world.scope,
        log: silent,
        random: () => 0,
        ledger: () => at.ledger as Runtime['ledger'],
        wake: (moment) => {
          clock.after(moment - clock.now(), () => undoing.poke());
          return Promise.resolve();
        },
        campaign: (key) => world.campaigns.get(key),
      });
      services.push(undoing);
      undoing.handle('effect', handler ?? effects());
      const runtime = await world.start({
        work: Object.fromEntries(hands),
        arrived: { undo: (tx, steps) => undoing.arrived(tx, steps) },
        carries: ['undo'],
        onWire: ({ from, port = 0 }, { lead, outcome }) => {
          if (from === 'undo') carried.push({ port, lead: lead.id, compensation: outcome as Compensation });
          return true;
        },
      });
      at.ledger = runtime.ledger;
      await world.launch();
      await runtime.settle();
      for (const [name, hand] of hands) {
        await begin(undoing, name, hand.steps);
        await hand.settle((step): StepResult =>
          failing(step, name) ? { step, kind: 'release', port: 1 } : { step, kind: 'release', port: 0 },
        );
        await runtime.settle();
      }
      await finish(runtime, undoing);
      return { runtime, undoing };
    }
    async function finish(runtime: Runtime, undoing: Compensations): Promise<void> {
      for (let i = 0; i < 3; i++) {
        await undoing.idle();
        await runtime.settle();
      }
    }
    /** The effect and its undo, in one transaction: the score of the lead grows. */
    function begin(undoing: Compensations, name: string, steps: readonly LeasedStep[]): Promise<void> {
      return world.scope.transaction(async (tx) => {
        await undoing.register(
          tx,
          steps.map(({ id: step, campaign, enrollment, lead }) => ({
            campaign,
            enrollment,
            lead,
            step,
            kind: 'effect',
            key: `${name}:${step}`,
            params: { name },
          })),
        );
        for (const { lead } of steps) await addToScore(tx, lead, 1);
      });
    }
    function addToScore(tx: Scope, lead: number, points: number): Promise<number> {
      return tx.run(`UPDATE marketing_leads SET score = score + :points WHERE tenant_id = :tenant AND id = :lead`, {
        points,
        lead,
      });
    }
    function effects(more: (undo: Undo) => Promise<void> = () => Promise.resolve()): UndoHandler {
      return {
        async undo(undo, { idempotencyKey }) {
          asked.push(`${undo.enrollment} ${String(undo.params['name'])}`);
          outside.add(idempotencyKey);
          await more(undo);
          return { status: 'undone' };
        },
        async apply(tx, { lead }) {
          await addToScore(tx, lead, -1);
          return undefined;
        },
      };
    }
    const numbers = async (sql: string): Promise<number[]> =>
      (await world.scope.all<{ id: number }>(sql)).map(({ id }) => id);
    const everybody = (): Promise<number[]> =>
      numbers(`SELECT id FROM marketing_leads WHERE tenant_id = :tenant ORDER BY id`);
    /** Enrollments in the order of the leads. */
    const entered = (): Promise<number[]> =>
      numbers(`SELECT id FROM marketing_enrollments WHERE tenant_id = :tenant ORDER BY lead_id`);
    const of = (enrollment: number | undefined): string[] =>
      asked.filter((one) => one.startsWith(`${enrollment} `)).map((one) => one.split(' ')[1] ?? '');
    const scores = (): Promise<number> => world.count('leads', 'score <> 0');

    it('undoes strictly in reverse, wherever a journey of five steps fails, and each effect once', async () => {
      await open(5);
      // The first lead fails at the first step, the second one at the second …
      const people = await everybody();
      await start(({ lead }, at) => at === FIVE[people.indexOf(lead)]);
      assert.equal(carried.length, 5);
      const enrollments = await entered();
      for (const [index, lead] of people.entries()) {
        const done = FIVE.slice(0, index + 1).reverse();
        assert.deepEqual(of(enrollments[index]), done);
        const mine = carried.find((one) => one.lead === lead);
        assert.equal(mine?.port, 0);
        assert.deepEqual(
          mine?.compensation.undone.map(({ step }) => step),
          done,
        );
        assert.equal(mine?.compensation.state, 'undone');
      }
      assert.equal(await scores(), 0);
      assert.equal(outside.size, 1 + 2 + 3 + 4 + 5);
      assert.equal(asked.length, outside.size);
      assert.equal(await world.count('undo_runs', `state = 'undone'`), 5);
      assert.deepEqual(await world.standing(), { 'ended: completed': 5 });
    });

    it('killed in the middle goes on elsewhere with the same undo under the same key; the late answer is refused', async () => {
      await open(3);
      let release: () => void = () => undefined;
      let hung = 0;
      const stuck = new Promise<void>((resolve) => (release = resolve));
      // Each person's third undo has had its effect outside when the process stops.
      const first = await Promise.race([
        start(
          (_step, at) => at === 's5',
          effects(async ({ params }) => {
            if (params['name'] !== 's3') return;
            hung++;
            await stuck;
          }),
        ),
        until(() => hung === 3),
      ]);
      assert.equal(first, undefined);
      await world.runtimes[0]?.kill();
      const second = await world.start({
        arrived: {},
        carries: ['undo'],
        onWire: ({ from, port = 0 }, { lead, outcome }) => {
          if (from === 'undo') carried.push({ port, lead: lead.id, compensation: outcome as Compensation });
          return true;
        },
        work: Object.fromEntries(FIVE.map((step) => [step, new Hands()])),
      });
      const undoing = new Compensations({
        scope: world.scope,
        log: silent,
        ledger: () => second.ledger,
        wake: () => Promise.resolve(),
        campaign: (key) => world.campaigns.get(key),
      });
      services.push(undoing);
      undoing.handle('effect', effects());
      await finish(second, undoing);
      assert.equal(carried.length, 3);
      release();
      await services[0]?.idle();
      for (const enrollment of await entered()) {
        assert.deepEqual(of(enrollment), ['s5', 's4', 's3', 's3', 's2', 's1'], 'asked twice, under one key');
      }
      assert.equal(outside.size, 15);
      assert.equal(await scores(), 0, 'rows change once');
      assert.equal(await world.count('undos', `state = 'undone'`), 15);
    });

    async function until(holds: () => boolean): Promise<undefined> {
      while (!holds()) await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    }

    it('goes on with the rest when one fails for good, which people see to; only then it is rolled back', async () => {
      await open(1);
      let broken = true;
      const { runtime, undoing } = await start((_step, at) => at === 's3', {
        ...effects(),
        maxAttempts: 3,
        undo: ({ params, enrollment, attempt }) => {
          asked.push(`${enrollment} ${String(params['name'])}`);
          if (broken && params['name'] === 's2')
            return Promise.resolve({ status: 'failed', reason: `out of order (${attempt})` });
          return Promise.resolve({ status: 'undone' });
        },
      });
      assert.equal(carried.length, 0, 'it is tried again first');
      for (const pause of [10_000, 20_000]) {
        await clock.advance(pause + 1);
        await finish(runtime, undoing);
      }
      assert.deepEqual(of((await entered())[0]), ['s3', 's2', 's2', 's2', 's1']);
      assert.equal(carried[0]?.port, 1);
      assert.equal(carried[0]?.compensation.state, 'partly undone');
      assert.deepEqual(
        carried[0]?.compensation.failed.map(({ step, reason }) => [step, reason]),
        [['s2', 'out of order (3)']],
      );
      const [failed] = await undoing.list({ campaign: 'journey' });
      assert.equal(failed?.reason, 'out of order (3)');
      assert.equal(await world.count('undo_runs', `state = 'partly'`), 1);
      broken = false;
      await undoing.retry(failed?.id ?? 0, { actor: 'marie' });
      await finish(runtime, undoing);
      assert.equal(await world.count('undo_runs', `state = 'undone'`), 1);
      assert.deepEqual(await undoing.list(), []);
      assert.equal(await scores(), 0);
      await assert.rejects(undoing.resolve(failed?.id ?? 0, 'by hand'), { code: 'E_UNDO_STATE' });
      assert.equal(await world.count('history', `event = 'compensation.failed'`), 1);
      assert.equal(await world.count('history', `event = 'compensation.retried' AND actor = 'marie'`), 1);
    });

    it('undoes for everybody when the campaign is cancelled, and brings dead letters by itself, where the station says so', async () => {
      await open(4, { onFailure: true, onCancel: true });
      world.campaigns.on('after', 'cancel', (tx, campaign) => services[0]?.cancelled(tx, campaign));
      const { runtime, undoing } = await start(() => false);
      assert.equal(await scores(), 4);
      assert.deepEqual(await world.standing(), { 'ended: completed': 4 });
      await world.scope.run(`UPDATE marketing_campaigns SET state = 'active' WHERE tenant_id = :tenant`);
      // One of them in the dead-letter list.
      const second = (await everybody())[1];
      await world.scope.run(
        `UPDATE marketing_steps SET state = 'failed' WHERE tenant_id = :tenant AND lead_id = ${second}
           AND station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = 's4')`,
      );
      await undoing.upkeep();
      await finish(runtime, undoing);
      assert.deepEqual(
        carried.map(({ lead }) => lead),
        [second],
      );
      assert.equal(await scores(), 3);
      await undoing.upkeep();
      await finish(runtime, undoing);
      assert.equal(carried.length, 1, 'once');
      await world.campaigns.cancel('journey');
      await finish(runtime, undoing);
      assert.equal(await scores(), 0);
      assert.equal(asked.length, 20);
      assert.equal(await world.count('undo_runs', `cause = 'cancel' AND state = 'undone'`), 4);
      await assert.rejects(undoing.undo('journey'), { code: 'E_NOTHING_TO_UNDO' });
    });
  });
});
