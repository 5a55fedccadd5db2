import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import type { Schedule } from '../../lib/campaigns';
import { openStore, type Store } from '../../lib/store';
import { World } from './world';

const FROM = Date.UTC(2026, 0, 1);
const TO = Date.UTC(2027, 0, 1);
const QUARTER = 15 * 60_000;

/**
 * When a wall clock first shows each of these local times ("2026-03-29 02:30"), or a later one: found by looking at the clock
 * every quarter of an hour, without a word about offsets.
 */
function watchClock(timeZone: string, wanted: (date: Date) => boolean): number[] {
  const targets: string[] = [];
  // A calendar without a zone: the local times that the schedule names.
  for (let local = FROM - 2 * 86_400_000; local < TO + 2 * 86_400_000; local += QUARTER) {
    if (wanted(new Date(local))) targets.push(new Date(local).toISOString().slice(0, 16).replace('T', ' '));
  }
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const found = new Set<number>();
  let next = 0;
  for (let instant = FROM - 86_400_000; instant < TO; instant += QUARTER) {
    const shown = clock.format(instant);
    for (; (targets[next] ?? '9999') <= shown; next++) if (instant > FROM) found.add(instant);
  }
  return [...found];
}

describe('a year of schedules', () => {
  let store: Store;
  afterEach(() => store.close());

  it('has exactly the right runs, by the clock on the wall', async function () {
    this.timeout(60_000);
    store = await openStore({ url: 'sqlite::memory:', clock: new VirtualClock(FROM) });
    await store.migrate();
    const world = new World(store);
    await world.start();
    const at = (hour: number, minute: number) => (date: Date) =>
      date.getUTCHours() === hour && date.getUTCMinutes() === minute;
    const year: Record<string, { schedule: Schedule; runs: number[]; count: number }> = {
      daily: {
        schedule: { kind: 'daily', time: '02:30', timeZone: 'Europe/Berlin' },
        runs: watchClock('Europe/Berlin', at(2, 30)),
        count: 365,
      },
      weekly: {
        schedule: { kind: 'weekly', time: '01:30', weekdays: [3, 7], timeZone: 'America/New_York' },
        runs: watchClock('America/New_York', (date) => [0, 3].includes(date.getUTCDay()) && at(1, 30)(date)),
        count: 104,
      },
      cron: {
        schedule: { kind: 'cron', cron: '15,45 2 * * SUN', timeZone: 'Australia/Lord_Howe' },
        runs: watchClock(
          'Australia/Lord_Howe',
          (date) => date.getUTCDay() === 0 && date.getUTCHours() === 2 && [15, 45].includes(date.getUTCMinutes()),
        ),
        count: 104,
      },
    };
    for (const [key, { schedule }] of Object.entries(year)) await world.planned(key, schedule);
    await world.until(TO - 1, () => world.finishRuns());
    for (const [key, { runs, count }] of Object.entries(year)) {
      assert.equal(runs.length, count, `${key}: the expectation itself`);
      assert.deepEqual(
        await world.outcomes(key),
        runs.map((run) => `${new Date(run).toISOString()} started`),
        key,
      );
      assert.equal((await world.campaigns.get(key)).run, count);
    }
    assert.deepEqual(world.failures, []);
  });
});
