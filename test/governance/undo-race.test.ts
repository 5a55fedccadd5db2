import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { messageHandler } from '../../lib/governance/compensation/messages';
import type { Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { Hands, World } from '../ledger/world';

eachDatabase((db) => {
  // SQLite has one writer at a time; InnoDB looks for messages after it has the step.
  if (db.name !== 'postgres') return;
  describe(`undoing while a message is being marked (${db.name})`, () => {
    let world: World;
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    /** Resolves once somebody waits for a lock. */
    async function untilBlocked(scope: Scope): Promise<void> {
      const waiting = `SELECT COUNT(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND :tenant = :tenant`;
      while (Number((await scope.get<{ n: number }>(waiting))?.n ?? 0) === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }

    it('leaves the step alone: what is being sent is not taken out of the queue', async () => {
      const clock = new VirtualClock(Date.UTC(2026, 0, 1));
      const store = await db.open({ clock });
      world = new World(store, {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'mail', kind: 'send' },
        ],
        wires: [{ from: 'start', to: 'mail' }],
      });
      await world.declare();
      await world.addLeads(1);
      const hands = new Hands();
      const runtime = await world.start({ work: { mail: hands } });
      await world.launch();
      await runtime.settle();
      const [step] = hands.steps;
      assert.ok(step);
      const { id, campaign, enrollment, lead } = step;
      const { scope } = world;
      let undone: Promise<unknown> = Promise.resolve();
      // As marking does it: the step is locked, its message is written, and both are committed.
      await scope.transaction(async (tx) => {
        await tx.all(`SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.id = :id FOR UPDATE`, {
          id,
        });
        await tx.run(
          `INSERT INTO marketing_messages (tenant_id, step_id, campaign_id, enrollment_id, lead_id, channel, account, address,
             message_key, content_id, variant, state, attempt, sending_at, cost_micros)
           VALUES (:tenant, :id, :campaign, :enrollment, :lead, 'email', 'shop', '', '', 1, '', 'sending', 1, 0, 0)`,
          { id, campaign, enrollment, lead },
        );
        const undo = {
          id: 1,
          campaign,
          enrollment,
          lead,
          step: 0,
          seq: 1,
          kind: 'message',
          key: 'x',
          params: {},
          attempt: 1,
        };
        const other = (await db.open({ clock, keep: true })).tenant('test');
        undone = other.transaction(async (inner) => messageHandler(other, new Map()).apply?.(inner, undo));
        await untilBlocked((await db.open({ clock, keep: true })).tenant('test'));
      });
      await undone;
      assert.equal(await world.count('steps', `state = 'working'`), 1);
      await hands.finish();
      assert.deepEqual(await world.standing(), { 'ended: completed': 1 });
    });
  });
});
