import assert from 'node:assert/strict';
import type { Schedule } from '../../lib/campaigns';
import { InputError } from '../../lib/errors';
import { checkSchedule, describeSchedule, lastRun, nextRun, readSchedule, runsBetween } from '../../lib/schedules';

const NOW = Date.UTC(2026, 0, 15, 12);

const at = (text: string): number => new Date(text).getTime();
/** The runs of a stretch of time, as UTC minutes. */
function runs(schedule: Schedule, from: string, to: string): string[] {
  return runsBetween(schedule, at(from), at(to)).map((run) => new Date(run).toISOString().replace(':00.000Z', 'Z'));
}
const daily = (time: string, timeZone: string): Schedule => ({ kind: 'daily', time, timeZone });
const cron = (expression: string, timeZone: string): Schedule => ({ kind: 'cron', cron: expression, timeZone });

describe('the runs of a schedule', () => {
  describe('keep to the wall clock of their zone', () => {
    /** The same in the words of each kind: both must follow the same rules. */
    const TABLE: [what: string, zone: string, time: string, from: string, to: string, expected: string[]][] = [
      [
        'a time that the spring day skips runs right after the gap',
        'Europe/Berlin',
        '02:30',
        '2026-03-28T00:00Z',
        '2026-03-30T12:00Z',
        ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z'],
      ],
      [
        'a time that the autumn day shows twice runs the first time only',
        'Europe/Berlin',
        '02:30',
        '2026-10-24T00:00Z',
        '2026-10-26T12:00Z',
        ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'],
      ],
      [
        '01:30 on the autumn day of New York',
        'America/New_York',
        '01:30',
        '2026-10-31T00:00Z',
        '2026-11-02T12:00Z',
        ['2026-10-31T05:30Z', '2026-11-01T05:30Z', '2026-11-02T06:30Z'],
      ],
      [
        'midnight, where clocks are put forward at midnight',
        'America/Sao_Paulo',
        '00:00',
        '2018-11-03T00:00Z',
        '2018-11-05T12:00Z',
        ['2018-11-03T03:00Z', '2018-11-04T03:00Z', '2018-11-05T02:00Z'],
      ],
      [
        'a zone that gave up summer time: no change in October 2019',
        'America/Sao_Paulo',
        '09:00',
        '2019-11-02T00:00Z',
        '2019-11-04T23:00Z',
        ['2019-11-02T12:00Z', '2019-11-03T12:00Z', '2019-11-04T12:00Z'],
      ],
      [
        'a zone that kept summer time for good in October 2022',
        'Asia/Amman',
        '08:00',
        '2022-10-27T00:00Z',
        '2022-10-29T12:00Z',
        ['2022-10-27T05:00Z', '2022-10-28T05:00Z', '2022-10-29T05:00Z'],
      ],
      [
        'a zone that kept summer time for good in October 2016',
        'Europe/Istanbul',
        '09:00',
        '2016-10-29T00:00Z',
        '2016-10-31T12:00Z',
        ['2016-10-29T06:00Z', '2016-10-30T06:00Z', '2016-10-31T06:00Z'],
      ],
      [
        'the same zone a year before, when it still put its clocks back',
        'Europe/Istanbul',
        '09:00',
        '2015-11-07T00:00Z',
        '2015-11-09T12:00Z',
        ['2015-11-07T06:00Z', '2015-11-08T07:00Z', '2015-11-09T07:00Z'],
      ],
      [
        'a day that the zone left out has no run',
        'Pacific/Apia',
        '12:00',
        '2011-12-28T12:00Z',
        '2012-01-01T00:00Z',
        ['2011-12-28T22:00Z', '2011-12-29T22:00Z', '2011-12-30T22:00Z', '2011-12-31T22:00Z'],
      ],
      [
        'a gap of half an hour',
        'Australia/Lord_Howe',
        '02:15',
        '2026-10-02T12:00Z',
        '2026-10-05T00:00Z',
        ['2026-10-02T15:45Z', '2026-10-03T15:30Z', '2026-10-04T15:15Z'],
      ],
      [
        'half an hour that comes twice',
        'Australia/Lord_Howe',
        '01:45',
        '2026-04-03T12:00Z',
        '2026-04-06T00:00Z',
        ['2026-04-03T14:45Z', '2026-04-04T14:45Z', '2026-04-05T15:15Z'],
      ],
    ];
    for (const [what, zone, time, from, to, expected] of TABLE) {
      it(`${what} (${zone}, ${time})`, () => {
        const [hour, minute] = time.split(':').map(Number);
        assert.deepEqual(runs(daily(time, zone), from, to), expected, 'daily');
        assert.deepEqual(runs(cron(`${minute} ${hour} * * *`, zone), from, to), expected, 'cron');
        const everyWeekday: Schedule = { kind: 'weekly', time, timeZone: zone, weekdays: [1, 2, 3, 4, 5, 6, 7] };
        assert.deepEqual(runs(everyWeekday, from, to), expected, 'weekly');
        const first = expected[0] ?? '';
        assert.deepEqual(runs({ kind: 'once', at: at(first), timeZone: zone }, from, to), [first], 'once');
      });
    }

    it('a local moment of a one-time schedule follows the same rules', () => {
      const once = (local: string): string =>
        new Date(nextRun({ kind: 'once', at: local, timeZone: 'Europe/Berlin' }, 0) ?? 0).toISOString();
      assert.equal(once('2026-03-29T02:30'), '2026-03-29T01:00:00.000Z');
      assert.equal(once('2026-10-25T02:30'), '2026-10-25T00:30:00.000Z');
      assert.equal(once('2026-07-01T09:00:30'), '2026-07-01T07:00:30.000Z');
      assert.equal(once('2026-07-01T09:00Z'), '2026-07-01T09:00:00.000Z');
      assert.equal(once('2026-07-01T09:00+05:30'), '2026-07-01T03:30:00.000Z');
    });
  });

  it('run once where two of them meet after a gap', () => {
    assert.deepEqual(runs(cron('0,15,30 2-3 * * *', 'Europe/Berlin'), '2026-03-29T00:00Z', '2026-03-29T12:00Z'), [
      '2026-03-29T01:00Z',
      '2026-03-29T01:15Z',
      '2026-03-29T01:30Z',
    ]);
  });

  it('come once in the hour that is shown twice, however often they come', () => {
    assert.deepEqual(runs(cron('*/30 * * * *', 'Europe/Berlin'), '2026-10-24T23:30Z', '2026-10-25T02:30Z'), [
      '2026-10-24T23:30Z',
      '2026-10-25T00:00Z',
      '2026-10-25T00:30Z',
      '2026-10-25T02:00Z',
      '2026-10-25T02:30Z',
    ]);
  });

  it('on the 31st are on the last day of shorter months, leap years included', () => {
    const monthly: Schedule = { kind: 'monthly', day: 31, time: '09:00' };
    assert.deepEqual(
      runs(monthly, '2027-12-01T00:00Z', '2028-06-30T23:00Z').map((run) => run.slice(0, 10)),
      ['2027-12-31', '2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30', '2028-05-31', '2028-06-30'],
    );
    assert.deepEqual(runs({ ...monthly, day: 30 }, '2026-02-01T00:00Z', '2026-03-30T23:00Z').length, 2);
  });

  it('of a month whose day the zone left out are on the day before', () => {
    const monthly: Schedule = { kind: 'monthly', day: 30, time: '12:00', timeZone: 'Pacific/Apia' };
    assert.deepEqual(runs(monthly, '2011-11-15T00:00Z', '2012-02-01T00:00Z'), [
      '2011-11-30T22:00Z',
      '2011-12-29T22:00Z',
      '2012-01-29T22:00Z',
    ]);
  });

  it('end with the end of the schedule: a moment, or a whole day', () => {
    const until = (end: string): string[] =>
      runs({ ...daily('09:00', 'Europe/Berlin'), until: end } as Schedule, '2026-06-01T00:00Z', '2026-06-09T00:00Z');
    assert.equal(until('2026-06-03').length, 3);
    assert.equal(until('2026-06-03T09:00').length, 3);
    assert.equal(until('2026-06-03T08:59').length, 2);
    assert.equal(until('2026-06-03T06:59Z').length, 2);
  });

  it('can be looked for backwards', () => {
    const mornings = cron('* 9 * * *', 'UTC');
    const from = at('2026-01-01T00:00Z');
    assert.equal(lastRun(mornings, from, at('2026-03-01T09:10:30Z')), at('2026-03-01T09:10Z'));
    assert.equal(lastRun(mornings, from, at('2026-03-01T08:00Z')), at('2026-02-28T09:59Z'));
    assert.equal(lastRun(mornings, from, from), undefined);
    assert.equal(lastRun({ kind: 'once', at: from }, from, from), from);
  });

  it('of an expression that names a rare day are found; of one that names none there are none', () => {
    assert.deepEqual(runs(cron('0 9 29 2 *', 'UTC'), '2026-01-01T00:00Z', '2030-01-01T00:00Z'), ['2028-02-29T09:00Z']);
    assert.equal(nextRun(cron('0 9 30 2 *', 'UTC'), NOW), undefined);
  });
});

