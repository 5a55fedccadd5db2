import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { compileTemplate } from '../../lib/content/template';
import { formatDate } from '../../lib/content/date-format';

const NOON = Date.UTC(2026, 2, 3, 12, 4, 5, 6);

describe('dates in templates', () => {
  it('know the directives, their padding and their flags', () => {
    const vectors: readonly [format: string, expected: string][] = [
      ['%Y-%m-%d %H:%M:%S.%L', '2026-03-03 12:04:05.006'],
      ['%A %a %^A %B %b %h %^b', 'Tuesday Tue TUESDAY March Mar Mar MAR'],
      ['%d|%e|%-d|%_d|%3d|%-e|%03e', '03| 3|3| 3|003|3|003'],
      ['%j %C %y %u %w %s %q', '062 20 26 2 2 1772539445 rd'],
      ['%I %l %-l %p %P %k', '12 12 12 PM pm 12'],
      ['%z %:z %Z %% %n%t', '+0000 +00:00 UTC % \n\t'],
      ['%D %F %R %T %r %x %X', '03/03/26 2026-03-03 12:04 12:04:05 12:04:05 PM 03/03/26 12:04:05'],
      ['%c|%v', 'Tue Mar  3 12:04:05 2026| 3-MAR-2026'],
      ['%G-W%V %U %W', '2026-W10 09 09'],
      ['%E %Q 100%', '%E %Q 100%'],
    ];
    for (const [format, expected] of vectors)
      assert.equal(formatDate(NOON, format, undefined, undefined), expected, format);
    assert.equal(formatDate(NOON, undefined, undefined, undefined), 'Tuesday, March 3, 2026 at 12:04 pm +0000');
    assert.deepEqual(
      [1, 2, 4, 11, 12, 13, 21, 22, 31].map((day) => formatDate(Date.UTC(2026, 0, day), '%q', undefined, undefined)),
      ['st', 'nd', 'th', 'th', 'th', 'th', 'st', 'nd', 'st'],
    );
  });

  it('read numbers and digits as milliseconds, texts as ISO, SQL or mail dates, and leave the rest alone', () => {
    const day = (value: unknown): unknown => formatDate(value, '%F %R', undefined, 0);
    assert.equal(day(0), '1970-01-01 00:00');
    assert.equal(day('86400000'), '1970-01-02 00:00');
    assert.equal(day('2026-03-03'), '2026-03-03 00:00');
    assert.equal(day('2026-03-03T10:00:00+02:00'), '2026-03-03 08:00');
    assert.equal(day('2026-03-03 10:00:00'), '2026-03-03 10:00');
    assert.equal(day('Tue, 03 Mar 2026 10:00:00 +0000'), '2026-03-03 10:00');
    assert.equal(day('now'), '1970-01-01 00:00');
    for (const value of ['soon', '', undefined, null, true, Number.NaN, 1e20]) assert.equal(day(value), value);
    assert.equal(formatDate('today', '%F', undefined, undefined), undefined);
  });

  it('follow the zone through its clock changes', () => {
    const hour = (time: number): unknown => formatDate(time, '%d %H:%M %:z', 'Europe/Berlin', undefined);
    assert.equal(hour(Date.UTC(2026, 2, 29, 0, 59)), '29 01:59 +01:00');
    assert.equal(hour(Date.UTC(2026, 2, 29, 1, 0)), '29 03:00 +02:00');
    assert.equal(hour(Date.UTC(2026, 9, 25, 0, 59)), '25 02:59 +02:00');
    assert.equal(hour(Date.UTC(2026, 9, 25, 1, 0)), '25 02:00 +01:00');
    assert.equal(formatDate(NOON, '%H:%M', -330, undefined), '17:34');
    for (const zone of ['Mars/Phobos', 99_999, {}])
      assert.throws(() => formatDate(NOON, '%H', zone, undefined), /zone/);
  });

  it('do not depend on the zone of the machine', () => {
    const script =
      "const { formatDate } = require('./lib/content/date-format.ts');" +
      "const out = []; for (let h = 0; h < 72; h++) out.push(formatDate(Date.UTC(2026, 2, 28, h), '%F %H', h % 2 ? 'Europe/Berlin' : undefined));" +
      "out.push(formatDate('2026-03-29', '%F %R')); console.log(out.join());";
    const outputs = ['UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Apia'].map((TZ) => {
      const result = spawnSync(process.execPath, ['-e', script], { env: { ...process.env, TZ }, encoding: 'utf8' });
      assert.equal(result.status, 0, result.stderr);
      return result.stdout;
    });
    assert.equal(new Set(outputs).size, 1);
    assert.match(outputs[0] ?? '', /^2026-03-28 00,2026-03-28 02,/);
  });

  it('count weeks as strftime does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), (time) => {
        const moment = DateTime.fromMillis(time, { zone: 'utc' });
        const firstOfYear = moment.startOf('year');
        // The week that holds the year's first Sunday (Monday) is week 1; days before it are in week 0.
        for (const [directive, weekday] of [
          ['%U', 7],
          ['%W', 1],
        ] as const) {
          let sundays = 0;
          for (let day = firstOfYear; day <= moment; day = day.plus({ days: 1 }))
            if (day.weekday === weekday) sundays += 1;
          assert.equal(formatDate(time, directive, undefined, undefined), String(sundays).padStart(2, '0'));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('are the same in templates that liquidjs renders and in those that it does not', () => {
    const data = { lead: { since: NOON, zone: 'Asia/Tokyo' } };
    const source = '{{ lead.since | date: "%F %T", lead.zone }}';
    assert.equal(compileTemplate('text', source, 'plain').fill(data), '2026-03-03 21:04:05');
    assert.equal(
      compileTemplate('text', `{% for i in (1..1) %}${source}{% endfor %}`, 'plain').fill(data),
      '2026-03-03 21:04:05',
    );
  });
});
