import assert from 'node:assert/strict';
import type { Principal } from '../../lib/access';
import type { Schedule } from '../../lib/campaigns';
import { VirtualClock } from '../../lib/clock';
import { ConflictError, MarketingError } from '../../lib/errors';
import { ScheduleService } from '../../lib/schedules';
import type { Store } from '../../lib/store';
import { ClockTimers } from '../../lib/timers';
import { eachDatabase } from '../kit/databases';
import { World } from './world';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NINE: Schedule = { kind: 'daily', time: '09:00' };
const VIEWER: Principal = { id: 'vera', roles: ['viewer'] };

const nine = (day: number): number => START + (day - 1) * DAY + 9 * HOUR;
const iso = (moment: number): string => new Date(moment).toISOString();
const code = (expected: string) => (error: unknown) => error instanceof MarketingError && error.code === expected;

eachDatabase((db) => {
  describe('scheduled campaigns', function () {
    this.timeout(60_000);
    let store: Store;
    let world: World;

    beforeEach(async () => {
      store = await db.open({ clock: new VirtualClock(START) });
      world = new World(store);
      await world.start();
    });
    afterEach(() => assert.deepEqual(world.failures, []));

    const missedAnnouncements = (): unknown[] =>
      world.announced.filter(({ type }) => type === 'marketing.campaign.run_missed').map(({ data }) => data['outcome']);
    /** Nobody runs until `moment`; then a new process starts. */
    async function downUntil(moment: number): Promise<void> {
      await world.crash();
      await world.clock.advanceTo(moment);
      await world.start();
      await world.schedules.start();
      await world.until(moment);
    }

    it('start once, at their moment', async () => {
      const planned = await world.planned('spring', {
        kind: 'once',
        at: '2026-01-02T09:00',
        timeZone: 'Europe/Berlin',
      });
      assert.deepEqual([planned.state, planned.nextRunAt], ['scheduled', nine(2) - HOUR]);
      await world.until(nine(2) - HOUR - 1);
      assert.equal((await world.campaigns.get('spring')).state, 'scheduled');
      await world.until(nine(2) - HOUR);
      const started = await world.campaigns.get('spring');
      assert.deepEqual([started.state, started.run, started.nextRunAt], ['active', 1, undefined]);
      assert.deepEqual(await world.runs('spring'), [
        { plannedAt: nine(2) - HOUR, outcome: 'started', run: 1, at: nine(2) - HOUR },
      ]);
      await world.finishRuns();
      await world.until(nine(9));
      assert.deepEqual(
        [(await world.campaigns.get('spring')).state, (await world.runs('spring')).length],
        ['completed', 1],
      );
    });

    it('start again and again, and are scheduled between their runs', async () => {
      await world.planned('spring', { kind: 'weekly', time: '09:00', weekdays: [5, 1] });
      await world.until(nine(12), () => world.finishRuns());
      assert.deepEqual(
        await world.outcomes('spring'),
        [2, 5, 9, 12].map((day) => `${iso(nine(day))} started`),
      );
      const between = await world.campaigns.get('spring');
      assert.deepEqual([between.state, between.run, between.nextRunAt], ['scheduled', 4, nine(16)]);
    });

    it('end with the end of their schedule', async () => {
      await world.planned('spring', { ...NINE, until: '2026-01-02' });
      await world.until(nine(5), () => world.finishRuns());
      assert.equal((await world.runs('spring')).length, 2);
      assert.deepEqual((await world.campaigns.get('spring')).state, 'completed');
    });

    it('can be planned anew until they run, and not while they do', async () => {
      await world.planned('spring', NINE);
      const changed = await world.schedules.schedule('spring', { kind: 'daily', time: '10:00' }, { actor: 'ada' });
      assert.deepEqual([changed.state, changed.nextRunAt], ['scheduled', nine(1) + HOUR]);
      await world.until(nine(1) + HOUR - 1);
      assert.equal((await world.campaigns.get('spring')).run, 0, 'the former moment means nothing any more');
      await world.until(nine(1) + HOUR);
      for (const action of ['pause', 'cancel'] as const) {
        await assert.rejects(world.schedules.schedule('spring', NINE), code('E_CAMPAIGN_STATE'));
        await world.campaigns[action]('spring');
      }
      await assert.rejects(world.schedules.schedule('spring', NINE), code('E_CAMPAIGN_STATE'));
    });

    it('refuse schedules that cannot be, versions that are old, and campaigns that nobody knows', async () => {
      const { version } = await world.planned('spring', NINE);
      await assert.rejects(
        world.schedules.schedule('spring', { kind: 'daily', time: '9' }),
        (error) =>
          error instanceof MarketingError && error.code === 'E_SCHEDULE' && Array.isArray(error.details['problems']),
      );
      await assert.rejects(world.schedules.schedule('spring', NINE, { version: version - 1 }), code('E_CONFLICT'));
      await assert.rejects(world.schedules.unschedule('spring', { version: version - 1 }), code('E_CONFLICT'));
      await assert.rejects(world.schedules.schedule('nope', NINE), code('E_UNKNOWN_CAMPAIGN'));
      assert.deepEqual((await world.campaigns.get('spring')).nextRunAt, nine(1));
    });

    it('are planned by whoever may launch, and looked at by whoever may read', async () => {
      await world.planned('spring', NINE);
      await assert.rejects(world.schedules.schedule('spring', NINE, { actor: VIEWER }), code('E_FORBIDDEN'));
      await assert.rejects(world.schedules.unschedule('spring', { actor: VIEWER }), code('E_FORBIDDEN'));
      assert.deepEqual(await world.schedules.runs('spring', { actor: VIEWER }), []);
      assert.deepEqual(await world.schedules.upcoming('spring', 2, { actor: VIEWER }), [nine(1), nine(2)]);
      await assert.rejects(world.schedules.upcoming('spring', 0), code('E_PAGE'));
    });

    it('become drafts again when they are taken off the schedule, and never start', async () => {
      await world.planned('spring', NINE);
      const draft = await world.schedules.unschedule('spring', { actor: 'ada', reason: 'too early' });
      assert.deepEqual([draft.state, draft.schedule, draft.nextRunAt], ['draft', undefined, undefined]);
      await world.until(nine(3));
      assert.equal((await world.campaigns.get('spring')).run, 0);
      assert.deepEqual(await world.timers.list('campaign-schedule'), []);
      assert.deepEqual(await world.events('spring'), [
        'campaign.created',
        'campaign.schedule_set',
        'campaign.scheduled',
        'campaign.schedule_removed',
        'campaign.unscheduled',
      ]);
      await assert.rejects(world.schedules.unschedule('spring'), code('E_NOT_SCHEDULED'));
    });

    it('finish the run that they are in when they are taken off the schedule, and start no more', async () => {
      await world.planned('spring', NINE);
      await world.until(nine(1));
      assert.equal((await world.schedules.unschedule('spring')).state, 'active');
      await world.finishRuns();
      await world.until(nine(4));
      const over = await world.campaigns.get('spring');
      assert.deepEqual([over.state, over.run, over.nextRunAt], ['completed', 1, undefined]);
    });

    it('are skipped, and somebody is told, while their former run is under way or paused', async () => {
      await world.planned('spring', NINE);
      await world.until(nine(2));
      await world.campaigns.pause('spring');
      await world.until(nine(3));
      await world.campaigns.resume('spring');
      await world.finishRuns();
      await world.until(nine(4));
      const runs = await world.runs('spring');
      assert.deepEqual(
        runs.map(({ outcome, run }) => [outcome, run]),
        [
          ['started', 1],
          ['skipped', undefined],
          ['skipped', undefined],
          ['started', 2],
        ],
      );
      assert.match(runs[1]?.reason ?? '', /run 1 of the campaign is active/);
      assert.match(runs[2]?.reason ?? '', /paused/);
      assert.deepEqual(missedAnnouncements(), ['skipped', 'skipped']);
      assert.equal((await world.events('spring')).filter((event) => event === 'campaign.run_skipped').length, 2);
    });

    it('do not start when they were cancelled', async () => {
      await world.planned('spring', NINE);
      await world.campaigns.cancel('spring');
      await world.until(nine(3));
      const { run, nextRunAt } = await world.campaigns.get('spring');
      assert.deepEqual([run, nextRunAt, await world.runs('spring')], [0, undefined, []]);
    });

    it('do not start while they are deleted, and go on when they are restored', async () => {
      await world.schedules.start();
      await world.planned('spring', NINE);
      await world.campaigns.remove('spring');
      await world.until(nine(2) + 2 * HOUR);
      assert.deepEqual(await world.runs('spring'), []);
      await world.campaigns.restore('spring');
      await world.until(nine(3));
      assert.deepEqual(await world.outcomes('spring'), [
        `${iso(nine(1))} missed`,
        `${iso(nine(2))} missed`,
        `${iso(nine(3))} started`,
      ]);
    });

    it('that somebody starts by hand before their one moment do not start once more', async () => {
      await world.planned('spring', { kind: 'once', at: nine(3) });
      await world.campaigns.launch('spring', { actor: 'ada' });
      await world.finishRuns();
      await world.until(nine(4));
      const spring = await world.campaigns.get('spring');
      assert.deepEqual([spring.run, spring.state, (await world.runs('spring')).length], [1, 'completed', 0]);
    });

    it('that may not start say why, and those with one moment only are drafts again', async () => {
      await world.planned('spring', { kind: 'once', at: nine(1) });
      await world.planned('autumn', NINE);
      world.campaigns.guard('launch', () => 'the budget is spent');
      await world.until(nine(1));
      for (const key of ['spring', 'autumn']) {
        const [run] = await world.runs(key);
        assert.equal(run?.outcome, 'failed');
        assert.match(run?.reason ?? '', /the budget is spent/);
      }
      assert.equal((await world.campaigns.get('spring')).state, 'draft');
      assert.deepEqual((await world.campaigns.get('autumn')).nextRunAt, nine(2));
      assert.deepEqual(missedAnnouncements(), ['failed', 'failed']);
    });

    it('are tried again when starting fails for a moment', async () => {
      await world.planned('spring', NINE);
      world.obstacles.push(
        new Error('connection lost'),
        new ConflictError('E_CONFLICT', 'changed meanwhile', { retryable: true }),
      );
      await world.until(nine(1) + 30 * MINUTE);
      const [run] = await world.runs('spring');
      assert.deepEqual([run?.run, run?.plannedAt, (await world.runs('spring')).length], [1, nine(1), 1]);
      assert.deepEqual(
        world.failures.splice(0).map((error) => (error as Error).message),
        ['connection lost'],
      );
    });

    describe('after a time in which nobody was there', () => {
      it('start late within their grace', async () => {
        await world.planned('spring', NINE);
        await downUntil(nine(1) + HOUR);
        assert.deepEqual(await world.runs('spring'), [
          { plannedAt: nine(1), outcome: 'late', run: 1, at: nine(1) + HOUR },
        ]);
        assert.deepEqual([(await world.campaigns.get('spring')).nextRunAt, missedAnnouncements()], [nine(2), []]);
      });

      it('are missed beyond it, and somebody is told', async () => {
        await world.planned('spring', NINE);
        await world.planned('once', { kind: 'once', at: nine(1) });
        await downUntil(nine(1) + HOUR + 1);
        assert.deepEqual(await world.outcomes('spring'), [`${iso(nine(1))} missed`]);
        const { state, nextRunAt } = await world.campaigns.get('spring');
        assert.deepEqual([state, nextRunAt], ['scheduled', nine(2)]);
        const once = await world.campaigns.get('once');
        assert.deepEqual([once.state, once.run, once.schedule], ['draft', 0, undefined]);
        assert.deepEqual(missedAnnouncements(), ['missed', 'missed']);
        assert.ok((await world.events('spring')).includes('campaign.run_missed'));
        await world.until(nine(2));
        assert.equal((await world.campaigns.get('spring')).run, 1, 'the next one takes place');
      });

      it('have the grace that their schedule says', async () => {
        await world.planned('none', { ...NINE, graceMs: 0 });
        await world.planned('day', { ...NINE, graceMs: DAY });
        await downUntil(nine(1) + 2 * MINUTE);
        assert.deepEqual(await world.outcomes('none'), [`${iso(nine(1))} missed`]);
        assert.deepEqual(await world.outcomes('day'), [`${iso(nine(1))} late`]);
      });

      it('have a line for each run that was missed, and start the last one only', async () => {
        await world.planned('spring', { ...NINE, graceMs: 3 * DAY });
        await downUntil(nine(5) + HOUR);
        const runs = await world.runs('spring');
        assert.deepEqual(
          runs.map(({ plannedAt, outcome }) => [plannedAt, outcome]),
          [
            [nine(1), 'missed'],
            [nine(2), 'missed'],
            [nine(3), 'missed'],
            [nine(4), 'missed'],
            [nine(5), 'late'],
          ],
        );
        assert.match(runs[1]?.reason ?? '', /within its grace/);
        assert.match(runs[2]?.reason ?? '', /a later run takes its place/);
        assert.equal((await world.campaigns.get('spring')).run, 1);
      });

      it('have one line for what is beyond a hundred', async () => {
        await world.planned('spring', { kind: 'cron', cron: '*/10 * * * *', graceMs: 0 });
        await downUntil(START + 2 * DAY + 5 * MINUTE);
        const runs = await world.runs('spring');
        assert.equal(runs.length, 101);
        assert.deepEqual([runs[0]?.plannedAt, runs[100]?.plannedAt], [START + 10 * MINUTE, START + 2 * DAY]);
        assert.match(runs[100]?.reason ?? '', /^188 runs/);
        assert.equal((await world.campaigns.get('spring')).nextRunAt, START + 2 * DAY + 10 * MINUTE);
      });

      it('do not count further than a thousand', async () => {
        await world.planned('spring', { kind: 'cron', cron: '* * * * *', graceMs: 0 });
        await downUntil(START + 40 * DAY + 2.5 * MINUTE);
        const runs = await world.runs('spring');
        assert.equal(runs.length, 102);
        assert.match(runs[100]?.reason ?? '', /^more than 900 runs/);
        assert.deepEqual([runs[101]?.plannedAt, runs[101]?.outcome], [START + 40 * DAY + 2 * MINUTE, 'started']);
      });
    });

    describe('whatever crashes', () => {
      it('start all the same when the crash came before their timer was set', async () => {
        await world.planned('spring', NINE);
        await downUntil(START + HOUR);
        const timers = async (): Promise<number> => (await world.timers.list('campaign-schedule')).length;
        assert.equal(await timers(), 0, 'what is due much later is left to the sweep');
        await world.until(nine(1) - 15 * MINUTE);
        assert.equal(await timers(), 1);
        await world.until(nine(1));
        assert.deepEqual(await world.outcomes('spring'), [`${iso(nine(1))} started`]);
      });

      it('are found by a process that runs when another one was to set their timer', async () => {
        await world.schedules.start();
        const elsewhere = new ScheduleService(world.scope, {
          timers: new ClockTimers(world.clock),
          campaigns: world.campaigns,
        });
        await world.campaigns.create({ key: 'spring', name: 'Spring', definition: 'plain' });
        await elsewhere.schedule('spring', NINE);
        await world.until(nine(1));
        assert.deepEqual(await world.outcomes('spring'), [`${iso(nine(1))} started`]);
      });

      it('run once when their timer rings in two processes at the same moment, again and again', async () => {
        const other = new ClockTimers(world.clock);
        const twin = new ScheduleService(world.scope, { timers: other, campaigns: world.campaigns });
        other.onError((error) => void world.failures.push(error));
        await other.start();
        await world.planned('spring', NINE);
        await world.until(nine(1) - HOUR / 2);
        await twin.recover();
        assert.equal((await other.list('campaign-schedule')).length, 1);
        for (let day = 1; day <= 5; day++) {
          await world.until(nine(day) + MINUTE, () => world.settled(other));
          await world.finishRuns();
        }
        await other.stop(0);
        assert.deepEqual(
          await world.outcomes('spring'),
          [1, 2, 3, 4, 5].map((day) => `${iso(nine(day))} started`),
        );
        assert.equal((await world.campaigns.get('spring')).run, 5);
      });

      it('start when the next process comes, if this one ended in the middle of it', async () => {
        await world.planned('spring', NINE);
        world.obstacles.push(new Error('killed'));
        await world.until(nine(1));
        assert.deepEqual(await world.runs('spring'), []);
        world.failures.length = 0;
        await downUntil(nine(1) + 10 * MINUTE);
        assert.deepEqual(await world.outcomes('spring'), [`${iso(nine(1))} late`]);
        assert.equal((await world.campaigns.get('spring')).run, 1);
      });
    });

    it('follow their zone when its rules change', async () => {
      await world.planned('spring', NINE);
      await world.scope.run(
        `UPDATE marketing_campaigns SET next_run_at = :old WHERE tenant_id = :tenant AND campaign_key = 'spring'`,
        { old: nine(1) + HOUR },
      );
      await world.schedules.recover();
      assert.equal((await world.campaigns.get('spring')).nextRunAt, nine(1));
      await world.until(nine(1));
      assert.deepEqual(await world.outcomes('spring'), [`${iso(nine(1))} started`]);
      assert.ok((await world.events('spring')).includes('campaign.schedule_moved'));
    });

    it('belong to their tenant', async () => {
      const { id } = await world.planned('spring', NINE);
      const other = new World(store, 'other');
      await other.start();
      await other.schedules.start();
      for (const attempt of [
        () => other.schedules.schedule(id, NINE),
        () => other.schedules.unschedule('spring'),
        () => other.schedules.runs(id),
        () => other.schedules.upcoming('spring'),
      ]) {
        await assert.rejects(attempt(), code('E_UNKNOWN_CAMPAIGN'));
      }
      assert.deepEqual(await other.timers.list('campaign-schedule'), []);
      assert.equal((await world.campaigns.get(id)).nextRunAt, nine(1));
      await other.crash();
    });
  });
});
