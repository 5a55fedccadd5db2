import assert from 'node:assert/strict';
import { IANAZone } from 'luxon';
import { checkTriggerConfig, daysOfYear, eventKey, keptOut, occurrences, STRANGER } from '../../lib/triggers';
import type { DateRule, Reentry, Standing, TriggerConfig } from '../../lib/triggers';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 5, 1);

describe('triggers: who may come in again', () => {
  const away: Standing = { entries: 1, active: 0, lastEntered: NOW - 3 * DAY, lastEnded: NOW - 2 * DAY };
  const inside: Standing = { entries: 2, active: 1, lastEntered: NOW - HOUR, lastEnded: NOW - 2 * DAY };
  const pause = (days: number, since: 'entry' | 'end'): Reentry => ({ when: 'pause', ms: days * DAY, since });
  const table: readonly (readonly [string, Reentry, Standing, boolean])[] = [
    ['never: a stranger', { when: 'never' }, STRANGER, true],
    ['never: who was in', { when: 'never' }, away, false],
    ['once finished: a stranger', { when: 'finished' }, STRANGER, true],
    ['once finished: who is in', { when: 'finished' }, inside, false],
    ['once finished: who has left', { when: 'finished' }, away, true],
    ['always: who is in', { when: 'always' }, inside, true],
    ['after a pause since the end: who is in', pause(1, 'end'), inside, false],
    ['after a pause since the end: too early', pause(3, 'end'), away, false],
    ['after a pause since the end: just over', pause(2, 'end'), away, true],
    ['after a pause since the entry: too early', pause(4, 'entry'), away, false],
    ['after a pause since the entry: just over', pause(3, 'entry'), away, true],
    ['after a pause since the entry: who is in still', { when: 'pause', ms: HOUR, since: 'entry' }, inside, true],
  ];
  for (const [name, reentry, standing, allowed] of table) {
    it(`${name} ${allowed ? 'comes in' : 'stays out'}`, () => {
      assert.equal(keptOut({ reentry, cooldown: {} }, standing, NOW), allowed ? undefined : 'reentry');
    });
  }

  for (const [name, ms] of Object.entries({ '1 h': HOUR, '24 h': DAY, '7 d': 7 * DAY, '30 d': 30 * DAY })) {
    it(`once in ${name} means: not a millisecond earlier, and then at once`, () => {
      const entered: Standing = { entries: 1, active: 0, lastEntered: NOW, lastEnded: NOW };
      const rules: Pick<TriggerConfig, 'reentry' | 'frequencyMs' | 'cooldown'> = {
        ...{ reentry: { when: 'always' }, frequencyMs: ms, cooldown: {} },
      };
      assert.equal(keptOut(rules, entered, NOW + ms - 1), 'frequency');
      assert.equal(keptOut(rules, entered, NOW + ms), undefined);
      assert.equal(keptOut({ ...rules, frequencyMs: 1, cooldown: { leadMs: ms } }, entered, NOW + ms - 1), 'cooldown');
      assert.equal(keptOut(rules, STRANGER, NOW), undefined);
    });
  }
});

