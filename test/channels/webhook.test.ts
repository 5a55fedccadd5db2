import assert from 'node:assert/strict';
import http from 'node:http';
import type net from 'node:net';
import { type Clock, SystemClock, VirtualClock } from '../../lib/clock';
import {
  type Account,
  createWebhookAccount,
  type OutgoingMessage,
  webhookChannel,
  type WebhookOptions,
} from '../../lib/channels';
import { retryTime } from '../../lib/channels/webhook/outcome';
import { deadPort } from './kit/scripted-smtp';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

describe('A webhook account', () => {
  let server: http.Server;
  let port: number;
  let account: Account;
  let seen: Seen[];
  let answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;

  beforeEach(async () => {
    seen = [];
    answer = (_request, response) => void response.end('ok');
    server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        seen.push({ method, url, headers, body });
        answer(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as net.AddressInfo).port;
  });
  afterEach(async () => {
    await account.close(1000);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const open = (options: WebhookOptions = {}, clock: Clock = new SystemClock()): Account => {
    account = createWebhookAccount({ allowPrivate: true, allowPorts: [port], ...options }, clock);
    return account;
  };
  const message = (request: OutgoingMessage['request'] = {}): OutgoingMessage => ({
    id: 'm1',
    idempotencyKey: 'step-7',
    to: { address: '' },
    request: { url: `http://127.0.0.1:${port}/hook?x=1`, body: '{"a":1}', ...request },
  });

  it('sends method, headers and body, with the idempotency key', async () => {
    open({ headers: { Authorization: 'Bearer t', 'X-Own': 'account' } });
    const result = await account.execute(
      message({ method: 'put', headers: { 'content-type': 'application/json', 'x-own': 'message' } }),
    );
    assert.deepEqual(result, { status: 'sent', providerId: 'm1', response: 'HTTP 200' });
    const [one] = seen;
    assert.ok(one);
    assert.deepEqual([one.method, one.url, one.body], ['PUT', '/hook?x=1', '{"a":1}']);
    assert.equal(one.headers['idempotency-key'], 'step-7');
    assert.equal(one.headers.authorization, 'Bearer t');
    assert.equal(one.headers['x-own'], 'message');
    assert.equal(one.headers['webhook-signature'], undefined);
  });

  it('is taken back by a request to the address that is named for that, under the same key at each try', async () => {
    open();
    const undo = { url: `http://127.0.0.1:${port}/undo` };
    const take = (content: Record<string, unknown>) =>
      webhookChannel.compensate?.(
        { id: 'm1', idempotencyKey: 'undo:step-7', to: { address: '' }, content },
        { clock: new SystemClock(), settings: {}, account },
      );
    assert.deepEqual(await take({ undo, messageKey: 'step-7', providerId: 'r-9' }), { status: 'undone' });
    assert.deepEqual([seen[0]?.method, seen[0]?.url], ['POST', '/undo']);
    assert.equal(seen[0]?.headers['idempotency-key'], 'undo:step-7');
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), { undo: 'step-7', providerId: 'r-9' });
    answer = (_request, response) => void response.writeHead(410).end();
    assert.deepEqual(await take({ undo }), { status: 'undone' }, 'nothing to undo');
    answer = (_request, response) => void response.writeHead(500).end();
    assert.equal((await take({ undo }))?.status, 'failed');
    assert.equal((await take({}))?.status, 'not-possible');
  });

  it('uses the account’s URL where the message has none, and the receiver’s name for the message', async () => {
    answer = (_request, response) => void response.writeHead(202, { 'x-request-id': 'r-9' }).end();
    open({ url: `http://127.0.0.1:${port}/fixed` });
    const result = await account.execute({ ...message(), request: { body: '{}' } });
    assert.deepEqual(result, { status: 'sent', providerId: 'r-9', response: 'HTTP 202' });
    assert.equal(seen[0]?.url, '/fixed');
  });

  it('signs like Standard Webhooks', async () => {
    const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
    const clock = new VirtualClock(1_700_000_000_500);
    open({ secret }, clock);
    await account.execute(message());
    const { createHmac } = await import('node:crypto');
    const expected = createHmac('sha256', '0123456789abcdef01234567')
      .update('step-7.1700000000.{"a":1}')
      .digest('base64');
    assert.equal(seen[0]?.headers['webhook-id'], 'step-7');
    assert.equal(seen[0]?.headers['webhook-timestamp'], '1700000000');
    assert.equal(seen[0]?.headers['webhook-signature'], `v1,${expected}`);
  });

  for (const [code, status, kind] of [
    [200, 'sent', undefined],
    [204, 'sent', undefined],
    [301, 'rejected', 'other'],
    [400, 'rejected', 'content'],
    [401, 'rejected', 'policy'],
    [404, 'rejected', 'other'],
    [408, 'deferred', undefined],
    [410, 'rejected', 'other'],
    [422, 'rejected', 'content'],
    [425, 'deferred', undefined],
    [429, 'deferred', undefined],
    [500, 'deferred', undefined],
    [503, 'deferred', undefined],
  ] as const) {
    it(`HTTP ${code} is ${status}`, async () => {
      answer = (_request, response) => void response.writeHead(code, { location: '/elsewhere' }).end();
      const result = await open().execute(message());
      assert.equal(result.status, status);
      assert.equal('kind' in result ? result.kind : undefined, kind);
      assert.equal(seen.length, 1);
    });
  }

  it('honours Retry-After in both forms', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 1));
    open({}, clock);
    answer = (_request, response) => void response.writeHead(429, { 'retry-after': '120' }).end();
    const seconds = await account.execute(message());
    assert.equal('retryAt' in seconds ? seconds.retryAt : 0, Date.UTC(2026, 0, 1, 0, 2));
    answer = (_request, response) =>
      void response.writeHead(503, { 'retry-after': 'Thu, 01 Jan 2026 01:00:00 GMT' }).end();
    const date = await account.execute(message());
    assert.equal('retryAt' in date ? date.retryAt : 0, Date.UTC(2026, 0, 1, 1));
  });

  it('makes no time of a Retry-After that is past or nonsense', () => {
    const now = Date.UTC(2026, 0, 1);
    for (const header of ['0', '-5', 'soon', '1e9', '', 'Wed, 31 Dec 2025 00:00:00 GMT', undefined]) {
      assert.equal(retryTime(header, now), undefined);
    }
  });

  it('no connection: nothing was handed over', async () => {
    const dead = await deadPort();
    const result = await open({ allowPorts: [dead] }).execute(message({ url: `http://127.0.0.1:${dead}/` }));
    assert.equal(result.status, 'unavailable');
  });

  it('an unknown name: nothing was handed over', async () => {
    const result = await open().execute(message({ url: 'http://nowhere.invalid/' }));
    assert.equal(result.status, 'unavailable');
  });

  it('TLS that fails: nothing was handed over', async () => {
    const result = await open().execute(message({ url: `https://127.0.0.1:${port}/` }));
    assert.equal(result.status, 'unavailable');
    assert.equal(seen.length, 0);
  });

  it('a connection cut after the request: unknown', async () => {
    answer = (request) => request.socket.destroy();
    assert.equal((await open().execute(message())).status, 'unknown');
  });

  it('but simply again later when the receiver drops duplicates, or the method may be repeated', async () => {
    answer = (request) => request.socket.destroy();
    assert.equal((await open({ idempotent: true }).execute(message())).status, 'deferred');
    await account.close(0);
    assert.equal((await open().execute(message({ method: 'PUT' }))).status, 'deferred');
  });

  it('a receiver that never answers: unknown after the time-out', async () => {
    answer = () => undefined;
    const result = await open({ timeoutMs: 30 }).execute(message());
    assert.deepEqual(result, {
      status: 'unknown',
      reason: `No answer from 127.0.0.1:${port}: No answer within 30 ms`,
    });
  });

  it('the status line counts, not what follows it', async () => {
    answer = (_request, response) => void response.writeHead(200).write('x'.repeat(100_000));
    assert.equal((await open({ maxResponseBytes: 1000, timeoutMs: 5000 }).execute(message())).status, 'sent');
    await new Promise<void>((resolve) => {
      const look = (): void =>
        void server.getConnections((_error, count) => (count === 0 ? resolve() : setImmediate(look)));
      look();
    });
  });

  it('closing gives up what is not answered in time', async () => {
    const arrived = new Promise<void>((resolve) => (answer = () => resolve()));
    const sending = open().execute(message());
    await arrived;
    await account.close(1);
    assert.equal((await sending).status, 'unknown');
  });

  it('refuses what it must not write', async () => {
    open({ maxRequestBytes: 100 });
    const requests: OutgoingMessage['request'][] = [
      { headers: { 'x-a': 'b\r\nx-evil: 1' } },
      { headers: { 'x a': 'b' } },
      { headers: { Host: 'elsewhere' } },
      { headers: { 'Transfer-Encoding': 'chunked' } },
      { headers: { 'Idempotency-Key': 'other' } },
      { method: 'CONNECT' },
      { body: 'x'.repeat(101) },
    ];
    for (const request of requests) {
      const result = await account.execute(message(request));
      assert.deepEqual(
        [result.status, 'kind' in result ? result.kind : ''],
        ['rejected', 'content'],
        JSON.stringify(request),
      );
    }
    const injected = await account.execute({ ...message(), idempotencyKey: 'a\r\nb' });
    assert.equal(injected.status, 'rejected');
    assert.equal(seen.length, 0);
  });

  it('refuses settings that cannot work', () => {
    open();
    const clock = new VirtualClock();
    assert.throws(() => createWebhookAccount({ url: 'http://10.0.0.1/' }, clock), { code: 'E_WEBHOOK_TARGET' });
    assert.throws(() => createWebhookAccount({ secret: 'short' }, clock), { code: 'E_WEBHOOK_SECRET' });
    assert.throws(() => createWebhookAccount({ headers: { Host: 'x' } }, clock), { code: 'E_WEBHOOK_HEADER' });
  });
});
