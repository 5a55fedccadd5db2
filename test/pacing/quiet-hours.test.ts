import assert from 'node:assert/strict';
import { eachDatabase } from '../kit/databases';
import { Bed, mostWithin, type Waiting } from './bed';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNCAPPED = { caps: [], againAfterHours: 0 };

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

/** Minutes since midnight by the wall clock of a zone, as Intl says. */
function wallClock(zone: string): (moment: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
  return (moment) => {
    const [hours = 0, minutes = 0] = format.format(moment).split(':').map(Number);
    return (hours % 24) * 60 + minutes;
  };
}

/** The UTC midnights of an ordinary day, and of days on which some of the zones change their clocks. */
function days(): number[] {
  const changing = new Set([Date.UTC(2026, 5, 16)]);
  for (const zone of ZONES) {
    const wall = wallClock(zone);
    for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2027, 0, 1); day += DAY) {
      if (wall(day) !== wall(day + DAY)) changing.add(day);
    }
  }
  return [...changing].sort((a, b) => a - b);
}

eachDatabase((db) => {
  describe(`quiet hours on ${db.name}`, () => {
    it('let nobody through at any UTC hour, in 12 zones, on ordinary days and on days that change clocks', async () => {
      const bed = await Bed.open(db, Date.UTC(2026, 0, 1));
      await bed.tenantRules({ ...UNCAPPED, quietHours: { from: '22:00', to: '08:00' } });
      const campaign = await bed.campaign('news');
      const leads = await bed.leads(ZONES.map((timeZone) => ({ timeZone })));
      const walls = ZONES.map(wallClock);
      const quiet = (index: number, moment: number): boolean => {
        const time = walls[index]?.(moment) ?? 0;
        return time >= 22 * 60 || time < 8 * 60;
      };
      // All of them on SQLite; on the others the day on which Berlin puts its clocks back.
      const some = Date.UTC(2026, 9, 25);
      let held = 0;
      for (const day of days().filter((one) => db.name === 'sqlite' || one === some)) {
        for (let hour = 0; hour < 24; hour++) {
          await bed.clock.advanceTo(day + hour * HOUR);
          const people = bed.people(campaign, leads);
          const verdicts = await bed.ask(people);
          for (const [index, person] of people.entries()) {
            const told = `${ZONES[index]} at ${new Date(bed.clock.now()).toISOString()}`;
            const verdict = verdicts.get(person.step);
            assert.equal(verdict !== undefined, quiet(index, bed.clock.now()), told);
            if (verdict?.kind !== 'later') continue;
            held++;
            assert.ok(!quiet(index, verdict.at), `${told}: held until ${new Date(verdict.at).toISOString()}`);
            // The morning after, and no later than the release takes; clocks may be put back in between.
            assert.ok(verdict.at - bed.clock.now() <= 11 * HOUR + 30 * MINUTE, told);
            const morning = (walls[index]?.(verdict.at) ?? 0) - 8 * 60;
            assert.ok(morning >= 0 && morning < 90, `${told}: ${morning} minutes after eight`);
          }
        }
      }
      assert.ok(held > 80, String(held));
    });

    it('release those who were held spread over half an hour, and not in a burst', async () => {
      const bed = await Bed.open(db, Date.UTC(2026, 5, 16, 21));
      await bed.tenantRules({ ...UNCAPPED, quietHours: { from: '22:00', to: '08:00' } });
      const campaign = await bed.campaign('news');
      const leads = await bed.leads(Array.from({ length: 1_500 }, () => ({ country: 'DE' })));
      const queue = bed.people(campaign, leads);
      for (let at = 0; at < queue.length; at += 250) {
        const group = queue.slice(at, at + 250);
        for (const [step, verdict] of await bed.ask(group)) {
          const person = group.find((one) => one.step === step);
          if (verdict.kind === 'later' && person) person.dueAt = verdict.at;
        }
      }
      const times = queue.map(({ dueAt }) => dueAt);
      const eight = Date.UTC(2026, 5, 17, 6);
      assert.ok(Math.min(...times) >= eight && Math.max(...times) < eight + 30 * MINUTE);
      // 50 a minute on average; a fair hash puts more than 85 into one minute once in ten thousand runs, and this one is fixed.
      assert.ok(mostWithin(times, MINUTE) <= 85, String(mostWithin(times, MINUTE)));
      // As told: whoever is asked again meanwhile is told the same.
      const again: Waiting[] = queue.slice(0, 10);
      for (const [step, verdict] of await bed.ask(again)) {
        assert.ok(verdict.kind === 'later' && verdict.at === again.find((one) => one.step === step)?.dueAt);
      }
      const { left } = await bed.work(queue.slice(0, 60), { group: 250 });
      assert.ok(left.every(({ at }) => at >= eight && at < eight + 31 * MINUTE));
      assert.equal(left.length, 60);
    });

    it('and a throttle are kept together: nobody has a turn in their night, and no night’s turns are made up for', async () => {
      const bed = await Bed.open(db, Date.UTC(2026, 5, 16, 19, 58));
      await bed.tenantRules({
        ...UNCAPPED,
        throttle: { perMinute: 10 },
        window: { from: '09:00', to: '22:00' },
        releaseMinutes: 1,
      });
      const campaign = await bed.campaign('news');
      const german = await bed.leads(Array.from({ length: 60 }, () => ({ country: 'DE' })));
      const american = await bed.leads(Array.from({ length: 10 }, () => ({ timeZone: 'America/New_York' })));
      const queue = bed.people(campaign, [...german, ...american]);
      const { left } = await bed.work(queue);
      assert.equal(left.length, 70);
      const berlin = wallClock('Europe/Berlin');
      for (const { at, person } of left) {
        if (!german.includes(person.lead)) continue;
        assert.ok(berlin(at) >= 9 * 60 && berlin(at) < 22 * 60, new Date(at).toISOString());
      }
      const times = left.map(({ at }) => at);
      assert.ok(mostWithin(times, MINUTE) <= 11);
      const evening = left.filter(({ at }) => at < Date.UTC(2026, 5, 16, 20)).length;
      assert.ok(evening >= 19 && evening <= 21, `${evening} before ten`);
    });

    it('do not concern transactional messages', async () => {
      const bed = await Bed.open(db, Date.UTC(2026, 5, 16, 23));
      await bed.tenantRules({ quietHours: { from: '22:00', to: '08:00' }, excludeWeekends: true });
      const campaign = await bed.campaign('receipt', { category: 'transactional' });
      const [lead = 0] = await bed.leads([{ country: 'DE' }]);
      assert.equal((await bed.ask(bed.people(campaign, [lead]))).size, 0);
    });

    it('take the tenant’s zone for leads of whom nothing is known, and a campaign’s own hours before the tenant’s', async () => {
      const bed = await Bed.open(db, Date.UTC(2026, 5, 16, 12));
      await bed.tenantRules({ ...UNCAPPED, timeZone: 'Asia/Tokyo', quietHours: { from: '20:00', to: '08:00' } });
      const [lead = 0] = await bed.leads([{}]);
      const plain = await bed.campaign('plain');
      const late = await bed.campaign('late', { quietHours: { from: '23:00', to: '08:00' } });
      const always = await bed.campaign('always', { quietHours: null });
      const verdict = (await bed.ask(bed.people(plain, [lead]))).values().next().value;
      assert.ok(verdict?.kind === 'later' && verdict.reason === 'quiet_hours');
      assert.equal((await bed.ask(bed.people(late, [lead]))).size, 0);
      assert.equal((await bed.ask(bed.people(always, [lead]))).size, 0);
    });

    it('hold everybody when tenant and campaign together leave no time', async () => {
      const bed = await Bed.open(db, Date.UTC(2026, 5, 16, 12));
      await bed.tenantRules({ ...UNCAPPED, quietHours: { from: '18:00', to: '09:00' } });
      const campaign = await bed.campaign('night', { window: { from: '20:00', to: '23:00' } });
      const [lead = 0] = await bed.leads([{}]);
      const verdict = (await bed.ask(bed.people(campaign, [lead]))).values().next().value;
      assert.deepEqual(verdict, { kind: 'later', at: bed.clock.now() + HOUR, reason: 'quiet_hours' });
    });
  });
});
