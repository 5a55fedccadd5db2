import assert from 'node:assert/strict';
import { type Action, deadPort, type ScriptedServer, scriptedServer, type Step } from './kit/scripted-smtp';
import { IMPATIENT, LARGE, SMALL, TestPool } from './kit/pool';

interface Fault {
  readonly at: Step;
  readonly does: Action;
  readonly status: string;
  readonly kind?: string;
  readonly code?: number;
  /** Seen by the pool as content that may have arrived. */
  readonly begun?: boolean;
  readonly content?: string;
}

const FAULTS: readonly Fault[] = [
  { at: 'banner', does: '421 4.3.2 Too busy', status: 'unavailable' },
  { at: 'banner', does: '554 5.3.2 Not for you', status: 'unavailable' },
  { at: 'banner', does: 'drop', status: 'unavailable' },
  { at: 'banner', does: 'stall', status: 'unavailable' },
  { at: 'banner', does: 'SSH-2.0-OpenSSH_9', status: 'unavailable' },
  { at: 'ehlo', does: '421 4.3.2 Closing', status: 'unavailable' },
  { at: 'ehlo', does: '451 4.3.0 Later', status: 'unavailable' },
  { at: 'ehlo', does: '550 5.7.1 Bad name', status: 'unavailable' },
  { at: 'ehlo', does: 'drop', status: 'unavailable' },
  { at: 'ehlo', does: 'stall', status: 'unavailable' },
  { at: 'mail', does: '421 4.3.2 Closing', status: 'deferred', code: 421 },
  { at: 'mail', does: '451 4.3.0 Later', status: 'deferred', code: 451 },
  { at: 'mail', does: '550 5.1.8 Bad sender', status: 'rejected', kind: 'policy', code: 550 },
  { at: 'mail', does: '552 5.3.4 Too big', status: 'rejected', kind: 'content', code: 552 },
  { at: 'mail', does: '530 5.7.0 Authentication required', status: 'unavailable' },
  { at: 'mail', does: '535 5.7.8 Authentication failed', status: 'unavailable' },
  { at: 'mail', does: '503 5.5.1 Nested MAIL', status: 'unavailable' },
  { at: 'mail', does: 'drop', status: 'unavailable' },
  { at: 'mail', does: 'stall', status: 'unavailable' },
  { at: 'mail', does: 'hello?', status: 'unavailable' },
  { at: 'rcpt', does: '421 4.7.0 Try later', status: 'deferred', code: 421 },
  { at: 'rcpt', does: '450 4.2.0 Greylisted', status: 'deferred', code: 450 },
  { at: 'rcpt', does: '452 4.2.2 Full', status: 'deferred', code: 452 },
  { at: 'rcpt', does: '550 5.1.1 No such user', status: 'rejected', kind: 'address', code: 550 },
  { at: 'rcpt', does: '550 5.7.1 Listed at dnsbl', status: 'rejected', kind: 'reputation', code: 550 },
  { at: 'rcpt', does: 'drop', status: 'unavailable' },
  { at: 'rcpt', does: 'stall', status: 'unavailable' },
  { at: 'data', does: '421 4.3.2 Closing', status: 'deferred', code: 421 },
  { at: 'data', does: '451 4.3.0 Later', status: 'deferred', code: 451 },
  { at: 'data', does: '554 5.7.1 Not today', status: 'rejected', kind: 'policy', code: 554 },
  { at: 'data', does: 'drop', status: 'unavailable' },
  { at: 'data', does: 'stall', status: 'unavailable' },
  { at: 'content', does: 'drop', status: 'unknown', begun: true, content: LARGE },
  { at: 'content', does: '421 4.3.2 Closing', status: 'deferred', code: 421, begun: true, content: LARGE },
  { at: 'dot', does: '421 4.3.2 Closing', status: 'deferred', code: 421, begun: true },
  { at: 'dot', does: '451 4.3.0 Later', status: 'deferred', code: 451, begun: true },
  { at: 'dot', does: '452 4.3.1 Disk full', status: 'deferred', code: 452, begun: true },
  { at: 'dot', does: '550 5.1.1 No such user', status: 'rejected', kind: 'address', code: 550, begun: true },
  { at: 'dot', does: '552 5.3.4 Too big', status: 'rejected', kind: 'content', code: 552, begun: true },
  { at: 'dot', does: '554 5.7.1 Spam', status: 'rejected', kind: 'reputation', code: 554, begun: true },
  { at: 'dot', does: 'drop', status: 'unknown', begun: true },
  { at: 'dot', does: 'stall', status: 'unknown', begun: true },
  { at: 'dot', does: 'well, maybe', status: 'unknown', begun: true },
  { at: 'dot', does: '2wo hundred fifty', status: 'unknown', begun: true },
  { at: 'dot', does: '999 Whatever', status: 'unknown', begun: true },
  { at: 'dot', does: '354 Go ahead', status: 'unknown', begun: true },
  { at: 'dot', does: { say: '250 2.0.0 Ok', then: 'drop' }, status: 'sent', begun: true },
];

