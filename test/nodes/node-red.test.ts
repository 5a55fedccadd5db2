import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { eventually } from '../kit/eventually';
import { NODE_RED_VERSIONS, startNodeRed, type Flow, type NodeRed, type NodeRedOptions } from '../kit/node-red';

const TAB = { id: 'tab', type: 'tab', label: 'Journey' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };

function drawn(
  id: string,
  type: string,
  wires: string[][],
  properties: Record<string, unknown> = {},
): Record<string, unknown> {
  return { id, type, z: 'tab', x: 100, y: 100, name: id, store: 'store', wires, ...properties };
}

/** A POST with exactly these headers: fetch() sets some of its own and lets nobody set Host. */
function exchange(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method: 'POST', headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    sent.on('error', reject).end(body);
  });
}

for (const version of NODE_RED_VERSIONS) {
  describe(`a headless Node-RED [${version}]`, function () {
    this.timeout(60_000);
    let nodeRed: NodeRed | undefined;
    let opened: Marketing[] = [];
    let folder: string | undefined;

    async function start(options: Omit<NodeRedOptions, 'version'>): Promise<NodeRed> {
      nodeRed = await startNodeRed({ version, ...options });
      return nodeRed;
    }
    async function look({ userDir }: NodeRed, tenant = 'default'): Promise<Marketing> {
      const marketing = await openMarketing({
        database: { url: `sqlite:${path.join(userDir, 'marketing.sqlite')}` },
        tenant,
        work: false,
      });
      opened.push(marketing);
      return marketing;
    }
    afterEach(async () => {
      for (const marketing of opened) await marketing.close();
      opened = [];
      await nodeRed?.stop();
      nodeRed = undefined;
      if (folder) rmSync(folder, { recursive: true, force: true });
      folder = undefined;
    });
    async function deployed(marketing: Marketing, count = 1): Promise<void> {
      await eventually(async () =>
        assert.equal((await marketing.definitions.list()).filter((definition) => definition.deployed).length, count),
      );
    }

    it('runs people through links, subflow instances, catch nodes and environment variables', async () => {
      const flow: Flow = [
        { ...TAB, env: [{ name: 'STEP', value: 'patience', type: 'str' }] },
        { id: 'tab2', type: 'tab', label: 'Second' },
        STORE,
        {
          id: 'sf',
          type: 'subflow',
          name: 'Wait a bit',
          in: [{ x: 1, y: 1, wires: [{ id: 'f00' }] }],
          out: [{ x: 1, y: 1, wires: [{ id: 'f00', port: 0 }] }],
        },
        drawn('f00', 'marketing-delay', [[]], { z: 'sf', name: 'Pause', amount: '0', unit: 'seconds' }),
        drawn('go', 'marketing-trigger', [['out']]),
        { ...drawn('out', 'link out', []), mode: 'link', links: ['in'] },
        { ...drawn('in', 'link in', [['one']]), z: 'tab2', links: ['out'] },
        { ...drawn('one', 'subflow:sf', [['two']]), z: 'tab2', name: 'First' },
        { ...drawn('two', 'subflow:sf', [['fail']]), z: 'tab2', name: 'Second' },
        { ...drawn('fail', 'function', [[]]), z: 'tab2', func: 'node.error("no", msg); return null;', outputs: 1 },
        { ...drawn('guard', 'catch', [['out2']]), z: 'tab2', scope: ['fail'] },
        { ...drawn('out2', 'link out', []), z: 'tab2', mode: 'link', links: ['in2'] },
        { ...drawn('in2', 'link in', [['last']]), links: ['out2'] },
        drawn('last', 'marketing-delay', [[]], { amount: '5', unit: 'days', step: '${STEP}' }),
      ];
      const marketing = await look(await start({ flow }));
      await marketing.leads.upsertAll([{ email: 'ada@example.org' }, { email: 'ben@example.org' }]);
      await deployed(marketing);
      await nodeRed?.post('marketing/trigger/go/launch');
      await eventually(async () => {
        const { stations } = await marketing.campaigns.report('go');
        assert.deepEqual(Object.fromEntries(stations.map(({ step, waiting }) => [step, waiting])), {
          go: 0,
          'first.pause': 0,
          'second.pause': 0,
          patience: 2,
        });
      });
      const story = await marketing.campaigns.why('go', 'ada@example.org');
      assert.ok(story.some(({ step }) => step === 'second.pause'));
    });

    it('unsubscribes by the link of a mail: looking changes nothing, the button does, for the store that signed it', async () => {
      const flow: Flow = [
        TAB,
        STORE,
        { id: 'store2', type: 'marketing-store', name: 'Other tenant', tenant: 'second' },
        { id: 'store3', type: 'marketing-store', name: 'Other path', tenant: 'third', httpPath: '/mail/' },
      ];
      const running = await start({ flow });
      for (const [tenant, base] of [
        ['default', '/marketing'],
        ['second', '/marketing'],
        ['third', '/mail'],
      ] as const) {
        const marketing = await look(running, tenant);
        await marketing.leads.upsert({ email: 'ada@example.org' });
        const lead = (await marketing.leads.get({ email: 'ada@example.org' }))?.id ?? 0;
        const token = marketing.unsubscribe.url(lead, 1, 'email').split('/').at(-1);
        const url = `${running.http}${base}/u/${token}`;
        const page = await eventually(async () => {
          const response = await fetch(url);
          assert.equal(response.status, 200);
          return response;
        });
        assert.match(await page.text(), /<form/);
        assert.equal((await marketing.leads.consentOf(lead, 'email'))?.state, undefined);
        const done = await fetch(url, {
          method: 'POST',
          body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
        });
        assert.equal(done.status, 200);
        assert.equal((await marketing.leads.consentOf(lead, 'email'))?.state, 'revoked');
        // Until all stores are open, one of them might still turn out to have signed it.
        await eventually(async () => assert.equal((await fetch(`${running.http}${base}/u/not-a-token`)).status, 404));
        const inbound = await fetch(`${running.http}${base}/in/nobody`, { method: 'POST', body: '{}' });
        assert.equal(((await inbound.json()) as { code: string }).code, 'E_UNKNOWN_ENDPOINT');
      }
      assert.equal((await fetch(`${running.http}/marketing/other`)).status, 404);
    });

    it('writes badges in the language of the runtime', async () => {
      const running = await start({
        settings: { lang: 'de' },
        flow: [
          TAB,
          STORE,
          drawn('lost', 'marketing-delay', [[]]),
          drawn('go', 'marketing-trigger', [[]]),
          drawn('heard', 'status', [['keep']], { scope: ['lost'] }),
          drawn('keep', 'function', [[]], { func: 'global.set("badge", msg.status.text); return null;', outputs: 1 }),
          drawn('asked', 'http in', [['answer']], { url: '/badge', method: 'get' }),
          drawn('answer', 'function', [['reply']], {
            func: 'msg.payload = global.get("badge") || ""; return msg;',
            outputs: 1,
          }),
          drawn('reply', 'http response', []),
        ],
      });
      const german = JSON.parse(
        readFileSync(path.join(__dirname, '../../nodes/kit/locales/de/plugin.json'), 'utf8'),
      ) as { status: { notInJourney: string } };
      await eventually(async () => {
        assert.equal(await (await fetch(`${running.http}/badge`)).text(), german.status.notInJourney);
      });
    });

    it('asks for permissions: somebody who may only read can check and estimate, and launch nothing', async () => {
      const running = await start({
        flow: [TAB, STORE, drawn('go', 'marketing-trigger', [[]])],
        tokens: { 'reads-only': 'read', 'may-write': '*' },
      });
      const ask = (method: string, address: string, token?: string): Promise<number> =>
        fetch(`${running.admin}/${address}`, {
          method,
          headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
          ...(method === 'POST' ? { body: '{}' } : {}),
        }).then(({ status }) => status);
      await eventually(async () => assert.equal(await ask('GET', 'marketing/trigger/go/estimate', 'reads-only'), 200));
      assert.equal(await ask('GET', 'marketing/trigger/go/estimate'), 401);
      assert.equal(await ask('POST', 'marketing/trigger/go/launch'), 401);
      assert.equal(await ask('POST', 'marketing/trigger/go/launch', 'reads-only'), 401);
      assert.equal(await ask('POST', 'marketing/store/segments', 'reads-only'), 401);
      assert.equal(await ask('POST', 'marketing/trigger/go/launch', 'may-write'), 200);
    });

    it('launches nothing for another web page, and says what is wrong with a body', async () => {
      const running = await start({ flow: [TAB, STORE, drawn('go', 'marketing-trigger', [[]])] });
      await eventually(() => running.get('marketing/store/campaigns'));
      const marketing = await look(running);
      await deployed(marketing);
      const { host } = new URL(running.http);
      const post = async (
        headers: Record<string, string>,
        body: string | undefined = '{}',
        path = 'trigger/go/launch',
      ): Promise<[number | undefined, string | undefined]> => {
        const answer = await exchange(`${running.admin}/marketing/${path}`, headers, body);
        const { code, message } = JSON.parse(answer.text) as { code?: string; message?: string };
        if (answer.status !== 200) assert.match(message ?? '', /\.$/);
        return [answer.status, code];
      };
      const json = { 'content-type': 'application/json; charset=utf-8' };
      const foreign = [403, 'E_FOREIGN_ORIGIN'];
      const others: Record<string, string>[] = [
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: `http://${host}`, host: 'editor.internal' },
        { origin: `http://127.0.0.1:1` },
      ];
      for (const headers of others)
        assert.deepEqual(await post({ ...json, ...headers }), foreign, JSON.stringify(headers));
      const unreadable = [415, 'E_CONTENT_TYPE'];
      assert.deepEqual(await post({}, ''), unreadable);
      assert.deepEqual(await post({ 'content-type': 'text/plain' }), unreadable);
      assert.deepEqual(await post({ 'content-type': 'application/x-www-form-urlencoded' }, 'a=1'), unreadable);
      for (const path of [
        'trigger/go/launch',
        'store/segments',
        'condition/check',
        'segment/preview',
        'template/check',
        'preview',
      ]) {
        assert.deepEqual(await post({ 'content-type': 'text/plain' }, '{}', path), unreadable, path);
        assert.deepEqual(await post(json, '{"a":', path), [400, 'E_JSON'], path);
        assert.deepEqual(await post(json, 'null', path), [400, 'E_JSON'], path);
      }
      assert.deepEqual(await marketing.campaigns.all(), []);

      // Looking makes no campaign either.
      assert.deepEqual(await running.get('marketing/trigger/go/estimate'), { audience: 0, state: 'draft' });
      assert.deepEqual(await marketing.campaigns.all(), []);

      const behindProxy = { origin: 'https://flows.example', 'x-forwarded-host': 'Flows.example:443, inner' };
      assert.equal((await post({ ...json, ...behindProxy }))[0], 200);
      assert.equal((await marketing.campaigns.all()).length, 1);
      const own = { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
      const check = '{"store":"store","condition":"lead.score > 3"}';
      assert.equal((await post({ ...json, ...own }, check, 'condition/check'))[0], 200);
    });

    it('estimates what a launch would take, and changes nothing by it', async () => {
      const trigger = drawn('go', 'marketing-trigger', [[]], { audience: 'segment', segment: 'us' });
      const running = await start({ flow: [TAB, STORE, trigger] });
      await eventually(() => running.get('marketing/store/campaigns'));
      const marketing = await look(running);
      await marketing.leads.upsertAll([
        { email: 'ada@example.org', country: 'US' },
        { email: 'ben@example.org', country: 'DE' },
      ]);
      await marketing.segments.create({ kind: 'dynamic', key: 'us', name: 'US', condition: 'lead.country = "US"' });
      await deployed(marketing);
      const draft = await marketing.campaigns.create({ key: 'go', definition: 'go' });
      assert.deepEqual(await running.get('marketing/trigger/go/estimate'), { audience: 1, state: 'draft' });
      await running.deploy([TAB, STORE, { ...trigger, audience: 'everybody' }], 'full');
      await eventually(async () =>
        assert.deepEqual(await running.get('marketing/trigger/go/estimate'), { audience: 2, state: 'draft' }),
      );
      assert.deepEqual(await marketing.campaigns.get('go'), draft);
    });

    it('warns once when a login stands before the unsubscribe links', async () => {
      const running = await start({
        flow: [TAB, STORE, { ...STORE, id: 'store2', tenant: 'second' }],
        settings: { httpNodeAuth: { user: 'u', pass: '$2b$08$x' } },
      });
      await running.deploy([TAB, { ...STORE, name: 'Again' }], 'full');
      await deployed(await look(running), 0);
      await eventually(() =>
        assert.match(running.log(), /Unsubscribe links will ask for a password.*\/marketing\/u\/.*operations\.md/),
      );
      await eventually(() => assert.equal(running.log().match(/Started flows/g)?.length, 2));
      assert.equal(running.log().match(/will ask for a password/g)?.length, 1);
      assert.ok(!running.log().includes('$2b$08$x'));
    });

    it('sends a webhook account’s credential to the account’s own address only', async () => {
      const seen = new Map<string, string | undefined>();
      const receiver = createServer((request, response) => {
        seen.set(`${request.headers.host}${request.url}`, request.headers['x-api-key'] as string | undefined);
        response.writeHead(204).end();
      });
      await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
      const { port } = receiver.address() as AddressInfo;
      const account = { type: 'marketing-account', channel: 'webhook', allowPrivate: true, authHeader: 'X-Api-Key' };
      const url = `http://127.0.0.1:${port}/base`;
      try {
        const running = await start({
          flow: [
            TAB,
            STORE,
            { ...account, id: 'account', url },
            { ...account, id: 'lacking', url: '' },
            drawn('go', 'marketing-trigger', [['own']]),
            drawn('own', 'marketing-send', [['other'], [], []], {
              account: 'account',
              method: 'POST',
              url: `http://127.0.0.1:${port}/own`,
              payload: '{}',
            }),
            drawn('other', 'marketing-send', [[], [], []], {
              account: 'account',
              method: 'POST',
              url: `http://localhost:${port}/other`,
              payload: '{}',
            }),
          ],
          credentials: { account: { authValue: 'k-1' }, lacking: { authValue: 'k-2' } },
        });
        await eventually(() => running.get('marketing/store/campaigns'));
        const marketing = await look(running);
        await marketing.leads.upsert({ email: 'ada@example.org' });
        await deployed(marketing);
        await running.post('marketing/trigger/go/launch');
        await eventually(() =>
          assert.deepEqual(
            seen,
            new Map([
              [`127.0.0.1:${port}/own`, 'k-1'],
              [`localhost:${port}/other`, undefined],
            ]),
          ),
        );
        assert.match(running.log(), /marketing-account:lacking\].*E_CONFIG: .*"X-Api-Key".*Only for this address/);
        assert.doesNotMatch(running.log(), /k-[12]/);
      } finally {
        receiver.close();
        receiver.closeAllConnections();
      }
    });

    it('takes channels of other packages through Node-RED’s plugins', async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'nm-plugin-'));
      const module = path.join(folder, 'node_modules', 'a-channel');
      mkdirSync(module, { recursive: true });
      writeFileSync(
        path.join(module, 'package.json'),
        JSON.stringify({
          name: 'a-channel',
          version: '1.0.0',
          'node-red': { plugins: { pigeon: 'pigeon.js', broken: 'broken.js' } },
        }),
      );
      writeFileSync(
        path.join(module, 'pigeon.js'),
        `module.exports = (RED) => RED.plugins.registerPlugin('pigeon', { type: 'marketing-channel', channel: {
          channel: 'pigeon', capabilities: { addressKind: 'none', idempotent: false }, validate() {}, execute: async () => ({ status: 'sent', providerId: '' }) } });`,
      );
      writeFileSync(
        path.join(module, 'broken.js'),
        `module.exports = (RED) => RED.plugins.registerPlugin('broken', { type: 'marketing-channel', channel: {} });`,
      );
      const running = await start({ flow: [TAB, STORE], userDir: folder });
      await eventually(() => assert.match(running.log(), /channel plugin "broken" cannot be used/));
      assert.doesNotMatch(running.log(), /"pigeon" cannot/);
    });

    it('stops in time although the database does not answer, and lets it go again when it was restarted', async () => {
      const running = await start({
        flow: [
          TAB,
          { ...STORE, databaseUrl: 'postgres://nobody@127.0.0.1:1/none' },
          drawn('go', 'marketing-trigger', [['wait']]),
          drawn('wait', 'marketing-delay', [[]]),
        ],
      });
      await eventually(() => assert.match(running.log(), /E_DATABASE_UNREACHABLE/));
      const began = performance.now();
      await running.stop();
      nodeRed = undefined;
      assert.ok(performance.now() - began < 10_000);
      assert.equal(running.log().match(/E_DATABASE_UNREACHABLE/g)?.length, 1);
      assert.doesNotMatch(running.log(), /timed out/);
    });

    it('goes on after it was killed: nobody is lost', async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'nm-killed-'));
      const flow: Flow = [
        TAB,
        STORE,
        drawn('go', 'marketing-trigger', [['wait']]),
        drawn('wait', 'marketing-delay', [[]], { amount: '9' }),
      ];
      const first = await start({ flow, userDir: folder });
      const marketing = await look(first);
      await marketing.leads.upsertAll(
        Array.from({ length: 3_000 }, (_, index) => ({ email: `p${index}@example.org` })),
      );
      await deployed(marketing);
      await first.post('marketing/trigger/go/launch');
      await eventually(async () => assert.ok((await marketing.campaigns.report('go')).audience > 0));
      await first.kill();
      await start({ flow, userDir: folder });
      await eventually(async () => {
        const { stations, audience } = await marketing.campaigns.report('go');
        assert.equal(audience, 3_000);
        assert.equal(stations.find(({ step }) => step === 'wait')?.waiting, 3_000);
      }, 50_000);
    });
  });
}
