import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

const DAY = 86_400_000;

/** `examples/05`: an invitation, three days, and a reminder to those who have not ordered. */
export async function followUpSeries(lab: Lab): Promise<void> {
  await lab.load(path.join(__dirname, '..', '..', '..', 'examples', '05 - Follow-up series.json'));
  for (const name of ['ada', 'bob', 'cyd']) {
    await lab.marketing.leads.upsert({ email: `${name}@example.org`, name, country: 'US' });
  }
  await lab.send('marketing-trigger', 'Tasters');
  assert.equal(lab.subjectsTo('ada@example.org').length, 1);
  await lab.pass(DAY);
  await lab.marketing.events.record({ type: 'ordered', lead: 'bob@example.org' });
  await lab.pass(2 * DAY + 600_000);
  assert.equal(lab.subjectsTo('ada@example.org').length, 2);
  assert.equal(lab.subjectsTo('bob@example.org').length, 1);
  const report = await lab.marketing.campaigns.report('tasters');
  assert.equal(report.audience, 3);
  assert.equal(report.campaign.state, 'completed');
}
