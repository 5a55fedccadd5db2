import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { createRateLimits } from '../../../lib/access';
import { codeOf, InputError } from '../../../lib/errors';
import { admit, assertGuarded } from '../../../lib/http/api';
import { onSqlite, openWorld, type Client, type World } from './kit';

interface Problem {
  code: string;
  status: number;
  detail: string;
  errors?: { pointer?: string; parameter?: string; detail: string }[];
}

onSqlite((db) => {
  describe('the door of the API', function () {
    this.timeout(60_000);
    let world: World;
    let admin: Client;
    before(async () => {
      world = await openWorld(db);
      admin = await world.client('acme');
    });
    after(async () => {
      assert.deepEqual(world.incidents, []);
      await world.close();
    });

    it('asks for a token, and says how to send it', async () => {
      const without = await world.stranger.ask<Problem>('GET', '/leads');
      assert.equal(without.status, 401);
      assert.equal(without.headers['content-type'], 'application/problem+json');
      assert.equal(without.headers['www-authenticate'], 'Bearer realm="marketing"');
      assert.equal(without.body.code, 'E_UNAUTHENTICATED');
      const wrong = await world.stranger.ask('GET', '/leads', undefined, { Authorization: 'Bearer nmk_wrong' });
      assert.equal(wrong.status, 401);
      assert.match(String(wrong.headers['www-authenticate']), /invalid_token/);
    });

    it('is closed to a revoked token at once', async () => {
      const { tokens } = { tokens: await world.marketing('acme') };
      const client = await world.client('acme', 'viewer');
      assert.equal((await client.ask('GET', '/leads')).status, 200);
      await tokens.scope.run(
        'UPDATE marketing_tokens SET revoked_at = 1 WHERE tenant_id = :tenant AND owner = :owner',
        {
          owner: 'viewer-of-acme',
        },
      );
      assert.equal((await client.ask('GET', '/leads')).status, 401);
    });

    it('never lets a browser store, sniff or frame an answer', async () => {
      const { headers } = await admin.ask('GET', '/leads');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['content-security-policy']), /default-src 'none'/);
      assert.equal(headers['access-control-allow-origin'], undefined);
      assert.equal(headers['x-powered-by'] ?? 'Express', 'Express', 'the app of the test says so itself');
    });

    it('says which methods an address has', async () => {
      const wrong = await admin.ask<Problem>('PUT', '/leads');
      assert.deepEqual([wrong.status, wrong.body.code], [405, 'E_METHOD']);
      assert.equal(wrong.headers.allow, 'GET, HEAD, OPTIONS, POST');
      const options = await admin.ask('OPTIONS', '/leads');
      assert.deepEqual([options.status, options.headers['allow']], [204, 'GET, HEAD, OPTIONS, POST']);
      assert.equal((await admin.ask<Problem>('GET', '/nothing')).body.code, 'E_NO_ROUTE');
    });

    it('answers HEAD like GET, without the body', async () => {
      const get = await admin.ask('GET', '/segments');
      const head = await admin.ask('HEAD', '/segments');
      assert.deepEqual([head.status, head.text], [200, '']);
      assert.equal(head.headers.etag, get.headers.etag);
    });

    it('takes JSON only, of a bearable size, that any database can store', async () => {
      const codes = async (body: string, headers: Record<string, string> = {}): Promise<[number, string]> => {
        const { status, body: problem } = await admin.ask<Problem>('POST', '/leads', body, headers);
        return [status, problem.code];
      };
      assert.deepEqual(await codes('a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }), [
        415,
        'E_MEDIA_TYPE',
      ]);
      assert.deepEqual(await codes('{}', { 'Content-Type': 'application/json; charset=latin1' }), [
        415,
        'E_MEDIA_TYPE',
      ]);
      assert.deepEqual(await codes('{"name":'), [400, 'E_JSON']);
      assert.deepEqual(await codes(`{"name":"${'x'.repeat(1024 * 1024)}"}`), [413, 'E_TOO_LARGE']);
      assert.deepEqual(await codes('{"name":"a\\u0000b"}'), [422, 'E_BODY']);
      assert.deepEqual(await codes('{"name":"\\ud800"}'), [422, 'E_BODY']);
      assert.deepEqual(await codes('{"__proto__":{"admin":true}}'), [422, 'E_BODY']);
      assert.deepEqual(await codes('{"score":1e400}'), [422, 'E_BODY']);
      assert.deepEqual(await codes(`{"attributes":${'['.repeat(100)}${']'.repeat(100)}}`), [422, 'E_BODY']);
      assert.equal(({} as Record<string, unknown>)['admin'], undefined);
    });

    it('names every field that is wrong', async () => {
      const { status, body } = await admin.ask<Problem>('POST', '/leads', { email: 7, shoe: 1, score: 'much' });
      assert.equal(status, 422);
      assert.deepEqual(body.errors?.map(({ pointer }) => pointer).sort(), ['#/email', '#/score', '#/shoe']);
      const parameter = await admin.ask<Problem>('GET', '/leads?limit=1000&sort=x');
      assert.equal(parameter.status, 400);
      assert.deepEqual(parameter.body.errors?.map((one) => one.parameter).sort(), ['limit', 'sort']);
      const service = await admin.ask<Problem>('POST', '/leads', { email: 'nobody' });
      assert.deepEqual([service.status, service.body.errors?.[0]?.pointer], [422, '#/email']);
    });

    it('sends nothing again that the caller has', async () => {
      const made = await admin.ask<{ id: number }>('POST', '/leads', { email: 'etag@example.org' });
      const first = await admin.ask('GET', `/leads/${made.body.id}`);
      const same = await admin.ask('GET', `/leads/${made.body.id}`, undefined, {
        'If-None-Match': first.headers.etag ?? '',
      });
      assert.deepEqual([same.status, same.text], [304, '']);
      const patched = await admin.ask('PATCH', `/leads/${made.body.id}`, { name: 'New' });
      assert.equal(patched.body['name'], 'New', patched.text);
      const changed = await admin.ask('GET', `/leads/${made.body.id}`, undefined, {
        'If-None-Match': first.headers.etag ?? '',
      });
      assert.equal(changed.status, 200);
    });
  });

  describe('the limits of the API', function () {
    this.timeout(60_000);
    it('refuse what is too much, and say when to come back', async () => {
      const world = await openWorld(db, { rules: { token: { limit: 3, perSeconds: 60 } } });
      const client = await world.client('acme', 'viewer');
      const other = await world.client('acme', 'viewer');
      const answers = [];
      for (let i = 0; i < 4; i++) answers.push(await client.ask<Problem>('GET', '/leads'));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 429],
      );
      assert.deepEqual(
        answers.map(({ headers }) => headers['ratelimit-remaining']),
        ['2', '1', '0', '0'],
      );
      assert.ok(Number(answers[3]?.headers['retry-after']) >= 1);
      assert.equal(answers[3]?.body.code, 'E_RATE_LIMIT');
      assert.equal((await other.ask('GET', '/leads')).status, 200, 'another token has its own');
      await world.close();
    });

    it('also hold for whoever guesses tokens', async () => {
      const world = await openWorld(db, { rules: { address: { limit: 2, perSeconds: 60 } } });
      const statuses = [];
      for (let i = 0; i < 3; i++) statuses.push((await world.stranger.ask('GET', '/leads')).status);
      assert.deepEqual(statuses, [401, 401, 429]);
      await world.close();
    });

    it('also hold for the pages that need no token', async () => {
      const world = await openWorld(db, { rules: { address: { limit: 2, perSeconds: 60 } } });
      const statuses = [];
      for (const path of ['/docs', '/openapi.json', '/docs', '/openapi.json'])
        statuses.push((await world.stranger.ask('GET', path)).status);
      await world.close();
      assert.deepEqual(statuses, [200, 200, 429, 429]);
    });
  });
});

