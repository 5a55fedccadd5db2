import assert from 'node:assert/strict';
import { eachDatabase } from '../../kit/databases';
import { deployHello, openWorld, type Client, type JsonAnswer, type World } from './kit';

interface Thing {
  id: number;
  code?: string;
}

eachDatabase((db) => {
  describe('an Idempotency-Key', function () {
    this.timeout(60_000);
    let world: World;
    let admin: Client;

    before(async () => {
      world = await openWorld(db);
      await deployHello(await world.marketing('acme'));
      admin = await world.client('acme');
    });
    after(async () => {
      assert.deepEqual(world.incidents, []);
      await world.close();
    });

    const create = (key: string, name: string, client = admin): Promise<JsonAnswer<Thing>> =>
      client.ask<Thing & Record<string, unknown>>(
        'POST',
        '/campaigns',
        { name, definition: 'hello' },
        { 'Idempotency-Key': key },
      );
    const totalOf = async (name: string): Promise<unknown> =>
      (await admin.ask('GET', `/campaigns?search=${name}&page=1`)).body['total'];

    it('has one thing done, however often it is asked for', async () => {
      const first = await create('again', 'Again');
      const second = await create('again', 'Again');
      assert.equal(first.status, 201, first.text);
      assert.deepEqual([second.status, second.text], [201, first.text]);
      assert.equal(second.headers['idempotency-replayed'], 'true');
      assert.equal(await totalOf('Again'), 1);
      assert.equal((await create('again', 'Other')).body.code, 'E_IDEMPOTENCY_MISMATCH');
    });

    it('has one thing done for all who ask at the same moment', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => create('at-once', 'Simultaneous')));
      assert.ok(answers.every(({ status, body: { code } }) => status === 201 || code === 'E_IDEMPOTENCY_RUNNING'));
      assert.equal(await totalOf('Simultaneous'), 1);
    });

    it('keeps no answer that only shows something', async () => {
      await admin.ask('POST', '/leads', { email: 'shown@example.org' });
      const preview = (): Promise<JsonAnswer> =>
        admin.ask(
          'POST',
          '/segments/preview',
          { conditions: 'lead.email = "shown@example.org"' },
          { 'Idempotency-Key': 'look' },
        );
      assert.match((await preview()).text, /shown@example/);
      assert.equal((await preview()).headers['idempotency-replayed'], undefined);
      const { scope } = await world.marketing('acme');
      const rows = await scope.all<{ body: string | null }>(
        'SELECT body FROM marketing_idempotency WHERE tenant_id = :tenant',
      );
      assert.ok(!rows.some(({ body }) => body?.includes('shown@example')));
    });

    it('differs from another one in its letters’ case', async () => {
      assert.equal((await create('case', 'Lower')).status, 201);
      assert.equal((await create('CASE', 'Upper')).status, 201);
    });
  });
});
