import assert from 'node:assert/strict';
import {
  afterOpenTime,
  ianaZone,
  isOpen,
  nextLocalTime,
  nextOpen,
  openTime,
  openUntil,
  type CalendarRules,
} from '../../lib/calendar';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How far the oracle looks, days. */
const DAYS = 5;

/** Half-hour and quarter-hour offsets, half-hour summer time, changes at midnight, negative summer time, both ends of the date line. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'America/Los_Angeles',
  'America/St_Johns',
  'America/Havana',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
];

const RULES: Readonly<Record<string, CalendarRules>> = {
  'quiet hours over midnight': { quietHours: { from: '22:00', to: '08:00' } },
  'quiet hours that end within the change': { quietHours: { from: '23:15', to: '02:30' } },
  'quiet hours by day': { quietHours: { from: '12:00', to: '14:00' } },
  'a window on working days': { window: { from: '09:00', to: '17:30' }, excludeWeekends: true },
  'a window over midnight': { window: { from: '20:00', to: '02:15' } },
  'both, with a holiday': {
    window: { from: '06:00', to: '24:00' },
    quietHours: { from: '21:00', to: '08:45' },
    holidays: ['06-17', '2026-03-30', '2026-10-26'],
  },
  'quiet hours within a window': { window: { from: '01:00', to: '05:00' }, quietHours: { from: '01:30', to: '03:10' } },
};

interface Wall {
  readonly date: string;
  /** Minutes since midnight. */
  readonly time: number;
  readonly weekday: number;
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** What the wall clock shows, by Intl alone. */
function wallOf(zone: string): (moment: number) => Wall {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    weekday: 'short',
  });
  return (moment) => {
    const [, weekday = '', month, day, year, hour, minute] =
      /^(\w+), (\d+)\/(\d+)\/(\d+), (\d+):(\d+)$/.exec(format.format(moment)) ?? [];
    return {
      date: `${year}-${month}-${day}`,
      time: Number(hour) * 60 + Number(minute),
      weekday: WEEKDAYS.indexOf(weekday) + 1,
    };
  };
}

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

function openByIntl({ date, time, weekday }: Wall, rules: CalendarRules): boolean {
  const within = (part: { from: string; to: string }): boolean => {
    const from = minutes(part.from);
    const to = minutes(part.to);
    return from < to ? from <= time && time < to : from <= time || time < to;
  };
  if (rules.excludeWeekends && weekday > 5) return false;
  if (rules.holidays?.some((day) => date.endsWith(day))) return false;
  return !(rules.quietHours && within(rules.quietHours)) && (!rules.window || within(rules.window));
}

/** An ordinary day and the days on which the zone changes its clocks in 2026: the UTC midnights that they begin with. */
function daysOf(zone: string): number[] {
  const wall = wallOf(zone);
  const days = [Date.UTC(2026, 5, 16)];
  for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2027, 0, 1); day += DAY) {
    if (wall(day).time !== wall(day + DAY).time) days.push(day);
  }
  return days;
}

