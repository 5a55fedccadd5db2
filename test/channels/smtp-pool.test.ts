import assert from 'node:assert/strict';
import { SMTPServer } from 'smtp-server';
import { scriptedServer, type ScriptedServer } from './kit/scripted-smtp';
import { SMALL, TestPool } from './kit/pool';

describe('The SMTP pool', () => {
  let server: ScriptedServer;
  beforeEach(async () => {
    server = await scriptedServer();
  });
  afterEach(() => server.close());

  it('delivers the bytes it was given, dots and bare line ends made safe', async () => {
    const pool = new TestPool(server.port);
    await pool.send('ann@example.com', 'Subject: Dots\r\n\r\n.one\nMAIL FROM:<x@y.test>\r.\r\nend');
    assert.deepEqual(
      server.arrived.map(({ content }) => content),
      ['Subject: Dots\r\n\r\n..one\r\nMAIL FROM:<x@y.test>\r\n..\r\nend\r\n'],
    );
    assert.deepEqual(server.arrived[0]?.to, ['ann@example.com']);
  });

  it('declares what is not plain ASCII as 8BITMIME', async () => {
    const pool = new TestPool(server.port);
    await pool.send('ann@example.com', 'Subject: x\r\n\r\nGrüße\r\n');
    await pool.send('ann@example.com', SMALL);
    const froms = server.commands.filter((line) => line.startsWith('MAIL'));
    assert.deepEqual(froms, ['MAIL FROM:<news@shop.example> BODY=8BITMIME', 'MAIL FROM:<news@shop.example>']);
  });

  it('keeps the server’s name for the message', async () => {
    const pool = new TestPool(server.port);
    assert.deepEqual(await pool.send(), {
      status: 'sent',
      providerId: '4XYZ',
      response: '250 2.0.0 Ok: queued as 4XYZ',
    });
  });

  it('uses no more connections than allowed, and each for many messages', async () => {
    const pool = new TestPool(server.port, { connections: 3 });
    const results = await Promise.all(Array.from({ length: 60 }, (_, i) => pool.send(`u${i}@example.com`)));
    assert.ok(results.every(({ status }) => status === 'sent'));
    assert.equal(new Set(server.arrived.map(({ to }) => to[0])).size, 60);
    assert.equal(server.sessions(), 3);
    assert.equal(server.mostSessions(), 3);
  });

  it('opens one connection for one message', async () => {
    const pool = new TestPool(server.port);
    await pool.send();
    await pool.send();
    assert.equal(server.sessions(), 1);
  });

  it('says QUIT and reconnects after so many messages', async () => {
    const pool = new TestPool(server.port, { connections: 1, maxMessages: 2 });
    for (let i = 0; i < 5; i++) assert.equal((await pool.send()).status, 'sent');
    assert.equal(server.sessions(), 3);
    assert.equal(server.commands.filter((line) => line === 'QUIT').length, 2);
  });

  it('says QUIT on a connection that has nothing to do', async () => {
    const pool = new TestPool(server.port, { idleTimeoutMs: 10 });
    await pool.send();
    await pool.verify();
    while (!server.commands.includes('QUIT')) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await pool.send()).status, 'sent');
  });

  it('goes on with the connections it has when the server refuses more', async () => {
    server.sessionScript = (session) => (session > 0 ? { banner: '421 4.7.0 Too many connections' } : undefined);
    const pool = new TestPool(server.port, { connections: 4 });
    assert.equal((await pool.send()).status, 'sent');
    const results = await Promise.all(Array.from({ length: 30 }, () => pool.send()));
    assert.deepEqual([...new Set(results.map(({ status }) => status))], ['sent']);
    assert.ok(server.sessions() <= 4, `${server.sessions()} sessions`);
  });

  it('refuses what is larger than the server says it takes, without charging the connection', async () => {
    await server.close();
    server = await scriptedServer({}, { extensions: ['SIZE 1000'] });
    const pool = new TestPool(server.port, { connections: 1 });
    const large = await pool.send('ann@example.com', 'x'.repeat(2000));
    assert.equal(large.status, 'rejected');
    assert.equal('kind' in large ? large.kind : '', 'content');
    assert.equal((await pool.send()).status, 'sent');
    assert.equal(server.sessions(), 1);
  });

  it('gives up a message that takes too long as a whole', async () => {
    server.script = { dot: 'stall' };
    const pool = new TestPool(server.port, { messageTimeoutMs: 40 });
    const result = await pool.send();
    assert.equal(result.status, 'unknown');
    assert.match('reason' in result ? result.reason : '', /longer than 40 ms/);
    server.script = {};
    assert.equal((await pool.send()).status, 'sent');
  });

  it('draining gives back what waits, finishes what is being sent, and says goodbye', async () => {
    const pool = new TestPool(server.port, { connections: 1 });
    await pool.send();
    const sending = pool.send('busy@example.com');
    const waiting = pool.send('waits@example.com');
    await pool.drain();
    assert.equal((await sending).status, 'sent');
    assert.equal((await waiting).status, 'unavailable');
    assert.equal((await pool.send()).status, 'unavailable');
    assert.ok(server.commands.includes('QUIT'));
  });

  it('draining does not wait for a connection that is being set up for nobody', async () => {
    server.script = { banner: 'stall' };
    const pool = new TestPool(server.port);
    const waiting = pool.send();
    await pool.drain();
    assert.equal((await waiting).status, 'unavailable');
  });

  it('checks connection and login without sending', async () => {
    const pool = new TestPool(server.port);
    assert.equal(await pool.verify(), undefined);
    server.script = { banner: '554 5.3.2 No' };
    assert.match((await pool.verify()) ?? '', /refused the session: 554 5\.3\.2 No/);
    assert.equal(server.arrived.length, 0);
  });
});

