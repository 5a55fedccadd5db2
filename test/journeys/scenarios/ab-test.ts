import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

const MINUTE = 60_000;

/** `examples/09`: two first mails compete; whoever subscribes after the decision gets the better one. */
export async function abTest(lab: Lab): Promise<void> {
  await lab.load(path.join(__dirname, '..', '..', '..', 'examples', '09 - A-B test with winner.json'));
  const { marketing } = lab;
  const subscribe = async (from: number, to: number): Promise<number[]> => {
    const outcomes = await Promise.all(
      Array.from({ length: to - from + 1 }, (_, at) =>
        marketing.events.record({ type: 'subscribed', lead: { email: addressOf(from + at), country: 'US' } }),
      ),
    );
    await lab.rest();
    return outcomes.map(({ lead }) => lead);
  };
  const leads = await subscribe(1, 320);
  const [experiment] = await marketing.experiments.list();
  assert.ok(experiment);
  assert.deepEqual([experiment.key, experiment.state], ['first-mail/first-mail', 'running']);
  // Everybody got exactly what the experiment says, and the messages carry it.
  const got = leads.map((_lead, at) => lab.subjectsTo(addressOf(at + 1)));
  const counts = new Map(experiment.variants.map(({ key, counts: { exposed } }) => [key, exposed]));
  assert.equal(got.filter(([subject]) => subject?.startsWith('Your first cup')).length, counts.get('short'));
  assert.equal(got.filter(([subject]) => subject?.startsWith('How a heron')).length, counts.get('story'));
  assert.equal(got.filter((subjects) => subjects.length === 0).length, counts.get('control'));
  const sent = (await marketing.metrics.of(experiment.campaign, { by: 'variant' })).groups;
  for (const { key, figures } of sent) assert.equal(figures.sent, counts.get(String(key)), String(key));

  // The story is clicked three times as often.
  const clicks = leads.filter((_lead, at) => {
    const [subject = ''] = got[at] ?? [];
    return subject.startsWith('How a heron') ? at % 5 < 3 : subject !== '' && at % 5 === 0;
  });
  await marketing.leads.engage(
    clicks.map((leadId) => ({ leadId, type: 'email_clicked', campaignId: experiment.campaign, channel: 'email' })),
  );
  await lab.pass(25 * MINUTE, 5 * MINUTE);
  const report = await marketing.experiments.report(experiment.id);
  assert.equal(report.state, 'decided', JSON.stringify(report.verdict));
  assert.equal(report.decision?.winner, 'story');

  await subscribe(401, 420);
  for (let nr = 401; nr <= 420; nr++) assert.match(lab.subjectsTo(addressOf(nr)).join(), /^How a heron/);
  const why = await marketing.campaigns.why('first-mail', addressOf(401));
  assert.ok(
    why.some(({ text }) => /First mail: story: the experiment is decided/.test(text)),
    JSON.stringify(why),
  );
  assert.ok(
    why.some(({ kind, state }) => kind === 'experiment' && state === 'story'),
    JSON.stringify(why),
  );
}

function addressOf(nr: number): string {
  return `reader${nr}@example.org`;
}