describe('Opening hours', () => {
  for (const name of ZONES) {
    const zone = ianaZone(name);
    if (!zone) throw new Error(`No zone ${name}`);

    it(`of ${name} agree with Intl at every quarter of an hour, on ordinary days and on days that change clocks`, () => {
      const wall = wallOf(name);
      for (const start of daysOf(name)) {
        const walls = Array.from({ length: DAYS * 1440 }, (_, minute) => wall(start + minute * MINUTE));
        for (const [title, rules] of Object.entries(RULES)) {
          const open = walls.map((one) => openByIntl(one, rules));
          for (let minute = 0; minute < 1440; minute += 15) {
            const at = start + minute * MINUTE;
            const told = `${title}, ${new Date(at).toISOString()}`;
            assert.equal(isOpen(at, zone, rules), open[minute], told);
            const next = open.indexOf(true, minute);
            const end = open.indexOf(false, minute);
            assert.equal(nextOpen(at, zone, rules), start + next * MINUTE, `next open: ${told}`);
            assert.equal(openUntil(at, zone, rules), start + end * MINUTE, `open until: ${told}`);
          }
          const whole = open.filter(Boolean).length * MINUTE;
          assert.equal(openTime(start, start + DAYS * DAY, zone, rules), whole, title);
          const third = open.flatMap((yes, minute) => (yes ? [minute] : []))[Math.floor(whole / MINUTE / 3)] ?? 0;
          assert.equal(
            afterOpenTime(start, Math.floor(whole / MINUTE / 3) * MINUTE, zone, rules),
            start + third * MINUTE,
            title,
          );
        }
      }
    });
  }

  it('never close without rules', () => {
    const zone = ianaZone('Europe/Berlin');
    assert.ok(zone);
    assert.equal(nextOpen(1, zone, {}), 1);
    assert.equal(openUntil(1, zone, {}), Infinity);
    assert.equal(openTime(5, 5 + 3 * DAY, zone, {}), 3 * DAY);
    assert.equal(afterOpenTime(5, 90 * DAY, zone, {}), 5 + 90 * DAY);
  });

  it('go over more holidays than there are in a row', () => {
    const zone = ianaZone('Europe/Berlin');
    assert.ok(zone);
    const mondays = Array.from({ length: 200 }, (_, week) =>
      new Date(Date.UTC(2026, 0, 5) + week * 7 * DAY).toISOString().slice(0, 10),
    );
    const at = nextOpen(Date.UTC(2026, 0, 1), zone, { weekdays: [1], holidays: mondays });
    // The two hundred and first, in winter.
    assert.equal(at, Date.UTC(2026, 0, 5) + 200 * 7 * DAY - HOUR);
  });
});

describe('The next local time', () => {
  it('is right after the gap where clocks skip it, and the first of two where they show it twice', () => {
    const zone = ianaZone('Europe/Berlin');
    assert.ok(zone);
    assert.equal(nextLocalTime(Date.UTC(2026, 2, 28, 20), zone, '02:30'), Date.UTC(2026, 2, 29, 1));
    assert.equal(nextLocalTime(Date.UTC(2026, 9, 24, 20), zone, '02:30'), Date.UTC(2026, 9, 25, 0, 30));
    assert.equal(nextLocalTime(Date.UTC(2026, 9, 25, 0, 31), zone, '02:30'), Date.UTC(2026, 9, 26, 1, 30));
  });

  it('may be the moment itself', () => {
    const zone = ianaZone('Asia/Kolkata');
    assert.ok(zone);
    const nine = Date.UTC(2026, 5, 17, 3, 30);
    assert.equal(nextLocalTime(nine, zone, '09:00'), nine);
    assert.equal(nextLocalTime(nine + 1, zone, '09:00'), nine + DAY);
  });

  it('keeps to weekdays', () => {
    const zone = ianaZone('America/New_York');
    assert.ok(zone);
    // A Friday afternoon.
    const at = nextLocalTime(Date.UTC(2026, 10, 27, 18), zone, '09:00', [1, 3]);
    assert.equal(at, Date.UTC(2026, 10, 30, 14));
    assert.throws(() => nextLocalTime(0, zone, '09:00', [9]), RangeError);
  });

  for (const name of ZONES) {
    it(`of every hour in ${name} is shown by its wall clock, or is right after a gap`, () => {
      const zone = ianaZone(name);
      assert.ok(zone);
      const wall = wallOf(name);
      for (const start of daysOf(name)) {
        for (let hour = 0; hour < 24; hour++) {
          const time = `${String(hour).padStart(2, '0')}:30`;
          const from = start + hour * HOUR;
          const at = nextLocalTime(from, zone, time);
          assert.ok(at >= from && at < from + 25.5 * HOUR, `${time} ${new Date(at).toISOString()}`);
          const shown = wall(at).time;
          if (shown === minutes(time)) continue;
          const before = wall(at - 1).time;
          const skipped = (minutes(time) - before - 1 + 1440) % 1440 < (shown - before - 1 + 1440) % 1440;
          assert.ok(skipped, `${time} at ${new Date(at).toISOString()} shows ${shown}`);
        }
      }
    });
  }
});
