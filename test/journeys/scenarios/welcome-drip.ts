import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** `examples/14`: three mails; the second on a working day at nine where the lead is, the third by what they did meanwhile. */
export async function welcomeDrip(lab: Lab): Promise<void> {
  await lab.load(path.join(__dirname, '..', '..', '..', 'examples', '14 - Welcome drip.json'));
  const people = { ada: 'America/New_York', bob: 'Asia/Kolkata', cyd: 'Pacific/Auckland' };
  for (const [name, timeZone] of Object.entries(people)) {
    await lab.marketing.leads.upsert({ email: `${name}@drip.example`, name, country: 'US', timeZone });
  }
  const subjects = (name: string): string[] => lab.subjectsTo(`${name}@drip.example`);
  // A Wednesday: two days later it is Friday or Saturday, and nine o'clock is over everywhere.
  const start = nextWednesday(lab.clock.now()) + 15 * HOUR;
  await lab.passUntil(start, DAY / 4);
  await lab.send('marketing-trigger', 'New people');
  for (const name of Object.keys(people)) assert.deepEqual(subjects(name), [`Welcome, ${name}`]);
  const mondays = Object.entries(people).map(([name, timeZone]) => ({ name, nine: nineOnMonday(start, timeZone) }));
  for (const { name, nine } of mondays.sort((a, b) => a.nine - b.nine)) {
    await lab.passUntil(nine - 5 * MINUTE, DAY / 2);
    assert.equal(subjects(name).length, 1, `${name}: before nine on Monday`);
    // Those who were held over a weekend go on spread over a quarter of an hour.
    await lab.passUntil(nine + 20 * MINUTE, 10 * MINUTE);
    assert.equal(subjects(name).length, 2, `${name}: after nine on Monday`);
  }
  await lab.marketing.events.record({ type: 'ordered', lead: 'bob@drip.example' });
  await lab.pass(4 * DAY, DAY / 2);
  assert.equal(subjects('ada').at(-1), 'Ten percent on your first bag');
  assert.equal(subjects('bob').at(-1), 'Thank you, bob');
  assert.equal(subjects('cyd').length, 3);
  const report = await lab.marketing.campaigns.report('welcome-drip');
  assert.equal(report.campaign.state, 'completed');
}

function nextWednesday(from: number): number {
  for (let day = Math.ceil(from / DAY) * DAY; ; day += DAY) if (new Date(day).getUTCDay() === 3) return day;
}

/** The first moment after a Wednesday at which a wall clock shows Monday, 09:00. */
function nineOnMonday(from: number, timeZone: string): number {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit' });
  for (let at = from; ; at += 15 * MINUTE) if (/^Mon,? 09:00$/.test(clock.format(at))) return at;
}
