import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { SystemClock } from '../../lib/clock';
import { startMailSink, type MailSink } from '../../lib/runtime/mailbox';
import { readFlows } from '../../lib/runtime/user-dir';
import { eventually } from '../kit/eventually';
import { startNodeRed, type NodeRed } from '../kit/node-red';

const FILE = path.join(__dirname, '..', '..', 'flows', 'generic.json');

describe('the generic flow', function () {
  this.timeout(60_000);
  let nodeRed: NodeRed;
  let marketing: Marketing;
  let sink: MailSink;
  let server: Server;
  const called: unknown[] = [];

  before(async () => {
    sink = await startMailSink({ clock: new SystemClock() });
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        called.push(JSON.parse(body));
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // What the environment says otherwise.
    const flow = readFlows(FILE).map((node) => {
      if (node['type'] === 'marketing-store') return { ...node, databaseUrl: '', baseUrl: 'http://news.example' };
      if (node['type'] !== 'marketing-account') return node;
      if (node['channel'] === 'webhook') return { ...node, allowPrivate: true };
      return {
        ...{ ...node, host: sink.host, port: String(sink.port), security: 'none', user: '' },
        ...{ fromAddress: 'news@example.org', fromName: '' },
      };
    });
    nodeRed = await startNodeRed({ flow });
    marketing = await openMarketing({
      database: { url: `sqlite:${path.join(nodeRed.userDir, 'marketing.sqlite')}` },
      work: false,
    });
    await eventually(async () => assert.ok((await marketing.definitions.get('generic'))?.deployed));
    await marketing.leads.upsertAll([
      { email: 'ada@example.org', name: 'Ada', country: 'US' },
      { email: 'ben@example.org', name: 'Ben', country: 'DE' },
    ]);
  });
  after(async () => {
    await marketing?.close();
    await nodeRed?.stop();
    await sink?.close();
    server?.close();
    server?.closeAllConnections();
  });

  const run = async (key: string, channels: readonly string[]): Promise<Record<string, number>> => {
    const { port } = server.address() as AddressInfo;
    await marketing.campaigns.create({
      ...{ key, name: key, definition: 'generic', channels, data: { offer: 'two for one' } },
      content: {
        email: { subject: `${key} for {{ lead.name }}`, html: '<p>{{ campaign.data.offer }}</p>' },
        webhook: {
          url: `http://127.0.0.1:${port}/`,
          payload: '{"campaign": "{{ campaign.key }}", "lead": "{{ lead.name }}"}',
        },
      },
    });
    await marketing.campaigns.launch(key);
    return eventually(async () => {
      const { audience, waiting, ended } = await marketing.campaigns.report(key);
      assert.deepEqual([audience, waiting], [2, 0]);
      return ended;
    }, 30_000);
  };

  it('sends each campaign’s own mail to those who may get it', async () => {
    const ended = await run('spring', ['email']);
    assert.deepEqual(ended, { completed: 1, 'blocked: no consent': 1 });
    assert.equal(sink.latestTo('ada@example.org')?.subject, 'spring for Ada');
    assert.equal(sink.latestTo('ben@example.org'), undefined);
    assert.deepEqual(called, []);
  });

  it('tells another system about everybody when the campaign says webhook, and does both when it says both', async () => {
    await run('calls', ['webhook']);
    assert.deepEqual(
      called
        .splice(0)
        .map((body) => (body as { lead: string }).lead)
        .sort(),
      ['Ada', 'Ben'],
    );
    assert.equal(sink.latestTo('ada@example.org')?.subject, 'spring for Ada');
    await run('both', ['email', 'webhook']);
    assert.equal(called.length, 2, 'also about Ben, who must not be mailed');
    assert.equal(sink.latestTo('ada@example.org')?.subject, 'both for Ada');
  });
});
