import assert from 'node:assert/strict';
import { type VirtualClock } from '../../lib/clock';
import type { OutgoingMessage } from '../../lib/channels';
import { SendRulesService, type TenantSendRules } from '../../lib/pacing';
import { eachDatabase } from '../kit/databases';
import { silent } from '../ledger/world';
import { sent } from '../sending/fake-account';
import { SendingWorld, type Run, type RunOptions } from '../sending/sending-world';
import { mostWithin } from './bed';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

eachDatabase((db) => {
  describe(`a send station with send rules on ${db.name}`, () => {
    let bed: SendingWorld;
    let clock: VirtualClock;
    let rules: SendRulesService;
    let times: number[];

    async function open(tenant: TenantSendRules): Promise<void> {
      bed = await SendingWorld.open(db);
      ({ clock } = bed);
      times = [];
      rules = new SendRulesService({
        scope: bed.world.scope,
        log: silent,
        wake: (station) => bed.world.runtimes.forEach(({ ledger }) => ledger.wakeStation(station)),
        campaign: (key) => bed.world.campaigns.get(key),
        audienceOf: () => Promise.resolve(0),
      });
      await rules.set({ caps: [], againAfterHours: 0, ...tenant });
    }
    const run = (more: RunOptions): Promise<Run> =>
      bed.run(
        (_message: OutgoingMessage) => {
          times.push(clock.now());
          return sent;
        },
        { gates: [rules.gate], ...more },
      );
    /** Lets time pass in steps of what a timer may be late. */
    async function pass(ms: number, step: number, { settle }: Run): Promise<void> {
      for (const end = clock.now() + ms; clock.now() < end;) {
        await clock.advance(Math.min(step, end - clock.now()));
        await settle();
      }
    }

    afterEach(() => bed.close());

    it('sends nothing in quiet hours, and those who were held in the morning', async () => {
      // 19:00 in New York, where people of the United States are taken to be.
      await open({ quietHours: { from: '19:00', to: '07:00' }, releaseMinutes: 10 });
      const going = await run({ leads: 30 });
      assert.equal(times.length, 0);
      assert.equal(await bed.world.count('steps', `state = 'waiting' AND reason = 'quiet_hours'`), 30);
      await clock.advanceTo(Date.UTC(2026, 0, 1, 11, 59, 59));
      await going.settle();
      assert.equal(times.length, 0);
      await pass(11 * MINUTE, 30 * SECOND, going);
      assert.equal(times.length, 30);
      assert.ok(mostWithin(times, MINUTE) <= 9, String(mostWithin(times, MINUTE)));
      assert.equal(await bed.world.count('messages', 'attempt > 1'), 0, 'nobody was charged a try');
    });

    it('keeps its pace through a restart, and follows a new one at once', async () => {
      await open({ throttle: { perMinute: 60 } });
      const first = await run({ leads: 60 });
      await pass(10 * SECOND, SECOND, first);
      assert.ok(times.length >= 10 && times.length <= 13, String(times.length));
      await first.runtime.close();
      const before = times.length;
      await clock.advance(30 * SECOND);
      const second = await run({ launched: true });
      await pass(10 * SECOND, SECOND, second);
      const after = times.length - before;
      assert.ok(after >= 9 && after <= 13, `${after} after a pause of 30 seconds`);
      await rules.set({ caps: [], againAfterHours: 0, throttle: { perMinute: 600 } });
      await rules.idle();
      await pass(6 * SECOND, SECOND, second);
      assert.equal(times.length, 60);
    });

    for (const stop of ['pause', 'cancel'] as const) {
      it(`has nobody wait behind the line of a campaign that stands still: ${stop}`, async () => {
        await open({ total: { perMinute: 60 } });
        const first = await run({ leads: 90 });
        await pass(3 * SECOND, SECOND, first);
        await first.runtime.close();
        bed.world.campaigns.on('after', stop, (tx, { id }) => rules.stops(tx, id));
        await bed.world.campaigns[stop]('journey');
        await rules.idle();
        const before = times.length;
        await bed.world.campaigns.create({ key: 'second', definition: 'journey' });
        await bed.world.campaigns.launch('second');
        const second = await run({ launched: true });
        await pass(10 * SECOND, SECOND, second);
        const sentNow = times.length - before;
        assert.ok(sentNow >= 9 && sentNow <= 13, `${sentNow} within ten seconds`);
      });
    }

    it('lets whoever has had enough go on through "suppressed"', async () => {
      await open({ caps: [{ messages: 1, days: 1 }] });
      const first = await run({ leads: 3 });
      await first.runtime.close();
      await bed.world.campaigns.create({ key: 'second', definition: 'journey' });
      await bed.world.campaigns.launch('second');
      await run({ launched: true });
      assert.equal(times.length, 3);
      assert.deepEqual(await bed.world.standing(), {
        'ended: completed': 3,
        'ended: suppressed: frequency_cap': 3,
      });
    });
  });
});
