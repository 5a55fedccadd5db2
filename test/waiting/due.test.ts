import assert from 'node:assert/strict';
import { ianaZone, type CalendarRules } from '../../lib/calendar';
import { VirtualClock } from '../../lib/clock';
import { openStore, type Store } from '../../lib/store';
import { dueAt, momentOf, readMoment, Waiting, type Until, type WaitingDeps } from '../../lib/waiting';
import { DAY, firstShown, WallClock, ZONES } from './clocks';

const HOUR = 3_600_000;
const ORDINARY = Date.UTC(2026, 5, 10);

/** An ordinary day, and the days around each change of the clock. */
function days(clock: WallClock): number[] {
  return [ORDINARY, ...clock.changes(2026).flatMap((day) => [day - DAY, day, day + DAY])];
}

/** Every hour of a day in UTC. */
function hoursOf(day: number): number[] {
  return Array.from({ length: 24 }, (_, hour) => day + hour * HOUR);
}

/** The calendar days around a moment, as a clock writes them. */
function daysAround(moment: number): string[] {
  return Array.from({ length: 14 }, (_, day) => new Date(moment + (day - 3) * DAY).toISOString().slice(0, 10));
}

const weekdayOf = (day: string): number => new Date(`${day}T00:00Z`).getUTCDay() || 7;

describe('when people are due, by the clock on their wall', () => {
  for (const name of ZONES) {
    it(`${name}: at the next time of day, also on the days when clocks change`, () => {
      const clock = new WallClock(name);
      const zone = ianaZone(name);
      assert.ok(zone);
      for (const day of days(clock)) {
        const seen = clock.watch(day - 3 * DAY, day + 11 * DAY);
        for (const time of ['00:00', '02:30', '09:00']) {
          for (const weekdays of [undefined, [3, 7]]) {
            const wanted = daysAround(day).filter((one) => !weekdays || weekdays.includes(weekdayOf(one)));
            const shown = firstShown(
              seen,
              wanted.map((one) => `${one} ${time}`),
            );
            const until: Until = { kind: 'time', time, ...(weekdays ? { weekdays } : {}) };
            for (const from of hoursOf(day)) {
              const due = dueAt(until, { from, zone, lead: { id: 1 } });
              const said = `${new Date(from).toISOString()} until ${time} on ${weekdays?.join() ?? 'any day'}`;
              assert.equal(
                due,
                shown.find((at) => at >= from),
                `${said}: ${clock.shows(due ?? 0)}`,
              );
            }
          }
        }
      }
    });

    it(`${name}: before and after a date of the lead`, () => {
      const clock = new WallClock(name);
      const zone = ianaZone(name);
      assert.ok(zone);
      for (const day of [ORDINARY, ...clock.changes(2026)].flatMap((one) => [one, one + DAY])) {
        const seen = clock.watch(day - 10 * DAY, day + 10 * DAY);
        const renewal = new Date(day).toISOString().slice(0, 10);
        for (const [amount, time] of [
          [0, '02:30'],
          [-1, '02:30'],
          [1, '00:00'],
          [-7, '09:00'],
        ] as const) {
          const text = `${new Date(day + amount * DAY).toISOString().slice(0, 10)} ${time}`;
          const [expected] = firstShown(seen, [text]);
          // As text, and as an attribute of type date keeps it.
          for (const value of [renewal, Date.parse(renewal)]) {
            const lead = { id: 1, renewal: value };
            const until: Until = { kind: 'attribute', attribute: 'renewal', shift: { amount, unit: 'days' }, time };
            assert.equal(dueAt(until, { from: 0, zone, lead }), expected, `${renewal} ${amount} ${time}`);
          }
        }
      }
    });
  }

  it('keeps the time of day of a date with a time, and moves it by hours as they pass', () => {
    const berlin = ianaZone('Europe/Berlin');
    assert.ok(berlin);
    const due = (appointment: unknown, amount: number, unit: 'hours' | 'days', time?: string): string => {
      const until: Until = {
        kind: 'attribute',
        attribute: 'appointment',
        shift: { amount, unit },
        ...(time === undefined ? {} : { time }),
      };
      return new Date(
        dueAt(until, { from: 0, zone: berlin, lead: { id: 1, appointment } }) ?? Number.NaN,
      ).toISOString();
    };
    // Clocks are put forward on the 29th at two.
    assert.equal(due('2026-03-29T10:00', -1, 'days'), '2026-03-28T09:00:00.000Z');
    assert.equal(due('2026-03-29T10:00', -24, 'hours'), '2026-03-28T08:00:00.000Z');
    assert.equal(due('2026-03-29T10:00+02:00', -2, 'hours'), '2026-03-29T06:00:00.000Z');
    assert.equal(due('2026-03-29T23:30:00Z', 0, 'days', '09:00'), '2026-03-30T07:00:00.000Z');
    assert.equal(due(Date.UTC(2026, 2, 29, 8), -1, 'days'), '2026-03-28T09:00:00.000Z');
  });

  it('knows no date where there is none, or nothing that is one', () => {
    const zone = ianaZone('UTC');
    assert.ok(zone);
    const until: Until = { kind: 'attribute', attribute: 'birthday' };
    for (const birthday of [undefined, null, '', 'soon', '2026-02-30', true, ['2026-01-01'], Number.NaN]) {
      assert.equal(dueAt(until, { from: 0, zone, lead: { id: 1, birthday } }), undefined, String(birthday));
    }
    assert.equal(dueAt({ kind: 'attribute', attribute: 'toString' }, { from: 0, zone, lead: { id: 1 } }), undefined);
    assert.deepEqual(readMoment('2026-01-01'), { kind: 'local', at: Date.UTC(2026, 0, 1), wholeDay: true });
  });

  it('takes a date and time that clocks skip as the moment after the gap, and the first of one that they show twice', () => {
    const berlin = ianaZone('Europe/Berlin');
    assert.equal(new Date(momentOf('2026-03-29T02:30', berlin)).toISOString(), '2026-03-29T01:00:00.000Z');
    assert.equal(new Date(momentOf('2026-10-25T02:30', berlin)).toISOString(), '2026-10-25T00:30:00.000Z');
  });
});

