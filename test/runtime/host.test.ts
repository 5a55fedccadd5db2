import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { openMarketing } from '../../lib';
import { nodeLogin } from '../../lib/runtime/node-login';
import { requireOfNodeRed } from '../../lib/runtime/node-red';
import { eventually, freePort, PACKAGE, runCli, scratchFolder, startCli, type Running } from './kit';

interface Health {
  status: number;
  ok: boolean;
  phase: string;
  reasons?: string[];
  stores?: { name: string; state: string; code?: string }[];
}

async function healthAt(port: number): Promise<Health | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    return { status: response.status, ...((await response.json()) as Omit<Health, 'status'>) };
  } catch {
    return undefined; // not listening yet
  }
}

const statusOf = async (port: number, where: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}${where}`)).status;

describe('the headless runtime', function () {
  this.timeout(90_000);
  const folder = scratchFolder();
  let running: Running | undefined;
  let homes = 0;

  const start = async (args: string[], environment: Record<string, string> = {}): Promise<number> => {
    const port = await freePort();
    running = startCli(['start', '--port', String(port), ...args], {
      MARKETING_USER_DIR: folder.path(`home${++homes}`),
      ...environment,
    });
    return port;
  };
  const home = (): string => folder.path(`home${homes}`);
  const ready = (port: number): Promise<Health> =>
    eventually(async () => {
      const health = await healthAt(port);
      return health?.ok ? health : undefined;
    });
  const flow = (name: string, nodes: object[]): string => {
    const file = folder.path(name);
    writeFileSync(file, JSON.stringify([{ id: 'tab', type: 'tab', label: name }, ...nodes]));
    return file;
  };

  afterEach(async () => {
    running?.child.kill('SIGKILL');
    await running?.ended;
    running = undefined;
  });

  for (const version of ['node-red', 'node-red-4.1']) {
    it(`runs a marketing flow on ${version}, and ends with 0 on SIGTERM`, async () => {
      const port = await start(['--flows', path.join(PACKAGE, 'examples', '01 - Welcome.json')], {
        MARKETING_NODE_RED: version,
        MARKETING_SMTP_HOST: '127.0.0.1',
        MARKETING_SMTP_PORT: '2525',
      });
      const health = await ready(port);
      assert.equal(health.status, 200);
      assert.equal(health.phase, 'running');
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      assert.match(metrics, /^marketing_timer_lateness_seconds\{tenant="default"\} 0$/m);
      assert.match(metrics, /^marketing_breaker_open\{tenant="default",account="Newsletter"\} 0$/m);
      assert.equal(await statusOf(port, '/flows'), 404, 'no admin API without --editor');
      assert.equal(await statusOf(port, '/'), 404, 'no editor without --editor');
      assert.ok(statSync(path.join(home(), 'marketing.sqlite')).isFile());
      running?.child.kill('SIGTERM');
      const { code, stderr } = (await running?.ended) ?? { code: -1, stderr: '' };
      assert.equal(code, 0, stderr);
      assert.match(stderr, /SIGTERM: stopping/);
    });
  }

  it('keeps a credential secret that only its owner can read', async () => {
    const port = await start(['--flows', flow('empty.json', [])]);
    await ready(port);
    const file = path.join(home(), '.credential-secret');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/);
  });

  it('shows the editor only when it is asked to, and works on a copy of the flows then', async () => {
    const source = flow('edited.json', [
      { id: 'note', type: 'comment', z: 'tab', name: 'hello', x: 100, y: 100, wires: [] },
    ]);
    const port = await start(['--editor', '--flows', source]);
    await ready(port);
    assert.equal(await statusOf(port, '/'), 200);
    assert.equal(await statusOf(port, '/resources/@nexus/node-red-marketing/marketing-editor.js'), 200);
    assert.equal(await statusOf(port, '/locales/nodes'), 200);
    const flows = (await (await fetch(`http://127.0.0.1:${port}/flows`)).json()) as { id: string }[];
    assert.ok(flows.some(({ id }) => id === 'note'));
    assert.deepEqual(
      JSON.parse(readFileSync(path.join(home(), 'flows.json'), 'utf8')),
      JSON.parse(readFileSync(source, 'utf8')),
    );
  });

  it('refuses an editor that anybody in the network could use', async () => {
    const { code, stderr } = await runCli(['start', '--editor', '--host', '0.0.0.0', '--port', '0'], {
      MARKETING_USER_DIR: folder.path('exposed'),
    });
    assert.equal(code, 1);
    assert.match(stderr, /E_EDITOR_EXPOSED: [^\n]+\n$/);
    const settings = folder.path('no-login.js');
    writeFileSync(settings, 'module.exports = { adminAuth: null };');
    const none = await runCli(['start', '--editor', '--host', '0.0.0.0', '--port', '0', '--settings', settings], {
      MARKETING_USER_DIR: folder.path('exposed'),
    });
    assert.match(none.stderr, /E_EDITOR_EXPOSED/);
  });

  it('asks for the login of httpNodeAuth before all that flows serve, but not before the unsubscribe pages', async () => {
    const settings = folder.path('login.js');
    const { hashSync } = requireOfNodeRed<{ hashSync(password: string, rounds: number): string }>('bcryptjs');
    const hash = hashSync('open sesame', 4);
    writeFileSync(settings, `module.exports = { httpNodeAuth: { user: 'ali', pass: ${JSON.stringify(hash)} } };`);
    const port = await start([
      ...['--settings', settings, '--flows'],
      flow('login.json', [
        { id: 'store', type: 'marketing-store', name: 'Shop' },
        { id: 'in', type: 'http in', z: 'tab', url: '/secret', method: 'get', wires: [['out']] },
        { id: 'out', type: 'http response', z: 'tab', wires: [] },
      ]),
    ]);
    await ready(port);
    const as = async (login: string): Promise<number> => {
      const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
      return (await fetch(`http://127.0.0.1:${port}/secret`, { headers })).status;
    };
    assert.deepEqual(
      [await statusOf(port, '/secret'), await as('ali:wrong'), await as('eve:open sesame')],
      [401, 401, 401],
    );
    assert.deepEqual([await as('ali:open sesame'), await as('ali:open sesame')], [200, 200]);
    assert.deepEqual([await statusOf(port, '/marketing/u'), await statusOf(port, '/nothing')], [401, 401]);
    // Only the API's own address is open, nothing that begins like it.
    assert.deepEqual(
      [await statusOf(port, '/marketing/graphql'), await statusOf(port, '/marketing/graphql-x')],
      [405, 401],
    );
    const page = await statusOf(port, '/marketing/u/x');
    assert.ok(page !== 401 && page < 500, String(page));
    assert.equal(statSync(home()).mode & 0o777, 0o700);
  });

  it('does not start with a login that it cannot apply', async () => {
    const settings = folder.path('bad-login.js');
    writeFileSync(settings, `module.exports = { httpNodeAuth: { user: 'ali', pass: 'open sesame' } };`);
    const { code, stderr } = await runCli(['start', '--port', '0', '--settings', settings], {
      MARKETING_USER_DIR: folder.path('bad-login'),
    });
    assert.equal(code, 1);
    assert.match(stderr, /E_SETTINGS: [^\n]+hash-pw[^\n]+\n$/);
  });

  it('applies the functions of httpNodeAuth one after another, and lets nobody through when one fails', async () => {
    const passed: string[] = [];
    const request = {} as IncomingMessage;
    const ask = (...steps: unknown[]): Promise<unknown> =>
      new Promise((resolve) => nodeLogin({ httpNodeAuth: steps })?.(request, {} as ServerResponse, resolve));
    const step = (name: string) => (_request: unknown, _response: unknown, next: () => void) => {
      passed.push(name);
      next();
    };
    assert.equal(await ask(step('one'), [step('two')]), undefined);
    assert.deepEqual(passed, ['one', 'two']);
    const failure = new Error('no directory');
    assert.equal(await ask(() => Promise.reject(failure), step('three')), failure);
    assert.deepEqual(passed, ['one', 'two']);
    assert.equal(nodeLogin({}), undefined);
    assert.throws(() => nodeLogin({ httpNodeAuth: [] }), { code: 'E_SETTINGS' });
  });

  it('shows the mailbox on loopback only, and says so', async () => {
    const port = await start(['--example', '--host', '0.0.0.0']);
    await ready(port);
    assert.deepEqual([await statusOf(port, '/mailbox'), await statusOf(port, '/mailbox/list')], [404, 404]);
    await eventually(() =>
      Promise.resolve(/Mailbox +not shown, because/.exec(running?.output().stderr ?? '') ?? undefined),
    );
  });

  it('is not ready, and says why, while a flow uses a node type that nobody has', async () => {
    const port = await start([
      '--flows',
      flow('missing.json', [{ id: 'x', type: 'no-such-node', z: 'tab', wires: [] }]),
    ]);
    const health = await eventually(async () => {
      const found = await healthAt(port);
      return found?.phase === 'stuck' ? found : undefined;
    });
    assert.equal(health.status, 503);
    assert.match(health.reasons?.join() ?? '', /no-such-node/);
  });

  it('is not ready, and says why, while a database does not answer', async () => {
    const port = await start(
      ['--flows', path.join(PACKAGE, 'flows'), '--database', 'postgres://nobody:pass@127.0.0.1:1/nothing'],
      {
        MARKETING_SMTP_HOST: '127.0.0.1',
        MARKETING_FROM: 'a@example.org',
      },
    );
    const health = await eventually(async () => {
      const found = await healthAt(port);
      return found?.reasons?.some((reason) => reason.includes('unreachable')) ? found : undefined;
    });
    assert.equal(health.status, 503);
    assert.deepEqual(
      health.stores?.map(({ state, code }) => [state, code]),
      [['unreachable', 'E_DATABASE_UNREACHABLE']],
    );
    assert.doesNotMatch(JSON.stringify(health), /nobody|127\.0\.0\.1|ECONN|pass/);
    const { stderr } = running?.output() ?? { stderr: '' };
    assert.match(stderr, /ECONNREFUSED/);
    assert.doesNotMatch(stderr, /nobody:pass/);
  });

  it('gives a store that names no database the one of the command line', async () => {
    const url = `sqlite:${folder.path('chosen.sqlite')}`;
    const port = await start(['--flows', path.join(PACKAGE, 'examples', '01 - Welcome.json'), '--database', url], {
      MARKETING_SMTP_HOST: '127.0.0.1',
      MARKETING_SMTP_PORT: '2525',
    });
    await ready(port);
    const launched = await runCli(['campaign', 'create', 'x', '--definition', 'welcome', '--database', url]);
    assert.equal(launched.code, 0, launched.stderr);
  });

  it('runs the flows of the package when it is given none', async () => {
    const port = await start([], { MARKETING_SMTP_HOST: '127.0.0.1', MARKETING_FROM: 'news@example.org' });
    await ready(port);
    assert.doesNotMatch(running?.output().stderr ?? '', /E_CONFIG|E_NO_ACCOUNT/);
    const url = `sqlite:${path.join(home(), 'marketing.sqlite')}`;
    const created = await runCli(['campaign', 'create', 'first', '--definition', 'mailing', '--database', url]);
    assert.equal(created.code, 0, created.stderr);
    const launched = await runCli(['campaign', 'launch', 'first', '--json', '--database', url]);
    assert.equal((launched.json() as { runtimeAtWork: boolean }).runtimeAtWork, true);
  });

  it('shows the example in the editor, with a mailbox from which one can unsubscribe', async () => {
    const port = await start(['--editor', '--example']);
    await ready(port);
    const url = `http://127.0.0.1:${port}`;
    const flows = (await (await fetch(`${url}/flows`)).json()) as { id: string; type: string }[];
    const trigger = flows.find(({ type }) => type === 'marketing-trigger');
    const launched = await fetch(`${url}/marketing/trigger/${trigger?.id}/launch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(launched.status, 200, await launched.text());
    const { mails } = await eventually(async () => {
      const list = (await (await fetch(`${url}/mailbox/list`)).json()) as {
        arrived: number;
        mails: { id: number; to: string }[];
      };
      return list.arrived > 20 ? list : undefined;
    });
    assert.equal(await statusOf(port, '/mailbox'), 200);
    const mail = mails[0] ?? { id: 0, to: '' };
    const html = await (await fetch(`${url}/mailbox/${mail.id}/html`)).text();
    const link = /href="([^"]+)"[^>]*>Unsubscribe/.exec(html)?.[1] ?? '';
    assert.ok(link.startsWith(`${url}/marketing/u/`), link);

    const marketing = await openMarketing({
      database: { url: `sqlite:${path.join(home(), 'example', 'marketing.sqlite')}` },
      work: false,
    });
    try {
      const lead = await marketing.leads.get({ email: /<(.+)>/.exec(mail.to)?.[1] ?? mail.to });
      const state = async (): Promise<string | undefined> =>
        (await marketing.leads.consentOf(lead?.id ?? 0, 'email'))?.state;
      assert.match(await (await fetch(link)).text(), /Nothing changes until you press the button/);
      assert.notEqual(await state(), 'revoked');
      const body = new FormData();
      body.set('List-Unsubscribe', 'One-Click');
      const answer = await fetch(link, { method: 'POST', body, redirect: 'error' });
      assert.equal(answer.status, 200);
      assert.equal(await state(), 'revoked');
    } finally {
      await marketing.close();
    }
    assert.equal(
      (await runCli(['start', '--example', '--port', String(port)], { MARKETING_USER_DIR: home() })).code,
      1,
      'the port is taken',
    );
  });

  it('logs what nobody caught, drains, and ends with 1', async () => {
    const port = await start([
      '--flows',
      flow('crash.json', [
        { id: 'go', type: 'http in', z: 'tab', url: '/crash', method: 'get', wires: [['bang']] },
        {
          id: 'bang',
          type: 'function',
          z: 'tab',
          func: 'Promise.reject(new Error("nobody catches this")); return msg;',
          outputs: 1,
          wires: [['bye']],
        },
        { id: 'bye', type: 'http response', z: 'tab', wires: [] },
      ]),
    ]);
    await ready(port);
    await fetch(`http://127.0.0.1:${port}/crash`).catch(() => undefined);
    const { code, stderr } = (await running?.ended) ?? { code: -1, stderr: '' };
    assert.equal(code, 1);
    assert.match(stderr, /Uncaught: Error: nobody catches this/);
    assert.match(stderr, /Stopped flows/);
  });

  it('says what to install when Node-RED is not there', async () => {
    const { code, stderr } = await runCli(['start', '--port', '0'], {
      MARKETING_USER_DIR: folder.path('none'),
      MARKETING_NODE_RED: 'node-red-9',
    });
    assert.equal(code, 1);
    assert.match(stderr, /^E_NODE_RED_MISSING: [^\n]+npm install node-red[^\n]+\n$/);
  });

  it('says so when its port is taken', async () => {
    const port = await start(['--flows', flow('first.json', [])]);
    await ready(port);
    const { code, stderr } = await runCli(['start', '--port', String(port), '--flows', folder.path('first.json')], {
      MARKETING_USER_DIR: folder.path('second'),
    });
    assert.equal(code, 1);
    assert.match(stderr, /^E_PORT_IN_USE: [^\n]+\n$/);
  });
});