describe('an API without tokens', () => {
  it('is not opened to other machines', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.7', 'example.org', '127.evil.org'])
      assert.throws(
        () => assertGuarded({ host, tokensExist: false }),
        (error) => error instanceof InputError && error.code === 'E_API_UNGUARDED',
        host,
      );
    for (const host of ['127.0.0.1', '::1', 'localhost']) assertGuarded({ host, tokensExist: false });
    assertGuarded({ host: '0.0.0.0', tokensExist: true });
  });

  it('answers nobody from another machine', async () => {
    const codeFor = async (remoteAddress: string, tokensExist: boolean): Promise<string> => {
      const request = { socket: { remoteAddress }, headers: {} } as unknown as IncomingMessage;
      const deps = {
        authenticate: () => Promise.resolve(undefined),
        tokensExist: () => Promise.resolve(tokensExist),
        limits: createRateLimits(),
      };
      const error: unknown = await admit(request, deps, () => undefined).catch((thrown: unknown) => thrown);
      return codeOf(error);
    };
    assert.equal(await codeFor('203.0.113.5', false), 'E_API_UNGUARDED');
    assert.equal(await codeFor('203.0.113.5', true), 'E_UNAUTHENTICATED');
    assert.equal(await codeFor('::ffff:127.0.0.1', false), 'E_UNAUTHENTICATED');
  });
});
