import assert from 'node:assert/strict';
import { SystemClock, VirtualClock } from '../../lib/clock';
import { type Account, createSmtpAccount, type OutgoingMessage, type SmtpOptions } from '../../lib/channels';
import { SmtpHost } from '../../lib/channels/smtp/host';
import { smtpSettings } from '../../lib/channels/smtp/options';
import { deadPort, scriptedServer, type ScriptedServer } from './kit/scripted-smtp';
import { LARGE, mail, SMALL } from './kit/pool';

describe('An SMTP account', function () {
  this.timeout(20_000);
  let server: ScriptedServer;
  let account: Account;

  const open = (options: Partial<SmtpOptions> = {}): Account => {
    account = createSmtpAccount(
      { host: '127.0.0.1', port: server.port, security: 'none', socketTimeoutMs: 5000, ...options },
      new SystemClock(),
    );
    return account;
  };

  beforeEach(async () => {
    server = await scriptedServer({}, { extensions: ['PIPELINING'] });
  });
  afterEach(async () => {
    await account.close(1000);
    await server.close();
  });

  it('sends from its worker thread, many at a time, each to exactly its recipient', async () => {
    open({ connections: 3, capacity: 12 });
    const messages = Array.from({ length: 100 }, (_, i) =>
      mail(
        `u${i}@example.com`,
        i % 2 === 0 ? `Subject: é${i}\r\n\r\n${i}\r\n` : Buffer.from(`Subject: ${i}\r\n\r\n${i}\r\n`),
      ),
    );
    const results = await Promise.all(messages.map((message) => account.execute(message)));
    assert.ok(results.every(({ status }) => status === 'sent'));
    for (const { to, content } of server.arrived) {
      assert.equal(to.length, 1);
      assert.equal(to[0], `u${/\r\n\r\n(\d+)/.exec(content)?.[1]}@example.com`);
    }
    assert.deepEqual(account.stats(), {
      inFlight: 0,
      waiting: 0,
      sent: 100,
      deferred: 0,
      rejected: 0,
      unknown: 0,
      unavailable: 0,
      breaker: 'closed',
    });
  });

  it('gives the message’s own id where the server names none', async () => {
    server.script = { dot: '250 Fine' };
    assert.deepEqual(await open().execute(mail()), { status: 'sent', providerId: 'm1', response: '250 Fine' });
  });

  it('keeps several groups apart when they are larger than one hand-over', async () => {
    open({ capacity: 10 });
    const large = `${'x'.repeat(70)}\r\n`.repeat(8000);
    const results = await Promise.all(
      [1, 2, 3, 4].map((i) => account.execute(mail(`u${i}@example.com`, `X-No: ${i}\r\n${large}`))),
    );
    assert.deepEqual(
      results.map(({ status }) => status),
      ['sent', 'sent', 'sent', 'sent'],
    );
    assert.deepEqual(
      server.arrived.map(({ content }) => content.length),
      Array(4).fill(large.length + 9),
    );
  });

  it('reports faults across the thread border', async () => {
    open();
    server.script = { rcpt: '550 5.1.1 No such user' };
    assert.deepEqual(await account.execute(mail()), {
      status: 'rejected',
      kind: 'address',
      code: 550,
      reason: '550 5.1.1 No such user',
    });
    server.script = { dot: 'drop' };
    assert.equal((await account.execute(mail())).status, 'unknown');
    server.script = {};
    assert.equal((await account.execute(mail())).status, 'sent');
  });

  const badRecipients = [
    'b@y.test\r\nBcc: e@x.test',
    'b@y.test, evil@z.test',
    'b@y.test>\r\nRCPT TO:<evil@z.test',
    '<b@y.test>',
    'Bob <b@y.test>',
    'b@y.test\0',
    'b@@y.test',
    'b y@y.test',
    '"b c"@y.test',
    'b@y.test;',
    'b@[127.0.0.1]',
    '',
  ];
  for (const address of badRecipients) {
    it(`refuses ${JSON.stringify(address)} as a recipient without talking to the server`, async () => {
      const result = await open().execute(mail(address));
      assert.equal(result.status, 'rejected');
      assert.equal('kind' in result ? result.kind : '', 'address');
      assert.equal(server.sessions(), 0);
    });
  }

  it('refuses a sender that is not one address, and does not hold it against the recipient', async () => {
    open();
    for (const from of ['a@b.test\r\nRSET', 'A <a@b.test>', 'nobody']) {
      const message: OutgoingMessage = { ...mail(), envelope: { from, to: 'ann@example.com' } };
      const result = await account.execute(message);
      assert.deepEqual([result.status, 'kind' in result ? result.kind : ''], ['rejected', 'policy']);
    }
    assert.equal(server.sessions(), 0);
  });

  it('takes the empty sender of a notification', async () => {
    await open().execute({ ...mail(), envelope: { from: '', to: 'ann@example.com' } });
    assert.ok(server.commands.includes('MAIL FROM:<>'));
  });

  it('refuses an empty message', async () => {
    const result = await open().execute(mail('ann@example.com', ''));
    assert.deepEqual([result.status, 'kind' in result ? result.kind : ''], ['rejected', 'content']);
  });

  it('verify says why the server cannot be used', async () => {
    open();
    await account.verify();
    server.script = { banner: '554 5.3.2 Go away' };
    await assert.rejects(account.verify(), { code: 'E_CHANNEL_UNAVAILABLE', message: /554 5\.3\.2 Go away/ });
  });

  it('closing lets what is being sent finish and gives back the rest', async () => {
    open({ connections: 1, capacity: 2 });
    await account.execute(mail());
    const sending = [1, 2, 3, 4].map((i) => account.execute(mail(`u${i}@example.com`)));
    await account.close(5000);
    const states = (await Promise.all(sending)).map(({ status }) => status);
    assert.deepEqual(
      [...new Set(states)].filter((state) => state !== 'sent'),
      ['unavailable'],
    );
    assert.equal(server.arrived.length - 1, states.filter((state) => state === 'sent').length);
    assert.equal((await account.execute(mail())).status, 'unavailable');
  });

  it('closing ends what does not end by itself: begun is unknown, not begun unavailable', async () => {
    server.script = { dot: 'stall' };
    server.sessionScript = (session) => (session === 1 ? { mail: 'stall' } : undefined);
    open({ connections: 2, capacity: 2 });
    const sending = [account.execute(mail('one@example.com')), account.execute(mail('two@example.com'))];
    while (server.contentsBegun() === 0 || server.sessions() < 2) await new Promise((resolve) => setImmediate(resolve));
    await account.close(100);
    const states = (await Promise.all(sending)).map(({ status }) => status);
    assert.deepEqual(states.sort(), ['unavailable', 'unknown']);
  });

  it('an account that never sent closes at once', async () => {
    open();
    await account.close(0);
    assert.equal(account.room(), 0);
  });

  it('opens its breaker after three messages that reached nobody, and keeps the rest', async () => {
    const clock = new VirtualClock();
    account = createSmtpAccount({ host: '127.0.0.1', port: await deadPort(), security: 'none' }, clock);
    const events: string[] = [];
    account.breaker.on((event) => events.push(event.type));
    for (let i = 0; i < 3; i++) assert.equal((await account.execute(mail())).status, 'unavailable');
    assert.equal(account.breaker.state, 'open');
    assert.equal(account.room(), 0);
    const refused = await account.execute(mail());
    assert.match('reason' in refused ? refused.reason : '', /Waiting for the connection: .*ECONNREFUSED/);
    assert.deepEqual(events, ['open']);
  });

  it('probes with a connection before it risks a message, and closes the breaker when that one is through', async () => {
    const clock = new VirtualClock();
    server.script = { banner: '421 4.3.2 Down' };
    account = createSmtpAccount(
      { host: '127.0.0.1', port: server.port, security: 'none', breaker: { jitter: 0, baseMs: 1000 } },
      clock,
    );
    const events: string[] = [];
    account.breaker.on((event) => events.push(event.type));
    for (let i = 0; i < 3; i++) await account.execute(mail());

    const opened = new Promise<void>((resolve) => account.breaker.on((event) => event.type === 'open' && resolve()));
    await clock.advance(1000);
    await opened;
    assert.equal(account.breaker.state, 'open');

    server.script = {};
    const ready = account.whenReady();
    await clock.advance(2000);
    await ready;
    assert.equal(account.room(), 1);
    assert.equal((await account.execute(mail())).status, 'sent');
    assert.deepEqual(events, ['open', 'open', 'half-open', 'close']);
    assert.equal(server.arrived.length, 1);
  });
});

