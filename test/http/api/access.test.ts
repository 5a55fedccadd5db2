import assert from 'node:assert/strict';
import { ROLES, type Permission, type Role } from '../../../lib/access';
import { servicesFor, type OpenApi } from '../../../lib/http/api';
import { described } from './contract';
import { HOSTILE } from './generate';
import { onSqlite, openWorld, type Client, type World } from './kit';

/** Asks with a token; answers with the status. */
type Ask = (method: string, path: string, body?: object) => Promise<number>;

onSqlite((db) => {
  describe('who may do what over the API', function () {
    this.timeout(60_000);
    let world: World;
    let document: OpenApi;
    before(async () => {
      world = await openWorld(db);
      document = (await world.stranger.ask<OpenApi>('GET', '/openapi.json')).body;
    });
    after(async () => {
      assert.deepEqual(world.incidents, []);
      await world.close();
    });

    for (const role of Object.keys(ROLES) as Role[]) {
      it(`is what the role "${role}" says, for every operation`, async () => {
        const client = await world.client('acme', role);
        for (const { method, path, operation } of described(document)) {
          const address = path.replaceAll(/\{(\w+)\}/g, '999999');
          // Nothing is there, and nothing is said: who gets in meets 404, 400 or 422.
          const { status, text } = await client.ask(method, address);
          const allowed = ROLES[role].has(operation['x-permission'] as Permission);
          assert.equal(status !== 403, allowed, `${role}: ${method} ${path} → ${status} ${text}`);
          assert.notEqual(status, 401);
        }
      });
    }

    it('is narrowed by the scopes of a token', async () => {
      const { tokens } = await world.marketing('acme');
      const { token } = await tokens.create({ name: 'Reader', owner: 'ada', roles: ['admin'], scopes: ['lead:read'] });
      const headers = { Authorization: `Bearer ${token}` };
      assert.equal((await world.stranger.ask('GET', '/leads', undefined, headers)).status, 200);
      assert.equal((await world.stranger.ask('GET', '/campaigns', undefined, headers)).status, 403);
    });

    it('is checked by the engine too, for whoever got past the door', async () => {
      const { campaigns, templates, webhooks } = await world.marketing('acme');
      const actor = { id: 'eve', roles: ['viewer'] as const };
      const forbidden = { code: 'E_FORBIDDEN' };
      await assert.rejects(campaigns.create({ name: 'x' }, { actor }), forbidden);
      await assert.rejects(campaigns.launch(1, { actor }), forbidden);
      await assert.rejects(templates.create({ name: 'x', type: 'email', content: {} }, { actor }), forbidden);
      await assert.rejects(webhooks.list({ actor }), forbidden);
    });

    it('is checked by the engine for services that do not ask who calls', async () => {
      const eve = { id: 'eve', roles: ['viewer'] as const };
      const { leads, segments, events } = servicesFor(eve, await world.marketing('acme'));
      const forbidden = { code: 'E_FORBIDDEN' };
      await assert.rejects(leads.upsert({ email: 'x@example.org' }), forbidden);
      await assert.rejects(leads.remove(1), forbidden);
      await assert.rejects(leads.declare('shoe', 'number'), forbidden);
      await assert.rejects(segments.create({ key: 'x', name: 'X', kind: 'static' }), forbidden);
      await assert.rejects(events.record({ type: 'signed_up', lead: 1 }), forbidden);
      assert.deepEqual((await leads.list()).leads, []);
      assert.equal(Reflect.get(leads, 'suppress'), undefined);
    });

    describe('with a token that has only', () => {
      const scoped = async (...scopes: Permission[]): Promise<Ask> => {
        const { tokens } = await world.marketing('acme');
        const { token } = await tokens.create({ name: 'Scoped', owner: 'scoped', roles: ['admin'], scopes });
        const headers = { Authorization: `Bearer ${token}` };
        return async (method, path, body) => (await world.stranger.ask(method, path, body, headers)).status;
      };

      it('segments, shows no leads', async () => {
        const ask = await scoped('segment:read', 'segment:write');
        assert.equal(await ask('POST', '/segments/preview', { conditions: 'lead.score >= 0' }), 403);
        assert.equal(await ask('POST', '/segments', { name: 'Scoped', conditions: 'lead.score >= 0' }), 201);
        assert.equal(await ask('GET', '/segments/scoped'), 200);
        assert.equal(await ask('GET', '/segments/scoped/leads'), 403);
        assert.equal(await ask('POST', '/segments/scoped/recalculate'), 200);
      });

      it('analytics, shows no leads', async () => {
        const admin = await world.client('acme');
        await admin.ask('POST', '/leads', { email: 'secret@example.org', externalId: 'secret' });
        const ask = await scoped('analytics:read', 'campaign:read');
        assert.equal(await ask('GET', '/analytics/leads/secret'), 403);
        assert.equal(await ask('GET', '/analytics/dashboard'), 200);
      });

      it('writing of leads, creates and changes them but lists none', async () => {
        const ask = await scoped('lead:write');
        assert.equal(await ask('POST', '/leads', { email: 'form@example.org', externalId: 'form' }), 201);
        assert.equal(await ask('PATCH', '/leads/form', { name: 'Form' }), 200);
        assert.equal(await ask('POST', '/events', { type: 'signed_up', lead: 'form@example.org' }), 200);
        for (const path of ['/leads', '/leads/form', '/attributes', '/leads/form/engagements'])
          assert.equal(await ask('GET', path), 403, path);
        assert.equal(await ask('DELETE', '/leads/form'), 403);
      });
    });
  });

  describe('hostile texts', function () {
    this.timeout(60_000);
    let world: World;
    let admin: Client;
    let document: OpenApi;
    before(async () => {
      world = await openWorld(db);
      admin = await world.client('acme');
      document = (await world.stranger.ask<OpenApi>('GET', '/openapi.json')).body;
      for (let i = 0; i < 3; i++) await admin.ask('POST', '/leads', { email: `ada${i}@example.org`, name: 'Ada' });
    });
    after(async () => {
      assert.deepEqual(world.incidents, []);
      await world.close();
    });

    it('in any filter, sort order or cursor find nothing that is not there, and break nothing', async () => {
      let asked = 0;
      for (const { method, path, operation } of described(document)) {
        if (method !== 'GET' || path.includes('{')) continue;
        for (const { name, in: where, schema } of operation.parameters) {
          if (where !== 'query') continue;
          for (const text of HOSTILE) {
            const { status, body, headers } = await admin.ask(
              'GET',
              `${path}?${new URLSearchParams([[name, text]]).toString()}`,
            );
            const what = `${path}?${name}=${text} → ${status} ${JSON.stringify(body)}`;
            assert.ok([200, 400, 404, 422].includes(status), what);
            assert.equal(headers['set-cookie'], undefined, what);
            const isText = [schema['type']].flat().includes('string') && schema['enum'] === undefined;
            const narrows =
              isText && !['from', 'to', 'createdFrom', 'createdTo', 'cursor', 'event', 'subjectId'].includes(name);
            if (status === 200 && narrows && text.trim() !== '' && Array.isArray(body['items']))
              assert.deepEqual(body['items'], [], what);
            asked += 1;
          }
        }
      }
      assert.ok(asked > 500, String(asked));
    });

    it('are no conditions', async () => {
      // A number is a constant, true or false of everybody: harmless, and what it says.
      for (const text of HOSTILE.filter((one) => !/^-?\d+$/.test(one))) {
        const preview = await admin.ask('POST', '/segments/preview', { conditions: text });
        const one = await admin.ask('POST', '/segments/preview', {
          conditions: [{ field: text, operator: '=', value: 1 }],
        });
        for (const { status, body } of [preview, one]) {
          assert.ok(
            status === 422 || (status === 200 && body['count'] === 0),
            `${text} → ${status} ${JSON.stringify(body)}`,
          );
        }
      }
      const always = await admin.ask('POST', '/segments/preview', { conditions: 'lead.name = "x\\" or true or \\""' });
      assert.deepEqual([always.status, always.body['count']], [200, 0]);
    });

    it('are kept as they are where a text is wanted, and have changed nothing else', async () => {
      for (const [i, text] of HOSTILE.entries()) {
        const { body } = await admin.ask('POST', '/leads', {
          email: `hostile${i}@example.org`,
          externalId: `x${i} ${text}`,
        });
        assert.ok(typeof body['id'] === 'number' || body['status'] === 422, JSON.stringify(body));
      }
      assert.equal(({} as Record<string, unknown>)['x'], undefined);
      assert.equal(Object.keys(Object.prototype).length, 0);
      const { body } = await admin.ask('GET', '/leads?search=ada');
      assert.equal((body['items'] as unknown[]).length, 3);
    });
  });
});
