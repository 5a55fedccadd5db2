import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

const HOUR = 3_600_000;

/** `examples/10`: a launch that needs an approval, people who wait for another one, a reminder, and the decision. */
export async function approvalAbove(lab: Lab): Promise<void> {
  await lab.load(path.join(__dirname, '..', '..', '..', 'examples', '10 - Approval above 1000.json'));
  const { approvals, campaigns, leads } = lab.marketing;
  for (const name of ['kay', 'lou', 'mia']) await leads.upsert({ email: `${name}@example.org`, name, country: 'US' });
  const limits = await campaigns.limits();
  assert.equal(limits.approvalAbove, 1_000);
  await campaigns.setLimits({ ...limits, approvalAbove: 2 });
  try {
    await assert.rejects(lab.send('marketing-trigger', 'Summer sale'), /needs an approval/);
    assert.equal((await campaigns.get('summer-sale')).run, 0, 'refused');
    const { id } = await approvals.request(
      'summer-sale',
      { approvers: [{ kind: 'user', approver: 'ann' }] },
      { actor: 'dan' },
    );
    await approvals.vote(id, { decision: 'approve' }, { actor: 'ann' });
    await lab.until(async () => (await campaigns.get('summer-sale')).run === 1, 'its launch by the flow');
    await lab.until(async () => (await approvals.list({ state: 'pending' })).length === 1, 'the request of the node');
    await lab.rest();
    assert.deepEqual(lab.subjectsTo('kay@example.org'), []);
    await lab.pass(13 * HOUR);
    const [asked] = await approvals.list({ state: 'pending' });
    assert.deepEqual(
      [asked?.subject, asked?.step, asked?.reminders, asked?.seats.length],
      ['station', 'marketing-lead', 1, 3],
    );
    for (const actor of ['bob', 'cleo']) await approvals.vote(asked?.id ?? 0, { decision: 'approve' }, { actor });
    await lab.until(async () => (await campaigns.get('summer-sale')).state === 'completed', 'the end of the campaign');
    for (const name of ['kay', 'lou', 'mia']) {
      assert.deepEqual(lab.subjectsTo(`${name}@example.org`), [`Our summer sale, ${name}`]);
    }
  } finally {
    await campaigns.setLimits(limits);
  }
}