describe('The thread of an SMTP account', function () {
  this.timeout(20_000);

  it('dies: what had begun is unknown, the rest unavailable, and a new one takes over', async () => {
    const server = await scriptedServer({ dot: 'stall' });
    const settings = smtpSettings({
      host: '127.0.0.1',
      port: server.port,
      security: 'none',
      connections: 1,
      capacity: 3,
    });
    const host = new SmtpHost(settings, new SystemClock());
    const sending = [1, 2, 3].map((i) => host.send('a@b.test', `u${i}@example.com`, LARGE));
    while (server.contentsBegun() === 0) await new Promise((resolve) => setImmediate(resolve));
    await host.worker?.terminate();
    const states = (await Promise.all(sending)).map(({ status }) => status);
    assert.deepEqual(states.sort(), ['unavailable', 'unavailable', 'unknown']);

    server.script = {};
    assert.equal((await host.send('a@b.test', 'next@example.com', SMALL)).status, 'sent');
    await host.close(1000);
    await server.close();
  });

  it('ends when there has been nothing to do for a minute, with a goodbye, and comes back for the next mail', async () => {
    const server = await scriptedServer();
    const clock = new VirtualClock();
    const host = new SmtpHost(smtpSettings({ host: '127.0.0.1', port: server.port, security: 'none' }), clock);
    assert.equal((await host.send('a@b.test', 'one@example.com', SMALL)).status, 'sent');
    await clock.advance(59_999);
    const first = host.worker ?? assert.fail();
    const ended = new Promise((resolve) => first.once('exit', resolve));
    await clock.advance(1);
    assert.equal(host.worker, undefined);
    await ended;
    assert.ok(server.commands.includes('QUIT'));
    assert.equal((await host.send('a@b.test', 'two@example.com', SMALL)).status, 'sent');
    await host.close(1000);
    assert.equal(clock.nextAlarm, undefined);
    await server.close();
  });

  it('dies during a check: the check says so', async () => {
    const server = await scriptedServer({ banner: 'stall' });
    const host = new SmtpHost(
      smtpSettings({ host: '127.0.0.1', port: server.port, security: 'none' }),
      new SystemClock(),
    );
    const check = assert.rejects(host.verify(), { code: 'E_CHANNEL_UNAVAILABLE', message: /thread stopped/ });
    await host.worker?.terminate();
    await check;
    await server.close();
  });

  it('takes no more than may be in flight', async () => {
    const server = await scriptedServer({ dot: 'stall' });
    const settings = smtpSettings({ host: '127.0.0.1', port: server.port, security: 'none', capacity: 1 });
    const host = new SmtpHost(settings, new SystemClock());
    const first = host.send('a@b.test', 'one@example.com', SMALL);
    assert.equal((await host.send('a@b.test', 'two@example.com', SMALL)).status, 'unavailable');
    await host.close(0);
    assert.notEqual((await first).status, 'sent');
    await server.close();
  });
});