for (const extensions of [['8BITMIME'], ['PIPELINING', '8BITMIME']]) {
  const how = extensions.includes('PIPELINING') ? 'with pipelining' : 'one command at a time';

  describe(`SMTP faults, ${how}`, () => {
    let server: ScriptedServer;
    let pool: TestPool;

    beforeEach(async () => {
      server = await scriptedServer({}, { extensions });
      pool = new TestPool(server.port, { connections: 1 });
    });
    afterEach(async () => {
      await server.close();
      await pool.drain();
    });

    for (const fault of FAULTS) {
      const does = typeof fault.does === 'string' ? fault.does : `${fault.does.say}, then ${fault.does.then}`;
      it(`${fault.at}: "${does}" makes the message ${fault.status}, and the next one is sent`, async () => {
        if (fault.does === 'stall') pool = new TestPool(server.port, { ...IMPATIENT, connections: 1 });
        server.script = { [fault.at]: fault.does };
        const result = await pool.send('ann@example.com', fault.content ?? SMALL);
        assert.equal(result.status, fault.status, JSON.stringify(result));
        assert.equal('kind' in result ? result.kind : undefined, fault.kind);
        assert.equal('code' in result ? result.code : undefined, fault.code);
        assert.equal(pool.begun.has(0), fault.begun === true);

        server.script = {};
        const arrivedBefore = server.arrived.length;
        assert.equal((await pool.send('bob@example.com')).status, 'sent');
        assert.deepEqual(
          server.arrived.slice(arrivedBefore).map(({ to }) => to),
          [['bob@example.com']],
        );
      });
    }

    it('a message refused in the middle leaves the connection usable', async () => {
      server.script = { rcpt: '550 5.1.1 No such user' };
      await pool.send();
      server.script = {};
      await pool.send();
      assert.equal(server.sessions(), 1);
      assert.ok(server.commands.includes('RSET'));
    });

    it('a connection that will not reset is replaced', async () => {
      server.sessionScript = (session) => (session === 0 ? { rset: '502 5.5.1 No' } : undefined);
      server.script = { rcpt: '550 5.1.1 No such user' };
      await pool.send();
      server.script = {};
      assert.equal((await pool.send()).status, 'sent');
      assert.equal(server.sessions(), 2);
    });

    it('a connection that the server dropped between two messages costs nobody an attempt', async () => {
      assert.equal((await pool.send()).status, 'sent');
      server.sessionScript = (session) => (session === 0 ? { mail: 'drop' } : undefined);
      assert.equal((await pool.send('bob@example.com')).status, 'sent');
      assert.deepEqual(
        server.arrived.map(({ to }) => to[0]),
        ['ann@example.com', 'bob@example.com'],
      );
    });

    it('nor does one that it closes with 421 as the next message comes', async () => {
      await pool.send();
      server.sessionScript = (session) => (session === 0 ? { mail: '421 4.4.2 Idle too long' } : undefined);
      assert.equal((await pool.send('bob@example.com')).status, 'sent');
    });

    it('but it is tried again only once', async () => {
      await pool.send();
      server.script = { mail: 'drop' };
      assert.equal((await pool.send()).status, 'unavailable');
      assert.equal(server.sessions(), 2);
    });
  });
}

describe('An SMTP server that cannot be talked to', () => {
  it('refused port: nothing was handed over', async () => {
    const pool = new TestPool(await deadPort());
    const result = await pool.send();
    assert.equal(result.status, 'unavailable');
    assert.match(
      'reason' in result ? result.reason : '',
      /No connection to the mail server 127\.0\.0\.1:\d+: .*ECONNREFUSED/,
    );
  });

  it('a name that does not exist: nothing was handed over', async () => {
    const pool = new TestPool(25, { host: 'nowhere.invalid' });
    const result = await pool.send();
    assert.equal(result.status, 'unavailable');
  });

  it('everything that waits for the failed connection is given back', async () => {
    const pool = new TestPool(await deadPort(), { connections: 2 });
    const results = await Promise.all(Array.from({ length: 20 }, () => pool.send()));
    assert.deepEqual([...new Set(results.map(({ status }) => status))], ['unavailable']);
  });

  it('refused login: says so, without the password', async () => {
    const secret = 'pa55-canary';
    const echo = Buffer.from(`\0robot\0${secret}`).toString('base64');
    const server = await scriptedServer({ auth: `535 5.7.8 Bad: ${echo} ${secret}` }, { extensions: ['AUTH PLAIN'] });
    const pool = new TestPool(server.port, { auth: { user: 'robot', password: secret } });
    const result = await pool.send();
    assert.equal(result.status, 'unavailable');
    const reason = 'reason' in result ? result.reason : '';
    assert.match(reason, /did not accept the login: 535 5\.7\.8 Bad: \*\*\* \*\*\*/);
    assert.ok(!reason.includes(secret) && !reason.includes(echo));
    await server.close();
  });

  for (const [does, name] of [
    ['454 4.7.0 Later', '4xx'],
    ['drop', 'drop'],
    ['stall', 'stall'],
  ] as const) {
    it(`login answered with ${name}: nothing was handed over`, async () => {
      const server = await scriptedServer({ auth: does }, { extensions: ['AUTH PLAIN'] });
      const patience = does === 'stall' ? IMPATIENT : {};
      const pool = new TestPool(server.port, { ...patience, auth: { user: 'robot', password: 'secret-word' } });
      assert.equal((await pool.send()).status, 'unavailable');
      server.script = {};
      assert.equal((await pool.send()).status, 'sent');
      await server.close();
    });
  }

  it('no login offered though one is configured: nothing was handed over', async () => {
    const server = await scriptedServer();
    const pool = new TestPool(server.port, { auth: { user: 'robot', password: 'secret-word' } });
    const result = await pool.send();
    assert.equal(result.status, 'unavailable');
    assert.match('reason' in result ? result.reason : '', /does not offer a login/);
    await server.close();
  });

  it('no STARTTLS though it is demanded: nothing was handed over', async () => {
    const server = await scriptedServer();
    const pool = new TestPool(server.port, { security: 'starttls' });
    assert.equal((await pool.send()).status, 'unavailable');
    assert.equal(server.arrived.length, 0);
    await server.close();
  });

  it('plain text where TLS is expected: nothing was handed over', async () => {
    const server = await scriptedServer();
    const pool = new TestPool(server.port, { security: 'tls' });
    assert.equal((await pool.send()).status, 'unavailable');
    await server.close();
  });
});
