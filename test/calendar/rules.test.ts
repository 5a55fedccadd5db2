import assert from 'node:assert/strict';
import { checkCalendarRules, readCalendarRules } from '../../lib/calendar';

describe('Calendar rules', () => {
  it('can be used when they open at some time', () => {
    for (const rules of [
      {},
      { quietHours: { from: '22:00', to: '08:00' } },
      { window: { from: '09:00', to: '24:00' }, weekdays: [1, 7], excludeWeekends: true },
      { holidays: ['2026-12-25', '12-26', '02-29', '2028-02-29'] },
      { window: { from: '08:00', to: '20:00' }, quietHours: { from: '08:00', to: '19:59' } },
    ]) {
      assert.deepEqual(checkCalendarRules(rules), [], JSON.stringify(rules));
      assert.equal(readCalendarRules(rules), rules);
    }
  });

  const wrong: readonly [title: string, rules: unknown, path: string][] = [
    ['are no object', [], ''],
    ['have unknown parts', { quiet: true }, '/quiet'],
    ['have a time that is none', { quietHours: { from: '24:00', to: '8:00' } }, '/quietHours/from'],
    ['begin and end at the same time', { window: { from: '08:00', to: '08:00' } }, '/window/to'],
    ['know more than from and to', { window: { from: '08:00', to: '09:00', zone: 1 } }, '/window/zone'],
    ['have no weekday', { weekdays: [] }, '/weekdays'],
    ['have a weekday that is none', { weekdays: [1, 0] }, '/weekdays/1'],
    ['have a day that no year has', { holidays: ['2026-02-30'] }, '/holidays/0'],
    ['have 29 February in a common year', { holidays: ['2026-02-29'] }, '/holidays/0'],
    ['have a holiday that is a number', { holidays: [20261225] }, '/holidays/0'],
    ['have too many holidays', { holidays: Array.from({ length: 201 }, () => '12-25') }, '/holidays'],
    ['do not say whether weekends count', { excludeWeekends: 'yes' }, '/excludeWeekends'],
    ['are quiet all day', { quietHours: { from: '00:00', to: '24:00' } }, ''],
    [
      'are quiet in all of the window',
      { window: { from: '23:00', to: '07:00' }, quietHours: { from: '22:00', to: '08:00' } },
      '',
    ],
    ['want weekends and exclude them', { weekdays: [6, 7], excludeWeekends: true }, ''],
  ];
  for (const [title, rules, path] of wrong) {
    it(`are refused when they ${title}`, () => {
      assert.ok(checkCalendarRules(rules).some((problem) => problem.path === path));
      assert.ok(checkCalendarRules(rules, '/calendar').some((problem) => problem.path === `/calendar${path}`));
      assert.throws(() => readCalendarRules(rules), { code: 'E_CALENDAR' });
    });
  }
});