describe('SMTP options', () => {
  const good: SmtpOptions = { host: 'smtp.example.com', port: 587, security: 'starttls' };
  const bad: [string, Partial<Record<keyof SmtpOptions, unknown>>][] = [
    ['host', { host: '' }],
    ['host', { host: 'a b' }],
    ['host', { host: undefined }],
    ['port', { port: 0 }],
    ['port', { port: '25' }],
    ['security', { security: 'ssl' }],
    ['auth', { auth: { user: 'x', password: '' } }],
    ['name', { name: 'a\r\nb' }],
    ['connections', { connections: 0 }],
    ['capacity', { capacity: 1.5 }],
    ['maxMessages', { maxMessages: -1 }],
  ];
  for (const [field, change] of bad) {
    it(`names ${field} when it is ${JSON.stringify(change)}`, () => {
      assert.throws(() => smtpSettings({ ...good, ...change } as SmtpOptions), {
        code: 'E_SMTP_OPTIONS',
        details: { field },
      });
    });
  }

  it('fills in careful defaults: certificates are checked, 40 mails in flight on 5 connections', () => {
    const settings = smtpSettings(good);
    assert.equal(settings.tls.rejectUnauthorized, true);
    assert.equal(settings.connections, 5);
    assert.equal(settings.capacity, 40);
  });
});
