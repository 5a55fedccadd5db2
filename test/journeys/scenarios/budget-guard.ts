import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

const MINUTE = 60_000;
const AUDIENCE = 40;
const PAID = 25;

/** `examples/11`: the campaign pauses when its budget is used up and is raised; with more money, everybody else gets their mail. */
export async function budgetGuard(lab: Lab): Promise<void> {
  await lab.load(path.join(__dirname, '..', '..', '..', 'examples', '11 - Budget guard with escalation.json'));
  const { campaigns, leads, roi, scope } = lab.marketing;
  const people = Array.from({ length: AUDIENCE }, (_, at) => ({ email: `guarded${at}@example.org`, country: 'US' }));
  await leads.upsertAll(people);
  const mailed = (): number => people.filter(({ email }) => lab.mailsTo(email).length === 1).length;
  const twice = (): number => people.filter(({ email }) => lab.mailsTo(email).length > 1).length;
  await campaigns.ensure('new-harvest');
  await roi.setPrices({ channels: { email: 0.01 } });
  await campaigns.update('new-harvest', { budget: PAID * 0.01 });
  await roi.setRules('new-harvest', { breach: ['pause', 'escalate'] });

  await campaigns.launch('new-harvest');
  await lab.until(async () => (await campaigns.get('new-harvest')).state === 'paused', 'the campaign to pause');
  await lab.pass(5 * MINUTE);
  assert.equal(mailed(), PAID);
  const { spent, reserved, left, status } = await roi.report('new-harvest');
  assert.deepEqual([spent, reserved, left, status], [PAID * 0.01, 0, 0, 'over_budget']);
  const events = await scope.all<{ event: string }>(
    `SELECT event FROM marketing_history WHERE tenant_id = :tenant AND (event = 'roi.budget_exceeded' OR event = 'campaign.escalated') ORDER BY id`,
  );
  assert.deepEqual(
    events.map(({ event }) => event),
    ['roi.budget_exceeded', 'campaign.escalated'],
  );

  await campaigns.update('new-harvest', { budget: 10 });
  await campaigns.resume('new-harvest');
  await lab.pass(5 * MINUTE);
  assert.deepEqual([mailed(), twice()], [AUDIENCE, 0]);
  assert.equal((await roi.report('new-harvest')).spent, AUDIENCE * 0.01);
  assert.deepEqual(await roi.differences(), []);
}