describe('triggers: dates', () => {
  const rule = (more: Partial<DateRule> = {}): DateRule => ({
    ...{ attribute: 'birthday', every: 'year', offsetDays: 0, at: '09:00', leapDay: 'feb28', graceMs: DAY },
    ...more,
  });
  const moments = (more: Partial<DateRule>, date: string, zone: string, from: string, to: string): string[] =>
    occurrences(rule(more), Date.parse(date), IANAZone.create(zone), {
      from: Date.parse(from),
      to: Date.parse(to),
    }).map(({ at, day, years }) => `${new Date(at).toISOString().slice(0, 16)} ${day} ${years}`);

  const cases: readonly (readonly [string, Partial<DateRule>, string, string, string, string, string[]])[] = [
    [
      'a birthday, in winter',
      {},
      '1990-01-15',
      'Europe/Vienna',
      '2026-01-01',
      '2026-02-01',
      ['2026-01-15T08:00 2026-01-15 36'],
    ],
    [
      'a birthday, in summer',
      {},
      '1990-07-15',
      'Europe/Vienna',
      '2026-07-01',
      '2026-08-01',
      ['2026-07-15T07:00 2026-07-15 36'],
    ],
    [
      'a birthday of before 1970',
      {},
      '1931-12-31',
      'UTC',
      '2026-12-31',
      '2027-01-01',
      ['2026-12-31T09:00 2026-12-31 95'],
    ],
    ['not the day itself', {}, '2026-01-15', 'UTC', '2026-01-01', '2027-02-01', ['2027-01-15T09:00 2027-01-15 1']],
    [
      'the far east, a day ahead',
      {},
      '1990-01-02',
      'Pacific/Kiritimati',
      '2026-01-01',
      '2026-01-02',
      ['2026-01-01T19:00 2026-01-02 36'],
    ],
    [
      'the far west',
      {},
      '1990-01-01',
      'Pacific/Pago_Pago',
      '2026-01-01',
      '2026-01-02',
      ['2026-01-01T20:00 2026-01-01 36'],
    ],
    [
      'a quarter of an hour',
      { at: '00:00' },
      '1990-01-02',
      'Asia/Kathmandu',
      '2026-01-01',
      '2026-01-02',
      ['2026-01-01T18:15 2026-01-02 36'],
    ],
    [
      'the night in spring: the hour that is not',
      { at: '02:30' },
      '1990-03-29',
      'Europe/Vienna',
      '2026-03-28',
      '2026-03-30',
      ['2026-03-29T01:00 2026-03-29 36'],
    ],
    [
      'the night in autumn: the first of two',
      { at: '02:30' },
      '1990-10-25',
      'Europe/Vienna',
      '2026-10-24',
      '2026-10-26',
      ['2026-10-25T00:30 2026-10-25 36'],
    ],
    ['a leap day on the 28th', {}, '2000-02-29', 'UTC', '2026-02-01', '2026-04-01', ['2026-02-28T09:00 2026-02-28 26']],
    [
      'a leap day on the 1st',
      { leapDay: 'mar1' },
      '2000-02-29',
      'UTC',
      '2026-02-01',
      '2026-04-01',
      ['2026-03-01T09:00 2026-03-01 26'],
    ],
    ['a leap day left out', { leapDay: 'skip' }, '2000-02-29', 'UTC', '2026-02-01', '2026-04-01', []],
    [
      'a leap day in a leap year',
      {},
      '2000-02-29',
      'UTC',
      '2028-02-01',
      '2028-04-01',
      ['2028-02-29T09:00 2028-02-29 28'],
    ],
    [
      'a leap day in 2100, which has none',
      {},
      '2000-02-29',
      'UTC',
      '2100-02-01',
      '2100-04-01',
      ['2100-02-28T09:00 2100-02-28 100'],
    ],
    [
      'a week before, over the new year',
      { offsetDays: -7 },
      '1990-01-03',
      'UTC',
      '2025-12-20',
      '2026-01-10',
      ['2025-12-27T09:00 2025-12-27 36'],
    ],
    [
      'days after, over the new year',
      { offsetDays: 3 },
      '1990-12-30',
      'UTC',
      '2026-01-01',
      '2026-01-10',
      ['2026-01-02T09:00 2026-01-02 35'],
    ],
    [
      'once, on the day',
      { every: 'once' },
      '2026-05-05T15:00:00Z',
      'UTC',
      '2026-01-01',
      '2027-01-01',
      ['2026-05-05T09:00 2026-05-05 0'],
    ],
    [
      'once, three days before',
      { every: 'once', offsetDays: -3 },
      '2026-05-05',
      'America/New_York',
      '2026-05-01',
      '2026-05-06',
      ['2026-05-02T13:00 2026-05-02 0'],
    ],
    [
      'two years, two days',
      {},
      '1990-06-01',
      'UTC',
      '2025-05-01',
      '2026-07-01',
      ['2025-06-01T09:00 2025-06-01 35', '2026-06-01T09:00 2026-06-01 36'],
    ],
  ];
  for (const [name, more, date, zone, from, to, expected] of cases)
    it(name, () => assert.deepEqual(moments(more, date, zone, from, to), expected));

  it('a window has its end and not its beginning', () => {
    assert.deepEqual(moments({}, '1990-01-15', 'UTC', '2026-01-15T09:00Z', '2026-01-16'), []);
    assert.equal(moments({}, '1990-01-15', 'UTC', '2026-01-14', '2026-01-15T09:00Z').length, 1);
  });

  it('the database is asked for every day of the year that may fit, wherever somebody lives', () => {
    const zones = ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC', 'Asia/Kathmandu', 'Europe/Vienna'];
    // Around the ends of February and of the year, in a leap year and another one, and now and then.
    const near = (day: number): boolean => [0, 59, 60, 61, 365].some((edge) => Math.abs((day % 366) - edge) < 3);
    for (let day = 0; day < 2 * 366; day++) {
      if (!near(day) && day % 41 !== 0) continue;
      const from = Date.UTC(2027, 0, 1) + day * DAY;
      for (const more of [{}, { offsetDays: 5 }, { offsetDays: -40 }, { leapDay: 'mar1' as const }]) {
        const window = { from, to: from + 65 * 60_000 };
        const asked = new Set(daysOfYear(rule({ ...more, at: '00:00' }), window));
        for (const zone of zones) {
          for (const around of [-2, -1, 0, 1, 2]) {
            const date = Date.UTC(2000, 0, 1) + (day + around) * DAY - (more.offsetDays ?? 0) * DAY;
            const found = occurrences(rule({ ...more, at: '00:00' }), date, IANAZone.create(zone), window);
            if (found.length > 0) assert.ok(asked.has(new Date(date).toISOString().slice(5, 10)), `${date} ${zone}`);
          }
        }
      }
    }
  });
});

