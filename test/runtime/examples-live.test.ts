import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import type { CampaignReport } from '../../lib/campaigns';
import { eventually, freePort, PACKAGE, scratchFolder, startCli, type Running } from './kit';

interface FlowNode {
  id: string;
  type: string;
  name?: string;
}

/** All examples in one Node-RED, on the 2,000 made-up leads, into the built-in mailbox. */
describe('the examples, at work', function () {
  this.timeout(120_000);
  const folder = scratchFolder();
  let running: Running;
  let url: string;
  let nodes: FlowNode[];
  let marketing: Marketing;

  before(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    mkdirSync(folder.path('flows'));
    const examples = path.join(PACKAGE, 'examples');
    for (const name of readdirSync(examples).filter((entry) => entry.endsWith('.json'))) {
      // What cannot be waited for in a test, and the port that the webhook's receiver listens on.
      const text = readFileSync(path.join(examples, name), 'utf8')
        .replaceAll('127.0.0.1:1880', `127.0.0.1:${port}`)
        .replace(/"amount": "3",\s*"unit": "days"/, '"amount": "2", "unit": "seconds"');
      writeFileSync(folder.path('flows', name), text);
    }
    running = startCli(['start', '--editor', '--example', '--flows', folder.path('flows'), '--port', String(port)], {
      MARKETING_USER_DIR: folder.path('home'),
    });
    await eventually(async () => {
      const health = await fetch(`${url}/healthz`).catch(() => undefined);
      return health?.ok || undefined;
    });
    nodes = (await (await fetch(`${url}/flows`)).json()) as FlowNode[];
    const database = { url: `sqlite:${folder.path('home', 'example', 'marketing.sqlite')}` };
    marketing = await openMarketing({ database, work: false });
    // The examples write to the same people, one after the other: more often than the default caps let anybody.
    await marketing.sendRules.set({ caps: [], againAfterHours: 0 });
  });
  after(async () => {
    await marketing?.close();
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
  });

  const idOf = (type: string, name: string): string => {
    const found = nodes.find((node) => node.type === type && node.name === name);
    assert.ok(found, `there is no ${type} "${name}"`);
    return found.id;
  };
  const press = async (where: string): Promise<void> => {
    const answer = await fetch(`${url}${where}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const inject = (name: string): Promise<void> => press(`/inject/${idOf('inject', name)}`);
  const launch = (name: string): Promise<void> => press(`/marketing/trigger/${idOf('marketing-trigger', name)}/launch`);
  const reportWhen = (key: string, done: (report: CampaignReport) => boolean): Promise<CampaignReport> =>
    eventually(async () => {
      const report = await marketing.campaigns.report(key).catch(() => undefined);
      return report && done(report) ? report : undefined;
    }, 60_000);
  const completed = (key: string): Promise<CampaignReport> =>
    reportWhen(key, ({ campaign }) => campaign.state === 'completed');

  it('01: the segment and the consent check let through whom they should', async () => {
    await launch('Launch');
    const report = await completed('welcome');
    assert.ok((report.ended['not in segment'] ?? 0) > 0);
    assert.ok((report.ended['blocked: no consent'] ?? 0) > 0);
    assert.equal(report.messages['sent'], report.ended['completed']);
  });

  it('02: an event lets one person in, once', async () => {
    await inject('Ada signs up');
    const report = await reportWhen('sign-up', ({ ended }) => ended['completed'] === 1);
    assert.equal(report.audience, 1);
    assert.equal(report.messages['sent'], 1);
    const again = await marketing.events.record({
      type: 'signed_up',
      lead: 'ada@example.org',
      eventId: 'sign-up-of-ada',
    });
    assert.deepEqual([again.fresh, again.entered], [false, 0]);
  });

  it('03: the webhook reaches the other system', async () => {
    await launch('Hot leads');
    const report = await completed('hot-leads');
    assert.ok((report.messages['sent'] ?? 0) > 100);
    assert.equal(report.ended['completed'], report.messages['sent']);
  });

  it('04: a campaign is created with its words, launched, paused and resumed', async () => {
    const state = (wanted: string) =>
      eventually(async () =>
        (await marketing.campaigns.get('spring').catch(() => undefined))?.state === wanted ? wanted : undefined,
      );
    await inject('Create "spring"');
    await state('draft');
    // Two examples have a node of this name; this one is an inject node.
    await inject('Launch');
    await state('active');
    await inject('Pause');
    await state('paused');
    await inject('Resume');
    const report = await completed('spring');
    assert.ok((report.messages['sent'] ?? 0) > 1_000);
    const { mails } = (await (await fetch(`${url}/mailbox/list`)).json()) as { mails: { subject: string }[] };
    assert.ok(mails.some(({ subject }) => subject === 'Spring roast is here'));
  });

  it('05: the second mail goes to those who did not order', async () => {
    const ordered = await marketing.leads.get({ email: 'ada@example.org' });
    await marketing.leads.setConsent(ordered?.id ?? 0, 'email', 'granted', { source: 'test' });
    await marketing.events.record({ type: 'ordered', lead: 'ada@example.org' });
    await launch('Tasters');
    const report = await completed('tasters');
    const sent = (step: string): number =>
      report.stations.find((station) => station.step === step)?.counters['sent'] ?? 0;
    assert.ok(sent('reminder') > 1_000);
    assert.equal(sent('invitation') - sent('reminder'), 1);
  });

  it('06: everybody leaves through one of the outputs', async () => {
    await launch('Everybody');
    const report = await completed('everyone');
    assert.equal(
      Object.values(report.ended).reduce((sum, people) => sum + people, 0),
      report.audience,
    );
  });

  it('07: everybody waits for the date', async () => {
    await launch('Advent');
    const report = await reportWhen(
      'advent',
      ({ stations }) => (stations.find(({ step }) => step === 'first-of-december')?.waiting ?? 0) > 500,
    );
    assert.equal(report.messages['sent'], undefined);
    const waiting = await marketing.scope.all<{ due_at: number }>(
      `SELECT DISTINCT s.due_at FROM marketing_steps s JOIN marketing_campaigns c ON c.id = s.campaign_id AND c.tenant_id = :tenant
       WHERE s.tenant_id = :tenant AND c.campaign_key = 'advent' AND s.state = 'waiting'`,
    );
    assert.ok(waiting.length > 1, 'nine in the morning is another moment in another zone');
  });

  it('08: the event nodes hear what happens', async () => {
    const delivered = (type: string) =>
      eventually(async () =>
        marketing.scope.get(
          `SELECT id FROM marketing_outbox WHERE tenant_id = :tenant AND type = :type AND state = 'delivered' LIMIT 1`,
          { type },
        ),
      );
    await inject('Save Mary');
    assert.ok(await delivered('marketing.lead.created'));
    await inject('Raise her score');
    assert.ok(await delivered('marketing.lead.scored'));
  });

  it('16: whoever has enough points reaches the goal', async () => {
    for (let visit = 1; visit <= 3; visit++) {
      await inject('Bea reads the price list');
      await reportWhen('lead-scoring', ({ ended }) => Object.values(ended).reduce((sum, n) => sum + n, 0) === visit);
    }
    const { ended } = await marketing.campaigns.report('lead-scoring');
    assert.deepEqual(ended, { 'not in segment': 2, 'goal: qualified': 1 });
    const { figures } = await marketing.metrics.of((await marketing.campaigns.get('lead-scoring')).id);
    assert.deepEqual([figures.converted, figures.revenue], [1, 25]);
  });
});
