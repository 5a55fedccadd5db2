import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { LeasedStep } from '../../lib/ledger';
import { recoverRuntime } from '../../lib/ledger/sql/recover';
import { createMetrics } from '../../lib/metrics';
import { markSending, writeOutcomes } from '../../lib/sending/messages';
import { eachDatabase } from '../kit/databases';
import { Hands, VirtualClock, World, type Runtime } from './world';

/** A door that is shut until it is opened, and tells when somebody stands before it. */
class Door {
  readonly reached: Promise<void>;
  private tell: () => void = () => undefined;
  private readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.reached = new Promise((resolve) => (this.tell = resolve));
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  pass(): Promise<void> {
    this.tell();
    return this.opened;
  }
}

eachDatabase((db) =>
  describe('a runtime that is taken for dead while it is writing', function () {
    this.timeout(60_000);
    let world: World;
    let runtime: Runtime;
    let steps: LeasedStep[];

    beforeEach(async () => {
      const clock = new VirtualClock();
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'mail', kind: 'send' },
          { step: 'later', kind: 'delay', dueIn: 1_000_000 },
        ],
        wires: [
          { from: 'start', to: 'mail' },
          { from: 'mail', to: 'later' },
        ],
        onUnknown: 'resend',
      });
      await world.declare();
      await world.addLeads(3);
      const hands = new Hands();
      runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
      steps = hands.steps;
      assert.equal(steps.length, 3);
    });
    afterEach(() => runtime.close());

    const mark = (before: () => Promise<void> = () => Promise.resolve()): Promise<unknown> =>
      markSending(
        world.scope,
        steps.map((step) => ({ step, address: 'x@example.org', messageKey: `m${step.id}`, contentId: 1, date: 1 })),
        { channel: 'email', account: 'a' },
        async (_tx, leads) => {
          await before();
          return new Map(leads.map((lead) => [lead, { allowed: true as const }]));
        },
      );
    const settle = (before: () => Promise<void> = () => Promise.resolve()): Promise<unknown> | undefined =>
      runtime.handles.get('mail')?.settle(
        steps.map((step) => ({ step, kind: 'release', port: 0 })),
        async (tx, accepted) => {
          const ours = steps.filter(({ id }) => accepted.has(id));
          await writeOutcomes(
            tx,
            'email',
            ours.map((step) => ({ step, state: 'sent', charged: true })),
          );
          await before();
        },
      );
    /** Begins to recover, and lets it come as far as it can. */
    const recover = async (): Promise<{ done: Promise<unknown> }> => {
      const done = recoverRuntime(world.scope, { id: runtime.ledger.owner, now: world.clock.now(), force: true });
      // What holds it up is a lock in the database: nothing here says when it has come to it.
      await pause(100);
      return { done };
    };

    it('what became of messages: they are sent, and nobody is put back', async () => {
      await mark();
      const door = new Door();
      const settled = settle(() => door.pass());
      await door.reached;
      const { done } = await recover();
      door.open();
      await Promise.all([settled, done]);
      assert.equal(await world.count('messages', `state = 'sent' AND in_doubt = 0`), 3);
      assert.equal(await world.count('steps', `state IN ('waiting', 'working') AND station_id = 2`), 0);
      assert.deepEqual(await createMetrics(world.scope).differences(), []);
    });

    it('that messages are being sent: they are in doubt', async () => {
      const door = new Door();
      const marked = mark(() => door.pass());
      await door.reached;
      const { done } = await recover();
      door.open();
      await Promise.all([marked, done]);
      assert.equal(await world.count('messages', `state = 'unknown' AND in_doubt = 1`), 3);
      await settle();
      assert.equal(await world.count('messages', `state = 'unknown'`), 3, 'what it completes late changes nothing');
      assert.deepEqual(await createMetrics(world.scope).differences(), []);
    });
  }),
);