describe('quiet hours, weekends and holidays at a delay', () => {
  let store: Store;
  let tenant: CalendarRules | undefined;
  let waiting: Waiting;
  const calendar: CalendarRules = {
    quietHours: { from: '22:00', to: '08:00' },
    excludeWeekends: true,
    holidays: ['12-25', '2026-06-11'],
  };

  beforeEach(async () => {
    store = await openStore({ url: 'sqlite::memory:', clock: new VirtualClock(ORDINARY) });
    tenant = undefined;
    const never = (): Promise<never> => Promise.reject(new Error('not asked for'));
    const deps: WaitingDeps = {
      ...{ compile: never, compileForEvent: never, matching: never, inSegment: never, campaigns: never },
      times: () => Promise.resolve({ timeZone: 'Asia/Tokyo', calendar: tenant, releaseMinutes: 30 }),
      ...{ woken: () => undefined, warn: () => undefined },
    };
    waiting = new Waiting(store.tenant('acme'), deps);
  });
  afterEach(() => store.close());

  it('let nobody go on in them, wherever people live and whatever the hour', async () => {
    for (const timeZone of ZONES) {
      const clock = new WallClock(timeZone);
      for (const from of days(clock).flatMap(hoursOf)) {
        const plan = { until: { kind: 'duration', ms: 0 }, hold: { calendar } } as const;
        const due = (await waiting.dueOf(plan, { id: from / HOUR, timeZone }, from)) ?? 0;
        const [day = '', time = ''] = clock.shows(due).split(' ');
        const said = `${timeZone} ${clock.shows(from)} → ${day} ${time}`;
        assert.ok(time >= '08:00' && time < '22:00', said);
        assert.ok(weekdayOf(day) < 6 && day !== '2026-06-11' && !day.endsWith('12-25'), said);
        const [, asked = ''] = clock.shows(from).split(' ');
        const open = asked >= '08:00' && asked < '22:00' && due === from;
        assert.ok(open || due > from, said);
      }
    }
  });

  it('are over for all who were held, but not in the same moment', async () => {
    const night = Date.UTC(2026, 5, 8, 23);
    const due: number[] = [];
    for (let id = 1; id <= 600; id++) {
      const plan = { until: { kind: 'moment', at: night }, hold: { calendar, releaseMinutes: 30 } } as const;
      due.push((await waiting.dueOf(plan, { id, timeZone: 'Europe/London' }, night)) ?? 0);
    }
    const opens = Date.UTC(2026, 5, 9, 7);
    const counts = [0, 1, 2, 3, 4, 5].map(
      (part) => due.filter((at) => Math.floor((at - opens) / (5 * 60_000)) === part).length,
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      600,
    );
    assert.ok(
      counts.every((count) => count > 60 && count < 140),
      counts.join(' '),
    );
    const again = await waiting.dueOf(
      { until: { kind: 'duration', ms: 0 }, hold: { calendar, releaseMinutes: 30 } },
      { id: 7, timeZone: 'Europe/London' },
      night,
    );
    assert.equal(again, due[6], 'the same person, the same moment');
  });

  it("are the tenant's where the node says so, in the zone of the lead, else of its country, else of the tenant", async () => {
    tenant = { quietHours: { from: '20:00', to: '10:00' } };
    const plan = {
      until: { kind: 'moment', at: Date.UTC(2026, 5, 9, 0) },
      hold: { calendar: 'tenant', releaseMinutes: 0 },
    } as const;
    const due = async (lead: object): Promise<string> =>
      new Date((await waiting.dueOf(plan, { id: 1, ...lead }, 0)) ?? 0).toISOString();
    assert.equal(await due({ timeZone: 'Europe/Berlin', country: 'US' }), '2026-06-09T08:00:00.000Z');
    assert.equal(await due({ country: 'US' }), '2026-06-09T14:00:00.000Z');
    assert.equal(await due({}), '2026-06-09T01:00:00.000Z');
    assert.equal(await due({ timeZone: 'Mars/Olympus' }), '2026-06-09T01:00:00.000Z');
    tenant = undefined;
    await (store.clock as VirtualClock).advance(2_000);
    assert.equal(await due({}), '2026-06-09T00:00:00.000Z');
  });
});
