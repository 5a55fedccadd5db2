import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { InputError } from '../../lib/errors';
import { readConfig } from '../../nodes/kit/config';
import type { AccountHub } from '../../nodes/kit/account-node';
import { migrateConfig, type SavedConfig } from '../../nodes/kit/migrate';
import { senderOf, sourceOf } from '../../nodes/send/content';
import { migrations } from '../../nodes/send/migrations';
import { eventually } from '../kit/eventually';
import { bench } from '../kit/helper';

const EMAIL = {
  channel: 'email',
  sender: { name: 'Shop', address: 'shop@example.org' },
  replyTo: 'help@example.org',
} as AccountHub;

const kitOf = (saved: SavedConfig): { config: ReturnType<typeof readConfig>; saved: SavedConfig } => {
  const migrated = migrateConfig(saved, migrations);
  return { config: readConfig(migrated), saved: migrated };
};

describe('the configuration of a send node', () => {
  it('of an earlier release has words of its own, as ever', () => {
    const saved = { configVersion: 1, subject: 'Hello', html: '<p>x</p>', text: ' ', from: '', account: 'a' };
    const migrated = migrateConfig(saved, migrations);
    assert.deepEqual(
      [migrated['configVersion'], migrated['contentFrom'], migrated['template'], migrated['subject']],
      [2, 'inline', '', 'Hello'],
    );
    assert.deepEqual(sourceOf(kitOf(saved), EMAIL), {
      channel: 'email',
      email: { subject: 'Hello', html: '<p>x</p>', from: EMAIL.sender, replyTo: 'help@example.org' },
    });
  });

  it('keeps what a flow says that was written for this release without a version', () => {
    const migrated = migrateConfig({ contentFrom: 'template', template: 'welcome' }, migrations);
    assert.deepEqual([migrated['contentFrom'], migrated['template']], ['template', 'welcome']);
  });

  it('names a template, or leaves it to the campaign', () => {
    assert.deepEqual(sourceOf(kitOf({ contentFrom: 'template', template: ' welcome ' }), EMAIL), {
      from: 'template',
      key: 'welcome',
    });
    assert.deepEqual(sourceOf(kitOf({ contentFrom: 'campaign', subject: '{{' }), EMAIL), { from: 'campaign' });
    for (const saved of [{ contentFrom: 'template' }, { contentFrom: 'somewhere' }]) {
      assert.throws(
        () => sourceOf(kitOf(saved), EMAIL),
        (error: unknown) => error instanceof InputError && error.code === 'E_CONFIG',
      );
    }
  });

  it('names who sends where a template or a campaign names nobody: the node’s sender before the account’s', () => {
    assert.deepEqual(senderOf(kitOf({}), EMAIL), { from: EMAIL.sender, replyTo: 'help@example.org' });
    assert.deepEqual(senderOf(kitOf({ from: 'own@example.org', replyTo: 'r@example.org' }), EMAIL), {
      from: { address: 'own@example.org' },
      replyTo: 'r@example.org',
    });
    assert.deepEqual(senderOf(kitOf({ fromName: 'Ada' }), EMAIL).from, { address: 'shop@example.org', name: 'Ada' });
    assert.deepEqual(senderOf(kitOf({}), { channel: 'webhook' } as AccountHub), {});
  });
});

