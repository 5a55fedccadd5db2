import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import http from 'node:http';
import type net from 'node:net';
import { SystemClock } from '../../lib/clock';
import {
  checkUrl,
  createWebhookAccount,
  ForbiddenTarget,
  guardedLookup,
  isPublicAddress,
  signWebhook,
} from '../../lib/channels';

describe('A public address', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '223.255.255.1',
    '2606:4700::1',
    '2001:4860:4860::8888',
  ]) {
    it(`is ${address}`, () => assert.equal(isPublicAddress(address), true));
  }

  const inside = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200', // Alibaba's metadata service
    '127.0.0.1',
    '127.255.255.255',
    '168.63.129.16', // Azure's host
    '169.254.169.254', // metadata services
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192', // Oracle's metadata service
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001::1', // Teredo
    '2001:db8::1',
    '3fff::1',
    'fc00::1',
    'fd00:ec2::254', // AWS's metadata service
    'fe80::1',
    'fe80::1%lo',
    'fec0::1',
    'ff02::1',
    'localhost',
    '',
    '127.1',
  ];
  for (const address of inside) {
    it(`is not ${address || 'nothing'}`, () => assert.equal(isPublicAddress(address), false));
  }
});

describe('A webhook URL', () => {
  for (const url of [
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://①②⑦.0.0.1/',
    'http://127.0.0.1./',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data/',
    'https://example.com:8080/',
    'https://example.com:22/',
    'https://user:password@example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'javascript:alert(1)',
    '//example.com/',
    'example.com',
    '',
  ]) {
    it(`is not ${JSON.stringify(url)}`, () => assert.throws(() => checkUrl(url, {}), ForbiddenTarget));
  }

  it('is any public http or https URL, on further ports when allowed', () => {
    assert.equal(checkUrl('https://example.com/x', {}).hostname, 'example.com');
    assert.equal(checkUrl('http://example.com:443/', {}).port, '443');
    assert.equal(checkUrl('https://example.com:8443/', { allowPorts: [8443] }).port, '8443');
    assert.equal(checkUrl('http://127.0.0.1/', { allowPrivate: true }).hostname, '127.0.0.1');
    assert.equal(checkUrl('http://[2606:4700::1]/', {}).hostname, '[2606:4700::1]');
  });
});

describe('A webhook’s name is checked where it leads', () => {
  let server: http.Server;
  let port: number;
  let reached = 0;

  before(async () => {
    server = http.createServer((_request, response) => {
      reached += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as net.AddressInfo).port;
  });
  after((done) => {
    server.closeAllConnections();
    server.close(done);
  });

  const v4 = (address: string): LookupAddress => ({ address, family: 4 });

  async function call(addresses: LookupAddress[], allowPrivate = false): Promise<string> {
    const account = createWebhookAccount(
      { allowPorts: [port], allowPrivate, resolve: (_name, done) => done(null, addresses) },
      new SystemClock(),
    );
    const result = await account.execute({
      id: 'm',
      idempotencyKey: 'm',
      to: { address: '' },
      request: { url: `http://rebind.example:${port}/` },
    });
    await account.close(0);
    return result.status === 'rejected' ? `rejected ${result.kind}` : result.status;
  }

  it('a name that leads to loopback is refused for good, and nothing is sent', async () => {
    assert.equal(await call([v4('127.0.0.1')]), 'rejected policy');
    assert.equal(await call([{ address: '::1', family: 6 }]), 'rejected policy');
    assert.equal(reached, 0);
  });

  it('one private address among public ones is enough', async () => {
    assert.equal(await call([v4('8.8.8.8'), v4('127.0.0.1')]), 'rejected policy');
    assert.equal(reached, 0);
  });

  it('the system’s own localhost is refused too', async () => {
    const account = createWebhookAccount({ allowPorts: [port] }, new SystemClock());
    const request = { url: `http://localhost:${port}/` };
    const result = await account.execute({ id: 'm', idempotencyKey: 'm', to: { address: '' }, request });
    assert.deepEqual([result.status, 'kind' in result ? result.kind : ''], ['rejected', 'policy']);
    await account.close(0);
    assert.equal(reached, 0);
  });

  it('a name without addresses is connection trouble', async () => {
    assert.equal(await call([]), 'unavailable');
  });

  it('the connection goes to the address that was checked', async () => {
    assert.equal(await call([v4('127.0.0.1')], true), 'sent');
    assert.equal(reached, 1);
  });

  it('answers in the form Node asks for', () => {
    const lookup = guardedLookup({
      resolve: (_name, done) => done(null, [v4('8.8.8.8'), { address: '2606:4700::1', family: 6 }]),
    });
    const answers: unknown[] = [];
    lookup('x', { all: true }, (_error, addresses) => answers.push(addresses));
    lookup('x', { family: 6 }, (_error, address, family) => answers.push([address, family]));
    lookup('x', {}, (_error, address, family) => answers.push([address, family]));
    assert.deepEqual(answers, [
      [v4('8.8.8.8'), { address: '2606:4700::1', family: 6 }],
      ['2606:4700::1', 6],
      ['8.8.8.8', 4],
    ]);
    const only4 = guardedLookup({ resolve: (_name, done) => done(null, [v4('8.8.8.8')]) });
    only4('x', { family: 6 }, (error) => assert.match(error?.message ?? '', /No address of family 6/));
  });
});

describe('A webhook signature', () => {
  it('is the one of the specification’s example', () => {
    const content = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
    const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    assert.equal(signWebhook(content, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), signature);
    assert.equal(
      signWebhook({ ...content, body: Buffer.from(content.body) }, 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
      signature,
    );
  });

  it('needs a secret that is one', () => {
    for (const secret of ['', 'whsec_', 'whsec_!!!', 'whsec_c2hvcnQ=']) {
      assert.throws(() => signWebhook({ id: 'a', timestamp: 1, body: '' }, secret), { code: 'E_WEBHOOK_SECRET' });
    }
  });
});