describe('triggers: configurations', () => {
  it('get their defaults, and say what is wrong', () => {
    assert.deepEqual(checkTriggerConfig({ listens: { on: 'event', event: 'bought' } }), {
      ...{ listens: { on: 'event', event: 'bought' }, delayMs: 0, reentry: { when: 'always' }, cooldown: {} },
    });
    const wrong: [object, string][] = [
      [{ listens: { on: 'event', event: '9lives' } }, 'event'],
      [{ listens: { on: 'event', event: 'a' }, delayMs: 30 * DAY + 1 }, 'delayMs'],
      [{ listens: { on: 'event', event: 'a' }, delayMs: -1 }, 'delayMs'],
      [{ listens: { on: 'event', event: 'a' }, reentry: { when: 'pause', ms: 0 } }, 'reentry.ms'],
      [{ listens: { on: 'date', attribute: 'b', at: '24:00' } }, 'at'],
      [{ listens: { on: 'date', attribute: 'b', offsetDays: 400 } }, 'offsetDays'],
      [{ listens: { on: 'score', threshold: '5' } }, 'threshold'],
      [{ listens: { on: 'moon' } }, 'on'],
    ];
    for (const [config, field] of wrong)
      assert.throws(() => checkTriggerConfig(config), { code: 'E_TRIGGER', details: { field } }, field);
    assert.equal(checkTriggerConfig({ listens: { on: 'event', event: 'a' }, delayMs: 30 * DAY }).delayMs, 30 * DAY);
  });

  it('keep event ids apart that are long and begin alike', () => {
    const long = 'x'.repeat(120);
    assert.equal(eventKey('e-1'), 'event:e-1');
    assert.ok(eventKey(`${long}1`).length <= 96);
    assert.notEqual(eventKey(`${long}1`), eventKey(`${long}2`));
  });
});
