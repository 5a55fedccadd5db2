import assert from 'node:assert/strict';
import { deployHello, onSqlite, openWorld, type Client, type JsonAnswer, type World } from './kit';

interface Thing {
  id: number;
  name: string;
  version: number;
  code?: string;
}
interface Listed {
  items: { id: number; name: string; email?: string }[];
  cursor?: string;
  total?: number;
}

onSqlite((db) => {
  describe('requests to the API', function () {
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

    async function campaign(name: string): Promise<Thing> {
      const { status, body, text } = await admin.ask<Thing & object>('POST', '/campaigns', {
        name,
        definition: 'hello',
      });
      assert.equal(status, 201, text);
      return body;
    }
    const statuses = (answers: readonly JsonAnswer<unknown>[]): Record<number, number> => {
      const counts: Record<number, number> = {};
      for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
      return counts;
    };

    describe('that say which version they mean', () => {
      it('change what was seen, and are refused when somebody was faster', async () => {
        const made = await campaign('Versioned');
        const seen = await admin.ask('GET', `/campaigns/${made.id}`);
        assert.equal(seen.headers.etag, '"1"');
        const first = await admin.ask('PATCH', `/campaigns/${made.id}`, { name: 'First' }, { 'If-Match': '"1"' });
        assert.deepEqual([first.status, first.headers.etag], [200, '"2"']);
        const late = await admin.ask<Thing>('PATCH', `/campaigns/${made.id}`, { name: 'Late' }, { 'If-Match': '"1"' });
        assert.deepEqual([late.status, late.body.code], [409, 'E_CONFLICT']);
        for (const [method, path] of [
          ['POST', '/launch'],
          ['POST', '/cancel'],
          ['DELETE', ''],
        ] as const) {
          const answer = await admin.ask<Thing>(method, `/campaigns/${made.id}${path}`, undefined, {
            'If-Match': '"1"',
          });
          assert.deepEqual([answer.status, answer.body.code], [409, 'E_CONFLICT'], `${method} ${path}`);
        }
        const any = await admin.ask('PATCH', `/campaigns/${made.id}`, { name: 'Any' }, { 'If-Match': '*' });
        assert.equal(any.status, 200);
        const wrong = await admin.ask<Thing>('PATCH', `/campaigns/${made.id}`, { name: 'X' }, { 'If-Match': 'x' });
        assert.deepEqual([wrong.status, wrong.body.code], [400, 'E_HEADER']);
        const lead = await admin.ask<Thing>('POST', '/leads', { email: 'match@example.org' });
        const unheard = await admin.ask<Thing>('PATCH', `/leads/${lead.body.id}`, { name: 'X' }, { 'If-Match': '"1"' });
        assert.deepEqual([unheard.status, unheard.body.code], [400, 'E_HEADER'], 'leads have no versions');
      });

      it('let one of fifty win', async () => {
        const made = await campaign('Contended');
        const answers = await Promise.all(
          Array.from({ length: 50 }, (_none, i) =>
            admin.ask('PATCH', `/campaigns/${made.id}`, { name: `Edit ${i}` }, { 'If-Match': '"1"' }),
          ),
        );
        assert.deepEqual(statuses(answers), { 200: 1, 409: 49 });
        const now = await admin.ask<Thing>('GET', `/campaigns/${made.id}`);
        assert.equal(now.body.version, 2);
      });
    });

    describe('with an Idempotency-Key', () => {
      const keyed = (key: string, body: unknown, path = '/leads'): Promise<JsonAnswer<Thing>> =>
        admin.ask<Thing & Record<string, unknown>>('POST', path, body, { 'Idempotency-Key': key });

      it('are done once, and answered alike', async () => {
        const first = await keyed('k-1', { email: 'once@example.org' });
        const again = await keyed('k-1', { email: 'once@example.org' });
        assert.equal(first.status, 201);
        assert.equal(first.headers['idempotency-replayed'], undefined);
        assert.deepEqual(
          [again.status, again.headers['idempotency-replayed'], again.headers.location, again.text],
          [201, 'true', first.headers.location, first.text],
        );
        const other = await keyed('k-1', { email: 'other@example.org' });
        assert.deepEqual([other.status, other.body.code], [422, 'E_IDEMPOTENCY_MISMATCH']);
        const elsewhere = await keyed('k-1', { name: 'x', definition: 'hello' }, '/campaigns');
        assert.equal(elsewhere.body.code, 'E_IDEMPOTENCY_MISMATCH');
        assert.equal((await keyed('no good', { email: 'x@example.org' })).body.code, 'E_HEADER');
      });

      it('are done once when they come at the same moment', async () => {
        const body = { name: 'At once', definition: 'hello' };
        const answers = await Promise.all(Array.from({ length: 10 }, () => keyed('k-2', body, '/campaigns')));
        assert.ok(answers.every(({ status, body: { code } }) => status === 201 || code === 'E_IDEMPOTENCY_RUNNING'));
        const { body: found } = await admin.ask<Listed & object>('GET', '/campaigns?search=At%20once&page=1');
        assert.equal(found.total, 1);
      });

      it('may be tried again when they failed', async () => {
        const failed = await keyed('k-3', { name: 'Later', definition: 'later' }, '/campaigns');
        assert.equal(failed.status, 404);
        const { definitions } = await world.marketing('acme');
        await definitions.deploy('another flow', [
          {
            ...{ key: 'later', name: 'Later', entry: 'start', entryMode: 'launch', onUnknown: 'hold', body: {} },
            stations: [{ step: 'start', kind: 'trigger', node: 'n9', hash: 'h', forks: false }],
          },
        ]);
        assert.equal((await keyed('k-3', { name: 'Later', definition: 'later' }, '/campaigns')).status, 201);
      });

      it('are each caller’s own, and forgotten after a day', async () => {
        await keyed('k-4', { email: 'daily@example.org' });
        const other = await world.client('acme', 'marketer');
        const same = await other.ask('POST', '/leads', { email: 'daily@example.org' }, { 'Idempotency-Key': 'k-4' });
        assert.equal(same.status, 409, 'nobody is told what somebody else was answered');
        await world.clock.advance(24 * 3_600_000 + 1);
        assert.equal((await keyed('k-4', { email: 'daily2@example.org' })).status, 201);
      });

      it('are taken up again when the first was cut off by a crash', async () => {
        const { scope } = await world.marketing('acme');
        await keyed('k-5', { email: 'crash@example.org' });
        await scope.run(
          `UPDATE marketing_idempotency SET status = NULL, body = NULL WHERE tenant_id = :tenant AND idempotency_key = 'k-5'`,
        );
        assert.equal((await keyed('k-5', { email: 'crash@example.org' })).body.code, 'E_IDEMPOTENCY_RUNNING');
        await world.clock.advance(6 * 60_000);
        assert.equal((await keyed('k-5', { email: 'crash@example.org' })).body.code, 'E_LEAD_EXISTS');
      });

      it('keep neither secrets nor people who are gone', async () => {
        const { scope } = await world.marketing('acme');
        const token = { name: 'Script', roles: ['viewer'] };
        const made = (await keyed('k-6', token, '/tokens')) as JsonAnswer<Thing & { token: string }>;
        assert.equal((await keyed('k-6', token, '/tokens')).body.code, 'E_IDEMPOTENCY_SECRET');
        const lead = await keyed('k-7', { email: 'forget@example.org' });
        const kept = async (text: string): Promise<number> => {
          const rows = await scope.all<{ body: string | null }>(
            'SELECT body FROM marketing_idempotency WHERE tenant_id = :tenant',
          );
          return rows.filter(({ body }) => body?.includes(text)).length;
        };
        assert.deepEqual([await kept(made.body.token), await kept('forget@')], [0, 1]);
        assert.equal((await admin.ask('DELETE', `/leads/${lead.body.id}`)).status, 204);
        assert.equal(await kept('forget@'), 0);
      });
    });

    describe('for lists', () => {
      it('walk over everything once, while others are added', async () => {
        const names = Array.from({ length: 57 }, (_none, i) => `Walk ${String(i).padStart(2, '0')}`);
        for (const name of names) await campaign(name);
        for (const sort of ['-createdAt', 'name', '-name', 'updatedAt', 'nextRunAt']) {
          const seen: string[] = [];
          let path: string | undefined = `/campaigns?search=Walk&limit=10&sort=${sort}`;
          while (path !== undefined) {
            const answer: JsonAnswer<Listed> = await admin.ask<Listed & Record<string, unknown>>('GET', path);
            assert.equal(answer.status, 200, answer.text);
            seen.push(...answer.body.items.map(({ name }) => name));
            const next: string | undefined = /^<\/api\/v1([^>]+)>; rel="next"$/.exec(
              String(answer.headers['link'] ?? ''),
            )?.[1];
            assert.equal(next !== undefined, answer.body.cursor !== undefined);
            path = next;
            await campaign(`Added ${sort} ${seen.length}`);
          }
          assert.deepEqual([...seen].sort(), names, sort);
        }
      });

      it('can be read by page numbers, with the total', async () => {
        const { body } = await admin.ask<Listed & Record<string, unknown>>(
          'GET',
          '/campaigns?search=Walk&limit=20&page=3&sort=name',
        );
        assert.deepEqual([body.items.length, body.items[0]?.name, body.total], [17, 'Walk 40', 57]);
        const both = await admin.ask<Thing & object>('GET', '/campaigns?page=1&cursor=x');
        assert.equal(both.status, 400);
      });

      it('filter and sort leads', async () => {
        for (let i = 0; i < 30; i++)
          await admin.ask('POST', '/leads', {
            email: `filter${i}@example.org`,
            score: i,
            country: i % 2 ? 'DE' : 'FR',
          });
        const found = await admin.ask<Listed & Record<string, unknown>>(
          'GET',
          '/leads?search=filter&country=de&minScore=10&maxScore=13',
        );
        assert.deepEqual(
          found.body.items.map(({ email }) => email),
          ['filter11@example.org', 'filter13@example.org'],
        );
        const page = await admin.ask<Listed & Record<string, unknown>>('GET', '/leads?search=filter&page=2&limit=25');
        assert.deepEqual([page.body.items.length, page.body.total], [5, 30]);
      });
    });

    it('tell why somebody was, or was not, reached', async () => {
      const made = await campaign('Why');
      const lead = await admin.ask<Thing & object>('POST', '/leads', { email: 'why@example.org' });
      const ask = (): Promise<JsonAnswer<Thing>> =>
        admin.ask<Thing & Record<string, unknown>>('GET', `/campaigns/${made.id}/why/why@example.org`);
      assert.equal((await ask()).body.code, 'E_NOT_ENROLLED');
      const { scope } = await world.marketing('acme');
      const enrollment = await scope.insert(
        `INSERT INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, reason, entered_at, ended_at)
         VALUES (:tenant, :campaign, :lead, 1, 'run:1', 'ended', 'blocked: no consent', 0, 1)`,
        { campaign: made.id, lead: lead.body.id },
      );
      assert.equal((await ask()).status, 200);
      const one = await admin.ask<Record<string, unknown>>('GET', `/enrollments/${enrollment}/why`);
      assert.deepEqual([one.status, one.body['cause'], one.body['reason']], [200, 'run:1', 'blocked: no consent']);
      assert.equal(
        (await admin.ask<Record<string, unknown>>('GET', `/enrollments/999999/why`)).body['code'],
        'E_UNKNOWN_ENROLLMENT',
      );
    });

    it('hand an attachment out as a download, whatever its name', async () => {
      const made = await campaign('Files');
      const name = 'a"b\r\nSet-Cookie: x=1; ü.pdf';
      const attached = await admin.ask<Thing & object>('POST', `/campaigns/${made.id}/attachments`, {
        ...{ name, mediaType: 'application/pdf', content: Buffer.from('%PDF').toString('base64') },
      });
      assert.equal(attached.status, 201, attached.text);
      const file = await admin.ask('GET', `/attachments/${attached.body.id}`);
      assert.deepEqual(
        [file.status, file.text, file.headers['content-type']],
        [200, '%PDF', 'application/octet-stream'],
      );
      assert.match(
        file.headers['content-disposition'] ?? '',
        /^attachment; filename="[\w. -]+"; filename\*=UTF-8''[\w.%-]+$/,
      );
      assert.equal(file.headers['set-cookie'], undefined);
    });
  });
});