describe('a schedule that is given', () => {
  const refused: [what: string, input: unknown, path: string, message: RegExp][] = [
    ['no object', 'daily', '', /must be an object/],
    ['no kind', {}, '/kind', /once, daily, weekly, monthly, cron/],
    ['an unknown kind', { kind: 'toString' }, '/kind', /must be one of/],
    ['no IANA zone', { kind: 'daily', time: '09:00', timeZone: 'Mars/Olympus' }, '/timeZone', /IANA/],
    ['an offset as its zone', { kind: 'daily', time: '09:00', timeZone: '+02:00' }, '/timeZone', /IANA/],
    ['an hour that there is not', { kind: 'daily', time: '24:00' }, '/time', /HH:MM/],
    ['a time with seconds', { kind: 'daily', time: '09:00:30' }, '/time', /HH:MM/],
    ['a field of another kind', { kind: 'daily', time: '09:00', weekdays: [1] }, '/weekdays', /no part/],
    ['no weekday', { kind: 'weekly', time: '09:00', weekdays: [] }, '/weekdays', /at least one/],
    ['an eighth weekday', { kind: 'weekly', time: '09:00', weekdays: [1, 8] }, '/weekdays/1', /1 \(Monday\)/],
    ['a day 32', { kind: 'monthly', time: '09:00', day: 32 }, '/day', /1 to 31/],
    ['no day of the month', { kind: 'monthly', time: '09:00' }, '/day', /1 to 31/],
    ['six cron fields', { kind: 'cron', cron: '0 0 9 * * *' }, '/cron', /5 fields/],
    ['a cron field out of range', { kind: 'cron', cron: '61 9 * * *' }, '/cron', /cannot be used/],
    ['a cron day that never comes', { kind: 'cron', cron: '0 9 30 2 *' }, '/cron', /cannot be used/],
    ['cron with a drawn value', { kind: 'cron', cron: 'H 9 * * *' }, '/cron', /"H"/],
    ['no moment', { kind: 'once', at: 'tomorrow' }, '/at', /must be a moment/],
    ['a day that there is not', { kind: 'once', at: '2026-02-30T09:00' }, '/at', /must be a moment/],
    ['a date without a time', { kind: 'once', at: '2026-03-29' }, '/at', /name the time/],
    ['less than 5 minutes ahead', { kind: 'once', at: NOW + 299_999 }, '/at', /5 minutes/],
    ['the past', { kind: 'once', at: '2025-12-31T09:00' }, '/at', /5 minutes/],
    ['an end before the first run', { kind: 'daily', time: '09:00', until: '2026-01-16T08:59Z' }, '/until', /no run/],
    ['a grace of more than a week', { kind: 'daily', time: '09:00', graceMs: 604_800_001 }, '/graceMs', /7 days/],
  ];
  for (const [what, input, path, message] of refused) {
    it(`is refused with the path: ${what}`, () => {
      const problems = checkSchedule(input, NOW);
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      );
      assert.match(problems[0]?.message ?? '', message);
      assert.throws(
        () => readSchedule(input, NOW),
        (error) => error instanceof InputError && error.code === 'E_SCHEDULE',
      );
    });
  }

  it('is told all its problems at once', () => {
    const problems = checkSchedule({ kind: 'weekly', time: '9', weekdays: [0], timeZone: 'x', graceMs: -1 }, NOW);
    assert.deepEqual(problems.map(({ path }) => path).sort(), ['/graceMs', '/time', '/timeZone', '/weekdays/0']);
  });

  it('may start exactly 5 minutes ahead, by the wall clock of its zone', () => {
    assert.deepEqual(checkSchedule({ kind: 'once', at: NOW + 300_000 }, NOW), []);
    const tokyo = { kind: 'once', at: '2026-01-15T21:05', timeZone: 'Asia/Tokyo' };
    assert.deepEqual(checkSchedule(tokyo, NOW), []);
    assert.equal(checkSchedule({ ...tokyo, at: '2026-01-15T21:04' }, NOW).length, 1);
  });

  it('is written in one way', () => {
    assert.deepEqual(readSchedule({ kind: 'weekly', time: '09:00', weekdays: [5, 1, 5] }, NOW), {
      kind: 'weekly',
      time: '09:00',
      weekdays: [1, 5],
      timeZone: 'UTC',
    });
    assert.deepEqual(readSchedule({ kind: 'cron', cron: ' 0  9 * *  MON-FRI ' }, NOW), {
      kind: 'cron',
      cron: '0 9 * * MON-FRI',
      timeZone: 'UTC',
    });
  });
});

describe('a schedule in words', () => {
  const words: [Schedule, string][] = [
    [
      { kind: 'once', at: '2026-03-29T02:30', timeZone: 'Europe/Berlin' },
      'once, on 29 March 2026, 03:00 (Europe/Berlin)',
    ],
    [daily('09:00', 'UTC'), 'every day at 09:00 (UTC)'],
    [
      { kind: 'weekly', time: '09:00', weekdays: [1, 3, 5], timeZone: 'Asia/Tokyo', until: '2026-12-31' },
      'every Monday, Wednesday and Friday at 09:00 (Asia/Tokyo), until 31 December 2026, 23:59',
    ],
    [
      { kind: 'monthly', day: 31, time: '18:00' },
      'every month on day 31, or the last day of a shorter month, at 18:00 (UTC)',
    ],
    [cron('0 9 * * 1', 'UTC'), 'by the cron expression "0 9 * * 1" (UTC)'],
  ];
  for (const [schedule, text] of words) it(`says "${text}"`, () => assert.equal(describeSchedule(schedule), text));
});
