import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { type NotFoundError } from '../../lib/errors';
import { Events } from '../../lib/events';
import { createLeads, Reactions } from '../../lib/leads';
import { ConditionService } from '../../lib/marketing/condition-service';
import { triggersOf } from '../../lib/marketing/parts/triggers';
import { createSegments } from '../../lib/segments';
import { ClockTimers } from '../../lib/timers';
import { eachDatabase } from '../kit/databases';
import { silent, World, type Runtime } from './world';

const DAY = 86_400_000;

eachDatabase((db) => {
  describe('entering a campaign', () => {
    let clock: VirtualClock;
    let world: World;
    let events: Events;
    let reactions: Reactions;

    async function open(entryMode: 'launch' | 'event'): Promise<Runtime> {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      world = new World(await db.open({ clock }), {
        stations: [
          { step: 'start', kind: 'trigger' },
          { step: 'wait', kind: 'delay', dueIn: DAY },
        ],
        wires: [{ from: 'start', to: 'wait' }],
        entryMode,
      });
      await world.declare();
      reactions = new Reactions();
      const leads = createLeads(world.scope, { reactions });
      const segments = createSegments(world.scope, { leads });
      const triggers = triggersOf(world.scope, {
        ...{ leads, segments, reactions, stories: [] },
        conditions: new ConditionService(leads, segments),
        timers: new ClockTimers(clock),
        log: silent,
        wake: (station) => world.runtimes.forEach(({ ledger }) => ledger.wakeStation(station)),
      });
      events = new Events({
        ...{ scope: world.scope, leads, reactions },
        changed: () => Promise.resolve(),
        enteredBy: (engagement) => triggers.enteredBy(engagement),
      });
      return world.start();
    }
    afterEach(async () => {
      for (const runtime of world.runtimes) await runtime.close();
    });

    it('by an event happens once for each event id, even when it is reported at the same moment', async () => {
      const runtime = await open('event');
      await world.addLeads(3);
      await world.launch();
      const record = (eventId: string) => events.record({ type: 'signed_up', lead: 'lead1@example.com', eventId });
      const outcomes = await Promise.all([record('a'), record('a'), record('b')]);
      assert.equal(
        outcomes.reduce((sum, { entered }) => sum + entered, 0),
        2,
      );
      assert.equal((await record('a')).entered, 0);
      await runtime.settle();
      assert.equal(await world.count('enrollments'), 2);
      assert.equal(await world.count('steps', `state = 'waiting'`), 2);
      assert.equal(await world.count('engagements'), 2);
    });

    it('by an event happens together with it, or neither does: what fails after them takes both back', async () => {
      const runtime = await open('event');
      await world.addLeads(1);
      await world.launch();
      const undo = reactions.add({ engaged: () => Promise.reject(new Error('the process dies here')) });
      const event = { type: 'signed_up', lead: 'lead1@example.com', eventId: 'a' };
      await assert.rejects(events.record(event), /dies here/);
      assert.deepEqual([await world.count('engagements'), await world.count('enrollments')], [0, 0]);
      undo();
      assert.equal((await events.record(event)).entered, 1);
      await runtime.settle();
      assert.deepEqual([await world.count('enrollments'), await world.count('steps', 'parent_id = 0')], [1, 1]);
    });

    it('by an event of which the journey knows nothing does not happen, and an unknown lead is refused', async () => {
      await open('event');
      await world.addLeads(1);
      await world.launch();
      assert.equal((await events.record({ type: 'left', lead: 'lead1@example.com' })).entered, 0);
      await assert.rejects(
        events.record({ type: 'signed_up', lead: 'nobody@example.com' }),
        (error: NotFoundError) => error.code === 'E_UNKNOWN_LEAD',
      );
    });

    it('while it is paused is waiting at its first station, until it goes on', async () => {
      const runtime = await open('event');
      await world.addLeads(1);
      await world.launch();
      await world.campaigns.pause('journey');
      assert.equal((await events.record({ type: 'signed_up', lead: 'lead1@example.com' })).entered, 1);
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'done'`), 0);
      await world.campaigns.resume('journey');
      await runtime.settle();
      assert.equal(await world.count('steps', `state = 'done'`), 1);
    });

    it('by launch: two runtimes write the audience together, nobody twice and nobody missing', async () => {
      const one = await open('launch');
      const two = await world.start();
      await world.addLeads(3_500);
      await world.launch();
      await one.settle();
      await two.settle();
      await one.ledger.sweep();
      await two.ledger.sweep();
      await one.settle();
      await two.settle();
      assert.equal(await world.count('enrollments'), 3_500);
      assert.equal(await world.count('steps', 'parent_id = 0'), 3_500);
      assert.equal(await world.count('steps', `state = 'waiting'`), 3_500);
    });

    it('by launch goes on where a pause, or an end of the runtime, interrupted it', async () => {
      const runtime = await open('launch');
      await world.addLeads(1_500);
      const campaign = await world.launch();
      await world.campaigns.pause(campaign.id);
      await runtime.settle();
      await runtime.close();
      const next = await world.start();
      await world.campaigns.resume(campaign.id);
      await next.settle();
      assert.equal(await world.count('enrollments'), 1_500);
      assert.equal(await world.count('steps', `state = 'waiting'`), 1_500);
      assert.deepEqual(next.errors, []);
    });

    it('with an audience of nobody completes at once', async () => {
      const runtime = await open('launch');
      await world.launch();
      await runtime.settle();
      await runtime.ledger.sweep();
      assert.equal((await world.campaigns.get('journey')).state, 'completed');
    });
  });
});