describe('The SMTP pool and TLS', () => {
  let smtp: SMTPServer;
  const seen: { secure: boolean; user: unknown; content: string }[] = [];

  async function start(options: { secure: boolean }): Promise<number> {
    smtp = new SMTPServer({
      logger: false,
      ...options,
      onAuth: ({ username, password }, _session, done) =>
        password === 'right-password' ? done(null, { user: username }) : done(new Error('No')),
      onData: (stream, session, done) => {
        let content = '';
        stream.on('data', (chunk: Buffer) => (content += chunk.toString()));
        stream.on('end', () => {
          seen.push({ secure: session.secure, user: session.user, content });
          done();
        });
      },
    });
    smtp.on('error', () => undefined);
    return new Promise((resolve) => {
      const listener = smtp.listen(0, '127.0.0.1', () => {
        const address = listener.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  }

  afterEach((done) => smtp.close(() => done()));

  const auth = { user: 'robot', password: 'right-password' };
  const relaxed = { tls: { rejectUnauthorized: false } };

  for (const security of ['starttls', 'tls'] as const) {
    it(`${security}: logs in and sends over the encrypted connection`, async () => {
      const pool = new TestPool(await start({ secure: security === 'tls' }), { ...relaxed, security, auth });
      seen.length = 0;
      assert.equal((await pool.send()).status, 'sent');
      assert.deepEqual(seen, [{ secure: true, user: 'robot', content: SMALL }]);
      await pool.drain();
    });

    it(`${security}: a certificate nobody vouches for stops everything before the login`, async () => {
      const port = await start({ secure: security === 'tls' });
      const pool = new TestPool(port, { ...relaxed, tls: {}, security, auth });
      const result = await pool.send();
      assert.equal(result.status, 'unavailable');
      assert.match('reason' in result ? result.reason : '', /certificate/i);
      await pool.drain();
    });
  }

  it('a wrong password is connection trouble, not the recipient’s fault', async () => {
    const pool = new TestPool(await start({ secure: true }), {
      ...relaxed,
      security: 'tls',
      auth: { user: 'robot', password: 'wrong-password' },
    });
    const result = await pool.send();
    assert.equal(result.status, 'unavailable');
    assert.match('reason' in result ? result.reason : '', /did not accept the login/);
    await pool.drain();
  });
});