describe('a send node in Node-RED', function () {
  this.timeout(30_000);
  const red = bench();
  const requests: { url: string; body: string }[] = [];
  let receiver: Server;
  let marketing: Marketing | undefined;

  before(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        requests.push({ url: request.url ?? '', body });
        response.end('{}');
      });
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
  });
  after(() => receiver.close());
  afterEach(async () => {
    requests.length = 0;
    await marketing?.close();
    marketing = undefined;
  });

  const address = (): string => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const drawn = (id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object => ({
    ...{ id, type, z: 'tab', x: 1, y: 1, name: id, store: 'store', wires },
    ...properties,
  });

  /** Runs a trigger and a send node; the same data, from outside, with one lead in it. */
  async function load(send: Record<string, unknown>): Promise<Marketing> {
    await red.load([
      { id: 'tab', type: 'tab', label: 'Tab' },
      { id: 'store', type: 'marketing-store', name: 'Store' },
      { id: 'account', type: 'marketing-account', channel: 'webhook', allowPrivate: true },
      drawn('go', 'marketing-trigger', [['call']]),
      drawn('call', 'marketing-send', [[], [], []], { account: 'account', ...send }),
    ]);
    const opened = await openMarketing({
      database: { url: `sqlite:${path.join(red.userDir, 'marketing.sqlite')}` },
      work: false,
    });
    marketing = opened;
    await eventually(async () => assert.ok((await opened.definitions.list()).length > 0));
    await opened.leads.upsert({ email: 'ada@example.org', name: 'Ada' });
    return opened;
  }

  it('sends a template, and what the template has become for whoever comes later', async () => {
    const data = await load({ contentFrom: 'template', template: 'call' });
    const content = { url: `${address()}/first`, payload: '{"name": "{{ lead.name }}"}' };
    await data.templates.create({ key: 'call', name: 'Call', type: 'webhook', content });
    red.node('go').receive({});
    await eventually(() => assert.deepEqual(requests, [{ url: '/first', body: '{"name": "Ada"}' }]));
    await data.templates.update('call', { content: { ...content, url: `${address()}/second` } });
    await data.campaigns.create({ key: 'again', definition: 'go' });
    await data.campaigns.launch('again');
    await eventually(() => assert.equal(requests[1]?.url, '/second'));
  });

  it('sends what the campaign says', async () => {
    const data = await load({ contentFrom: 'campaign' });
    const content = { webhook: { url: `${address()}/{{ campaign.key }}`, payload: { name: '{{ lead.name }}' } } };
    await data.campaigns.create({ key: 'spring', definition: 'go', content });
    await data.campaigns.launch('spring');
    await eventually(() => assert.deepEqual(requests, [{ url: '/spring', body: '{"name":"Ada"}' }]));
  });

  it('that names no template is marked, and people wait', async () => {
    const data = await load({ contentFrom: 'template' });
    await eventually(() => assert.equal(red.badges('call').at(-1), 'red not complete'));
    red.node('go').receive({});
    await eventually(async () => {
      const { stations } = await data.campaigns.report('go');
      assert.equal(stations.find(({ step }) => step === 'call')?.waiting, 1);
    });
  });

  it('offers the store’s templates, and previews a template and what a campaign says', async () => {
    const data = await load({ contentFrom: 'campaign' });
    await data.templates.create({ key: 'b', name: 'B', type: 'sms', content: { text: 'x' } });
    const words = { subject: 'Hello {{ lead.name }}, {{ campaign.name }}', html: '<p>x</p>' };
    await data.templates.create({ key: 'a', name: 'A', type: 'email', content: words });
    const listed = await red.request().get('/marketing/store/templates');
    assert.deepEqual(listed.body, [
      { key: 'a', name: 'A', type: 'email' },
      { key: 'b', name: 'B', type: 'sms' },
    ]);
    const ask = async (question: object): Promise<Record<string, unknown>> =>
      (
        await red
          .request()
          .post('/marketing/preview')
          .send({ store: 'store', ...question })
      ).body;
    const template = await ask({ template: 'a', channel: 'email' });
    assert.equal(template['subject'], 'Hello Ada, Preview');
    assert.match(String(template['html']), /^<p>x<\/p>/);
    assert.equal((await ask({ template: 'b', channel: 'email' }))['code'], 'E_CHANNEL');
    assert.equal((await ask({ template: 'nope', channel: 'email' }))['code'], 'E_UNKNOWN_TEMPLATE');

    const contents = {
      spring: { email: { template: 'a' } },
      summer: { email: { subject: 'For {{ lead.name }}', text: '{{ campaign.data.offer }}' } },
      autumn: {},
    };
    for (const [key, content] of Object.entries(contents))
      await data.campaigns.create({ key, name: `The ${key}`, definition: 'go', content, data: { offer: '5 %' } });
    const of = (campaign: string): Promise<Record<string, unknown>> => ask({ campaign, channel: 'email' });
    assert.equal((await of('spring'))['subject'], 'Hello Ada, The spring');
    const summer = await of('summer');
    assert.equal(summer['subject'], 'For Ada');
    assert.match(String(summer['text']), /^5 %/);
    assert.equal((await of('autumn'))['code'], 'E_NO_CONTENT');
    assert.equal((await of('nope'))['code'], 'E_UNKNOWN_CAMPAIGN');
  });
});
