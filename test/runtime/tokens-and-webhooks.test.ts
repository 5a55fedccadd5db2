import assert from 'node:assert/strict';
import { openMarketing } from '../../lib';
import { runHere, scratchFolder, type Outcome } from './kit';

describe('the command line of tokens and webhooks', function () {
  this.timeout(60_000);
  const folder = scratchFolder();
  const database = (): string => `sqlite:${folder.path('data.sqlite')}`;
  const run = (...args: string[]): Promise<Outcome> => runHere([...args, '--database', database()]);
  const done = async (...args: string[]): Promise<Outcome> => {
    const outcome = await run(...args);
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome;
  };

  it('creates a token that opens its tenant, lists it without its secret, rotates and revokes it', async () => {
    const made = await done(
      'token',
      'create',
      '--name',
      'Shop',
      '--role',
      'marketer',
      '--expires',
      '90d',
      '--tenant',
      'acme',
    );
    const [text = ''] = made.stdout.split('\n');
    assert.match(text, /^nmk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
    const marketing = await openMarketing({ database: { url: database() }, work: false });
    try {
      const known = await marketing.tokens.authenticate(text);
      assert.deepEqual(
        [known?.tenant, known?.principal.roles, known?.principal.id],
        ['acme', ['marketer'], `token:${text.slice(0, 12)}`],
      );
      const listed = await done('token', 'list', '--tenant', 'acme');
      assert.match(listed.stdout, new RegExp(`^${known?.token} +${text.slice(0, 12)} +Shop +`, 'm'));
      assert.ok(!listed.stdout.includes(text));
      assert.match((await done('token', 'list')).stdout, /^There are no tokens\./, 'another tenant');
      const rotated = (await done('token', 'rotate', String(known?.token), '--tenant', 'acme', '--json')).json() as {
        token: string;
      };
      assert.equal(await marketing.tokens.authenticate(text), undefined);
      assert.ok(await marketing.tokens.authenticate(rotated.token));
      await done('token', 'revoke', String(known?.token), '--tenant', 'acme');
      assert.equal(await marketing.tokens.authenticate(rotated.token), undefined);
      const all = (await done('token', 'list', '--all', '--tenant', 'acme', '--json')).json() as { state: string }[];
      assert.deepEqual(
        all.map(({ state }) => state),
        ['revoked'],
      );
    } finally {
      await marketing.close();
    }
  });

  it('adds a webhook, changes it, and shows and replays its deliveries', async () => {
    const url = 'https://hooks.example.org/in';
    const made = (
      await done('webhook', 'add', url, '--event', 'marketing.lead.*', '--name', 'CRM', '--json')
    ).json() as {
      id: number;
      secret: string;
    };
    const id = String(made.id);
    assert.match(made.secret, /^whsec_/);
    const listed = await done('webhook', 'list');
    assert.match(listed.stdout, new RegExp(`^${id} +CRM +${url} +marketing\\.lead\\.\\* +enabled$`, 'm'));
    assert.ok(!listed.stdout.includes(made.secret));
    const sent = (await done('webhook', 'test', id, '--json')).json() as { id: number };
    assert.match(
      (await done('webhook', 'deliveries', id)).stdout,
      new RegExp(`^${sent.id} +${id} +marketing\\.test +waiting `, 'm'),
    );
    assert.match((await done('webhook', 'deliveries', '--state', 'dead')).stdout, /There are no deliveries/);
    assert.match((await run('webhook', 'replay', String(sent.id))).stderr, /^E_DELIVERY_UNDER_WAY: /);
    assert.match(
      (await done('webhook', 'replay-since', id, '--since', '2d')).stdout,
      /^0 deliveries are on their way again\./,
    );
    assert.notEqual(((await done('webhook', 'rotate', id, '--json')).json() as { secret: string }).secret, made.secret);
    await done('webhook', 'disable', id);
    assert.match((await done('webhook', 'list')).stdout, / disabled$/m);
    await done('webhook', 'enable', id);
    await done('webhook', 'remove', id);
    assert.match((await done('webhook', 'list')).stdout, /There are no webhooks/);
  });

  it('explains itself, and what it does not understand', async () => {
    for (const command of ['token', 'webhook']) {
      assert.match((await done(command, '--help')).stdout, /^Examples\n {2}nexus-marketing /m);
    }
    for (const args of [
      ['token', 'create', '--name', 'x'],
      ['token', 'create', '--name', 'x', '--role', 'viewer', '--expires', 'soon'],
      ['token', 'revoke', 'all'],
      ['webhook', 'add', 'https://example.org'],
      ['webhook', 'dance'],
    ]) {
      const { code, stderr } = await run(...args);
      assert.deepEqual([code, /^E_USAGE: /.test(stderr)], [2, true], args.join(' '));
    }
    assert.match(
      (await run('token', 'create', '--name', 'x', '--role', 'root')).stderr,
      /^E_TOKEN: .*viewer, marketer/,
    );
    const inside = await run('webhook', 'add', 'https://127.0.0.1/', '--event', '*');
    assert.deepEqual([inside.code, /^E_WEBHOOK_TARGET: /.test(inside.stderr)], [1, true]);
  });
});
